//! Copies of hosts in the middle of their life.

use super::*;

/// All kinds of state: scenarios that hold others, counters, histograms, summaries, storage, faults, pools.
const ALL: &str = r#"interval: "2s..4s", storage: { "n": 0 },
    listen_events: { "go": [emit("own"), stop_metric("level")], "own": start_metric("level") },
    faults: [nan(probability: 0.3), gap(metrics: ["level"], every: "11s", lasts: "3s"), counter_reset(every: "7s")],
    metrics: [
        Metric(name: "level", value_range: (0, 100), update_interval: 1, scenario: random_walk),
        Metric(name: "rate_total", metric_type: counter, value_range: (0, 9), accumulate: per_second, scenario: random_in_range),
        Metric(name: "mixed", value_range: (0, 999), update_interval: 1, scenario: sum(of: [
            brownian(base: 50, volatility: 3, reversion: 0.1), delay(of: burst(interval: "7s", duration: "2s", intensity: 3), by: "3s"),
            switch_scenario_by_events(events_config: { "own": (scenario: sine_wave(period: 9), duration: "8s") })])),
        Metric(name: "on", scenario: feature_toggle(start_time: 3, duration: 4, interval: 5)),
        Metric(name: "written", update_interval: 1, scenario: script(source: "host.storage.n += 1; host.storage.n + random(0, 1)")),
        Metric(name: "took_seconds", metric_type: histogram, buckets: [0.1, 1], observations: 9, scenario: random_in_range(value_range: (0, 2))),
        Metric(name: "size", metric_type: summary, observations: 9, value_range: (0, 99), scenario: random_in_range),
        Metric(name: "twice", scenario: relay_to_other_metric(source_metric_name: "level", calc_function: "value * 2"))],
    pools: [Pool(count: "3 + 2 * sin(t)", max: 9, count_interval: "3s", lifetime: "4s..9s", labels: { "id": "{uuid()}" }, metrics: [
        Metric(name: "age", update_interval: 1, scenario: time_duration), Metric(name: "luck", update_interval: 2, scenario: random_in_range(value_range: (0, 9)))])]"#;

/// All that is seen of a host from here on.
fn seen(host: &mut DrivenHost, until: Time) -> Vec<String> {
    let (mut out, mut seen) = (Outbox::default(), Vec::new());
    while let Some(at) = host.step(until, &mut out) {
        let bits = |cells: &[f64]| cells.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>();
        let members = out.members.iter().map(|change| {
            let shown = host.host().slot(change.pool, change.slot);
            shown.map(|(labels, cells)| (labels.clone(), bits(cells)))
        });
        let members: Vec<_> = members.collect();
        let host = host.host();
        seen.push(format!("{at:?} {} {:?} {members:?} {:?}", out.report, bits(host.row()), out.events));
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn a_copy_of_a_host_goes_on_as_the_host_does(seed: u64, copied_after in 0.0..30.0f64) {
        let mut first = DrivenHost::new(host(&one_host(ALL), 0, seed));
        let at = |secs| START + Span::from_secs_f64(secs).unwrap();
        let data = serde_json::Value::Null;
        for (sequence, secs) in [(0, 4.0), (1, 17.0), (2, copied_after)] {
            let (name, source) = ("go".into(), "other".into());
            first.post([Arc::new(Event { name, source, data: data.clone(), time: at(secs), sequence, hops: 0 })]);
        }
        seen(&mut first, at(copied_after));
        let (mut second, mut third) = (first.try_clone().unwrap(), first.try_clone().unwrap());
        let future = seen(&mut first, at(60.0));
        prop_assert!(future.len() > 30);
        prop_assert_eq!(&seen(&mut second, at(60.0)), &future);
        prop_assert_eq!(&seen(&mut third, at(60.0)), &future);
    }
}
