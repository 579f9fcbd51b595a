//! `promemu data quality`: what is wrong with a recording is found, by name.

use std::fs;
use std::path::{Path, PathBuf};

use promemu_wire::recording::{MANIFEST, Manifest, RecordingFolder, SourceEntry};
use promemu_wire::samples::ReadSeries;
use serde_json::Value;

use crate::processes::{promemu_command, promtool_errors};

/// 2026-01-05T00:00:00Z
const BEGIN: i64 = 1_767_571_200_000;
const STEP: i64 = 15_000;
/// Samples of a slice, and slices.
const OF_SLICE: i64 = 40;
const SLICES: i64 = 6;

fn series(labels: &[(&str, &str)]) -> ReadSeries {
    ReadSeries::of_labels(labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

/// Writes an hour of requests by code and a queue. A fault changes the times and values of series.
fn recorded(path: &Path, fault: impl Fn(&mut ReadSeries, &mut i64, &mut f64)) {
    let folder = RecordingFolder::open(path, 2).unwrap();
    let source =
        SourceEntry { interval_secs: Some(15.0), ..SourceEntry::new("scrape", "http://127.0.0.1:1") };
    folder.change(|manifest| drop(manifest.sources.insert("shop".to_owned(), source))).unwrap();
    for slice in 0..SLICES {
        let begin = BEGIN + slice * OF_SLICE * STEP;
        let mut writer = folder.begin_slice("shop", begin);
        let mut end = begin;
        for (name, code) in [("requests_total", "200"), ("requests_total", "500"), ("queue", "0")] {
            let labels = [("__name__", name), ("code", code), ("instance", "a"), ("job", "shop")];
            for n in slice * OF_SLICE..(slice + 1) * OF_SLICE {
                let (mut own, mut at) = (series(&labels), BEGIN + n * STEP);
                #[expect(clippy::cast_precision_loss, reason = "numbers are small")]
                let mut value = if name == "queue" { (n * 7 % 13) as f64 } else { (n * 10) as f64 };
                fault(&mut own, &mut at, &mut value);
                end = end.max(at + 1);
                writer.put_floats(&own, [(at, value)]).unwrap();
            }
        }
        folder.commit(writer, end, |_| {}).unwrap();
    }
}

fn new(name: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    (dir, path)
}

/// The exit code and the report of a measurement.
fn measured(recording: &Path, args: &[&str]) -> (i32, Value) {
    let output = promemu_command(&["data", "quality"])
        .arg(recording)
        .args(["--json", "-"])
        .args(args)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
    (output.status.code().unwrap(), report)
}

/// The problems of a report, as lines.
fn problems(report: &Value) -> Vec<String> {
    let line = |problem: &Value| {
        let text = |field: &str| problem[field].as_str().unwrap_or_default().to_owned();
        format!("{} {} {} {}", text("measure"), text("of"), text("at"), text("what"))
    };
    report["problems"].as_array().unwrap().iter().map(line).collect()
}

fn share(report: &Value, name: &str) -> f64 {
    let measures = report["measures"].as_array().unwrap();
    measures.iter().find(|measure| measure["name"] == name).unwrap()["share"].as_f64().unwrap()
}

#[test]
fn a_whole_recording_has_no_problem_and_keeps_its_budget() {
    let (dir, path) = new("shop");
    recorded(&path, |_, _, _| {});
    let budget = dir.path().join("budget.ron");
    fs::write(&budget, "(completeness: 1, timeliness: 1, validity: 1, consistency: 1, problems: 0)").unwrap();
    let page = dir.path().join("quality.html");
    let (code, report) =
        measured(&path, &["--budget", budget.to_str().unwrap(), "--html", page.to_str().unwrap()]);
    assert_eq!((code, problems(&report)), (0, vec![]));
    assert_eq!((&report["series"], &report["samples"]), (&3.into(), &720.into()));
    assert_eq!(
        (&report["from"], &report["over_budget"]),
        (&"2026-01-05T00:00:00Z".into(), &Value::Array(vec![]))
    );
    let page = fs::read_to_string(&page).unwrap();
    assert!(page.contains("<td>completeness</td><td>1.0000</td>"), "{page}");
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("src="), "{page}");
    // The same recording gives the same bytes.
    assert_eq!(measured(&path, &[]).1, measured(&path, &[]).1);
}

#[test]
fn files_that_are_missing_or_damaged_are_named_and_the_rest_is_measured() {
    let (_dir, path) = new("shop");
    recorded(&path, |_, _, _| {});
    let file = |n: u32| path.join(format!("samples/day=2026-01-05/{n:06}.parquet"));
    fs::remove_file(file(2)).unwrap();
    let mut bytes = fs::read(file(4)).unwrap();
    bytes[40] ^= 1;
    fs::write(file(4), bytes).unwrap();
    let metrics = path.with_extension("prom");
    let budget = ["--budget", "problems=0", "--budget", "completeness=0.9"];
    let (code, report) = measured(&path, &[&budget[..], &["--metrics", metrics.to_str().unwrap()]].concat());
    let found = problems(&report);
    assert_eq!(code, 3, "{found:?}");
    for expected in [
        "completeness slice 2 of shop 2026-01-05T00:10:00Z it cannot be read: 120 rows are lost",
        "completeness slice 4 of shop 2026-01-05T00:30:00Z it cannot be read: 120 rows are lost",
        "validity samples/day=2026-01-05/000002.parquet  is missing",
        "validity samples/day=2026-01-05/000004.parquet  has the SHA-256 ",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(expected)), "{expected}: {found:?}");
    }
    // Two of six slices.
    assert!((share(&report, "completeness") - 4.0 / 6.0).abs() < 1e-9);
    assert_eq!(report["samples"], 480);
    let exceeded = report["over_budget"].as_array().unwrap();
    assert_eq!(exceeded[0], "completeness is 0.6667; the budget is 0.9");
    let page = fs::read_to_string(&metrics).unwrap();
    let recording = path.display();
    for line in [
        format!(
            "promemu_quality_share{{measure=\"completeness\",recording=\"{recording}\"}} 0.6666666666666666\n"
        ),
        format!("promemu_quality_budget{{measure=\"completeness\",recording=\"{recording}\"}} 0.9\n"),
        format!("promemu_quality_over_budget{{recording=\"{recording}\"}} 2\n"),
        format!("promemu_quality_samples{{recording=\"{recording}\"}} 480\n"),
    ] {
        assert!(page.contains(&line), "{line}: {page}");
    }
    assert_eq!(promtool_errors(&page), Vec::<String>::new());
}

