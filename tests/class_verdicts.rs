//! `promemu test --all-classes` where a class cannot be judged: it is undecided, and the others are judged.

use std::process::Output;

use serde_json::Value;

use crate::processes::promemu_command;

/// A class that passes, one with a scenario that is not there, and one whose verdict names an alert that no rule has.
const CLASSES: &str = r#"{
    "Good": Config(verdicts: [holds(query: "load == 4")], hosts: [Host(name: "h", metrics: [Metric(name: "load", default_value: 4)])]),
    "Wrong": Config(verdicts: [series(total: 9)], hosts: [Host(name: "h", metrics: [Metric(name: "load", scenario: sine_wav)])]),
    "Alertless": Config(verdicts: [fires(alert: "Busy")], hosts: [Host(name: "h", metrics: [Metric(name: "load")])]),
}"#;

fn tested(classes: &str, args: &[&str]) -> (Output, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("c.ron"), classes).unwrap();
    let mut command = promemu_command(&["test", "c.ron", "--all-classes", "--for", "10m"]);
    (command.args(args).current_dir(dir.path()).output().unwrap(), dir)
}

#[test]
fn a_class_that_cannot_be_judged_is_undecided_in_each_report_and_the_others_are_judged() {
    for parallel in [&[][..], &["--parallel"]] {
        let reports = ["--junit", "a.xml", "--json", "a.json", "--html", "a.html"];
        let (output, dir) = tested(CLASSES, &[&reports[..], parallel].concat());
        let [printed, said] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap().replace('\n', " "));
        assert_eq!(output.status.code(), Some(1), "{printed}{said}");
        let [junit, json, html] =
            ["a.xml", "a.json", "a.html"].map(|name| std::fs::read_to_string(dir.path().join(name)).unwrap());
        for text in [&printed, &junit, &json, &html] {
            assert!(text.contains("sine_wav") && text.contains("needs rules with alerts"), "{text}");
        }
        assert!(printed.contains("c Wrong: undecided, as it cannot be judged: c.ron:3:"), "{printed}");
        assert!(printed.trim_end().ends_with("3 classes: 1 passed, 2 undecided"), "{printed}");
        let report: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&report["passed"], &report["undecided"]), (&1.into(), &2.into()));
        assert_eq!(report["classes"][1]["config"], "c Wrong");
        assert!(junit.contains("errors=\"2\"") && junit.contains("tests=\"3\""), "{junit}");
    }
    // A failure weighs more.
    let (output, _) = tested(&CLASSES.replace("load == 4", "load == 5"), &[]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_reason_of_all_classes_is_told_once() {
    let good = CLASSES.lines().take(2).collect::<Vec<_>>().join("\n") + "}";
    let (output, _) = tested(&good, &["--promtool", "/none/promtool"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("/none/promtool"), "{said}");
    assert!(output.stdout.is_empty());
}
