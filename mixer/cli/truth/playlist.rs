//! The timetable of a playlist: that of each item, from where it begins in the first round.

use promemu_core::config::ConfigFile;
use promemu_core::error::Error;
use promemu_core::fault::Course;
use promemu_core::rng::{Seed, random_seed};
use promemu_core::time::{Span, Time};
use promemu_core::timeline::TruthRecords;
use promemu_run::clock::wall_now;

use super::{RECORDS_MAX, row, timetable};
use crate::playlist;
use crate::settings::Settings;
use crate::{stdout, table};

/// Prints the timetable, up to `span` if it is given: times count from the start of the playlist.
pub(super) fn truth(settings: &Settings, file: &ConfigFile, span: Option<Span>) -> Result<(), Error> {
    let playlist = playlist::open(settings, file)?;
    let start = wall_now();
    let until = span.map_or(Time::NEVER, |span| start + span);
    let seed = Seed::new(settings.cli().seed.unwrap_or_else(random_seed));
    let (mut rows, mut begin) = (Vec::new(), start);
    for item in &playlist.items {
        let plan = playlist::load(settings, item, begin)?.plan;
        let end = begin + playlist::length_with_end(item, &plan);
        let [from, to] = [begin, end].map(|time| time.since(start).to_string());
        let nothing = String::new;
        rows.push([
            from,
            to,
            "run".to_owned(),
            item.name.clone(),
            nothing(),
            nothing(),
            nothing(),
            nothing(),
        ]);
        let course = Course::new(begin, seed);
        let records = TruthRecords::new(&plan, course).take_while(|record| record.begin < end.min(until));
        rows.extend(records.take(RECORDS_MAX).map(|record| row(&record, start)));
        if !playlist.is_at_once {
            begin = end + playlist.cooldown;
        }
        if begin >= until || rows.len() > RECORDS_MAX {
            break;
        }
    }
    let width = table::width();
    let note = format!("They run {}.", playlist::rounds(&playlist));
    let text = [timetable(rows, width), "\n".to_owned(), table::paragraph(&note, 0, width)].concat();
    stdout::print(text.as_bytes())
}
