//! `promemu export` to blocks: a real Prometheus and promtool read them as their own, and they hold what the other formats hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::processes::{Process, Prometheus, eventually, promemu_command, value};

/// Half an hour before the end of a block of two hours.
const FROM: &str = "2026-01-05T01:30:00Z";
/// The same in seconds since the Unix epoch.
const START: u64 = 1_767_576_600;

/// Series and time in milliseconds, and the value.
type Dump = BTreeMap<(String, i64), String>;

fn export(config: &str, length: &str, out: &Path, more: &[&str]) -> Output {
    let out = out.display().to_string();
    let args = ["export", config, "--from", FROM, "--for", length, "--seed", "7", "--out", &out];
    promemu_command(&[&args[..], more].concat()).output().unwrap()
}

fn export_blocks(config: &str, length: &str, data: &Path, more: &[&str]) {
    let output = export(config, length, data, &[&["--format", "blocks"], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// All float samples of a data folder, with the labels of each series sorted.
fn dump(data: &Path) -> Dump {
    // promtool wants the folder of a log that it never reads here.
    std::fs::create_dir_all(data.join("wal")).unwrap();
    let output = Command::new("promtool").args(["tsdb", "dump"]).arg(data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sample = |line: &str| {
        let (rest, time) = line.rsplit_once(' ').unwrap();
        let (labels, value) = rest.rsplit_once("} ").unwrap();
        let mut labels: Vec<&str> = labels.trim_matches(['{', '}']).split("\", ").collect();
        labels.sort_unstable();
        ((labels.join(",").replace('"', ""), time.parse().unwrap()), value.to_owned())
    };
    String::from_utf8(output.stdout).unwrap().lines().map(sample).collect()
}

fn is_of(name: &str, series: &str) -> bool {
    series.split(',').any(|label| label == format!("__name__={name}"))
}

/// Names of the blocks in a folder.
fn blocks(data: &Path) -> Vec<String> {
    let entries =
        std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name != "wal").collect();
    names.sort();
    names
}

/// Every file of a folder with its content.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(next) = dirs.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                dirs.push(entry);
            } else {
                files.insert(entry.strip_prefix(dir).unwrap().to_owned(), std::fs::read(&entry).unwrap());
            }
        }
    }
    files
}

#[test]
fn blocks_hold_the_samples_of_the_export_and_the_markers_of_its_ends() {
    for config in ["churn", "dirty_data", "microservices", "metric_types"] {
        let dir = tempfile::tempdir().unwrap();
        let (own, file, theirs) =
            (dir.path().join("own"), dir.path().join("x.om"), dir.path().join("theirs"));
        export_blocks(config, "90m", &own, &["--max-block-duration", "2h", "--labels", "push"]);
        assert_eq!(blocks(&own).len(), 2, "{config}");
        let output = export(config, "90m", &file, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let import = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&file, &theirs])
            .output()
            .unwrap();
        assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
        let (mut own, mut theirs) = (dump(&own), dump(&theirs));
        // Native histograms are whole in blocks, and reduced in OpenMetrics.
        theirs.retain(|(series, _), _| !series.contains("__name__=request_duration_native_seconds"));
        let markers = own.len() - theirs.len();
        own.retain(|sample, value| value != "NaN" || theirs.contains_key(sample));
        assert!(own == theirs, "{config}: {} and {} samples", own.len(), theirs.len());
        let has_ends = ["churn", "dirty_data"].contains(&config);
        assert_eq!(markers > 0, has_ends, "{config}: {markers} series end");
    }
}

