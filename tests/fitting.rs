//! `promemu fit`: parameters that are known, and a shipped config that is exported, fitted and exported again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::databases::Database;
use crate::processes::promemu_command;

pub(crate) const BEGIN: &str = "2026-01-05T00:00:00Z";

/// Runs promemu to its end. Returns what it printed and logged.
pub(crate) fn done(args: &[&str]) -> String {
    let output = promemu_command(args).output().unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{args:?}: {told}");
    told
}

/// Exports a config as blocks, and records these. Returns the folder of the recording.
pub(crate) fn recorded(config: &str, seed: &str, range: [&str; 3], dir: &Path, name: &str) -> PathBuf {
    let [data, folder] = ["data", "recording"].map(|kind| dir.join(format!("{name}-{kind}")));
    let [from, length, step] = range;
    let export = ["export", config, "--seed", seed, "--from", from, "--for", length, "--step", step];
    let data = data.to_str().unwrap();
    done(&[&export[..], &["--format", "blocks", "--out", data]].concat());
    done(&["record", "--blocks", data, "--slice", "30d", "--out", folder.to_str().unwrap()]);
    folder
}

fn fitted(recording: &Path, to: &Path) -> String {
    done(&["fit", recording.to_str().unwrap(), "--out", to.to_str().unwrap()]);
    let told = done(&["check", to.to_str().unwrap()]);
    assert!(!told.contains("warning"), "{told}");
    fs::read_to_string(to).unwrap()
}

/// The numbers behind a field of a metric.
fn numbers(config: &str, metric: &str, field: &str) -> Vec<f64> {
    let of_metric = config.split_once(&format!("name: \"{metric}\"")).unwrap().1;
    let of_metric = of_metric.split("name: ").next().unwrap();
    let (_, behind) = of_metric
        .split_once(&format!("{field}: "))
        .unwrap_or_else(|| panic!("{metric} {field}: {of_metric}"));
    let is_of_number = |c: char| c.is_ascii_digit() || ".-e".contains(c);
    let end = match behind.chars().next().unwrap() {
        '[' => behind.find(']'),
        '(' => behind.find(')'),
        _ => behind.find([',', ')']),
    };
    let texts = behind[..end.unwrap()].split(|c| !is_of_number(c)).filter(|text| !text.is_empty());
    texts.map(|text| text.parse().unwrap()).collect()
}

const KNOWN: &str = r#"Config(default_job_name: "known", identity_labels: false, hosts: [
    Host(name: "a", interval: "30s", ttl: inf, metrics: [
        Metric(name: "still", update_interval: "30s", default_value: 42.5),
        Metric(name: "wave", update_interval: "30s", decimals: 6, scenario: sine_wave(period: "47m", amplitude: 12, offset: 300, phase_offset: 1.5)),
        Metric(name: "noisy_wave", update_interval: "30s", decimals: 6, scenario: sum(of: [sine_wave(period: "2h", amplitude: 10, offset: 50), random_in_range(value_range: (-6, 6))])),
        Metric(name: "day", update_interval: "30s", decimals: 6, scenario: seasonal(base: 200, hours: [0.2, 0.2, 0.2, 0.2, 0.25, 0.35, 0.5, 0.7, 0.85, 0.95, 1, 1, 1, 1, 1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.45, 0.35, 0.25], weekdays: [1, 1.1, 1, 1, 0.9, 0.6, 0.5])),
        Metric(name: "walk", update_interval: "30s", decimals: 6, value_range: (0, 100), default_value: 50, scenario: random_walk(step: 1.5)),
        Metric(name: "reverting", update_interval: "30s", decimals: 6, scenario: brownian(base: 80, volatility: 2, reversion: 0.02)),
        Metric(name: "counts", update_interval: "30s", decimals: 0, scenario: poisson(rate: 7)),
        Metric(name: "noise", update_interval: "30s", decimals: 6, scenario: random_in_range(value_range: (3, 9))),
        Metric(name: "toggle", update_interval: "30s", decimals: 0, scenario: feature_toggle(start_time: "10m", duration: "4m", interval: "17m", on_value: 3, off_value: 1)),
        Metric(name: "levels", update_interval: "30s", decimals: 0, scenario: variety_selection(values: [10, 50, 90], varieties: [6, 3, 1], change_probability: 0.05)),
        Metric(name: "still_total", metric_type: counter, default_value: 7, scenario: script(source: "0")),
        Metric(name: "even_total", metric_type: counter, accumulate: per_second, update_interval: "30s", decimals: 3, scenario: script(source: "2.5")),
        Metric(name: "requests_total", metric_type: counter, update_interval: "30s", decimals: 0, scenario: poisson(rate: 90)),
        Metric(name: "bytes_total", metric_type: counter, accumulate: per_second, update_interval: "30s", scenario: brownian(base: 5000, volatility: 100, reversion: 0.03)),
        Metric(name: "took_seconds", metric_type: histogram, update_interval: "30s", observations: 40, spread: lognormal(median: 0.08, p99: 0.6)),
    ]),
])"#;

