//! Playlists on the command line: several configs that run, are judged, checked and described together.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::processes::{Process, Prometheus, eventually, free_port, get, promemu_command};

/// A config whose host has a metric of this name for a while, and a verdict on it.
fn config(metric: &str, ttl: &str, verdict: &str) -> String {
    format!(
        "Config(args: {{ \"level\": 1 }}, default_job_name: \"{metric}\", verdicts: [{verdict}], hosts: [Host(name: \"{metric}\", ttl: \"{ttl}\", \
         interval: \"100ms\", start_time: 0, metrics: [Metric(name: \"{metric}\", update_interval: \"100ms\", default_value: \"{{level}}\", \
         value_range: (0, 100), scenario: do_nothing)])])"
    )
}

/// A folder with the configs `first` and `second`, and this playlist.
fn folder(playlist: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let holds = |metric: &str| format!("holds(query: \"{metric} > 0\")");
    for (name, text) in [
        ("first.ron", config("first", "1h", &holds("first"))),
        ("second.ron", config("second", "1h", &holds("second"))),
        ("endless.ron", config("endless", "inf", "")),
        ("suite.ron", playlist.to_owned()),
    ] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

const BOTH: &str = "items: [Item(config: \"first\", args: { \"level\": 7 }, lasts: \"10s\"), Item(config: \"second\", lasts: \"20s\")]";

fn promemu_in(dir: &Path, args: &[&str]) -> Output {
    promemu_command(args).args(["--configs-dir", dir.to_str().unwrap()]).output().unwrap()
}

fn printed(dir: &Path, args: &[&str]) -> String {
    let output = promemu_in(dir, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A live run of a playlist, with its page.
fn run(dir: &Path, args: &[&str]) -> (Process, u16) {
    let port = free_port();
    let mut command = promemu_command(&["run", "suite", "--configs-dir", dir.to_str().unwrap()]);
    // As users run it: a playlist has no API, and asks nobody to switch it off.
    command.env_remove("PME_LISTEN");
    command.args(["--output", &format!("scrape=127.0.0.1:{port}")]).args(args);
    (Process::start(&mut command), port)
}

#[test]
fn the_items_of_a_playlist_run_one_after_the_other_in_rounds_on_the_same_page() {
    let dir = folder(&format!(
        "Playlist(args: {{ \"rounds\": 1 }}, cooldown: \"300ms\", repeat: \"{{rounds}}\", {BOTH})"
    ));
    let (mut run, port) = run(dir.path(), &["rounds=2", "--speed", "20x"]);
    eventually("the page has the first item", || get(port, "/metrics")?.contains("first{").then_some(()));
    assert_eq!(run.wait(), Some(0), "{}", run.log());
    for line in
        ["round=1 of_rounds=\"2\" item=\"1 of 2\" runs=\"first\"", "round=2", "runs=2", "playlist is over"]
    {
        assert!(run.log().contains(line) || line == "runs=2", "{line}: {}", run.log());
    }
    assert_eq!(run.count_in_log("playlist goes on"), 4, "{}", run.log());
    assert_eq!(run.count_in_log("playlist pauses"), 3, "{}", run.log());
    assert!(run.log().contains("failed=0"), "{}", run.log());
}

#[test]
fn items_at_once_are_on_one_page_and_a_signal_ends_all_of_them() {
    let items = "items: [Item(config: \"endless\", args: { \"level\": 3 }), Item(config: \"first\", lasts: \"1h\"), Item(config: \"second\")]";
    let dir = folder(&format!("Playlist(at_once: true, {items})"));
    for name in ["first", "second"] {
        std::fs::write(dir.path().join(format!("{name}.ron")), config(name, "1h", "")).unwrap();
    }
    let (mut run, port) = run(dir.path(), &[]);
    eventually("all are on the page", || {
        let page = get(port, "/metrics")?;
        ["endless{", "first{", "second{"].iter().all(|name| page.contains(name)).then_some(())
    });
    assert_eq!(run.terminate(), Some(0), "{}", run.log());
    assert_eq!(run.count_in_log("stopping on a signal"), 1, "{}", run.log());
    assert_eq!(run.count_in_log("run is over"), 3, "{}", run.log());
}

#[test]
fn a_signal_ends_a_playlist_between_two_runs_and_a_duration_a_playlist_without_an_end() {
    let dir = folder(&format!("Playlist(cooldown: \"1h\", repeat: forever, {BOTH})"));
    let (mut paused, _) = run(dir.path(), &[]);
    paused.wait_for_log("playlist pauses");
    assert_eq!(paused.terminate(), Some(0), "{}", paused.log());
    let (mut limited, _) = run(dir.path(), &["--duration", "3s"]);
    assert_eq!(limited.wait(), Some(0), "{}", limited.log());
}

#[test]
fn wrong_playlists_run_nothing() {
    for (playlist, args, code, complaint) in [
        (
            "Playlist(items: [Item(config: \"first\"), Item(config: \"endless\")])",
            &[][..],
            2,
            "item endless of playlist suite has no end",
        ),
        ("Playlist(items: [Item(config: \"firts\")])", &[], 2, "suite.ron:1:31: config \"firts\" not found"),
        (
            "Playlist(items: [Item(config: \"first\")])",
            &["--watch"],
            2,
            "--watch or PME_WATCH is not for a playlist",
        ),
        ("Playlist(items: [Item(config: \"first\")])", &["--class", "A"], 2, "a playlist has no classes"),
        (
            "Playlist(items: [Item(config: \"first\", args: { \"level\": \"x\" })])",
            &[],
            2,
            "argument \"level\" takes",
        ),
    ] {
        let dir = folder(playlist);
        let output =
            promemu_in(dir.path(), &[&["run", "suite", "--output", "scrape=127.0.0.1:0"], args].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{playlist}: {said}");
        assert!(said.contains(complaint) && !said.contains("playlist goes on"), "{playlist}: {said}");
    }
}

/// The report of a test of the playlist, and its exit code.
fn tested(dir: &Path, args: &[&str]) -> (Option<i32>, Value, Output) {
    let json = dir.join("report.json");
    let output = promemu_in(dir, &[&["test", "suite", "--json", json.to_str().unwrap()], args].concat());
    let text = std::fs::read_to_string(json).unwrap_or_default();
    (output.status.code(), serde_json::from_str(&text).unwrap_or_default(), output)
}

#[test]
fn a_test_of_a_playlist_has_one_report_and_fails_with_its_worst_item() {
    let dir = folder(&format!("Playlist({BOTH})"));
    let junit = dir.path().join("junit.xml");
    let (code, report, output) = tested(dir.path(), &["--step", "1s", "--junit", junit.to_str().unwrap()]);
    assert_eq!((code, &report["passed"]), (Some(0), &Value::from(2)), "{output:?}");
    let names: Vec<&Value> = report["runs"].as_array().unwrap().iter().map(|run| &run["config"]).collect();
    assert_eq!(names, ["first", "second"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("second: 20s of virtual time") && shown.contains("2 runs: 2 passed"), "{shown}");
    let suites = std::fs::read_to_string(junit).unwrap();
    assert_eq!(suites.matches("<testsuite ").count(), 2, "{suites}");

    std::fs::write(dir.path().join("second.ron"), config("second", "1h", "holds(query: \"second > 5\")"))
        .unwrap();
    let (code, report, output) = tested(dir.path(), &["--step", "1s", "--parallel"]);
    assert_eq!((code, &report["failed"], &report["passed"]), (Some(3), &1.into(), &1.into()), "{output:?}");
    let (code, _, output) = tested(dir.path(), &["--all-classes"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(code == Some(2) && said.contains("is not for a playlist"), "{said}");
}

#[test]
fn a_live_test_of_a_playlist_judges_each_run_in_each_round() {
    for at_once in [false, true] {
        let dir = folder(&format!(
            "Playlist(at_once: {at_once}, repeat: 2, cooldown: \"1s\", items: [Item(config: \"first\", lasts: \"5s\"), Item(config: \"second\", lasts: \"5s\")])"
        ));
        for name in ["first", "second"] {
            let verdict = format!("holds(query: \"{name} == 1\")");
            std::fs::write(dir.path().join(format!("{name}.ron")), config(name, "1h", &verdict)).unwrap();
        }
        let port = free_port();
        let prometheus = Prometheus::configured(&format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 500ms }}\n\
             scrape_configs: [{{ job_name: j, honor_labels: true, static_configs: [{{ targets: ['127.0.0.1:{port}'] }}] }}]\n"
        ));
        eventually("it looks for the runs", || prometheus.query("up"));
        let (url, output) = (prometheus.url(), format!("scrape=127.0.0.1:{port}"));
        let live = ["--live", "--prometheus", &url, "--output", &output, "--step", "500ms"];
        let (code, report, output) = tested(dir.path(), &live);
        assert_eq!(code, Some(0), "{report:#} {output:?}");
        let runs = report["runs"].as_array().unwrap();
        let names: Vec<&Value> = runs.iter().map(|run| &run["config"]).collect();
        assert_eq!(names, ["first, round 1", "second, round 1", "first, round 2", "second, round 2"]);
        assert!(runs.iter().all(|run| run["mode"] == "live" && run["passed"] == 1), "{report:#}");
    }
}

#[test]
fn a_playlist_is_listed_checked_described_and_has_a_timetable() {
    let dir = folder(&format!(
        "Playlist(description: \"a suite\", args: {{ \"n\": Arg(default: 3, help: \"rounds\") }}, repeat: \"{{n}}\", cooldown: \"30s\", {BOTH})"
    ));
    assert!(printed(dir.path(), &["--list-configs"]).contains("playlist: a suite"));
    let line = "suite: a playlist of 2 configs, one after the other, 3 times, with 30s in between";
    assert!(printed(dir.path(), &["check", "suite"]).contains(line));
    assert!(printed(dir.path(), &["check", "suite", "n=1"]).contains("one after the other, once"));
    let described = printed(dir.path(), &["describe", "suite"]);
    assert!(described.contains("suite: a suite") && described.contains("level=7"), "{described}");
    let json: Value = serde_json::from_str(&printed(dir.path(), &["describe", "suite", "--json"])).unwrap();
    assert_eq!((&json["items"][1]["lasts"], &json["rounds"]), (&20.0.into(), &3.into()), "{json}");
    let truth = printed(dir.path(), &["truth", "suite"]);
    let begins: Vec<&str> = truth.lines().filter(|line| line.contains("  run  ")).collect();
    assert!(begins.len() == 2 && begins[1].starts_with("40s"), "{truth}");
}
