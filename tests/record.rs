//! `promemu record` against real servers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use promemu_wire::recording::Recording;
use promemu_wire::samples::{HistogramSample, SampleValue};

use crate::block_samples::samples_of_blocks;
use crate::databases::Database;
use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, eventually, free_port, get, http, promemu, promemu_command, series, value};

/// Rows by labels, with the name among them, and milliseconds.
pub(crate) type Rows = BTreeMap<(BTreeMap<String, String>, i64), SampleValue>;

/// All rows of a recording, each of which is there once.
pub(crate) fn rows(folder: &Path) -> Rows {
    let recording = Recording::open(folder).unwrap();
    assert_eq!(recording.damage(), [""; 0]);
    let mut rows = Rows::new();
    for slice in recording.slices() {
        recording
            .for_each(slice, |series, samples| {
                let mut labels: BTreeMap<_, _> = series.labels.iter().cloned().collect();
                labels.insert("__name__".to_owned(), series.metric.clone());
                for (at, value) in samples {
                    let old = rows.insert((labels.clone(), at), value);
                    assert!(old.is_none(), "{labels:?} {at} is there twice");
                }
                Ok(())
            })
            .unwrap();
    }
    assert_eq!(rows.len() as u64, recording.manifest().rows());
    rows
}

/// The bits of all rows, in one form that compares.
pub(crate) fn bits(rows: &Rows) -> BTreeMap<(BTreeMap<String, String>, i64), String> {
    let text = |value: &SampleValue| match value {
        SampleValue::Float(value) => format!("{:x}", value.to_bits()),
        SampleValue::Histogram(histogram) => {
            let sum = histogram.sum.to_bits();
            format!("{sum:x} {:?}", HistogramSample { sum: 0.0, ..(**histogram).clone() })
        }
    };
    rows.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

pub(crate) fn named<'r>(
    rows: &'r Rows,
    name: &'r str,
) -> impl Iterator<Item = (&'r BTreeMap<String, String>, i64, &'r SampleValue)> {
    rows.iter()
        .filter(move |((labels, _), _)| labels["__name__"] == name)
        .map(|((labels, at), value)| (labels, *at, value))
}

fn float(value: &SampleValue) -> f64 {
    match value {
        SampleValue::Float(value) => *value,
        SampleValue::Histogram(_) => panic!("it is a histogram"),
    }
}

/// Runs `promemu record` to its end. Returns its log.
pub(crate) fn recorded(args: &[&str], folder: &Path) -> String {
    let output = promemu_command(&["record"]).args(args).arg("--out").arg(folder).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {log}");
    log
}

/// Runs `promemu record` until its rows are enough.
pub(crate) fn recorded_until(args: &[&str], folder: &Path, is_enough: impl Fn(&Rows) -> bool) -> Rows {
    let mut recorder =
        Process::start(promemu_command(&["record", "--slice", "300ms"]).args(args).arg("--out").arg(folder));
    eventually("its rows are enough", || is_enough(&committed(folder)).then_some(()));
    assert_eq!(recorder.terminate(), Some(0), "{}", recorder.log());
    rows(folder)
}

/// `true` if a job has a series of this name.
pub(crate) fn has(rows: &Rows, job: &str, name: &str) -> bool {
    rows.keys().any(|(labels, _)| labels["job"] == job && labels["__name__"] == name)
}

/// A run of `metric_types` that is scraped.
pub(crate) fn exporter() -> (Process, u16) {
    let port = free_port();
    let run = promemu(&["--config", "metric_types", "--output", &format!("scrape=127.0.0.1:{port}")]);
    run.wait_for_log("the metrics are at");
    (run, port)
}

