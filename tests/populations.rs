//! Simulated users: the scenarios of the shipped config, and what holds for all of its samples.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;

use crate::processes::{label, promemu_command};
use crate::simulated::plugins;

const CONFIG: &str = "user_population";
const RULES: &str = "docker/prometheus/rules/user_population.yml";

static PLUGINS: LazyLock<tempfile::TempDir> = LazyLock::new(plugins);

fn run(args: &[&str]) -> Output {
    promemu_command(args).arg("--plugins-dir").arg(PLUGINS.path()).output().unwrap()
}

fn rules() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RULES);
    std::fs::read_to_string(path).unwrap()
}

/// Judges a class by these rules; the exit code, and what is printed.
fn judged(class: &str, rules: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.yml");
    std::fs::write(&path, rules).unwrap();
    let output = run(&["test", CONFIG, "--class", class, "--rules", path.to_str().unwrap()]);
    let texts = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), texts.concat())
}

/// The report of a sweep, which it writes into the folder of results.
fn swept(args: &[&str], report: &str) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    let output = run(&[&["test", CONFIG, "--results", results.to_str().unwrap()], args].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&std::fs::read(results.join(report)).unwrap()).unwrap()
}

#[test]
fn all_classes_pass_their_own_verdicts_in_one_report() {
    let classes = ["Baseline", "BlackFriday", "GradualRollout", "DisasterRecovery", "StressTest"];
    let folder = tempfile::tempdir().unwrap();
    let files = ["a.xml", "a.json", "a.html"].map(|name| folder.path().join(name));
    let [junit, json, html] = files.each_ref().map(|path| path.to_str().unwrap());
    let reports = ["--junit", junit, "--json", json, "--html", html];
    let output =
        run(&[&["test", CONFIG, "--all-classes", "--parallel", "--rules", RULES][..], &reports].concat());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let texts = files.map(|path| std::fs::read_to_string(path).unwrap());
    for (class, name) in classes.iter().map(|class| (class, format!("{CONFIG} {class}"))) {
        assert!(
            printed.contains(&format!("{name}: ")) && texts.iter().all(|text| text.contains(&name)),
            "{class}"
        );
    }
    assert!(printed.lines().last().unwrap().starts_with("5 classes: "), "{printed}");
    let report: serde_json::Value = serde_json::from_str(&texts[1]).unwrap();
    assert_eq!((report["classes"].as_array().unwrap().len(), &report["failed"]), (5, &0.into()));
    let both = run(&["test", CONFIG, "--all-classes", "--class", "Baseline", "--rules", RULES]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn a_sweep_compares_levels_and_projects_them() {
    let args = ["--class", "Baseline", "--for", "30m", "--rules", RULES, "--parallel"];
    let sweep = ["--sweep", "total=500,2000", "--growth", "20%"];
    let report = swept(&[&args[..], &sweep].concat(), "user_population-sweep-total.json");
    let level = |number: usize, path: &str| report["levels"][number].pointer(path).unwrap().as_f64().unwrap();
    let ratio = |path| level(1, path) / level(0, path);
    assert!((3.0..5.0).contains(&ratio("/measures/cost a day/mean")), "{report}");
    assert!((0.95..1.05).contains(&ratio("/series")) && level(0, "/samples_per_second") > 50.0, "{report}");
    assert!(level(0, "/storage_bytes_a_day") > 1e6 && level(0, "/measures/p99/mean") < 5.0, "{report}");
    assert_eq!(report["levels"][1]["alerts"], serde_json::json!({}));
    let months = report["projection"].as_array().unwrap();
    assert_eq!(
        (months[0]["value"].as_f64(), &months[0]["is_beyond_the_levels"]),
        (Some(500.0), &false.into())
    );
    let today = months[0].pointer("/measures/cost a day").unwrap().as_f64().unwrap();
    assert!((today / level(0, "/measures/cost a day/mean") - 1.0).abs() < 1e-9);
    assert_eq!(months[4]["is_beyond_the_levels"], true);
    let unknown = run(&["test", CONFIG, "--sweep", "totl=1,2"]);
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(unknown.status.code() == Some(2) && said.contains("total"), "{said}");
}

#[test]
fn a_sweep_of_thresholds_counts_detections_and_false_alarms() {
    let sweep = ["--sweep-threshold", "UserErrorsHigh=0.001,0.1,2", "--parallel"];
    let args = ["--class", "DisasterRecovery", "--rules", RULES];
    let report = swept(&[&args[..], &sweep].concat(), "user_population-threshold-UserErrorsHigh.json");
    let of = |name: &str| [0, 1, 2].map(|number| report["thresholds"][number][name].as_u64().unwrap());
    assert_eq!(of("expected"), [4, 4, 4]);
    assert!(of("detected")[1] == 4 && of("detected")[2] == 0, "{report}");
    assert!(of("false_alarms")[0] > 0 && of("false_alarms")[1..] == [0, 0], "{report}");
    let unknown = run(&[
        "test",
        CONFIG,
        "--class",
        "Baseline",
        "--rules",
        RULES,
        "--sweep-threshold",
        "UserErorsHigh=1",
    ]);
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(unknown.status.code() == Some(2) && said.contains("UserErrorsHigh"), "{said}");
}

#[test]
fn a_threshold_ten_times_as_high_fails_the_verdicts_of_its_alert_only() {
    let (from, to) = ("expr: users:error:ratio_rate2m > 0.1", "expr: users:error:ratio_rate2m > 1.0");
    let wrong = rules().replace(from, to);
    assert_ne!(wrong, rules());
    let (code, printed) = judged("DisasterRecovery", &wrong);
    let failed: Vec<&str> = printed.lines().filter(|line| line.starts_with("FAILED")).collect();
    assert_eq!(code, Some(3), "{printed}");
    assert!(!failed.is_empty() && failed.iter().all(|line| line.contains("UserErrorsHigh")), "{printed}");
}

/// The values of all series at each time.
fn exported(args: &[&str]) -> BTreeMap<String, BTreeMap<String, String>> {
    let range = ["--from", "2026-01-05T09:00:00Z", "--for", "5m", "--seed", "3"];
    let output = run(&[&["export", CONFIG, "total=2000", "visible_users=4"][..], args, &range].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut times: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.starts_with('#')) {
        let (rest, time) = line.rsplit_once(' ').unwrap();
        let (series, value) = rest.rsplit_once(' ').unwrap();
        times.entry(time.to_owned()).or_default().insert(series.to_owned(), value.to_owned());
    }
    times
}

#[test]
fn samples_at_common_times_do_not_depend_on_the_update_interval() {
    let each = ["1s", "15s", "60s"]
        .map(|interval| exported(&[&format!("update_interval={interval}"), "--step", "1s"]));
    let mut compared = 0;
    // Sorted by time: all have the same number of digits.
    for (time, values) in each[0].iter().step_by(60) {
        assert!(each[1][time] == *values && each[2][time] == *values, "{time}");
        compared += values.len();
    }
    assert!(compared > 3_000, "{compared}");
    let last = |index: usize| each[index].iter().next_back().unwrap().1;
    assert_ne!(last(0), last(2), "between them there are more");
}

#[test]
fn costs_are_tokens_times_prices_and_errors_are_counted_once_in_both_metrics() {
    const PRICES: [(&str, [f64; 3]); 3] = [
        ("claude-sonnet-4", [0.003, 0.015, 0.000_3]),
        ("claude-opus-4", [0.015, 0.075, 0.001_5]),
        ("claude-3-5-haiku", [0.000_8, 0.004, 0.000_08]),
    ];
    let (mut costs_seen, mut errors_seen) = (0, 0.0);
    for values in exported(&["--step", "15s"]).into_values() {
        let of = |name: &'static str| {
            let name = format!("otel_claude_code_{name}{{");
            values.iter().filter(move |(series, _)| series.starts_with(&name))
        };
        let mut costs: BTreeMap<[String; 3], f64> = BTreeMap::new();
        let key = |series: &str| ["user_id", "model", "user_type"].map(|name| label(series, name).to_owned());
        for (series, tokens) in of("token_usage_tokens_total") {
            let prices = PRICES.iter().find(|(model, _)| *model == label(series, "model")).unwrap().1;
            let index = ["input", "output", "cache"].iter().position(|kind| *kind == label(series, "type"));
            *costs.entry(key(series)).or_default() +=
                tokens.parse::<f64>().unwrap() * prices[index.unwrap()] / 1000.0;
        }
        for (series, cost) in of("cost_usage_USD_total") {
            let (cost, expected) = (cost.parse::<f64>().unwrap(), costs[&key(series)]);
            assert!((cost - expected).abs() <= 1e-9 * expected, "{series}: {cost} {expected}");
            costs_seen += usize::from(cost > 0.0);
        }
        let sum = |name, status: &str| -> f64 {
            let counted = of(name).filter(|(series, _)| label(series, "status") == status);
            counted.map(|(_, value)| value.parse::<f64>().unwrap()).sum()
        };
        let errors = sum("error_total", "");
        assert!((errors - sum("tool_usage_total", "error")).abs() < 0.5);
        errors_seen += errors;
    }
    assert!(costs_seen > 20 && errors_seen > 10.0, "{costs_seen} {errors_seen}");
}

#[test]
fn sums_over_users_do_not_depend_on_how_many_have_names() {
    let sums = ["visible_users=0", "visible_users=4", "visible_users=1000"].map(|visible| {
        let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
        for (time, values) in exported(&[visible, "--step", "60s"]) {
            for (series, value) in values.iter().filter(|(series, _)| !series.contains("cost_usage_USD")) {
                let without_user = match series.split_once("user_id=\"") {
                    Some((before, rest)) => before.to_owned() + rest.split_once('"').unwrap().1,
                    None => series.clone(),
                };
                *sums.entry((time.clone(), without_user)).or_default() += value.parse::<f64>().unwrap();
            }
        }
        sums
    });
    assert!(sums[0].len() > 500 && sums[0].values().any(|sum| *sum > 1e5));
    for other in &sums[1..] {
        let differing = sums[0].iter().zip(other).find(|(one, other)| one != other);
        assert_eq!((sums[0].len(), differing), (other.len(), None));
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let bytes = ["1", "2", "8"].map(|threads| {
        let args = ["export", CONFIG, "--for", "10m", "--step", "1m", "--from", "2026-01-05", "--seed", "3"];
        run(&[&args[..], &["--threads", threads]].concat()).stdout
    });
    assert!(bytes[0].len() > 100_000 && bytes[0] == bytes[1] && bytes[0] == bytes[2]);
}

#[test]
fn a_fault_of_users_needs_a_host_with_users_and_all_that_it_is_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ron");
    let check = |fault: &str, host: &str| {
        let config = format!(
            "Config(faults: [Fault(id: \"f\", lasts: 9, kind: {fault})], hosts: [Host(name: \"h\", {host})])"
        );
        std::fs::write(&path, config).unwrap();
        let output = run(&["check", path.to_str().unwrap()]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let users = "pools: [Pool(workload: population())]";
    assert_eq!(check("rate_limit(share: 0.5)", users), (Some(0), String::new()));
    let (code, said) = check("rate_limit(share: 0.5)", "metrics: [Metric(name: \"m\")]");
    assert!(code == Some(2) && said.contains("give it Pool(workload: population(…))"), "{said}");
    let (code, said) = check("auth_failure(share: 50)", users);
    assert!(code == Some(2) && said.contains("share must be from 0 to 1, but is 50"), "{said}");
    let (code, said) = check("model_outage", users);
    assert!(code == Some(2) && said.contains("model_outage needs model"), "{said}");
}