#[test]
fn a_slice_that_the_manifest_lost_is_missed() {
    let (_dir, path) = new("shop");
    recorded(&path, |_, _, _| {});
    let mut manifest = Manifest::read(&path).unwrap().unwrap();
    manifest.slices.retain(|slice| slice.number != 3);
    fs::write(path.join(MANIFEST), serde_json::to_vec(&manifest).unwrap()).unwrap();
    let found = problems(&measured(&path, &[]).1);
    let expected = "completeness slice 4 of shop 2026-01-05T00:19:45Z a slice is missing before it: there is none for 10m 15s";
    assert!(found.iter().any(|problem| problem == expected), "{found:?}");
}

#[test]
fn a_clock_that_jumps_is_found_with_its_slice() {
    let (_dir, back) = new("back");
    let middle = BEGIN + 100 * STEP;
    recorded(&back, |_, at, _| *at -= if *at >= middle { 60 * STEP } else { 0 });
    let found = problems(&measured(&back, &[]).1);
    let is_told = |text: &str| found.iter().any(|problem| problem.contains(text));
    assert!(
        is_told("timeliness slice 3 of shop 2026-01-05T00:10:00Z its clock jumps back by 14m 45s"),
        "{found:?}"
    );
    let (_dir, ahead) = new("ahead");
    recorded(&ahead, |_, at, _| *at += if *at >= middle { 240 * STEP } else { 0 });
    let found = problems(&measured(&ahead, &[]).1);
    let expected = "timeliness slice 3 of shop 2026-01-05T00:24:45Z its clock jumps ahead by 1h 15s, or the recorder stood still";
    assert!(found.iter().any(|problem| problem == expected), "{found:?}");
}

#[test]
fn a_label_that_changes_its_type_is_found_with_its_metric() {
    let (_dir, path) = new("shop");
    recorded(&path, |series, at, _| {
        if *at >= BEGIN + 150 * STEP && series.label("code") == Some("500") {
            *series = series.clone().with_label("code", "error");
        }
    });
    let found = problems(&measured(&path, &[]).1);
    let expected = "validity requests_total 2026-01-05T00:37:30Z label code changes its type: a number at first, a text later, as in \"error\"";
    assert_eq!(found, [expected]);
}

#[test]
fn a_counter_that_falls_without_a_reset_and_a_drift_are_found() {
    let (_dir, path) = new("shop");
    recorded(&path, |series, at, value| {
        if series.metric == "requests_total" && *at == BEGIN + 100 * STEP {
            *value -= 300.0;
        }
        if series.metric == "queue" && *at >= BEGIN + 120 * STEP {
            *value += 20.0;
        }
    });
    let found = problems(&measured(&path, &[]).1);
    let expected = "consistency requests_total{code=\"200\",instance=\"a\",job=\"shop\"} 2026-01-05T00:25:00Z it falls from 990 to 700, which is no reset";
    assert!(found.iter().any(|problem| problem == expected), "{found:?}");
    assert!(
        found.iter().any(|problem| problem.starts_with("drift queue  its distribution changes: PSI")),
        "{found:?}"
    );
    // Against itself nothing drifts.
    let report = measured(&path, &["--before", path.to_str().unwrap()]).1;
    assert!((share(&report, "drift") - 1.0).abs() < 1e-9, "{report}");
}
