//! Random configs of hosts that talk to each other, and what comes to them from outside.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// One run: its config, its seed, and what comes from outside.
#[derive(Clone, Debug)]
pub(super) struct RandomRun {
    pub(super) config: String,
    pub(super) seed: u64,
    /// In order of time, in milliseconds since the start.
    pub(super) outside: Vec<(u64, Outside)>,
}

/// Something from outside.
#[derive(Clone, Debug)]
pub(super) enum Outside {
    Event {
        name: &'static str,
        source: &'static str,
    },
    /// The number of an action, and that of its host.
    Action(usize, usize),
}

/// Length of a run.
pub(super) const RUN_SECS: u64 = 40;

const METRICS: [&str; 26] = [
    r#"Metric(name: "walk", value_range: (0, 100), update_interval: "700ms", listen_events: ["named"], scenario: random_walk)"#,
    r#"Metric(name: "twice", scenario: relay_to_other_metric(source_metric_name: "walk", calc_function: "value * 2 + noise(1)"))"#,
    r#"Metric(name: "bytes_total", metric_type: counter, accumulate: per_second, value_range: (1, 9), created: true, scenario: random_in_range)"#,
    r#"Metric(name: "took_seconds", metric_type: histogram, buckets: [0.1, 0.5, 1], observations: "2 + random(0, 3)", spread: lognormal(median: 0.2, p99: 1.5), exemplars: true, scenario: random_in_range(value_range: (0, 2)))"#,
    r#"Metric(name: "wait_seconds", metric_type: native_histogram, value_range: (0, 60), observations: 40, spread: lognormal(median: 0.5, p99: 4))"#,
    r#"Metric(name: "size_bytes", metric_type: summary, value_range: (0, 1e6), window: "10s", observations: 5, scenario: random_in_range)"#,
    r#"Metric(name: "on", update_interval: 1, scenario: feature_toggle(start_time: "2300ms", duration: 4, interval: 5))"#,
    r#"Metric(name: "busy", value_range: (0, 100), update_interval: 1, scenario: load_peak_cpu)"#,
    r#"Metric(name: "heard_total", metric_type: counter, scenario: calc_by_event(events_config: { "go": "value + 1", "run_started": "value + 100", "host_stopped@any": "value + 0.5", "answer": "value + 10" }))"#,
    r#"Metric(name: "talk", update_interval: 2, listen_events: ["go", "went"], scenario: script(source: "host.storage.n += 1; if event.name == \"go\" && noise(1) > -0.5 { emit(\"answer\", host.storage.n) } host.storage.n + noise(1)"))"#,
    r#"Metric(name: "mixed", value_range: (0, 999), update_interval: 1, scenario: sum(of: [brownian(base: 50, volatility: 3, reversion: 0.1), delay(of: burst(interval: "7s", duration: "2s", intensity: 3), by: "3s")]))"#,
    r#"Metric(name: "switched", value_range: (0, 99), update_interval: 1, scenario: switch_scenario_by_events(events_config: { "go": (scenario: sine_wave(period: 9), duration: "4s"), "feature_off": () }, default_scenario: random_in_range(value_range: (40, 60))))"#,
    r#"Metric(name: "late", start_time: "5s", duration: "20s", value_range: (0, 9), scenario: random_in_range)"#,
    r#"Metric(name: "gated", when: "sin(t) > -0.5", update_interval: 1, value_range: (0, 9), scenario: random_in_range)"#,
    r#"Metric(name: "trend", value_range: (0, 100), update_interval: 1, scenario: update_by_trend(trend: up))"#,
    r#"Metric(name: "choice", update_interval: 1, scenario: variety_selection(values: [1, 2, 3], varieties: [5, 3, 1], change_probability: 0.4))"#,
    r#"Metric(name: "breaker", metric_type: stateset, states: ["closed", "half", "open"], update_interval: 1, scenario: random_in_range)"#,
    r#"Metric(name: "build_info", metric_type: info, labels: { "version": "1.2" })"#,
    r#"Metric(name: "season", update_interval: 3, scenario: product(of: [seasonal, sine_wave(period: 20)]))"#,
    r#"Metric(name: "age_seconds", scenario: time_duration)"#,
    r#"Metric(name: "linked", update_interval: 1, scenario: script(source: "dt + t * host.storage.n + random(0, 1)"))"#,
    r#"Metric(name: "fixed", value_range: (0, 9), labels: { "path": "/" }, default_value: 3, scenario: do_nothing)"#,
    r#"Metric(name: "loaded", update_interval: "900ms", scenario: script(source: "run.load * random(1, 2)"))"#,
    r#"Metric(name: "failing", update_interval: 1, when: "run.ratio > 0.05", scenario: script(source: "if run.ratio > random(0, 1) { emit(\"went\"); 1.0 } else { run.load }"))"#,
    r#"Metric(name: "faulty_total", metric_type: counter, scenario: calc_by_event(events_config: { "fault_started": "value + 1", "fault_finished@promemu": "value + 10" }))"#,
    r#"Metric(name: "phased_total", metric_type: counter, scenario: calc_by_event(events_config: { "phase_started": "value + 1", "phase_finished": "if event.data == \"p0\" { value + 10 } else { value }", "timed": "value + 100" }))"#,
];