#[test]
fn series_have_the_labels_of_a_scrape_or_of_a_push_in_each_format() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("labels.ron");
    let text = r#"Config(default_job_name: "j", identity_labels: false, hosts: [
        Host(name: "a", interval: "5s", metrics: [Metric(name: "x", default_value: 1)]),
        Host(name: "b", interval: "5s", labels: { "instance": "its" }, metrics: [Metric(name: "y", default_value: 1)]),
        Host(name: "c", interval: "5s", metrics: [Metric(name: "z", default_value: 1, labels: { "instance": "own" })])])"#;
    std::fs::write(&config, text).unwrap();
    let config = config.display().to_string();
    let series = |out: &str, labels: &str| {
        let data = dir.path().join(out);
        export_blocks(&config, "1m", &data, &["--labels", labels]);
        let file = dir.path().join(format!("{out}.csv"));
        assert_eq!(export(&config, "1m", &file, &["--labels", labels]).status.code(), Some(0));
        let rows: BTreeSet<String> = std::fs::read_to_string(file)
            .unwrap()
            .lines()
            .skip(1)
            .map(|row| {
                let row = row.split_once(',').unwrap().1.rsplit_once(',').unwrap().0.replace('"', "");
                let (name, labels) = row.split_once(',').unwrap();
                let mut labels: Vec<String> = labels.split(',').map(str::to_owned).collect();
                labels.push(format!("__name__={name}"));
                labels.sort();
                labels.join(",")
            })
            .collect();
        let mut dumped: BTreeSet<String> = dump(&data).into_keys().map(|(series, _)| series).collect();
        let ups = dumped.extract_if(.., |series| is_of("up", series)).collect::<Vec<_>>();
        assert_eq!(dumped, rows);
        (dumped.into_iter().collect::<Vec<_>>(), ups)
    };
    let (scraped, ups) = series("scraped", "scrape");
    assert_eq!(
        scraped,
        ["__name__=x,instance=a,job=j", "__name__=y,instance=its,job=j", "__name__=z,instance=own,job=j",]
    );
    assert_eq!(
        ups,
        ["__name__=up,instance=a,job=j", "__name__=up,instance=c,job=j", "__name__=up,instance=its,job=j"]
    );
    let (pushed, ups) = series("pushed", "push");
    assert_eq!(
        pushed,
        ["__name__=x,job=j", "__name__=y,instance=its,job=j", "__name__=z,instance=own,job=j"]
    );
    assert!(ups.is_empty(), "{ups:?}");
}

#[test]
fn a_prometheus_starts_on_blocks_without_a_warning_and_answers() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    export_blocks("metric_types", "7h", &data, &[]);
    let prometheus = Prometheus::with_data(&data);
    let at = START + 6 * 3_600;
    let ask = |query: &str| eventually(query, || prometheus.query_at(query, at));
    let file = dir.path().join("x.om");
    assert_eq!(export("metric_types", "7h", &file, &[]).status.code(), Some(0));
    let exposition = std::fs::read_to_string(&file).unwrap();
    let ending = format!(" {at}");
    let total = |name: &str| {
        let lines = exposition.lines().filter(|line| line.starts_with(name) && line.ends_with(&ending));
        lines.map(|line| value(line.strip_suffix(&ending).unwrap())).sum::<f64>()
    };
    let pairs = [
        (
            "sum(histogram_count(request_duration_native_seconds))",
            total("request_duration_native_seconds_count"),
        ),
        ("sum(histogram_sum(request_duration_native_seconds))", total("request_duration_native_seconds_sum")),
        ("sum(request_duration_seconds_sum)", total("request_duration_seconds_sum")),
        ("count(up == 1)", total("build_info")),
        ("min(count_over_time(up[6h]))", 1440.0),
        ("count(absent(nothing))", 1.0),
    ];
    for (query, expected) in pairs {
        let value = ask(query);
        assert!((value - expected).abs() <= expected.abs() * 1e-9, "{query} is {value}, not {expected}");
    }
    let [native, classic] = ["request_duration_native_seconds", "request_duration_seconds_bucket"]
        .map(|name| ask(&format!("histogram_quantile(0.9, sum by (le) (rate({name}[1h])))")));
    assert!((native / classic - 1.0).abs() < 0.2, "{native} by native, {classic} by classic buckets");
    let log = prometheus.log();
    assert!(!log.contains("level=warn") && !log.contains("level=error"), "{log}");
}

