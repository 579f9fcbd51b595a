//! `promemu test` of the rules and dashboards in `docker`: each has a test in `docker/prometheus/tests`, which passes and notices changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::processes::promemu_command;
use crate::simulated::plugins;

/// The rules of promemu's own metrics, whose names a config may not use: promtool tests them on series that are written by hand, and
/// `stack.rs` and `recording_dashboards.rs` on a promemu that runs.
const OWN_RULES: [&str; 2] = ["promemu.yml", "recordings.yml"];
/// Their dashboards, which the same files test.
const OWN_DASHBOARDS: [&str; 3] = ["promemu.json", "recording.json", "data_quality.json"];
/// The dashboards of real load and real faults, which have no virtual time: `client_dashboard.rs` and `resilience_suite.rs` test them on
/// runs.
const LIVE: [&str; 2] = ["client_performance.json", "resilience_analysis.json"];

/// Set it to mutate all shipped rules, and not only those of [`SAMPLE`].
const ALL: &str = "PROMEMU_MUTATE_ALL";
const SAMPLE: &str = "hosts";

/// Mutations that change nothing: `and` only looks for the presence of a series, not for its value.
const EQUIVALENT: [(&str, &str); 1] = [("CriticalProcessRestarted", "aggregation dropped")];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docker")
}

fn names(under: &str, extension: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder().join(under)).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|found| found == extension));
    files.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// A shipped test, with the command in its comment.
struct ShippedTest {
    name: String,
    text: String,
    args: Vec<String>,
}

fn shipped() -> Vec<ShippedTest> {
    let tests = names("prometheus/tests", "ron").into_iter().map(|file| {
        let text = std::fs::read_to_string(folder().join("prometheus/tests").join(&file)).unwrap();
        let command = text.lines().find_map(|line| line.strip_prefix("//     promemu ")).unwrap();
        let args = command.split(' ').map(str::to_owned).collect();
        assert!(command.starts_with(&format!("test docker/prometheus/tests/{file} --rules ")), "{command}");
        ShippedTest { name: file.trim_end_matches(".ron").to_owned(), args, text }
    });
    tests.collect()
}

impl ShippedTest {
    /// Its report, with more arguments.
    fn report(&self, more: &[&str]) -> Value {
        let (dir, plugins) = (tempfile::tempdir().unwrap(), plugins());
        let json = dir.path().join("report.json");
        let mut command = promemu_command(&["--plugins-dir"]);
        command.arg(plugins.path()).args(&self.args).args(more).arg("--json").arg(&json);
        let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(output.status.code(), Some(0), "{}: {}", self.name, String::from_utf8_lossy(&said));
        serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap()
    }

    /// The name of its rule file.
    fn rules(&self) -> &str {
        let at = self.args.iter().position(|arg| arg == "--rules").unwrap();
        self.args[at + 1].strip_prefix("docker/prometheus/rules/").unwrap()
    }
}

/// The alerts of a rule file, each with the labels that its annotations name.
fn alerts(file: &str) -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(folder().join("prometheus/rules").join(file)).unwrap();
    let of_alert = |rule: &str| {
        let name = rule.lines().next().unwrap().to_owned();
        let labels =
            rule.split("$labels.").skip(1).map(|rest| rest.split([' ', '}']).next().unwrap().to_owned());
        (name, labels.collect())
    };
    text.split("- alert: ").skip(1).map(of_alert).collect()
}

#[test]
fn each_shipped_rule_fires_when_it_should_and_not_else_and_each_dashboard_has_data() {
    let tests = shipped();
    let (mut fired, mut judged) = (BTreeMap::<String, Vec<Value>>::new(), String::new());
    for test in &tests {
        let report = test.report(&[]);
        judged += &report["verdicts"].to_string();
        assert!(test.text.contains("no_other_alerts()"), "{}: nothing else may fire", test.name);
        for alert in report["alerts"].as_array().unwrap() {
            if !alert["firing"].as_array().unwrap().is_empty() {
                fired
                    .entry(alert["alert"].as_str().unwrap().to_owned())
                    .or_default()
                    .push(alert["labels"].clone());
            }
        }
    }
    let rules: BTreeSet<&str> = tests.iter().map(ShippedTest::rules).chain(OWN_RULES).collect();
    assert!(names("prometheus/rules", "yml").iter().map(String::as_str).eq(rules), "each file has a test");
    for file in
        names("prometheus/rules", "yml").into_iter().filter(|name| !OWN_RULES.contains(&name.as_str()))
    {
        for (alert, in_annotations) in alerts(&file) {
            assert!(judged.contains(&format!("fires(alert: \\\"{alert}\\\"")), "{alert}: a test expects it");
            for labels in fired.get(&alert).unwrap_or_else(|| panic!("{alert} never fires")) {
                for label in &in_annotations {
                    assert!(labels[label].is_string(), "{alert}: its annotation names {label}, of {labels}");
                }
            }
        }
    }
    for dashboard in names("grafana/dashboards", "json")
        .into_iter()
        .filter(|name| !OWN_DASHBOARDS.contains(&name.as_str()) && !LIVE.contains(&name.as_str()))
    {
        assert!(judged.contains(&format!("grafana/dashboards/{dashboard}")), "{dashboard} has a test");
    }
}

#[test]
fn mutations_of_shipped_rules_are_caught() {
    let is_all = std::env::var_os(ALL).is_some();
    let mutated = shipped().into_iter().filter(|test| is_all || test.name == SAMPLE);
    // A mutation, and the tests of its file that catch it.
    let mut caught = BTreeMap::<[String; 4], bool>::new();
    for test in mutated {
        for mutation in test.report(&["--mutate"])["mutations"].as_array().unwrap() {
            let [rule, change, expr] =
                ["rule", "change", "expr"].map(|field| mutation[field].as_str().unwrap().to_owned());
            *caught.entry([test.rules().to_owned(), rule, change, expr]).or_default() |=
                !mutation["caught_by"].is_null();
        }
    }
    caught.retain(|[_, rule, change, _], _| !EQUIVALENT.contains(&(rule, change)));
    let left: Vec<_> =
        caught.iter().filter(|(_, is_caught)| !**is_caught).map(|(mutation, _)| mutation).collect();
    println!("{} of {} mutations were caught: {left:#?}", caught.len() - left.len(), caught.len());
    assert!(caught.len() >= 20 && left.len() * 20 <= caught.len(), "{left:#?}");
}