#[test]
fn exporters_are_scraped_with_their_health_and_native_histograms() {
    let (mut run, port) = exporter();
    let (dir, own) = (tempfile::tempdir().unwrap(), free_port());
    let folder = dir.path().join("shop");
    let targets = format!("127.0.0.1:{port},http://127.0.0.1:{}/metrics", free_port());
    let mut recorder = Process::start(
        promemu_command(&["record", "--scrape", &targets, "--interval", "500ms", "--slice", "1s"])
            .args(["--self-metrics-address", &format!("127.0.0.1:{own}")])
            .arg("--out")
            .arg(&folder),
    );
    eventually("slices are written", || {
        let page = get(own, "/metrics")?;
        series(&page, "promemu_record_slices_total").into_iter().map(value).find(|count| *count >= 3.0)
    });
    let page = get(own, "/metrics").unwrap();
    let docs = include_str!("../docs/own-metrics.md");
    for line in page.lines().filter(|line| line.starts_with("# HELP promemu_record_")) {
        let (name, help) = line["# HELP ".len()..].split_once(' ').unwrap();
        assert!(
            docs.lines().any(|row| row.starts_with(&format!("| `{name}` | ")) && row.contains(help)),
            "{line}"
        );
    }
    eventually("a page is there", || {
        has(&committed(&folder), "scrape", "request_duration_native_seconds").then_some(())
    });
    // Its series go stale.
    assert_eq!(run.terminate(), Some(0));
    eventually("its series are stale", || {
        let rows = committed(&folder);
        let (_, _, last) = named(&rows, "queue_length").last()?;
        (float(last).to_bits() == 0x7ff0_0000_0000_0002).then_some(())
    });
    assert_eq!(recorder.terminate(), Some(0));
    let rows = rows(&folder);
    let ups: Vec<f64> = named(&rows, "up").map(|(_, _, value)| float(value)).collect();
    assert!(ups.contains(&1.0) && ups.contains(&0.0));
    let (labels, _, first) = named(&rows, "request_duration_native_seconds").next().unwrap();
    assert_eq!((&*labels["job"], &*labels["instance"]), ("scrape", &*format!("127.0.0.1:{port}")));
    assert!(
        matches!(first, SampleValue::Histogram(histogram) if histogram.count > 0.0 && !histogram.positive.is_empty())
    );
    assert!(recorder.log().contains("target is down: cannot connect"), "{}", recorder.log());
    let manifest = Recording::open(&folder).unwrap().manifest().clone();
    assert_eq!(manifest.families["queue_length"].kind, "gauge");
    assert_eq!(manifest.families["queue_length"].help, "requests that wait");
    let source = &manifest.sources["scrape"];
    assert_eq!((&*source.kind, source.interval_secs, source.clock.is_recorder), ("scrape", Some(0.5), true));
}

#[test]
fn a_selection_and_a_file_of_sources_say_what_is_recorded() {
    let (_run, port) = exporter();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sources.ron");
    let text = format!(
        r#"[
            (name: "a", scrape: ["127.0.0.1:{port}"], match: ["{{__name__=~\"queue_.*\",host!=\"\"}}"], labels: {{ "env": "test" }}),
            (name: "b", scrape: ["127.0.0.1:{port}"], select: ["application"], interval: "700ms"),
        ]"#
    );
    fs::write(&file, text).unwrap();
    let folder = dir.path().join("both");
    let args = ["--sources", file.to_str().unwrap(), "--interval", "500ms"];
    let rows = recorded_until(&args, &folder, |rows| {
        has(rows, "a", "queue_length") && has(rows, "b", "requests_total")
    });
    let names = |job: &str| {
        let of_job = rows.keys().filter(|(labels, _)| labels["job"] == job);
        of_job.map(|(labels, _)| labels["__name__"].clone()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(
        names("a").into_iter().collect::<Vec<_>>(),
        ["queue_length", "scrape_duration_seconds", "scrape_samples_scraped", "up"]
    );
    assert!(names("b").contains("requests_total") && !names("b").contains("build_info"), "{:?}", names("b"));
    assert!(
        rows.keys().filter(|(labels, _)| labels["job"] == "a").all(|(labels, _)| labels["env"] == "test")
    );
    let output =
        promemu_command(&["record", "--scrape", "127.0.0.1:1", "--name", "a", "--for", "1s", "--out"])
            .arg(&folder)
            .output()
            .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("has a source a of another kind, selection or step; give the new one another name"),
        "{told}"
    );
}

/// Stored series: floats, native histograms below and above zero, and hosts that are down for a while.
const STORED: &str = r#"Config(default_job_name: "stored", hosts: [
    Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "web-{i}", interval: "15s", ttl: inf, metrics: [
        Metric(name: "level", value_range: (-5, 9), decimals: 9, scenario: random_walk),
        Metric(name: "done_total", metric_type: counter, value_range: (0, 9), scenario: random_in_range),
        Metric(name: "took_seconds", metric_type: native_histogram, value_range: (-1, 2), observations: 20, scenario: random_in_range),
    ], faults: [host_down(at: "30m", lasts: "5m")]),
])"#;

