//! Series that come and go.

use indexmap::{IndexMap, IndexSet};

use super::*;
use crate::series::SeriesStore;

const METRICS: &str = r#"metrics: [Metric(name: "age", update_interval: 1, scenario: time_duration)]"#;

/// A host whose only metrics are in pools, reporting every second.
fn churning(pools: &str) -> Plan {
    one_host(&format!(r#"interval: "1s", pools: [Pool({pools}, {METRICS})]"#))
}

/// A host and the store that it shows itself in.
struct Shown {
    plan: Plan,
    host: EmulatedHost,
    store: SeriesStore,
    out: Outbox,
    due: Time,
    changes: usize,
}

impl Shown {
    fn of(plan: Plan, seed: u64) -> Self {
        let host = host(&plan, 0, seed);
        let (store, due) = (plan.store(&plan.jobs[0]), host.starts_at());
        Self { plan, host, store, out: Outbox::default(), due, changes: 0 }
    }

    /// Lets time pass, with an event at its end.
    fn run_to(&mut self, secs: f64, event: Option<&str>) {
        let until = at(&self.host, secs);
        let place = Place(0);
        while self.due < until || (event.is_none() && self.due == until) {
            self.out.clear();
            let now = self.due;
            self.due = self.host.advance(now, &[], &mut self.out);
            assert!(self.due > now, "time goes on");
            if self.out.report {
                self.changes += self.out.members.len();
                place.report(&self.host, &self.out.members, &mut self.store);
            }
        }
        if let Some(name) = event {
            let data = serde_json::Value::Null;
            let event =
                Event { name: name.into(), source: "other".into(), data, time: until, sequence: 0, hops: 0 };
            self.out.clear();
            self.due = self.host.advance(until, &[Mail::Event(Arc::new(event))], &mut self.out);
            if self.out.report {
                place.report(&self.host, &self.out.members, &mut self.store);
            }
        }
    }

    /// A new store with everything that the host shows.
    fn anew(&self) -> SeriesStore {
        let mut store = self.plan.store(&self.plan.jobs[0]);
        Place(0).report_all(&self.host, &mut store);
        store
    }

    /// Goes on with another store, as after a reload.
    fn reload(&mut self) {
        let mut store = self.plan.store(&self.plan.jobs[0]);
        (0..store.rows()).for_each(|row| store.inherit(row, &self.store, row));
        self.store = store;
    }

    /// The values of the first family's series by one of their labels.
    fn by(&self, label: &str) -> IndexMap<String, f64> {
        let samples = self.store.samples(0);
        samples.map(|sample| (sample.host_labels.get(label).unwrap().to_owned(), sample.cells[0])).collect()
    }
}

/// The labels of all series of the first family, and their values.
fn seen(store: &SeriesStore) -> Vec<(String, u64)> {
    let text = |labels: &LabelBlock| String::from_utf8(labels.as_text().to_vec()).unwrap();
    store.samples(0).map(|sample| (text(sample.host_labels), sample.cells[0].to_bits())).collect()
}

#[test]
fn pools_have_labels_behind_their_hosts_and_first_values_at_once() {
    let mut shown =
        Shown::of(churning(r#"count: 3, labels: { "id": "{slot}-{name}-{sequence()}", "zone": "z" }"#), 1);
    shown.run_to(0.0, None);
    let labels: Vec<String> = shown
        .store
        .samples(0)
        .map(|sample| String::from_utf8(sample.host_labels.as_text().to_vec()).unwrap())
        .collect();
    assert_eq!(labels.len(), 3);
    assert!(
        labels[2].ends_with(r#"id="2-a-3",zone="z""#) && labels[2].starts_with(r#"name="a""#),
        "{labels:?}"
    );
    let own: Vec<String> = shown
        .store
        .pools_of(0)
        .flat_map(|(_, labels)| labels)
        .map(|labels| String::from_utf8(labels.as_text().to_vec()).unwrap())
        .collect();
    assert_eq!(own, [r#"id="0-a-1",zone="z""#, r#"id="1-a-2",zone="z""#, r#"id="2-a-3",zone="z""#]);
    shown.run_to(7.0, None);
    assert_eq!(shown.by("id").values().copied().collect::<Vec<_>>(), [7.0; 3]);
    assert_eq!((shown.store.rows_present(), shown.store.series_count()), (1, 3));
}

#[test]
fn members_end_and_others_come_after_them() {
    let mut shown =
        Shown::of(churning(r#"count: 50, lifetime: "10s..20s", labels: { "id": "{uuid()}" }"#), 1);
    let mut seen: IndexSet<String> = IndexSet::new();
    for secs in 0..300 {
        shown.run_to(f64::from(secs), None);
        let now = shown.by("id");
        assert_eq!(now.len(), 50, "at {secs}");
        assert!(now.values().all(|age| *age <= 20.0));
        seen.extend(now.into_keys());
    }
    assert!((900..1200).contains(&seen.len()), "50 · 300 / 15 and the first ones, about: {}", seen.len());
    assert!(seen.iter().all(|id| id.len() == 36 && &id[14..15] == "4"));
}

#[test]
fn each_member_counts_in_a_storage_of_its_own_that_begins_empty() {
    for (key, count) in [
        ("storage.n", "storage.n = (storage.n ?? 0) + 1; storage.n"),
        ("storage[name]", "let name = `n${7}`; storage[name] = (storage[name] ?? 0) + 1; storage[name]"),
    ] {
        let plan = one_host(&format!(
            "interval: \"1s\", pools: [Pool(count: 2, lifetime: 4, labels: {{ \"id\": \"{{slot}}-{{generation}}\" }}, metrics: [
                Metric(repeat: Repeat(var: \"i\", from: 1, to: 2), name: \"m_{{i}}\", update_interval: 1, scenario: script(source: \"{count}\"))])]"
        ));
        let (mut shown, mut counts) = (Shown::of(plan, 1), IndexMap::<String, f64>::new());
        for secs in 0..20 {
            shown.run_to(f64::from(secs), None);
            for (id, value) in shown.by("id") {
                let before = counts.insert(id.clone(), value).unwrap_or_default();
                assert!(value.to_bits() == (before + 1.0).to_bits(), "{key} of {id}: {before}, then {value}");
            }
        }
        assert!(counts.len() >= 8, "{key}: {counts:?}");
    }
}

#[test]
fn at_the_start_members_are_in_the_middle_of_their_lives() {
    let mut shown = Shown::of(churning(r#"count: 100, lifetime: 100, labels: { "id": "{sequence()}" }"#), 1);
    shown.run_to(50.0, None);
    let replaced = shown.by("id").keys().filter(|id| id.parse::<u32>().unwrap() > 100).count();
    assert!((35..65).contains(&replaced), "{replaced}");
    shown.run_to(101.0, None);
    assert!(shown.by("id").keys().all(|id| id.parse::<u32>().unwrap() > 100));
}

#[test]
fn as_many_members_are_there_at_the_start_as_later() {
    for (pause, alive) in [("1m", 500), ("3m", 250), ("0s..2m", 500)] {
        let pools =
            format!(r#"count: 1000, lifetime: "1m", pause: "{pause}", labels: {{ "id": "{{uuid()}}" }}"#);
        let mut shown = Shown::of(churning(&pools), 1);
        for secs in (0..600).step_by(10) {
            shown.run_to(f64::from(secs), None);
            let now = shown.by("id").len();
            assert!(now.abs_diff(alive) < 80, "{pause} at {secs} s: {now}");
        }
    }
}

#[test]
fn a_host_that_starts_late_has_members_in_the_middle_of_their_lives() {
    let pools = r#"count: 200, lifetime: 100, pause: 100, labels: { "id": "{uuid()}" }"#;
    let mut host = host(&churning(pools), 0, 1);
    let late = at(&host, 3.0);
    host.skip_overdue(late);
    host.advance(late, &[], &mut Outbox::default());
    let ends: IndexSet<Time> = (0..100)
        .map(|_| {
            let due = host.pools().unwrap().due();
            host.advance(due, &[], &mut Outbox::default());
            due
        })
        .collect();
    assert!(ends.len() > 50);
}

#[test]
fn formulas_and_replacements_keep_their_rhythm_however_late_they_were() {
    let pools =
        r#"count: "floor(t)", max: 1000, count_interval: 7, replace_every: 11, labels: { "id": "{uuid()}" }"#;
    let plan = one_host(&format!(
        r#"interval: "1h", pools: [Pool({pools}, metrics: [Metric(name: "still", update_interval: "1h")])]"#
    ));
    let mut host = host(&plan, 0, 1);
    for secs in [0.0, 500.5] {
        host.skip_overdue(at(&host, secs));
        host.advance(at(&host, secs), &[], &mut Outbox::default());
    }
    let beat: Vec<f64> = (0..4)
        .map(|_| {
            let due = host.pools().unwrap().due();
            host.advance(due, &[], &mut Outbox::default());
            due.since(host.starts_at()).as_secs_f64()
        })
        .collect();
    assert_eq!(beat, [504.0, 506.0, 511.0, 517.0]);
}

#[test]
fn lives_that_were_slept_through_are_left_out() {
    for (replace, pause) in [("true", 0), ("same", 2), ("false", 0)] {
        let pools = format!(
            r#"count: 100, lifetime: 2, pause: {pause}, replace: {replace}, labels: {{ "id": "{{uuid()}}" }}"#
        );
        let plan = churning(&pools);
        let mut driven = DrivenHost::new(host(&plan, 0, 1));
        let (mut out, start) = (Outbox::default(), driven.host().starts_at());
        while driven.step(start + Span::from_secs(1), &mut out).is_some() {}
        let born = |driven: &DrivenHost| driven.host().pools().unwrap().born();
        let (before, late) = (born(&driven), start + Span::from_secs(100_000));
        assert!(driven.skip_overdue(late) >= 100, "they are counted");
        let mut steps = 0;
        while driven.step(late, &mut out).is_some() {
            steps += 1;
        }
        assert!(born(&driven) - before <= 200 && steps < 500, "{replace}: {} {steps}", born(&driven));
        let mut counts = IndexSet::new();
        for secs in 0..8 {
            while driven.step(late + Span::from_secs(secs), &mut out).is_some() {}
            counts.insert((0..100).filter(|slot| driven.host().slot(0, *slot).is_some()).count());
        }
        let expected = match replace {
            "true" => 100..=100,
            "same" => 30..=70,
            _ => 0..=0,
        };
        assert!(counts.iter().all(|count| expected.contains(count)), "{replace}: {counts:?}");
    }
}

#[test]
fn an_event_that_matches_two_subscriptions_is_handled_once() {
    let text = r#"interval: "10s", listen_events: { "go": emit("own") }, pools: [
        Pool(count: 3, replace_on: ["swap", "swap@other"], labels: { "id": "{generation}-{slot}" }, metrics: [
            Metric(name: "n_total", metric_type: counter, scenario: calc_by_event(events_config: { "own": "value + 1" })),
            Metric(name: "talk", listen_events: ["own@own"])])]"#;
    let mut shown = Shown::of(one_host(text), 1);
    shown.run_to(5.0, Some("go"));
    assert_eq!(shown.store.samples(0).map(|sample| sample.cells[0]).collect::<Vec<_>>(), [1.0; 3]);
    shown.run_to(6.0, Some("swap"));
    shown.run_to(20.0, None);
    assert_eq!(shown.by("id").into_keys().collect::<Vec<_>>(), ["2-0", "2-1", "2-2"]);
}

#[test]
fn new_members_whose_events_replace_them_come_to_an_end() {
    let text = r#"interval: "10s", pools: [Pool(count: 1, replace_on: "born", labels: { "id": "{generation}" }, metrics: [
        Metric(name: "m", update_interval: "1h", scenario: script(source: "emit(\"born\"); value"))])]"#;
    let mut shown = Shown::of(one_host(text), 1);
    shown.run_to(0.0, None);
    assert_eq!((shown.out.events.len(), shown.out.events_dropped), (2 + usize::from(HOPS_MAX), 1));
}

#[test]
fn a_slot_whose_labels_have_failed_tries_again() {
    let pools = r#"count: 2, lifetime: 5, labels: { "id": "{slot}-{1 / (generation - 2)}" }"#;
    let mut shown = Shown::of(churning(pools), 1);
    let counts: Vec<usize> = [0.0, 6.0, 30.0]
        .map(|secs| {
            shown.run_to(secs, None);
            shown.by("id").len()
        })
        .into();
    assert_eq!(counts, [2, 0, 2]);
}

#[test]
fn slots_of_members_that_are_not_replaced_stay_empty() {
    let pools = r#"count: 20, lifetime: "5s..15s", replace: false, labels: { "id": "{slot}" }"#;
    let mut shown = Shown::of(churning(pools), 1);
    shown.run_to(4.0, None);
    assert_eq!(shown.by("id").len(), 20);
    shown.run_to(10.0, None);
    assert!((1..20).contains(&shown.by("id").len()));
    shown.run_to(100.0, None);
    assert_eq!(shown.by("id").len(), 0);
    assert_eq!(shown.host.due(), at(&shown.host, 101.0), "only the next report is due");
}

#[test]
fn intermittent_series_come_again_after_a_pause_from_the_beginning() {
    let pools = r#"count: 4, lifetime: 10, pause: 5, replace: same, labels: { "id": "{hex(8)}" }"#;
    let mut shown = Shown::of(churning(pools), 1);
    let mut first: IndexSet<String> = IndexSet::new();
    for secs in 0..6 {
        shown.run_to(f64::from(secs), None);
        first.extend(shown.by("id").into_keys());
    }
    assert_eq!(first.len(), 4);
    let mut counts = IndexSet::new();
    for secs in 6..200 {
        shown.run_to(f64::from(secs), None);
        let now = shown.by("id");
        assert!(now.keys().all(|id| first.contains(id)) && now.values().all(|age| *age <= 10.0));
        counts.insert(now.len());
    }
    assert!(counts.len() > 2 && counts.contains(&3), "{counts:?}");
}

#[test]
fn the_number_of_pools_follows_a_formula() {
    let pools =
        r#"count: "if t < 60 { 10 + floor(t / 10) * 5 } else { 3 }", max: 100, labels: { "id": "{slot}" }"#;
    let mut shown = Shown::of(churning(pools), 1);
    for (secs, count) in [(5.0, 10), (15.0, 15), (35.0, 25), (59.0, 35), (61.0, 3), (300.0, 3)] {
        shown.run_to(secs, None);
        assert_eq!(shown.by("id").len(), count, "at {secs}");
    }
    let ages: Vec<f64> = shown.by("id").into_values().collect();
    assert_eq!(ages, [300.0; 3], "the first ones stay");
}

#[test]
fn a_formula_of_pools_reads_the_hosts_metrics() {
    let text = r#"interval: "1s", metrics: [Metric(name: "load", update_interval: 1, scenario: time_duration)], pools: [
        Pool(name: "workers", count: "links.load * 2", max: 30, count_interval: 1, labels: { "id": "{slot}" }, metrics: [Metric(name: "busy", default_value: 1)])]"#;
    let mut shown = Shown::of(one_host(text), 1);
    shown.run_to(7.0, None);
    assert_eq!(shown.store.samples(1).count(), 14);
    shown.run_to(100.0, None);
    assert_eq!(shown.store.samples(1).count(), 30, "no more than max");
}

#[test]
fn series_above_the_limit_are_not_made_and_counted_once() {
    let text = r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "h-{i}", interval: "1s", metrics: [Metric(name: "stable")], pools: [
        Pool(count: "t", max: 1000, count_interval: 1, labels: { "id": "{slot}" }, metrics: [Metric(name: "a"), Metric(name: "b")])])])"#;
    let options = LoadOptions { series_max: 42, ..LoadOptions::starting_at(START) };
    let plan = ConfigFile::from_text("test", text).plan(&options).unwrap().plan;
    assert_eq!(plan.series_count(), 42);
    let mut shown = Shown::of(plan, 1);
    let mut refused = 0;
    for secs in 0..100 {
        shown.run_to(f64::from(secs), None);
        refused += shown.out.series_refused;
        assert!(shown.store.series_count() <= 21);
    }
    assert_eq!(shown.store.series_count(), 21);
    assert_eq!(refused, 2 * (99 - 10));
}

#[test]
fn an_event_or_the_time_replaces_a_share() {
    let pools = r#"count: 100, replace_on: "deploy", replace_share: 0.3, labels: { "id": "{sequence()}" }"#;
    let mut shown = Shown::of(churning(pools), 1);
    shown.run_to(10.0, None);
    let before: IndexSet<String> = shown.by("id").into_keys().collect();
    shown.run_to(10.5, Some("deploy"));
    shown.run_to(12.0, None);
    let gone = before.iter().filter(|id| !shown.by("id").contains_key(*id)).count();
    assert_eq!((gone, shown.by("id").len()), (30, 100));
    let pools = r#"count: 10, replace_every: 5, labels: { "id": "{generation}-{slot}" }"#;
    let mut shown = Shown::of(churning(pools), 1);
    shown.run_to(11.0, None);
    assert!(shown.by("id").keys().all(|id| id.starts_with("3-")), "all of them, twice");
}

#[test]
fn no_two_present_members_have_the_same_labels() {
    let pools = r#"count: 20, lifetime: "3s..30s", labels: { "user": "{zipf(25, 1.2)}", "kind": "{pick([\"a\", \"b\"])}" }"#;
    let mut shown = Shown::of(churning(pools), 1);
    let mut users: IndexMap<String, u32> = IndexMap::new();
    for secs in 0..400 {
        shown.run_to(f64::from(secs), None);
        let mut labels = IndexSet::new();
        for sample in shown.store.samples(0) {
            assert!(labels.insert(sample.host_labels.clone()), "twice: {:?}", sample.host_labels);
            *users.entry(sample.host_labels.get("user").unwrap().to_owned()).or_default() += 1;
        }
        assert!(labels.len() >= 12);
    }
    assert!(users["1"] > users["25"]);
}

#[test]
fn pools_without_free_labels_are_reported_and_counted_once() {
    let pools = r#"count: 30, lifetime: "1h", labels: { "id": "{zipf(3, 1)}" }"#;
    let mut shown = Shown::of(churning(pools), 1);
    let (mut said, mut alike) = (Vec::new(), 0);
    for secs in 0..100 {
        shown.run_to(f64::from(secs), None);
        said.append(&mut shown.out.crowded);
        alike += shown.out.series_alike;
    }
    assert_eq!((said, alike, shown.by("id").len()), (vec!["age".into()], 27, 3));
}

#[test]
fn members_handle_events_and_emit_them_as_their_host() {
    let text = r#"interval: "10s", listen_events: { "cheer": emit("heard") }, pools: [
        Pool(count: 3, labels: { "id": "{slot}" }, metrics: [
            Metric(name: "n_total", metric_type: counter, scenario: calc_by_event(events_config: { "go": "value + 1" })),
            Metric(name: "talk", listen_events: ["go"], scenario: script(source: "if event.name == \"go\" { emit(\"cheer\") } value"))])]"#;
    let mut shown = Shown::of(one_host(text), 1);
    shown.run_to(5.0, Some("go"));
    assert!(shown.out.report, "at once");
    assert_eq!(shown.store.samples(0).map(|sample| sample.cells[0]).collect::<Vec<_>>(), [1.0; 3]);
    let emitted: Vec<(&str, &str, u64)> =
        shown.out.events.iter().map(|event| (&*event.name, &*event.source, event.sequence)).collect();
    assert_eq!(emitted[..3], [("cheer", "a", 1), ("cheer", "a", 2), ("cheer", "a", 3)]);
    assert_eq!(emitted[3..].iter().map(|(name, ..)| *name).collect::<Vec<_>>(), ["heard"; 3]);
}

#[test]
fn a_report_names_only_the_members_that_have_changed() {
    let pools = r#"count: 1000, replace_every: 10, replace_share: 0.01, labels: { "id": "{sequence()}" }"#;
    let text = format!(
        r#"interval: "1s", pools: [Pool({pools}, metrics: [Metric(name: "still", update_interval: "1h")])]"#
    );
    let mut shown = Shown::of(one_host(&text), 1);
    shown.run_to(9.0, None);
    assert_eq!(shown.changes, 1000);
    shown.run_to(100.0, None);
    assert_eq!(shown.changes, 1100);
}

#[test]
fn a_host_that_is_down_shows_no_pools() {
    let text = format!(
        r#"interval: "1s", faults: [gap(at: 3, lasts: 4)], pools: [Pool(count: 5, lifetime: "2s..9s", labels: {{ "id": "{{uuid()}}" }}, {METRICS})]"#
    );
    let mut shown = Shown::of(one_host(&text), 1);
    let counts: Vec<usize> = (0..10)
        .map(|secs| {
            shown.run_to(f64::from(secs) + 0.5, None);
            shown.by("id").len()
        })
        .collect();
    assert_eq!(counts, [5, 5, 5, 0, 0, 0, 0, 5, 5, 5]);
}

#[test]
fn series_have_the_labels_of_the_present_members_after_a_gap_and_after_a_reload() {
    for (replace, pause) in [("true", 0), ("true", 3), ("same", 3)] {
        let text = format!(
            r#"interval: "5s", faults: [gap(at: 12, lasts: 14)], pools: [Pool(count: 20, lifetime: "2s..9s", pause: {pause},
                replace: {replace}, labels: {{ "id": "{{uuid()}}" }}, {METRICS})]"#
        );
        for reload_at in [7, 14, 33] {
            let mut shown = Shown::of(one_host(&text), 1);
            for secs in 0..60 {
                shown.run_to(f64::from(secs), None);
                if secs == reload_at {
                    shown.reload();
                }
                // Reports are 5 s apart.
                if secs % 5 == 0 {
                    assert_eq!(
                        seen(&shown.store),
                        seen(&shown.anew()),
                        "{replace} {pause} {reload_at} {secs}"
                    );
                }
            }
            assert!(!seen(&shown.store).is_empty());
        }
    }
}

#[test]
fn ten_thousand_generations_leave_nothing_behind() {
    let mut shown =
        Shown::of(churning(r#"count: 10, lifetime: "500ms..1500ms", labels: { "id": "{uuid()}" }"#), 1);
    shown.run_to(20.0, None);
    let size = |shown: &Shown| shown.host.pools().unwrap().size();
    let before = size(&shown);
    shown.run_to(1100.0, None);
    let (after, born) = (size(&shown), shown.host.pools().unwrap().born());
    assert!(born > 10_000, "{born}");
    assert!(after <= 2 * before, "{before} {after}");
}

#[test]
fn many_events_leave_nothing_behind_either() {
    let text = r#"interval: "1s", pools: [Pool(count: 10, labels: { "id": "{slot}" }, metrics: [
        Metric(name: "n_total", metric_type: counter, update_interval: "1h", scenario: calc_by_event(events_config: { "go": "value + 1" }))])]"#;
    let mut shown = Shown::of(one_host(text), 1);
    (1..500).for_each(|secs| shown.run_to(f64::from(secs), Some("go")));
    assert_eq!(shown.store.samples(0).map(|sample| sample.cells[0]).collect::<Vec<_>>(), [499.0; 10]);
    let size = shown.host.pools().unwrap().size();
    assert!(size <= 40, "{size}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_is_shown_at_once_is_what_was_shown_in_parts(seed: u64, lifetime in 1..20u32, pause in 0..5u32, same: bool) {
        let replace = if same { "same" } else { "true" };
        let pools = format!(
            r#"count: "5 + 5 * floor(t % 30 / 10)", max: 20, lifetime: "{lifetime}s..25s", pause: {pause}, replace: {replace}, labels: {{ "id": "{{hex(12)}}" }}"#
        );
        let mut shown = Shown::of(churning(&pools), seed);
        for secs in 1..90 {
            shown.run_to(f64::from(secs), None);
            prop_assert_eq!(seen(&shown.anew()), seen(&shown.store));
        }
    }
}
