//! `promemu validate`: the figures of a config that is like a recording, and of one that is not.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fitting::{BEGIN, recorded};
use crate::processes::promemu_command;

const WAVES: &str = r#"Config(default_job_name: "known", identity_labels: false, hosts: [
    Host(name: "a", interval: "15s", ttl: inf, metrics: [
        Metric(name: "wave", update_interval: "15s", decimals: 4, scenario: sum(of: [sine_wave(period: "20m", amplitude: 10, offset: 50), random_in_range(value_range: (-1, 1))])),
        Metric(name: "noise", update_interval: "15s", decimals: 4, scenario: random_in_range(value_range: (3, 9))),
        Metric(name: "requests_total", metric_type: counter, update_interval: "15s", decimals: 0, scenario: poisson(rate: 90)),
        Metric(name: "busy_ratio", update_interval: "15s", decimals: 4, scenario: random_in_range(value_range: (0.2, 0.8))),
    ]),
])"#;

struct Recorded {
    dir: tempfile::TempDir,
    config: PathBuf,
    recording: PathBuf,
}

impl Recorded {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("known.ron");
        fs::write(&config, WAVES).unwrap();
        let range = [BEGIN, "4h", "15s"];
        let recording = recorded(config.to_str().unwrap(), "99", range, dir.path(), "known");
        Self { dir, config, recording }
    }

    /// The exit code and the report of a validation.
    fn validated(&self, config: &Path, args: &[&str]) -> (i32, Value, Vec<u8>) {
        let [config, recording] = [config, &self.recording].map(|path| path.to_str().unwrap());
        let args = [&["validate", config, recording, "--json", "-"], args].concat();
        let output = promemu_command(&args).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
        (output.status.code().unwrap(), report, output.stdout)
    }
}

fn figure(report: &Value, name: &str) -> f64 {
    report["figures"][name].as_f64().unwrap_or_else(|| panic!("{name}: {report}"))
}

/// The nRMSE of a predictor of a series at a horizon.
fn nrmse(report: &Value, series: &str, predictor: &str, horizon: u64) -> f64 {
    let all = report["series"].as_array().unwrap();
    let own = all.iter().find(|own| own["series"].as_str().unwrap().starts_with(series)).unwrap();
    let forecasts = own["forecasts"].as_array().unwrap();
    let is_of = |of: &&Value| of["predictor"] == predictor && of["horizon"] == horizon;
    forecasts.iter().find(is_of).unwrap()["nrmse"].as_f64().unwrap()
}

#[test]
fn the_config_that_was_recorded_is_like_its_recording_and_the_same_bytes_say_so_each_time() {
    let known = Recorded::new();
    let (page, junit) = (known.dir.path().join("page.html"), known.dir.path().join("junit.xml"));
    let files = ["--html", page.to_str().unwrap(), "--junit", junit.to_str().unwrap()];
    let budget = ["--budget", "ks=0.1", "--budget", "violations=0", "--budget", "discriminative=0.65"];
    let args = [&["--folds", "2"][..], &files, &budget].concat();
    let (code, report, bytes) = known.validated(&known.config, &args);
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["missing"], Value::Array(Vec::new()), "{report}");
    assert_eq!(
        (report["series"].as_array().unwrap().len(), report["folds"].as_array().unwrap().len()),
        (4, 2)
    );
    assert!(figure(&report, "autocorrelation") < 0.1, "{report}");
    // A wave is foretold, and noise is not.
    assert!(nrmse(&report, "wave", "config", 15) < 0.2 * nrmse(&report, "wave", "persistence", 15));
    assert!((nrmse(&report, "noise", "config", 15) - 1.0).abs() < 0.2, "{report}");
    assert!(report["rules"]["config"].as_array().unwrap().iter().any(|rule| rule["rule"] == "shares"));
    let page = fs::read_to_string(&page).unwrap();
    assert!(page.contains("<h2>Forecasts</h2>") && page.contains("<h2>Fold 2</h2>"), "{page}");
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("src="), "{page}");
    let junit = fs::read_to_string(&junit).unwrap();
    assert!(junit.contains("budget ks") && junit.contains("rule counters"), "{junit}");
    assert!(junit.contains("failures=\"0\""), "{junit}");
    assert_eq!(known.validated(&known.config, &["--folds", "2"]).2, bytes);
}

#[test]
fn a_config_that_is_not_like_its_recording_is_over_budget() {
    let known = Recorded::new();
    let other = known.dir.path().join("other.ron");
    let text = WAVES
        .replace("amplitude: 10, offset: 50", "amplitude: 3, offset: 80")
        .replace("(0.2, 0.8)", "(0.5, 1.5)")
        .replace("\"noise\"", "\"silence\"");
    fs::write(&other, text).unwrap();
    let junit = known.dir.path().join("junit.xml");
    let budget = ["--budget", "violations=0", "--budget", "ks=0.1", "--junit", junit.to_str().unwrap()];
    let (code, report, _) = known.validated(&other, &budget);
    assert_eq!(code, 3, "{report}");
    assert!(report["missing"][0].as_str().unwrap().starts_with("noise{"), "{report}");
    let over = report["over_budget"].to_string();
    assert!(over.contains("ks is ") && over.contains("violations is "), "{over}");
    assert!(nrmse(&report, "wave", "config", 1) > 2.0, "{report}");
    let shares = report["rules"]["config"].as_array().unwrap().iter().find(|rule| rule["rule"] == "shares");
    let first = &shares.unwrap()["violations"][0];
    assert!(first["what"].as_str().unwrap().ends_with("is outside of 0 to 1"), "{first}");
    let junit = fs::read_to_string(&junit).unwrap();
    assert!(junit.contains("failures=\"3\""), "{junit}");
}

#[test]
fn a_prometheus_gives_the_same_answers_and_alerts_over_both_sides() {
    let known = Recorded::new();
    let rules = known.dir.path().join("rules.yml");
    let text = r#"groups: [{ name: g, rules: [
        { alert: HighWave, expr: "wave > 55", for: 1m },
        { alert: Never, expr: "wave > 500" }] }]"#;
    fs::write(&rules, text).unwrap();
    let rules = ["--rules", rules.to_str().unwrap()];
    let args = [&rules[..], &["--runs", "2", "--budget", "promql=0.9", "--budget", "alerts=0.85"]].concat();
    let (code, report, _) = known.validated(&known.config, &args);
    assert_eq!(code, 0, "{}", report["figures"]);
    let queries = report["queries"].as_array().unwrap();
    let of =
        |query: &str| queries.iter().find(|of| of["query"] == query).unwrap_or_else(|| panic!("{queries:?}"));
    // The wave is the same at each step; the noise has the same distribution.
    assert!(of("wave")["steps"].as_f64().unwrap() > 0.5, "{queries:?}");
    assert!(of("noise")["steps"].as_f64().unwrap() < 0.3, "{queries:?}");
    assert!(of("noise")["quantiles"].as_f64().unwrap() > 0.9, "{queries:?}");
    assert!(queries.iter().any(|of| of["query"] == "rate(requests_total[75000ms])"), "{queries:?}");
    let alerts = report["alerts"].as_array().unwrap();
    assert!(alerts[0]["both"].as_u64().unwrap() > 200, "{alerts:?}");
    assert_eq!((&alerts[1]["f1"], &alerts[1]["both"]), (&Value::Null, &0.into()), "{alerts:?}");
}
