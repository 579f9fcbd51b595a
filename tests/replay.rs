//! Recordings that are played.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use promemu_wire::recording::Recording;
use promemu_wire::samples::SampleValue;

use crate::processes::{Process, eventually, free_port, get, promemu_command};
use crate::record::{Rows, bits, exporter, has, named, recorded, recorded_until, rows, store};

const NATIVE: &str = "request_duration_native_seconds";

/// `true` for the marker that a series ends with.
fn is_marker(value: &SampleValue) -> bool {
    let bits = match value {
        SampleValue::Float(value) => value.to_bits(),
        SampleValue::Histogram(histogram) => histogram.sum.to_bits(),
    };
    bits == 0x7ff0_0000_0000_0002
}

/// The rows a time later.
fn shifted(rows: &Rows, by: i64) -> Rows {
    rows.iter().map(|((labels, at), value)| ((labels.clone(), at + by), value.clone())).collect()
}

/// Exports a config that plays a recording as blocks, from the first of February on, and records these again.
fn replayed(config: &str, recording: &Path, dir: &Path) -> Rows {
    let data = dir.join("data");
    let exported = promemu_command(&["export", config, "--max-block-duration", "2h", "--format", "blocks"])
        .args(["--from", "2026-02-01T00:00:00Z", "--for", "5h1s", "--step", "5s"])
        .arg("--out")
        .arg(&data)
        .arg(format!("recording={}", recording.display()))
        .output()
        .unwrap();
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let again = dir.join("again");
    recorded(&["--blocks", data.to_str().unwrap()], &again);
    rows(&again)
}

#[test]
fn a_recording_is_exported_with_its_own_bits_and_timestamps_and_faults_on_top() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path());
    let recording = dir.path().join("stored");
    recorded(&["--blocks", dir.path().join("data").to_str().unwrap()], &recording);
    let original = rows(&recording);
    let (begin, _) = Recording::open(&recording).unwrap().range().unwrap();
    let shift = 1_769_904_000_000 - begin;
    let played = replayed("replay", &recording, &tempfile::tempdir().unwrap().path().join("p"));
    let expected = shifted(&original, shift);
    assert_eq!(played.len(), expected.len());
    assert!(bits(&played) == bits(&expected));
    // It has markers of staleness and native histograms.
    assert!(played.values().filter(|value| is_marker(value)).count() >= 9);

    let config = dir.path().join("faulty.ron");
    fs::write(
        &config,
        "Config(extends: \"replay\", faults: [Fault(id: \"gone\", at: \"2h\", lasts: \"1h\", kind: host_down, hosts: \"web-1\")])",
    )
    .unwrap();
    let faulty = replayed(config.to_str().unwrap(), &recording, &dir.path().join("f"));
    let gone = |at: i64| (2 * 3_600_000..3 * 3_600_000).contains(&(at - 1_769_904_000_000));
    for ((labels, at), value) in &expected {
        let is_there = faulty.get(&(labels.clone(), *at)).is_some_and(|value| !is_marker(value));
        let is_of_fault = gone(*at) && labels["instance"] == "web-1";
        assert!(is_there != is_of_fault || is_marker(value), "{labels:?} {at}");
    }
}

/// The rows of a recording. One that a sender repeats is there once.
fn distinct_rows(folder: &Path) -> Rows {
    let recording = Recording::open(folder).unwrap();
    let mut rows = Rows::new();
    for slice in recording.slices() {
        for (series, samples) in recording.samples(slice).unwrap() {
            let mut labels: BTreeMap<_, _> = series.labels.iter().cloned().collect();
            labels.insert("__name__".to_owned(), series.metric.clone());
            rows.extend(samples.into_iter().map(|(at, value)| ((labels.clone(), at), value)));
        }
    }
    rows
}

#[test]
fn a_live_replay_has_types_texts_and_timestamps() {
    let (mut run, port) = exporter();
    let (dir, from) = (tempfile::tempdir().unwrap(), free_port());
    let recording = dir.path().join("types");
    let args = ["--scrape", &format!("127.0.0.1:{port}"), "--interval", "300ms"];
    let original = recorded_until(&args, &recording, |rows| {
        has(rows, "scrape", "request_duration_native_seconds") && named(rows, "up").count() >= 25
    });
    assert_eq!(run.terminate(), Some(0));
    // Remote write has all samples, with their distances in time.
    let again = dir.path().join("again");
    let mut recorder = Process::start(
        promemu_command(&[
            "record",
            "--slice",
            "300ms",
            "--listen-remote-write",
            &format!("127.0.0.1:{from}"),
        ])
        .arg("--out")
        .arg(&again),
    );
    recorder.wait_for_log("waiting for samples");
    let page = free_port();
    let mut play = promemu_command(&["run", "replay", "--push-interval", "50ms", "--output"]);
    play.arg(format!("remote-write=http://127.0.0.1:{from}/api/v1/write"));
    play.args(["--output", &format!("scrape=127.0.0.1:{page}")]);
    let mut play = Process::start(play.arg(format!("recording={}", recording.display())));
    let text = eventually("its page has all types", || {
        get(page, "/metrics").filter(|text| text.contains("request_duration_native_seconds"))
    });
    for line in [
        "# TYPE queue_length gauge",
        "# HELP queue_length requests that wait",
        "# TYPE requests_total counter",
        "# TYPE request_duration_seconds histogram",
        "# TYPE request_duration_native_seconds histogram",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is not in {text}");
    }
    assert_eq!(play.wait(), Some(0), "{}", play.log());
    assert_eq!(recorder.terminate(), Some(0));
    // A push has the newest row only, so a machine that is busy sends fewer rows than there are.
    let mut played = distinct_rows(&again);
    played.retain(|_, value| !is_marker(value));
    let (original, played) = (bits(&original), bits(&played));
    let first = played.keys().map(|(_, at)| *at).min().unwrap();
    let is_original = |((labels, at), value): (&(_, i64), _), shift: i64| {
        original.get(&(BTreeMap::clone(labels), at - shift)) == Some(value)
    };
    let mut shifts = original.keys().map(|(_, at)| first - at).collect::<BTreeSet<_>>().into_iter();
    assert!(
        shifts.any(|shift| played.iter().all(|row| is_original(row, shift))),
        "{} rows of {}: {:?}",
        played.len(),
        original.len(),
        played.first_key_value()
    );
    let rows_of = |name| played.keys().filter(|(labels, _)| labels["__name__"] == name).count();
    for name in ["up", "queue_length", "requests_total", "request_duration_seconds_bucket", NATIVE] {
        assert!(rows_of(name) >= 3, "{name} of {} rows", played.len());
    }
}

#[test]
fn what_cannot_be_played_is_told_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let told = |recording: &str| {
        let output =
            promemu_command(&["check", "replay", &format!("recording={recording}")]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(
        told("").contains("no recording is given; name its folder, as in promemu run replay recording=DIR")
    );
    let missing = dir.path().join("none");
    assert!(told(missing.to_str().unwrap()).contains("has no manifest.json; name the folder of a recording"));
    store(dir.path());
    let recording = dir.path().join("stored");
    recorded(&["--blocks", dir.path().join("data").to_str().unwrap()], &recording);
    fs::remove_file(recording.join("samples/day=2026-01-05/000001.parquet")).unwrap();
    let why = told(recording.to_str().unwrap());
    assert!(
        why.contains("is damaged: samples/day=2026-01-05/000001.parquet is missing; restore the file"),
        "{why}"
    );
}