#[test]
fn parameters_are_recovered_within_5_percent() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("known.ron");
    fs::write(&config, KNOWN).unwrap();
    let recording = recorded(config.to_str().unwrap(), "7", [BEGIN, "8d", "30s"], dir.path(), "known");
    let text = fitted(&recording, &dir.path().join("fitted.ron"));
    let known: &[(&str, &str, &[f64])] = &[
        ("still", "default_value", &[42.5]),
        ("still_total", "default_value", &[7.0]),
        ("wave", "period", &[2820.0]),
        ("wave", "amplitude", &[12.0]),
        ("wave", "offset", &[300.0]),
        // The recording begins half a minute after the run.
        ("wave", "phase_offset", &[1.567]),
        ("noisy_wave", "period", &[7200.0]),
        ("noisy_wave", "amplitude", &[10.0]),
        ("noisy_wave", "random_in_range(value_range", &[-6.0, 6.0]),
        ("walk", "step", &[1.5]),
        ("walk", "value_range", &[0.0, 100.0]),
        ("reverting", "base", &[80.0]),
        ("reverting", "volatility", &[2.0]),
        ("reverting", "reversion", &[0.02]),
        ("counts", "rate", &[7.0]),
        ("noise", "value_range", &[3.0, 9.0]),
        // A change is seen up to half a minute after it.
        ("toggle", "start_time", &[585.0]),
        ("toggle", "duration", &[240.0]),
        ("toggle", ", interval", &[1020.0]),
        ("toggle", "on_value", &[3.0]),
        ("even_total", "source", &[2.5]),
        ("requests_total", "rate", &[90.0]),
        ("bytes_total", "base", &[5000.0]),
        ("bytes_total", "volatility", &[100.0]),
        ("bytes_total", "reversion", &[0.03]),
        ("took_seconds", "median", &[0.08]),
        ("took_seconds", "p99", &[0.6]),
    ];
    for (metric, field, expected) in known {
        let found = numbers(&text, metric, field);
        assert_eq!(found.len(), expected.len(), "{metric} {field}: {text}");
        for (found, expected) in found.iter().zip(*expected) {
            let scale = if expected.abs() > 1e-9 { expected.abs() } else { 100.0 };
            assert!((found - expected).abs() < 0.05 * scale, "{metric} {field}: {found} {expected}");
        }
    }
    season_is_found(&text);
    // The same recording gives the same bytes.
    let again = dir.path().join("again").join("fitted.ron");
    fs::create_dir(again.parent().unwrap()).unwrap();
    assert_eq!(fitted(&recording, &again), text);
}

/// Compares the values at full hours of all days.
fn season_is_found(text: &str) {
    let (base, hours, weekdays) =
        (numbers(text, "day", "base")[0], numbers(text, "day", "hours"), numbers(text, "day", "weekdays"));
    let known = [numbers(KNOWN, "day", "hours"), numbers(KNOWN, "day", "weekdays")];
    for (day, factor) in weekdays.iter().enumerate() {
        for (hour, of_hour) in hours.iter().enumerate() {
            let (found, expected) = (base * of_hour * factor, 200.0 * known[0][hour] * known[1][day]);
            assert!((found / expected - 1.0).abs() < 0.05, "{day} {hour}: {found} {expected}");
        }
    }
}

