//! A look at a plan before it runs: the charts that its page would open with, drawn in virtual time.
//!
//! A [`VirtualRun`] passes through it, moment by moment.

use std::sync::Arc;

use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_core::stop::Stop;
use promemu_core::time::{Span, Time};
use promemu_core::timeline::{TruthRecord, TruthSubject, records_between};

use crate::handle::ChartView;
use crate::virtual_run::VirtualRun;

/// Number of moments of a chart.
const MOMENTS: u64 = 120;
/// The length of a preview: at least, and at most if a timeline is longer.
const LENGTH_MIN: Span = Span::from_secs(600);
const LENGTH_MAX: Span = Span::from_secs(7_200);
/// Plans with more series take too long.
const SERIES_MAX: usize = 20_000;
/// The range of a rate, at least, and the moments that it has, at least.
const RATE_RANGE: Span = Span::from_secs(31);
const MOMENTS_OF_RATE: u64 = 4;
/// The most times of one phase or fault.
const OF_ONE_MAX: usize = 16;
/// Charts are chosen once all hosts have begun, or after so many moments.
const BEGIN_MOMENTS: u64 = 8;

/// The wanted charts.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The first ones, at most this many.
    First(usize),
    /// Those of these families, as far as the plan has them.
    Families(Vec<String>),
}

/// A plan's charts in virtual time.
#[derive(Debug)]
pub struct Preview {
    /// The start of the run.
    pub start: Time,
    /// The moments of all lines.
    pub times: Vec<Time>,
    /// The charts, each with the values of its lines at these moments.
    pub charts: Vec<PreviewChart>,
    /// The phases and faults, in order of begin.
    pub spans: Vec<PreviewSpan>,
}

/// One chart of a preview.
#[derive(Debug)]
pub struct PreviewChart {
    /// The family and the lines.
    pub chart: ChartView,
    /// The type of the family.
    pub metric_type: &'static str,
    /// The unit; empty without one.
    pub unit: String,
    /// The values, line by line.
    pub values: Vec<Vec<Option<f64>>>,
}

/// One time of a phase or a fault.
#[derive(Debug)]
pub struct PreviewSpan {
    /// `true` for a fault, `false` for a phase.
    pub is_fault: bool,
    /// The name of the phase, or the id of the fault.
    pub name: String,
    /// Its begin.
    pub begin: Time,
    /// Its end; [`Time::NEVER`] if it has none.
    pub end: Time,
}

impl PreviewSpan {
    fn of(record: &TruthRecord<'_>) -> Self {
        let is_fault = record.subject == TruthSubject::Fault;
        Self { is_fault, name: record.id.to_owned(), begin: record.begin, end: record.end }
    }
}

/// Draws a plan that would start then. The error says in words why it cannot be drawn.
pub fn preview(
    plan: &Arc<Plan>,
    (seed, start): (u64, Time),
    wanted: &Wanted,
    stop: &Stop,
) -> Result<Preview, String> {
    if plan.series_count() > SERIES_MAX {
        return Err(format!("it has {} series, too many to draw it at once", plan.series_count()));
    }
    let length = plan.timeline.length.clamp(LENGTH_MIN, LENGTH_MAX);
    let apart = Span::from_nanos(length.as_nanos() / MOMENTS);
    let rate_range = RATE_RANGE.max(apart.times(MOMENTS_OF_RATE));
    let mut run = VirtualRun::new(plan, seed, start, rate_range).map_err(|error: Error| error.to_string())?;
    let (mut times, mut rows, mut charts) = (Vec::new(), Vec::new(), Vec::new());
    let mut ids: Vec<Arc<str>> = Vec::new();
    for moment in 1..=MOMENTS {
        if stop.is_set() {
            return Err("it takes too long to draw it".to_owned());
        }
        let now = start + apart.times(moment);
        run.advance(now, stop);
        let may_be_whole = moment >= BEGIN_MOMENTS || run.has_begun_all();
        if charts.is_empty() && may_be_whole {
            charts = match wanted {
                Wanted::First(count) => run.first_charts().into_iter().take(*count).collect(),
                Wanted::Families(families) => families.iter().filter_map(|name| run.chart(name)).collect(),
            };
            ids = charts.iter().flat_map(ChartView::ids).collect();
        }
        times.push(now);
        rows.push(if ids.is_empty() { Vec::new() } else { run.read(&ids) });
    }
    let records = records_between(plan, run.course(), (start, start + length), OF_ONE_MAX);
    let spans = records.iter().map(PreviewSpan::of).collect();
    Ok(Preview { start, charts: with_values(plan, charts, &rows), times, spans })
}

