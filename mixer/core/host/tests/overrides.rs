//! Overridden metrics.

use super::*;
use crate::event::DELIVERY_DELAY;
use crate::plan::Action;
use crate::timeline::SentAction;

const HOST: &str = r#"interval: "1s", metrics: [
    Metric(name: "load", value_range: (0, 100), update_interval: "1s", scenario: random_walk),
    Metric(name: "twice", scenario: relay_to_other_metric(source_metric_name: "load", calc_function: "value * 2")),
    Metric(name: "n_total", metric_type: counter, update_interval: "1s", value_range: (1, 1), scenario: random_in_range),
    Metric(name: "took", metric_type: histogram, update_interval: "1s", value_range: (0, 10), buckets: [1, 5], scenario: random_in_range)]"#;

/// Offset of each metric's cells.
fn offsets(plan: &Plan) -> Vec<usize> {
    plan.hosts[0].shape.metrics.iter().map(|metric| metric.offset).collect()
}

fn show(metric: usize, value: f64, lasts: Span) -> Action {
    Action::Override { metric, value, lasts, may_fall: false }
}

/// The mail of an action that acts then.
fn mail(action: Action, acts_at: Time) -> Mail {
    let time = acts_at.before(DELIVERY_DELAY);
    Mail::Action(Arc::new(SentAction { action, time, source: "api".into(), sequence: 0 }))
}

/// The rows that a host shows each second, with actions at their times.
fn shown(plan: &Plan, until_secs: f64, actions: &[(f64, Action)]) -> Vec<Vec<f64>> {
    let (mut host, mut out) = (host(plan, 0, 1), Outbox::default());
    let mut actions: VecDeque<_> = actions.to_vec().into();
    let mut due = host.starts_at();
    let mut rows = Vec::new();
    while due <= at(&host, until_secs) {
        out.clear();
        let now = due;
        due = host.advance(now, &[], &mut out);
        while let Some((_, action)) = actions.pop_front_if(|(secs, _)| at(&host, *secs) <= now) {
            out.clear();
            due = host.advance(now, &[mail(action, now)], &mut out);
        }
        rows.push(host.row().to_vec());
    }
    rows
}

#[test]
fn an_overridden_gauge_shows_the_value_until_its_end_and_then_what_it_would_have_shown() {
    let plan = one_host(HOST);
    let free = shown(&plan, 10.0, &[]);
    let overridden = shown(&plan, 10.0, &[(2.0, show(0, 150.0, Span::from_nanos(2_500_000_000)))]);
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
    let totals = |actions: &[(f64, Action)]| -> Vec<f64> {
        shown(&plan, 8.0, actions).iter().map(|row| row[at_counter]).collect()
    };
    let release = Action::Release { metric: 2 };
    assert_eq!(
        totals(&[(2.0, show(2, 50.0, Span::FOREVER)), (4.0, release.clone())]),
        [1.0, 2.0, 50.0, 50.0, 50.0, 51.0, 52.0, 53.0, 54.0]
    );
    let fallen = |may_fall| {
        let put = Action::Override { metric: 2, value: 0.0, lasts: Span::FOREVER, may_fall };
        totals(&[(2.0, put), (3.0, release.clone())])[2..5].to_vec()
    };
    assert_eq!(fallen(false), [3.0, 3.0, 4.0], "it never falls by itself");
    assert_eq!(fallen(true), [0.0, 0.0, 1.0]);
}

#[test]
fn every_observation_of_an_overridden_histogram_is_the_value() {
    let plan = one_host(HOST);
    let at_histogram = offsets(&plan)[3];
    let rows = shown(&plan, 8.0, &[(2.0, show(3, 2.0, Span::FOREVER))]);
    let cells = |row: usize| rows[row][at_histogram..at_histogram + 4].to_vec();
    let (before, after) = (cells(2), cells(7));
    let grown: Vec<f64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    assert_eq!(grown, [0.0, 5.0, 0.0, 10.0], "all in the bucket up to 5");
}

#[test]
fn an_action_about_a_metric_that_the_host_does_not_have_is_ignored() {
    let plan = one_host(HOST);
    let changed = shown(&plan, 3.0, &[(2.0, show(99, 7.0, Span::FOREVER)), (2.0, Action::OpenFault(99))]);
    assert_eq!(changed, shown(&plan, 3.0, &[]));
}