const LEVERS: &str = r#"levers: { "load": 1, "ratio": 0.1 }"#;

const LEVER_FAULTS: &str = r#"
    Fault(id: "slow", at: 5, lasts: 4, every: 11, jitter: 3, hosts: "h-[12]", times: { "load": ramp(to: 5, over: 3) }),
    Fault(id: "wave", at: "500ms", lasts: 20, plus: { "ratio": sine(period: 7, amplitude: 0.05) }),
    Fault(id: "late", at: 20, hosts: "h-1", set: { "ratio": curve([(0, 0.2), (10, 0)]) })"#;

/// Faults of the run that hosts show.
const SHOWN_FAULTS: [&str; 11] = [
    r#"Fault(id: "gone", at: 7, lasts: 3, every: 13, jitter: "2500ms", hosts: "h-[1-3]", kind: host_down(probability: 0.7))"#,
    r#"Fault(id: "blank", at: "3500ms", lasts: 9, plus: { "load": 1 }, kind: nan(metrics: ["walk", "fix.*"], probability: 0.5))"#,
    r#"Fault(id: "reset", at: 2, every: 9, kind: counter_reset(probability: 0.8))"#,
    r#"Fault(id: "empty", lasts: 2, every: 10, hosts: "h-1", kind: gap)"#,
    r#"Fault(id: "vanished", at: "1s", lasts: 6, every: 6, kind: gap(metrics: ["walk"], probability: 0.5))"#,
    r#"Fault(id: "flaps", at: 11, lasts: 8, every: 15, hosts: "h-1", kind: flapping(up: "2s", down: "1s", jitter: "500ms"))"#,
    r#"Fault(id: "skewed", at: 15, lasts: 10, kind: clock_skew(ahead: "3s"))"#,
    r#"Fault(id: "on-go", on: ["go", "feature_off"], lasts: "1500ms", plus: { "load": ramp(to: 2, over: 1) }, kind: nan(metrics: ["walk"]))"#,
    r#"Fault(id: "on-phase", on: "phase_started@promemu", lasts: 1, hosts: "h-[12]", set: { "ratio": 0.9 }, kind: host_down(probability: 0.5))"#,
    r#"Fault(id: "on-answer", on: ["answer@h-1", "mourn", "fault_nan_started"], kind: counter_reset)"#,
    r#"Fault(id: "held", at: 6, lasts: 12, every: 20, kind: late(by: "2s", probability: 0.4))"#,
];

/// Changes of levers by a phase.
const PHASE_SETS: [&str; 6] = [
    r#""load": ramp(to: 6, over: "2s")"#,
    r#""load": 2"#,
    r#""load": sine(period: 3, amplitude: 1)"#,
    r#""ratio": 0.4"#,
    r#""ratio": ramp(to: 0, over: "9s")"#,
    r#""ratio": curve([(0, 0.5), ("1500ms", 0.1)])"#,
];