/// The charts with the columns of these rows.
fn with_values(plan: &Plan, charts: Vec<ChartView>, rows: &[Vec<Option<f64>>]) -> Vec<PreviewChart> {
    let mut first = 0;
    let of = |chart: ChartView| {
        let columns = first..first + chart.lines.len();
        first = columns.end;
        let column = |at: usize| rows.iter().map(|row| row.get(at).copied().flatten()).collect();
        let family = plan.families.iter().find(|family| *family.name == *chart.metric);
        PreviewChart {
            metric_type: family.map_or("gauge", |family| family.metric_type.name()),
            unit: family.map_or_else(String::new, |family| family.unit.to_string()),
            values: columns.map(column).collect(),
            chart,
        }
    };
    charts.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use promemu_core::config::{ConfigFile, LoadOptions};

    const START: Time = Time::from_unix_secs(1_767_600_000);

    fn drawn(text: &str, wanted: &Wanted) -> Result<Preview, String> {
        let plan = ConfigFile::from_text("test", text).plan(&LoadOptions::starting_at(START)).unwrap().plan;
        preview(&Arc::new(plan), (1, START), wanted, &Stop::new())
    }

    const SHOP: &str = r#"Config(levers: { "rate": 10 },
        faults: [Fault(id: "rush", at: "5m", lasts: "1m", set: { "rate": 30 })],
        hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "web-{i}", metrics: [
            Metric(name: "requests_total", metric_type: counter, accumulate: per_second, update_interval: "1s", scenario: script(source: "run.rate")),
            Metric(name: "level", default_value: 7)])])"#;

    #[test]
    fn a_plan_is_drawn_as_its_page_would_be_with_rates_and_faults() {
        let Preview { times, charts, spans, .. } = drawn(SHOP, &Wanted::First(1)).unwrap();
        assert_eq!((times.len(), charts.len()), (120, 1));
        let PreviewChart { chart, metric_type, values, .. } = &charts[0];
        assert_eq!(
            (&*chart.metric, *metric_type, chart.lines.len()),
            ("requests_total", "counter", values.len())
        );
        let at =
            |secs: u64| times.iter().position(|time| time.since(START) == Span::from_secs(secs)).unwrap();
        let of_host = |secs: u64| values.last().unwrap()[at(secs)].unwrap();
        assert!((of_host(250) - 10.0).abs() < 0.1, "{}", of_host(250));
        assert!(of_host(355) > 20.0, "within the fault: {}", of_host(355));
        let rush = spans.iter().find(|span| span.name == "rush").unwrap();
        assert!(rush.is_fault && rush.end.since(rush.begin) == Span::from_secs(60));
    }

    #[test]
    fn named_families_are_drawn_and_plans_of_too_many_series_are_not() {
        let charts =
            drawn(SHOP, &Wanted::Families(vec!["level".to_owned(), "none".to_owned()])).unwrap().charts;
        assert_eq!(charts.len(), 1);
        assert!(charts[0].values.iter().all(|line| line[119] == Some(7.0)), "{charts:?}");
        let many = SHOP.replace("to: 2", "to: 20000");
        assert!(drawn(&many, &Wanted::First(1)).unwrap_err().contains("too many"));
    }
}
