//! Overridden metrics.

use super::*;
use crate::host::HostCommand;

const HOST: &str = r#"interval: "1s", metrics: [
    Metric(name: "load", value_range: (0, 100), update_interval: "1s", scenario: random_walk),
    Metric(name: "twice", scenario: relay_to_other_metric(source_metric_name: "load", calc_function: "value * 2")),
    Metric(name: "n_total", metric_type: counter, update_interval: "1s", value_range: (1, 1), scenario: random_in_range),
    Metric(name: "took", metric_type: histogram, update_interval: "1s", value_range: (0, 10), buckets: [1, 5], scenario: random_in_range)]"#;

/// Offset of each metric's cells.
fn offsets(plan: &Plan) -> Vec<usize> {
    plan.hosts[0].shape.metrics.iter().map(|metric| metric.offset).collect()
}

fn show(metric: usize, value: f64, until: Time) -> HostCommand {
    HostCommand::Show { metric, value, until, may_fall: false }
}

/// The rows that a host shows each second, with commands at their times.
fn shown(plan: &Plan, until_secs: f64, commands: &[(f64, HostCommand)]) -> Vec<Vec<f64>> {
    let (mut host, mut out) = (host(plan, 0, 1), Outbox::default());
    let mut commands: VecDeque<_> = commands.to_vec().into();
    let mut due = host.starts_at();
    let mut rows = Vec::new();
    while due <= at(&host, until_secs) {
        out.clear();
        let now = due;
        due = host.advance(now, &[], &mut out);
        while let Some((_, command)) = commands.pop_front_if(|(secs, _)| at(&host, *secs) <= now) {
            host.apply(&command, now);
            out.clear();
            due = host.advance(now, &[], &mut out);
        }
        rows.push(host.row().to_vec());
    }
    rows
}

#[test]
fn an_overridden_gauge_shows_the_value_until_its_end_and_then_what_it_would_have_shown() {
    let plan = one_host(HOST);
    let until = at(&host(&plan, 0, 1), 4.5);
    let free = shown(&plan, 10.0, &[]);
    let overridden = shown(&plan, 10.0, &[(2.0, show(0, 150.0, until))]);
    let loads: Vec<f64> = overridden.iter().map(|row| row[0]).collect();
    assert_eq!(loads[..2], [free[0][0], free[1][0]]);
    assert_eq!(loads[2..5], [150.0; 3], "also beyond its range, and at once");
    assert_eq!(overridden[3][1..2], [300.0], "what is calculated from it follows");
    assert_eq!(loads[5..6], free[4][..1], "the override ends at its time, between two updates");
    // Reports, whose rhythm begins anew then, show each value twice.
    let mut later = loads[6..].to_vec();
    later.dedup();
    assert_eq!(later, free[5..].iter().map(|row| row[0]).collect::<Vec<_>>(), "with the same draws");
}

#[test]
fn a_counter_stands_where_it_is_put_and_goes_on_from_there() {
    let plan = one_host(HOST);
    let at_counter = offsets(&plan)[2];
    let totals = |commands: &[(f64, HostCommand)]| -> Vec<f64> {
        shown(&plan, 8.0, commands).iter().map(|row| row[at_counter]).collect()
    };
    let release = HostCommand::Release { metric: 2 };
    assert_eq!(
        totals(&[(2.0, show(2, 50.0, Time::NEVER)), (4.0, release)]),
        [1.0, 2.0, 50.0, 50.0, 50.0, 51.0, 52.0, 53.0, 54.0]
    );
    let fallen = |may_fall| {
        let command = HostCommand::Show { metric: 2, value: 0.0, until: Time::NEVER, may_fall };
        totals(&[(2.0, command), (3.0, release)])[2..5].to_vec()
    };
    assert_eq!(fallen(false), [3.0, 3.0, 4.0], "it never falls by itself");
    assert_eq!(fallen(true), [0.0, 0.0, 1.0]);
}

#[test]
fn every_observation_of_an_overridden_histogram_is_the_value() {
    let plan = one_host(HOST);
    let at_histogram = offsets(&plan)[3];
    let rows = shown(&plan, 8.0, &[(2.0, show(3, 2.0, Time::NEVER))]);
    let cells = |row: usize| rows[row][at_histogram..at_histogram + 4].to_vec();
    let (before, after) = (cells(2), cells(7));
    let grown: Vec<f64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    assert_eq!(grown, [0.0, 5.0, 0.0, 10.0], "all in the bucket up to 5");
}

#[test]
fn a_host_that_does_not_run_ignores_commands() {
    let plan = one_host(HOST);
    let mut host = host(&plan, 0, 1);
    host.apply(&show(0, 7.0, Time::NEVER), START);
    let mut out = Outbox::default();
    host.advance(at(&host, 0.0), &[], &mut out);
    assert_ne!(host.row()[..1], [7.0]);
    host.apply(&show(99, 7.0, Time::NEVER), at(&host, 0.0));
}
