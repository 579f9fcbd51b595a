//! Hosts that keep no row of cells.

use super::*;
use crate::event::DELIVERY_DELAY;
use crate::plan::Action;
use crate::timeline::SentAction;

/// Gauges of all kinds, and more than 64 of them.
fn gauges() -> Plan {
    one_host(
        r#"interval: "2s..4s", listen_events: { "go": stop_metric("level"), "on": start_metric("level"), "show": override("level", 250, "3s") },
        metrics: [
            Metric(name: "level", value_range: (0, 100), update_interval: 1, scenario: random_walk),
            Metric(name: "rare", listen_events: ["on"], value_range: (0, 9), update_interval: "1h", scenario: random_in_range),
            Metric(name: "odd", update_interval: 1, when: "t % 7 < 4", scenario: script(source: "t + 0.12345")),
            Metric(name: "fails", update_interval: 1, scenario: script(source: "if t > 9 { 1.0 / (t - t) } else { t }")),
            Metric(name: "twice", scenario: relay_to_other_metric(source_metric_name: "level", calc_function: "value * 2")),
            Metric(name: "later", start_time: 5, duration: 8, value_range: (0, 1), update_interval: 1, scenario: random_in_range),
            Metric(repeat: Repeat(var: "i", from: 1, to: 70), name: "many_{i}", value_range: (0, 1), update_interval: 3, scenario: random_walk)]"#,
    )
}

fn action() -> impl Strategy<Value = Action> {
    let metric = 0..80usize;
    prop_oneof![
        (metric.clone(), 0.0..300.0f64, 1..9u64).prop_map(|(metric, value, secs)| {
            Action::Override { metric, value, lasts: Span::from_secs(secs), may_fall: false }
        }),
        metric.clone().prop_map(|metric| Action::Release { metric }),
        metric.clone().prop_map(Action::StopMetric),
        metric.prop_map(Action::StartMetric),
        (1..5u64).prop_map(|secs| Action::Down { lasts: Span::from_secs(secs) }),
        Just(Action::Up),
    ]
}

fn mail(plan: &Plan, (secs, kind): (f64, Result<Action, &str>), sequence: u64) -> Mail {
    let time = at(&host(plan, 0, 1), secs);
    match kind {
        Ok(action) => {
            let time = time.before(DELIVERY_DELAY);
            Mail::Action(Arc::new(SentAction { action, time, source: "api".into(), sequence }))
        }
        Err(name) => Mail::Event(Arc::new(Event {
            name: name.into(),
            source: "other".into(),
            data: serde_json::Value::Null,
            time,
            sequence,
            hops: 0,
        })),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn a_host_that_has_shed_its_row_shows_what_it_would_have_shown(
        seed: u64,
        shed_after in 0.0..20.0f64,
        mails in proptest::collection::vec(
            (0.0..30.0f64, prop_oneof![action().prop_map(Ok), proptest::sample::select(vec!["go", "on", "show"]).prop_map(Err)]),
            0..12,
        ),
    ) {
        let plan = gauges();
        let mut mails: Vec<_> = mails;
        mails.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut kept, mut shed) = (host(&plan, 0, seed), host(&plan, 0, seed));
        let (mut out, mut due, mut steps) = (Outbox::default(), kept.starts_at(), 0);
        let mut mails: VecDeque<_> = mails.into_iter().zip(0..).map(|(mail_of, n)| (at(&kept, mail_of.0), mail(&plan, mail_of, n))).collect();
        let mut is_shed = false;
        while due <= at(&kept, 40.0) {
            let now = due.min(mails.front().map_or(Time::NEVER, |(time, _)| *time)).max(kept.starts_at());
            if now >= at(&kept, shed_after) && !is_shed {
                shed.shed_row();
                is_shed = true;
            }
            let inbox: Vec<Mail> = std::iter::from_fn(|| mails.pop_front_if(|(time, _)| *time <= now).map(|(_, mail)| mail)).collect();
            let mut step = |host: &mut EmulatedHost| {
                out.clear();
                let due = host.advance(now, &inbox, &mut out);
                let row: Vec<u64> = host.shown_row().iter().map(|cell| cell.to_bits()).collect();
                (due, out.report, row, format!("{:?}", out.events))
            };
            let (expected, seen) = (step(&mut kept), step(&mut shed));
            prop_assert_eq!(&expected, &seen);
            due = expected.0;
            steps += 1;
        }
        prop_assert!(is_shed && steps > 20);
    }
}

#[test]
fn only_hosts_of_gauges_shed_their_rows() {
    let mut of_gauges = host(&gauges(), 0, 1);
    of_gauges.shed_row();
    assert!(of_gauges.row().is_empty() && of_gauges.shown_row().len() == 76);
    for more in [
        r#"metrics: [Metric(name: "a"), Metric(name: "n_total", metric_type: counter)]"#,
        r#"metrics: [Metric(name: "a")], faults: [gap(at: "1s", lasts: "1s")]"#,
    ] {
        let mut other = host(&one_host(more), 0, 1);
        other.shed_row();
        assert!(!other.row().is_empty(), "{more}");
    }
}