#[test]
fn a_shipped_config_is_fitted_and_gives_the_same_answers_in_a_prometheus() {
    let dir = tempfile::tempdir().unwrap();
    let range = [BEGIN, "2h", "10s"];
    // Its host lives for ten minutes by default.
    let lives = dir.path().join("lives.ron");
    fs::write(&lives, r#"Config(extends: "single_host_load", args: { "host_ttl": "3h" })"#).unwrap();
    let recording = recorded(lives.to_str().unwrap(), "7", range, dir.path(), "first");
    let config = dir.path().join("again.ron");
    let text = fitted(&recording, &config);
    assert!(text.contains("sine_wave") && !text.contains("empirical"), "{text}");
    // It begins with the first sample.
    let from = text.split_once("--from ").unwrap().1.split(' ').next().unwrap();
    recorded(config.to_str().unwrap(), "9", [from, "2h", "10s"], dir.path(), "second");
    let [first, second] = ["first", "second"].map(|name| {
        let own = tempfile::tempdir().unwrap();
        fs::rename(dir.path().join(format!("{name}-data")), own.path().join("data")).unwrap();
        Database::prometheus_with_data(own, true)
    });
    for query in [
        "avg by (instance) (cpu_usage_percent)",
        "max by (instance) (memory_usage_percent)",
        "io_utilization_percent",
        "avg_over_time(cpu_usage_percent[1m])",
    ] {
        let [ours, theirs] = [&first, &second].map(|prometheus| steps(prometheus, query));
        let values = || ours.iter().map(|(_, value)| *value);
        let range = values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min);
        let pairs: Vec<(f64, f64)> = ours
            .iter()
            .filter_map(|(at, value)| Some((*value, theirs.iter().find(|(other, _)| other == at)?.1)))
            .collect();
        let agree = pairs.iter().filter(|(a, b)| (a - b).abs() < 0.05 * range).count();
        assert!(pairs.len() > 700, "{query}: {}", pairs.len());
        assert!(agree * 100 >= pairs.len() * 95, "{query}: {agree} of {}", pairs.len());
    }
}

/// The answers to a query every 10 s.
fn steps(prometheus: &Database, query: &str) -> Vec<(i64, f64)> {
    // The end of the two hours.
    let answers = prometheus.samples_at(&format!("({query})[2h:10s]"), 1_767_578_400);
    let samples: Vec<(f64, String)> = serde_json::from_str(&answers.values().next().unwrap()[0]).unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds are below 2^53")]
    let samples = samples.iter().map(|(at, value)| ((at * 1000.0) as i64, value.parse().unwrap())).collect();
    samples
}

