//! `promemu truth`: the timetable of a config, its phases and faults, or that of a playlist, without running it.

mod playlist;

use promemu_core::error::Error;
use promemu_core::fault::Course;
use promemu_core::plan::Plan;
use promemu_core::rng::{Seed, random_seed};
use promemu_core::time::{Span, Time};
use promemu_core::timeline::{TruthRecord, TruthRecords};
use promemu_run::clock::wall_now;

use crate::args::TruthArgs;
use crate::settings::{Settings, positive};
use crate::table::{self, prose, spare, table, whole};
use crate::{config, stdout};

/// The length without `--for` of a timetable without an end.
const DEFAULT_SPAN: Span = Span::from_secs(3_600);
/// Maximum number of records.
const RECORDS_MAX: usize = 10_000;

/// Prints the timetable: times count from the start of the run.
pub(crate) fn truth(settings: &Settings, args: &TruthArgs) -> Result<(), Error> {
    let span = args.span.as_deref().map(|text| positive("--for or PME_TRUTH_FOR", text)).transpose()?;
    let start = wall_now();
    let file = config::open(settings, &args.name)?;
    if file.is_playlist() {
        return playlist::truth(settings, &file, span);
    }
    let plan = config::load(settings, &file, start)?.plan;
    let span = span.unwrap_or_else(|| default_span(&plan));
    let until = start + span;
    let seed = settings.cli().seed.unwrap_or_else(random_seed);
    let course = Course::new(start, Seed::new(seed));
    let mut records = TruthRecords::new(&plan, course).take_while(|record| record.begin < until);
    let rows: Vec<_> = records.by_ref().take(RECORDS_MAX).map(|record| row(&record, start)).collect();
    let width = table::width();
    let on_events = on_events(&plan);
    if rows.is_empty() && !on_events.is_empty() {
        return stdout::print(table::paragraph(&on_events, 0, width).as_bytes());
    }
    if rows.is_empty() {
        let text = format!("{} has no phases, and no faults in its first {span}.", plan.config);
        return stdout::print(table::paragraph(&text, 0, width).as_bytes());
    }
    let mut text = timetable(rows, width);
    if records.next().is_some() {
        let note = format!("There are more than these {RECORDS_MAX}; shorten --for.");
        text.push('\n');
        text.push_str(&table::paragraph(&note, 0, width));
    }
    let has_jitter = plan.faults.iter().any(|fault| fault.times.jitter > Span::ZERO);
    let of_seed = has_jitter.then(|| format!("Faults with a jitter begin at the times of --seed {seed}."));
    for note in of_seed.into_iter().chain(Some(on_events).filter(|note| !note.is_empty())) {
        text.push('\n');
        text.push_str(&table::paragraph(&note, 0, width));
    }
    stdout::print(text.as_bytes())
}

/// A table of phases and faults.
fn timetable(rows: Vec<[String; 8]>, width: Option<u16>) -> String {
    let columns = [
        whole("BEGIN"),
        whole("END"),
        whole("TYPE"),
        whole("ID"),
        spare("KIND"),
        spare("TARGET"),
        spare("ROOT"),
        prose("ALERTS"),
    ];
    table(columns, rows, 0, width)
}

/// The faults that begin on events, in sentences; empty if there are none. Their times are known when they have happened.
fn on_events(plan: &Plan) -> String {
    let faults = plan.faults.iter().filter(|fault| !fault.on.is_empty()).map(|fault| {
        let events: Vec<String> = fault.on.iter().map(ToString::to_string).collect();
        format!("Fault {} begins on the event {}.", fault.id, events.join(" or "))
    });
    faults.collect::<Vec<_>>().join(" ")
}

/// The length of the timeline with all its repetitions; an hour if it has no end, or there is none.
pub(crate) fn default_span(plan: &Plan) -> Span {
    let length = plan.timeline.length.times(plan.timeline.repeat);
    if length == Span::ZERO || length == Span::FOREVER { DEFAULT_SPAN } else { length }
}

fn row(record: &TruthRecord<'_>, start: Time) -> [String; 8] {
    let TruthRecord { subject, id, kind, target, begin, end, truth } = record;
    let end = if *end == Time::NEVER { "never".to_owned() } else { end.since(start).to_string() };
    let begin = begin.since(start).to_string();
    let alerts = truth.alerts.join(", ");
    let [subject, id, kind, root] = [subject.name(), id, kind, &truth.root].map(str::to_owned);
    [begin, end, subject, id, kind, target.clone(), root, alerts]
}
