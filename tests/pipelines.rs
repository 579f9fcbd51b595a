//! `promemu pipeline`: its order, its resumption, and the times of its runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use promemu_wire::recording::{Action, append_actions};

use crate::data::days;
use crate::kills;
use crate::processes::{Process, eventually, free_port, http, promemu, promemu_command, promtool_errors};

/// A recording `days`, and a pipeline in the same folder that compacts it, asks for one metric of `other`, and then for one of
/// `days`.
fn shop() -> (tempfile::TempDir, PathBuf) {
    let (dir, _) = days();
    let file = dir.path().join("shop.ron");
    let text = r#"(name: "shop", stages: [
        (name: "last", after: ["other"], run: ["data", "query", "days", "level", "--agg", "mean", "--out", "last.csv"]),
        (name: "other", after: ["compact"], run: ["data", "query", "other", "level", "--agg", "mean", "--out", "other.csv"]),
        (name: "compact", run: ["store", "compact", "days", "--now", "2026-01-09T00:00:00Z"]),
    ])"#;
    fs::write(&file, text).unwrap();
    (dir, file)
}

fn run(file: &Path, args: &[&str]) -> Output {
    promemu_command(&["pipeline", "run"]).arg(file).args(args).output().unwrap()
}

fn log(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_pipeline_goes_on_at_the_stage_that_failed() {
    let (dir, file) = shop();
    let plan = run(&file, &["--dry-run"]);
    let plan = String::from_utf8(plan.stdout).unwrap();
    let name = |line: &str| {
        line.split(':').next().and_then(|begin| begin.split_whitespace().last()).map(str::to_owned)
    };
    let stages: Vec<String> = plan.lines().filter_map(name).collect();
    assert_eq!(stages, ["compact", "other", "last"], "{plan}");
    let metrics = dir.path().join("shop.prom");
    let told = ["--metrics", metrics.to_str().unwrap()];
    let failed = run(&file, &told);
    assert_eq!(failed.status.code(), Some(1));
    let page = || fs::read_to_string(&metrics).unwrap();
    let failed_is = |stage: &str, value: u32| {
        format!("promemu_pipeline_stage_failed{{pipeline=\"shop\",stage=\"{stage}\"}} {value}\n")
    };
    assert!(
        page().contains(&failed_is("compact", 0)) && page().contains(&failed_is("other", 1)),
        "{}",
        page()
    );
    assert_eq!(promtool_errors(&page()), Vec::<String>::new());
    assert!(
        log(&failed).contains("stage other failed: exit status: 2; the next run goes on with it"),
        "{}",
        log(&failed)
    );
    assert!(!dir.path().join("last.csv").exists());
    let plan = String::from_utf8(run(&file, &["--dry-run"]).stdout).unwrap();
    assert!(plan.starts_with("done compact: promemu store compact days "), "{plan}");

    kills::copy(&dir.path().join("days"), &dir.path().join("other"));
    let done = run(&file, &told);
    assert!(page().contains(&failed_is("other", 0)) && page().contains(&failed_is("last", 0)), "{}", page());
    assert!(
        done.status.success() && log(&done).contains("stage was done before and is left out"),
        "{}",
        log(&done)
    );
    assert_eq!(
        fs::read(dir.path().join("last.csv")).unwrap(),
        fs::read(dir.path().join("other.csv")).unwrap()
    );
    // A run that is whole is followed by one that begins with the first stage.
    let again = run(&file, &[]);
    assert!(!log(&again).contains("was done before"), "{}", log(&again));
    assert!(String::from_utf8(again.stdout).unwrap().starts_with("nothing to do\n"));

    let text = fs::read_to_string(&file).unwrap().replace("\"compact\", \"days\"", "\"compact\", \"daze\"");
    fs::write(&file, text).unwrap();
    let failed = run(&file, &[]);
    assert!(log(&failed).contains("stage compact failed"), "{}", log(&failed));
}

#[test]
fn a_pipeline_follows_a_recording_and_ends_when_it_is_told_to() {
    let (dir, file) = shop();
    kills::copy(&dir.path().join("days"), &dir.path().join("other"));
    let out = dir.path().join("last.csv");
    let mut follows = Process::start(
        promemu_command(&["pipeline", "run", "--follow"]).arg(dir.path().join("days")).arg(&file),
    );
    follows.wait_for_log("waits for its next run");
    fs::remove_file(&out).unwrap();
    let action =
        Action { at_ms: 1, name: "scale".to_owned(), target: String::new(), value: None, until_ms: None };
    append_actions(&dir.path().join("days"), &[action]).unwrap();
    eventually("the pipeline runs again", || out.exists().then_some(()));
    assert_eq!(follows.terminate(), Some(0));
}

#[test]
fn a_pipeline_runs_again_and_again_or_when_there_is_an_event() {
    let (dir, file) = shop();
    kills::copy(&dir.path().join("days"), &dir.path().join("other"));
    let out = dir.path().join("last.csv");
    let mut every = Process::start(promemu_command(&["pipeline", "run", "--every", "1s"]).arg(&file));
    for _ in 0..2 {
        eventually("the pipeline runs", || fs::remove_file(&out).is_ok().then_some(()));
    }
    assert_eq!(every.terminate(), Some(0));

    let port = free_port();
    let mut daemon = promemu(&[
        "--config",
        "hosts_load_with_peaks",
        "--output",
        "scrape=127.0.0.1:0",
        "--listen",
        &format!("127.0.0.1:{port}"),
    ]);
    eventually("the run is ready", || (http("GET", port, "/ready", "")?.0 == 200).then_some(()));
    let _was_there = fs::remove_file(&out).is_ok();
    let url = format!("http://127.0.0.1:{port}");
    let mut waits = Process::start(
        promemu_command(&["pipeline", "run", "--on-event", "feature_on"]).arg(&file).env("PME_URL", &url),
    );
    eventually("the pipeline runs", || {
        let emit = promemu_command(&["ctl", "emit", "feature_on"]).env("PME_URL", &url).output().unwrap();
        assert!(emit.status.success(), "{}", log(&emit));
        out.exists().then_some(())
    });
    assert_eq!((waits.terminate(), daemon.terminate()), (Some(0), Some(0)));
}

#[test]
fn two_pipelines_are_compared_over_copies_of_a_recording() {
    let (dir, file) = shop();
    let days = dir.path().join("days");
    let before = kills::samples(&days);
    let other = dir.path().join("other.ron");
    let text = r#"(name: "other", stages: [
        (name: "steps", run: ["store", "downsample", "days", "--now", "2026-01-09T00:00:00Z"]),
        (name: "sent", run: ["store", "load", "days", "--policy", "no-such-policy.ron"]),
        (name: "last", run: ["data", "query", "days", "level", "--agg", "max", "--out", "last.csv"]),
    ])"#;
    fs::write(&other, text).unwrap();
    let text = fs::read_to_string(&file).unwrap().replace("\"other\", \"level\"", "\"days\", \"level\"");
    fs::write(&file, text).unwrap();
    let compare = |more: &[&str]| {
        let mut compare = promemu_command(&["pipeline", "compare"]);
        compare.arg(&file).arg(&other).arg(&days).args(more).output().unwrap()
    };
    let out = dir.path().join("out");
    let compared = compare(&["--out", out.to_str().unwrap()]);
    assert!(compared.status.success(), "{}", log(&compared));
    let shown = String::from_utf8(compared.stdout).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!((lines[0], lines[4], lines[6]), ("shop", "other", "  sent: left out"), "{shown}");
    assert!(lines[1].starts_with("  compact: ") && lines[1].ends_with(" s"), "{shown}");
    assert!(lines[8].starts_with("recording: 3 slices, 34560 rows, "), "{shown}");
    assert!(
        lines[8].contains(" | 72 slices, 34560 rows, ") && lines[8].ends_with("the same samples"),
        "{shown}"
    );
    assert!(lines[9].starts_with("steps of 60 s: none | ") && lines[9].ends_with(" | different"), "{shown}");
    assert!(
        lines[11].starts_with("last.csv: ") && lines[11].ends_with("2 lines only in a, 2 only in b"),
        "{shown}"
    );
    assert!(lines[12].starts_with("other.csv: ") && lines[12].ends_with(" | only one has it"), "{shown}");
    // The recording is as it was, and what was made of it is kept where it was asked for.
    assert!(kills::samples(&days) == before && !dir.path().join("last.csv").exists());
    assert!(out.join("a/last.csv").exists() && out.join("b/days/manifest.json").exists());
    let again = compare(&["--out", out.to_str().unwrap()]);
    assert!(log(&again).contains("there are results already; name a new folder"), "{}", log(&again));
    let plan = String::from_utf8(compare(&["--dry-run"]).stdout).unwrap();
    assert!(plan.contains("leave out other sent: promemu store load days"), "{plan}");
    fs::write(&other, text_with_a_wrong_stage()).unwrap();
    let failed = compare(&[]);
    assert!(failed.status.code() == Some(1) && log(&failed).contains("a stage failed"), "{}", log(&failed));
}

fn text_with_a_wrong_stage() -> &'static str {
    r#"(name: "other", stages: [(name: "wrong", run: ["data", "query", "none", "level"])])"#
}