#[test]
fn the_number_of_threads_changes_no_byte_and_the_same_run_has_the_same_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let folder = |name: &str| dir.path().join(name);
    for (name, threads) in [("one", "1"), ("three", "3")] {
        let more = ["--threads", threads, "--max-block-duration", "2h", "--config-args", "node_count=2"];
        export_blocks("kubernetes_cluster", "3h", &folder(name), &more[..4]);
    }
    assert!(files(&folder("one")) == files(&folder("three")));
    let before = blocks(&folder("one"));
    export_blocks(
        "kubernetes_cluster",
        "3h",
        &folder("one"),
        &["--max-block-duration", "2h", "--allow-overlap"],
    );
    assert_eq!(blocks(&folder("one")), before, "the same run adds nothing");
}

#[test]
fn blocks_do_not_overlap_those_of_the_folder_unless_they_may() {
    let dir = tempfile::tempdir().unwrap();
    export_blocks("hosts_load_with_peaks", "1h", dir.path(), &[]);
    let before = files(dir.path());
    let output = export("churn", "10m", dir.path(), &[]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(&blocks(dir.path())[0]) && error.contains("--allow-overlap"), "{error}");
    assert!(files(dir.path()) == before);
    export_blocks("churn", "10m", dir.path(), &["--allow-overlap"]);
    assert_eq!(blocks(dir.path()).len(), 2);
}

#[test]
fn a_killed_export_leaves_nothing_to_read_and_the_next_one_clears_it_up() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let out = data.display().to_string();
    let args = ["export", "metric_types", "--from", FROM, "--for", "40d", "--out", &out];
    let mut killed =
        Process::start(&mut promemu_command(&[&args[..], &["--format", "blocks", "--step", "1s"]].concat()));
    eventually("a block is begun", || std::fs::read_dir(&data).ok()?.next()).unwrap();
    killed.signal("-KILL");
    assert_eq!(killed.wait(), None, "it was killed");
    let left = blocks(&data);
    assert!(!left.is_empty() && left.iter().all(|name| name.ends_with(".tmp-for-creation")), "{left:?}");
    // Of an unknown program: it stays.
    let strange = data.join("01KE5TPG8RWQJXBQGT2P5J91NN.tmp-for-creation");
    std::fs::create_dir(&strange).unwrap();
    export_blocks("hosts_load_with_peaks", "10m", &data, &[]);
    let left = blocks(&data);
    assert_eq!(left.iter().filter(|name| !name.contains('.')).count(), 1, "{left:?}");
    assert_eq!(left.iter().filter(|name| name.contains('.')).count(), 1, "{left:?}");
    assert!(strange.is_dir());
}

#[test]
fn a_signal_removes_the_blocks_that_an_export_has_begun() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let out = data.display().to_string();
        let args = [
            "export",
            "metric_types",
            "--from",
            FROM,
            "--for",
            "40d",
            "--max-block-duration",
            "2h",
            "--out",
            &out,
        ];
        let mut export = Process::start(&mut promemu_command(&[&args[..], &["--format", "blocks"]].concat()));
        eventually("a second block is begun", || std::fs::read_dir(&data).ok()?.nth(1)).unwrap();
        export.signal(signal);
        assert_eq!(export.wait(), Some(code));
        assert!(blocks(&data).is_empty(), "{:?}", blocks(&data));
    }
}

#[test]
fn a_host_that_is_down_is_a_target_that_does_not_answer() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("down.ron");
    let text = r#"Config(hosts: [Host(name: "a", interval: "5s", metrics: [Metric(name: "x", default_value: 1)],
        faults: [host_down(at: "10m", lasts: "5m")])])"#;
    std::fs::write(&config, text).unwrap();
    let data = dir.path().join("data");
    export_blocks(&config.display().to_string(), "30m", &data, &[]);
    let samples = dump(&data);
    let of = |name: &'static str| samples.iter().filter(move |((series, _), _)| is_of(name, series));
    let down: Vec<i64> = of("up").filter(|(_, value)| *value == "0").map(|((_, time), _)| *time).collect();
    assert_eq!(down.len(), 20, "five minutes at 15 s: {down:?}");
    assert_eq!(of("x").filter(|(_, value)| *value == "NaN").count(), 1, "one marker");
    let shown: Vec<i64> = of("x").filter(|(_, value)| *value == "1").map(|((_, time), _)| *time).collect();
    assert!(shown.iter().all(|time| !down.contains(time)));
    assert_eq!(shown.len() + down.len(), of("up").count());
}