#[test]
fn an_action_is_a_fault_with_the_effect_that_was_measured() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("moved.ron");
    let text = r#"Config(default_job_name: "moved", levers: { "load": 1 },
        faults: [Fault(id: "rush", at: "20m", lasts: "10m", set: { "load": 3 })],
        hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "web-{i}", interval: "15s", ttl: inf, metrics: [
            Metric(name: "busy", update_interval: "15s", decimals: 3, scenario: script(source: "run.load * 20 + noise(2)")),
            Metric(name: "idle", update_interval: "15s", decimals: 3, scenario: script(source: "5 + noise(1)")),
        ])])"#;
    fs::write(&config, text).unwrap();
    let recording = recorded(config.to_str().unwrap(), "7", [BEGIN, "2h", "15s"], dir.path(), "moved");
    let out = recording.to_str().unwrap();
    let rush = ["record", "action", "rush", "--value", "2", "--at", "2026-01-05T00:20:00Z"];
    done(&[&rush[..], &["--until", "2026-01-05T00:30:00Z", "--out", out]].concat());
    done(&[
        "record",
        "action",
        "lunch",
        "--at",
        "2026-01-05T01:00:00Z",
        "--until",
        "2026-01-05T01:10:00Z",
        "--out",
        out,
    ]);
    let text = fitted(&recording, &dir.path().join("fitted.ron"));
    // Three hosts are one, and what they do is written once.
    assert_eq!(text.matches("Host(").count(), 1, "{text}");
    assert!(text.contains(r#"repeat: Repeat(var: "h", from: 0, to: 2)"#), "{text}");
    assert!(text.contains(r#"Fault(id: "rush", at: "1185s", lasts: "600s", set: { "rush": 2 })"#), "{text}");
    assert!(text.contains(r#"action "lunch", which no metric shows"#), "{text}");
    let (_, effect) = text.split_once("run.rush * ").unwrap();
    let effects = effect.split('"').next().unwrap().split(|c: char| !c.is_ascii_digit() && c != '.');
    let effects: Vec<f64> = effects.filter_map(|number| number.parse().ok()).collect();
    assert!(effects.iter().all(|effect| (effect / 20.0 - 1.0).abs() < 0.05), "{effects:?}");
    assert!(!effects.is_empty());
}

#[test]
fn what_follows_a_toggle_or_another_metric_is_told_apart_from_chance() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("peaks.ron");
    let text = r#"Config(default_job_name: "peaks", hosts: [
        Host(name: "balancer", interval: "10s", ttl: inf, metrics: [
            Metric(name: "peak", update_interval: "10s", scenario: feature_toggle(start_time: "5m", duration: "6m", interval: "8m")),
        ]),
        Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "web-{i}", interval: "10s", ttl: inf, metrics: [
            Metric(name: "busy", update_interval: "10s", decimals: 3, scenario: switch_scenario_by_events(
                events_config: {
                    "feature_on@balancer": (scenario: random_in_range(value_range: (60, 90))),
                    "feature_off@balancer": (),
                },
                default_scenario: random_in_range(value_range: (10, 30)),
            )),
            Metric(name: "busy_ratio", decimals: 5, scenario: relay_to_other_metric(source_metric_name: "busy", calc_function: "value / 100")),
            Metric(name: "memory", value_range: (100, 400), default_value: 100, update_interval: "10s", decimals: 3, scenario: switch_scenario_by_events(
                events_config: {
                    "feature_on@balancer": (scenario: update_by_trend(trend: up, step_range: (8, 12))),
                    "feature_off@balancer": (scenario: update_by_trend(trend: down, step_range: (4, 6))),
                },
                default_scenario: update_by_trend(trend: hold, step_range: (0, 1)),
            )),
            Metric(name: "alone", update_interval: "10s", decimals: 3, scenario: random_in_range(value_range: (1, 2))),
        ]),
    ])"#;
    fs::write(&config, text).unwrap();
    let recording = recorded(config.to_str().unwrap(), "7", [BEGIN, "4h", "10s"], dir.path(), "peaks");
    let text = fitted(&recording, &dir.path().join("fitted.ron"));
    let near = |metric: &str, field: &str, expected: &[f64]| {
        let found = numbers(&text, metric, field);
        let pairs = || found.iter().zip(expected);
        let is_near = pairs().all(|(found, expected)| (found / expected - 1.0).abs() < 0.05);
        assert!(found.len() == expected.len() && is_near, "{metric} {field}: {found:?} {text}");
    };
    assert_eq!(text.matches("\"feature_on@balancer\"").count(), 2, "{text}");
    near("busy", r#"feature_on@balancer": (scenario: random_in_range(value_range"#, &[60.0, 90.0]);
    near("busy", "default_scenario: random_in_range(value_range", &[10.0, 30.0]);
    assert!(
        text.contains(r#"relay_to_other_metric(source_metric_name: "busy", calc_function: "value * 0.01")"#),
        "{text}"
    );
    near("memory", r#"feature_on@balancer": (scenario: update_by_trend(trend: up, step_range"#, &[8.0, 12.0]);
    near("memory", "default_scenario: update_by_trend(trend: down, step_range", &[4.0, 6.0]);
    near("alone", "scenario: random_in_range(value_range", &[1.0, 2.0]);
}

#[test]
fn what_cannot_be_fitted_is_told_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("x.ron");
    let told = |args: &[&str]| {
        let output = promemu_command(&[&["fit"], args].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!out.exists());
        String::from_utf8(output.stderr).unwrap()
    };
    let [folder, file] = [dir.path(), &out].map(|path| path.to_str().unwrap());
    assert!(told(&[folder, "--out", file]).contains("has no manifest.json; name the folder of a recording"));
    let recording = dir.path().join("recording");
    let nothing = dir.path().join("dump.txt");
    fs::write(&nothing, "").unwrap();
    done(&["record", "--dump", nothing.to_str().unwrap(), "--out", recording.to_str().unwrap()]);
    let empty = told(&[recording.to_str().unwrap(), "--out", file]);
    assert!(
        empty.contains("the recording has no series to fit; promemu record adds samples to it"),
        "{empty}"
    );
}