/// Faults of a timeline whose first phase lasts a second or longer.
const TIMELINE_FAULTS: [&str; 4] = [
    r#"Fault(id: "t-slow", during: "p0", at: "400ms", lasts: "100ms", every: "200ms", jitter: "40ms", times: { "load": 2 })"#,
    r#"Fault(id: "t-down", at: "500ms", hosts: "h-[12]", kind: host_down(probability: 0.6))"#,
    r#"Fault(id: "t-reset", every: "700ms", lasts: "300ms", plus: { "ratio": 0.1 }, kind: counter_reset)"#,
    r#"Fault(id: "t-nan", during: "p0", lasts: "800ms", hosts: "h-1", kind: nan(metrics: ["walk"]))"#,
];

const LISTENERS: [&str; 14] = [
    r#""feature_on": emit("go")"#,
    r#""go": emit("went")"#,
    r#""answer": [emit("thanks"), stop_metric("fixed")]"#,
    r#""thanks": start_metric("fixed")"#,
    r#""host_stopped@any": emit("mourn")"#,
    r#""host_started@any": emit("go")"#,
    r#""go@h-1": emit("named")"#,
    r#""went@own": when("noise(1) > 0", emit("answer"))"#,
    r#""mourn": override("fixed", 7, "3s")"#,
    r#""run_started": emit("go")"#,
    r#""went": lever("load", 9, "2s")"#,
    r#""answer@any": when("run.load > 2", release_lever("load"))"#,
    r#""phase_finished": [emit("mourn"), override("fixed", 2, "1s")]"#,
    r#""fault_started": when("event.data == \"slow\"", emit("go"))"#,
];

const FAULTS: [&str; 5] = [
    "nan(probability: 0.3)",
    r#"gap(metrics: ["fixed"], every: "11s", lasts: "3s")"#,
    r#"counter_reset(every: "7s", jitter: "2s")"#,
    r#"flapping(up: "8s", down: "2s", jitter: "1s", probability: 0.7)"#,
    r#"clock_skew(behind: "3s", at: "6s", lasts: "9s")"#,
];

/// Faults of hosts without pools.
const LATE_FAULTS: [&str; 2] =
    [r#"late(by: "1s", probability: 0.5)"#, r#"out_of_order(by: "3s", probability: 0.3)"#];

const POOLS: [&str; 4] = [
    r#"Pool(name: "levered", count: "run.load", max: 6, count_interval: "2s", labels: { "l": "{slot}" }, metrics: [
        Metric(name: "share", update_interval: 1, scenario: script(source: "run.ratio + noise(1)"))])"#,
    r#"Pool(name: "jobs", count: "3 + 2 * sin(t)", max: 6, count_interval: "3s", lifetime: "4s..9s", labels: { "id": "{uuid()}" }, metrics: [
        Metric(name: "job_age", update_interval: 1, scenario: time_duration), Metric(name: "luck", update_interval: 2, scenario: random_in_range(value_range: (0, 9)))])"#,
    r#"Pool(name: "pods", count: 2, replace_on: "go", lifetime: "6s..20s", pause: "1s..2s", labels: { "pod": "{generation}-{slot}" }, metrics: [
        Metric(name: "pod_total", metric_type: counter, listen_events: ["went"], scenario: random_in_range(value_range: (0, 3)))])"#,
    r#"Pool(name: "steady", count: 3, replace_every: "8s", replace_share: 0.4, labels: { "s": "{hex(6)}" }, metrics: [
        Metric(name: "says", update_interval: "9s", scenario: script(source: "if noise(1) > 0.6 { emit(\"go\") } noise(1)"))])"#,
];