pub(crate) const RANGE: [&str; 4] = ["--from", "2026-01-05T00:00:00Z", "--to", "2026-01-05T05:00:01Z"];

/// Writes blocks of [`STORED`] into `data` of a folder.
pub(crate) fn store(dir: &Path) {
    let config = dir.join("stored.ron");
    fs::write(&config, STORED).unwrap();
    let exported =
        promemu_command(&["export", config.to_str().unwrap(), "--seed", "7", "--max-block-duration", "2h"])
            .args([
                "--from",
                "2026-01-05T00:00:00Z",
                "--to",
                "2026-01-05T05:00:00Z",
                "--step",
                "15s",
                "--format",
                "blocks",
            ])
            .arg("--out")
            .arg(dir.join("data"))
            .output()
            .unwrap();
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
}

#[test]
fn remote_read_has_the_bits_that_promtool_and_prometheus_have() {
    let (stored, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    store(stored.path());
    let data = stored.path().join("data");
    let dumped = samples_of_blocks(&data);
    let by_blocks = dir.path().join("blocks");
    recorded(&["--blocks", data.to_str().unwrap()], &by_blocks);
    let prometheus = Database::prometheus_with_data(stored, true);
    let by_read = dir.path().join("read");
    let url = prometheus.url();
    // Selectors that overlap give no row twice.
    let selectors = ["--match", "{job=\"stored\"}", "--match", "{__name__=~\"up|level\"}"];
    recorded(&[&["--remote-read", &url], &selectors[..], &RANGE].concat(), &by_read);
    let read = rows(&by_read);
    assert_eq!(bits(&read), bits(&rows(&by_blocks)), "remote read and blocks");
    let floats = read.iter().filter_map(|((labels, at), value)| match value {
        SampleValue::Float(value) if value.is_nan() => Some(((labels.clone(), *at), f64::NAN.to_bits())),
        SampleValue::Float(value) => Some(((labels.clone(), *at), value.to_bits())),
        SampleValue::Histogram(_) => None,
    });
    assert!(floats.collect::<BTreeMap<_, _>>() == dumped, "remote read and promtool");
    let markers = read.values().filter(|value| match value {
        SampleValue::Float(value) => value.is_nan(),
        SampleValue::Histogram(histogram) => histogram.sum.is_nan(),
    });
    assert!(markers.count() >= 9, "each series ends when its host goes down");
    let count = same_histograms(&read, &prometheus);
    assert!(count > 3_000, "{count}");
    // Nothing is fetched again.
    let again = recorded(&[&["--remote-read", &url], &selectors[..], &RANGE].concat(), &by_read);
    assert!(again.contains("rows=0"), "{again}");
    assert_eq!(bits(&rows(&by_read)), bits(&read));
}

/// Compares native histograms with the answers of a Prometheus. Returns their number.
fn same_histograms(rows: &Rows, prometheus: &Database) -> usize {
    let mut count = 0;
    // Just behind the last sample, in seconds.
    for (labels, [_, histograms]) in prometheus.samples_at("took_seconds[6h]", 1_767_589_300) {
        let histograms: Vec<(f64, serde_json::Value)> = serde_json::from_str(&histograms).unwrap();
        for (at, asked) in histograms {
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds are below 2^53")]
            let at = (at * 1000.0).round() as i64;
            let Some(SampleValue::Histogram(own)) = rows.get(&(labels.clone(), at)) else {
                panic!("{labels:?} {at}")
            };
            let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<f64>().unwrap();
            assert_eq!(own.count.to_bits(), number(&asked["count"]).to_bits());
            assert_eq!(own.sum.to_bits(), number(&asked["sum"]).to_bits());
            let mut buckets: Vec<(f64, f64)> =
                own.negative.iter().rev().map(|(n, c)| (-own.upper_bound(*n - 1), *c)).collect();
            if own.zero_count > 0.0 {
                buckets.push((own.zero_threshold, own.zero_count));
            }
            buckets.extend(own.positive.iter().map(|(n, c)| (own.upper_bound(*n), *c)));
            let asked: Vec<(f64, f64)> = asked["buckets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|bucket| (number(&bucket[2]), number(&bucket[3])))
                .collect();
            assert_eq!(buckets.len(), asked.len(), "{labels:?} {at}");
            for (own, asked) in buckets.iter().zip(&asked) {
                assert!(
                    (own.0 - asked.0).abs() <= 1e-12 * asked.0.abs() && own.1.to_bits() == asked.1.to_bits(),
                    "{own:?} {asked:?}"
                );
            }
            count += 1;
        }
    }
    count
}

#[test]
fn range_queries_are_marked_as_resampled_and_a_dump_has_the_floats() {
    let (stored, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    store(stored.path());
    let data = stored.path().join("data");
    fs::create_dir_all(data.join("wal")).unwrap();
    let dump = Command::new("promtool").args(["tsdb", "dump"]).arg(&data).output().unwrap();
    let file = dir.path().join("dump.txt");
    fs::write(&file, &dump.stdout).unwrap();
    let by_dump = dir.path().join("dump");
    recorded(&["--dump", file.to_str().unwrap()], &by_dump);
    let dumped = rows(&by_dump);
    assert_eq!(dumped.len(), samples_of_blocks(&data).len());
    let prometheus = Database::prometheus_with_data(stored, true);
    let by_query = dir.path().join("query");
    let url = prometheus.url();
    let args = [&["--query", &url, "--match", "level", "--step", "45s"], &RANGE[..]].concat();
    recorded(&args, &by_query);
    let queried = rows(&by_query);
    assert!(queried.len() > 1_000 && queried.keys().all(|(_, at)| at % 45_000 == 0));
    let source = Recording::open(&by_query).unwrap().manifest().sources["query"].clone();
    assert!(source.is_resampled && source.interval_secs == Some(45.0));
    let (key, value) = queried.iter().next().unwrap();
    assert_eq!(float(value).to_bits(), float(&dumped[key]).to_bits(), "it is one of the stored ones");
}

#[test]
fn remote_write_and_otlp_are_taken_at_a_port() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("sent");
    let [write, otlp] = [free_port(), free_port()];
    let addresses = [write, otlp].map(|port| format!("127.0.0.1:{port}"));
    let mut recorder = Process::start(
        promemu_command(&["record", "--listen-remote-write", &addresses[0], "--listen-otlp", &addresses[1]])
            .arg("--out")
            .arg(&folder),
    );
    recorder.wait_for_log("waiting for samples (--listen-remote-write)");
    recorder.wait_for_log("waiting for samples (--listen-otlp)");
    let outputs =
        [format!("remote-write=http://{},version=2", addresses[0]), format!("otlp=http://{}", addresses[1])];
    let args = ["--config", "metric_types", "--push-interval", "300ms", "--duration", "3s"];
    let mut run = promemu(&[&args[..], &["--output", &outputs[0], "--output", &outputs[1]]].concat());
    assert_eq!(run.wait(), Some(0), "{}", run.log());
    assert!(http("POST", write, "/api/v1/write", "x").is_some_and(|(status, _)| status == 415));
    assert_eq!(recorder.terminate(), Some(0));
    let by_source = |source: &str| {
        let recording = Recording::open(&folder).unwrap();
        let mut seen = BTreeMap::new();
        for slice in recording.slices().into_iter().filter(|slice| slice.source == source) {
            for (series, samples) in recording.samples(slice).unwrap() {
                seen.entry(series.metric.clone()).or_insert_with(Vec::new).extend(samples);
            }
        }
        seen
    };
    let [written, sent] = ["remote_write", "otlp"].map(by_source);
    for seen in [&written, &sent] {
        assert!(
            seen.contains_key("queue_length") && seen.contains_key("requests_total"),
            "{:?}",
            seen.keys()
        );
        let native = &seen["request_duration_native_seconds"];
        assert!(
            native.iter().any(|(_, value)| matches!(value, SampleValue::Histogram(own) if own.count > 0.0))
        );
    }
    assert_eq!(Recording::open(&folder).unwrap().manifest().families["queue_length"].kind, "gauge");
}

#[test]
fn actions_are_noted_while_the_recorder_goes_on() {
    let (_run, port) = exporter();
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("shop");
    let mut recorder = Process::start(
        promemu_command(&[
            "record",
            "--scrape",
            &format!("127.0.0.1:{port}"),
            "--interval",
            "100ms",
            "--slice",
            "200ms",
        ])
        .arg("--out")
        .arg(&folder),
    );
    eventually("the recording is there", || folder.join("manifest.json").exists().then_some(()));
    let act = |args: &[&str]| {
        promemu_command(&["record", "action"]).args(args).arg("--out").arg(&folder).output().unwrap()
    };
    for n in 0..5 {
        let noted = act(&["scale", "--target", "shop", "--value", &n.to_string(), "--until", "2100-01-01"]);
        assert!(noted.status.success(), "{}", String::from_utf8_lossy(&noted.stderr));
    }
    let rows_before = Recording::open(&folder).unwrap().manifest().rows();
    eventually("it goes on", || {
        (Recording::open(&folder).unwrap().manifest().rows() > rows_before).then_some(())
    });
    assert_eq!(recorder.terminate(), Some(0));
    let recording = Recording::open(&folder).unwrap();
    let actions = recording.actions().unwrap();
    assert_eq!(actions.iter().map(|own| own.value).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0, 4.0].map(Some));
    assert_eq!((&*actions[0].name, &*actions[0].target), ("scale", "shop"));
    assert_eq!(recording.damage(), [""; 0]);
    let told = act(&["scale", "--at", "now", "--until", "-1h"]);
    assert!(String::from_utf8(told.stderr).unwrap().contains("must not be before --at"));
}

/// The committed rows of the manifest that is there right now.
fn committed(folder: &Path) -> Rows {
    if folder.join("manifest.json").exists() { rows(folder) } else { Rows::new() }
}

#[test]
fn targets_of_a_list_are_scraped_with_its_labels() {
    let (_run, port) = exporter();
    let list = format!("[{{\"targets\": [\"127.0.0.1:{port}\"], \"labels\": {{\"env\": \"listed\"}}}}]");
    let server = FakeGateway::start(Behaviour::Say(Box::leak(list.into_boxed_str())));
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("listed");
    let url = server.url();
    let mut recorder = Process::start(
        promemu_command(&["record", "--http-sd", &url, "--match", "queue_length", "--interval", "500ms"])
            .args(["--slice", "300ms"])
            .arg("--out")
            .arg(&folder),
    );
    let listed = |rows: &Rows| {
        let of_list =
            named(rows, "up").filter(|(labels, ..)| labels.get("env").is_some_and(|env| env == "listed"));
        of_list.map(|(_, _, value)| float(value)).collect::<Vec<f64>>()
    };
    eventually("it is scraped", || {
        let rows = committed(&folder);
        (listed(&rows).contains(&1.0) && has(&rows, "scrape", "queue_length")).then_some(())
    });
    server.behave(Behaviour::Say("[]"));
    eventually("its series are stale when it is gone", || {
        listed(&committed(&folder)).last()?.is_nan().then_some(())
    });
    assert_eq!(recorder.terminate(), Some(0));
    let is_listed = |rows: &Rows| named(rows, "queue_length").all(|(labels, ..)| labels["env"] == "listed");
    assert!(is_listed(&rows(&folder)));
}

#[test]
fn a_prometheus_that_refuses_ends_its_source_with_the_reason() {
    let server = FakeGateway::start(Behaviour::Answer(503));
    let dir = tempfile::tempdir().unwrap();
    let record = |more: &[&str]| {
        let args = ["record", "--remote-read", &server.url(), "--match", "up", "--from", "-1h"];
        let output =
            promemu_command(&args).args(more).arg("--out").arg(dir.path().join("x")).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let asked = || server.requests("POST").len();
    let (code, told) = record(&["--retries", "1"]);
    assert!(code == Some(1) && told.contains("request failed and is sent again: it answered 503"), "{told}");
    assert!(
        told.contains("error: source remote_read was not recorded to its end: it answered 503"),
        "{told}"
    );
    assert_eq!(asked(), 2);
    server.behave(Behaviour::Answer(401));
    let (code, told) = record(&[]);
    assert!(code == Some(1) && asked() == 3 && !told.contains("is sent again"), "{told}");
    let (code, told) = record(&["--bandwidth", "0"]);
    assert!(
        code == Some(2) && told.contains("--bandwidth or PME_RECORD_BANDWIDTH must be a size, as in 1MiB"),
        "{told}"
    );
}