/// A run of one to three templates of hosts.
pub(super) fn random_run() -> impl Strategy<Value = RandomRun> {
    let outside = prop_oneof![
        (select(vec!["go", "answer", "mourn", "nothing"]), select(vec!["me", "h-1", "h-2"]))
            .prop_map(|(name, source)| Outside::Event { name, source }),
        (0..14usize, 0..9usize).prop_map(|(action, host)| Outside::Action(action, host)),
    ];
    let outside = vec((1..RUN_SECS * 1000, outside), 0..8).prop_map(|mut outside| {
        outside.sort_by_key(|(at, _)| *at);
        outside
    });
    let shown = subsequence(SHOWN_FAULTS.to_vec(), 0..4);
    let timeline = prop_oneof![Just(String::new()), timeline(), timeline()];
    let parts = (vec(template(), 1..4), any::<u64>(), outside, shown, timeline);
    parts.prop_map(|(templates, seed, outside, shown, timeline)| {
        let has_pools = templates.iter().any(|(fields, _)| fields.contains("Pool("));
        let shown = shown.into_iter().filter(|fault| !(has_pools && fault.contains("late(")));
        let faults: Vec<&str> = [LEVER_FAULTS].into_iter().chain(shown).collect();
        let mut first = 1;
        let hosts = templates.into_iter().map(|(fields, count)| {
            let last = first + count - 1;
            let host = format!(
                "Host(repeat: Repeat(var: \"i\", from: {first}, to: {last}), name: \"h-{{i}}\", {fields})"
            );
            first = last + 1;
            host
        });
        let config = format!(
            "Config({LEVERS}, {timeline} faults: [{}], hosts: [{}])",
            faults.join(",\n    "),
            hosts.collect::<Vec<_>>().join(",\n")
        );
        RandomRun { config, seed, outside }
    })
}

/// A timeline of one to four phases.
fn timeline() -> impl Strategy<Value = String> {
    let sets = subsequence(PHASE_SETS.to_vec(), 0..3).prop_map(|mut sets| {
        // One curve for each lever.
        sets.dedup_by_key(|set| set.split(':').next().map(str::to_owned));
        sets.join(", ")
    });
    let phase = (1_000..9_000u32, sets, any::<bool>());
    let faults = subsequence(TIMELINE_FAULTS.to_vec(), 0..=4);
    let repeat = select(vec!["1", "2", "3", "forever"]);
    (vec(phase, 1..5), faults, repeat).prop_map(|(phases, faults, repeat)| {
        let phases = phases.into_iter().enumerate().map(|(n, (millis, sets, has_event))| {
            let events = if has_event { r#"("350ms", "timed"), (0, "go")"# } else { "" };
            format!(r#"Phase(name: "p{n}", lasts: "{millis}ms", set: {{ {sets} }}, events: [{events}])"#)
        });
        let (phases, faults) = (phases.collect::<Vec<_>>().join(", "), faults.join(", "));
        format!("timeline: Timeline(phases: [{phases}], faults: [{faults}], repeat: {repeat}),")
    })
}

/// The fields of a template, and the number of its hosts.
fn template() -> impl Strategy<Value = (String, usize)> {
    let times = (
        select(vec!["2s", "1s..3s", "900ms..1100ms"]),
        select(vec!["inf", "inf", "12s", "{10 + i * 5}"]),
        select(vec!["0", "0", "4s"]),
    );
    let parts = (
        subsequence(METRICS.to_vec(), 2..9),
        subsequence(LISTENERS.to_vec(), 0..5),
        subsequence(FAULTS.to_vec(), 0..2),
        subsequence(LATE_FAULTS.to_vec(), 0..2),
        prop_oneof![Just(Vec::new()), subsequence(POOLS.to_vec(), 1..3)],
    );
    (times, parts, 1..4usize).prop_map(
        |((interval, ttl, start), (metrics, listeners, faults, late, pools), count)| {
            // Listeners, faults and actions refer to these.
            let always = [METRICS[0], METRICS[2], METRICS[21]];
            let metrics: Vec<&str> = always
                .into_iter()
                .chain(metrics.into_iter().filter(|metric| !always.contains(metric)))
                .collect();
            let late = if pools.is_empty() { late } else { Vec::new() };
            let faults: Vec<&str> = faults.into_iter().chain(late).collect();
            let fields = format!(
                "interval: \"{interval}\", ttl: \"{ttl}\", start_time: \"{start}\", storage: {{ \"n\": 1 }},
    listen_events: {{ {} }}, faults: [{}],
    metrics: [{}],
    pools: [{}]",
                listeners.join(", "),
                faults.join(", "),
                metrics.join(",\n        "),
                pools.join(",\n    "),
            );
            (fields, count)
        },
    )
}
