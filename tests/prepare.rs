//! `promemu data prepare`: rows for learning, whole and in parts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use promemu_wire::prepared::{PreparedManifest, read_numbers};
use promemu_wire::recording::{Action, RecordingFolder, SourceEntry, append_actions};
use promemu_wire::samples::ReadSeries;

use crate::data::files;
use crate::processes::{Process, promemu_command};

/// 2026-01-05T00:00:00Z
const BEGIN: i64 = 1_767_571_200_000;
const HOUR: i64 = 3_600_000;

const PIPELINE: &str = r#"(
    name: "shop", version: "1",
    extract: (match: ["{job=\"shop\"}"]),
    clean: (step: "1m", impute: (by: linear, steps: 3), outliers: (z: 8, remove: true)),
    features: (
        transform: [(match: "level", by: log1p)],
        scale: robust,
        columns: [mean("5m"), max("1h"), trend("10m"), seasonal("1h", 3)],
    ),
    split: (train: 3, validation: 1, test: 1, block: "2h", embargo: "3h", learn_until: "2026-01-06"),
    augment: (copies: 1, seed: 7, jitter: 0.1, scaling: 0.1, warp: (by: 0.3, within: "30m")),
    windows: (length: "30m", stride: "10m", balance: 0.5),
)"#;

fn series(metric: &str) -> ReadSeries {
    let labels = [("__name__", metric), ("job", "shop")];
    ReadSeries::of_labels(labels.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// The level at a sample: a wave, with a spike at the tenth minute of each sixth hour.
fn level(n: i64) -> f64 {
    let wave = f64::from(i32::try_from(n % 37).unwrap());
    if n % 720 == 20 { 1e6 } else { wave }
}

/// Writes hours of a recording with two samples in a minute: a level that has a gap of two and one of ten minutes in each hour,
/// and a counter that begins again every fifth hour.
fn record(path: &Path, hours: std::ops::Range<i64>) {
    let folder = RecordingFolder::open(path, 2).unwrap();
    let source = SourceEntry::new("scrape", "http://127.0.0.1:1");
    folder.change(|manifest| drop(manifest.sources.insert("shop".to_owned(), source))).unwrap();
    for hour in hours {
        let begin = BEGIN + hour * HOUR;
        let mut slice = folder.begin_slice("shop", begin);
        let numbers = || hour * 120..(hour + 1) * 120;
        let is_there = |n: &i64| !matches!(n % 120, 41..=44 | 61..=80);
        let levels = numbers().filter(is_there).map(|n| (BEGIN + n * 30_000, level(n)));
        slice.put_floats(&series("level"), levels).unwrap();
        let count = |n: i64| f64::from(i32::try_from(n % 600).unwrap()) * 3.0;
        slice
            .put_floats(&series("requests_total"), numbers().map(|n| (BEGIN + n * 30_000, count(n))))
            .unwrap();
        folder.commit(slice, begin + HOUR, |_| {}).unwrap();
    }
}

/// A recording of two days, a pipeline, and a folder for its rows.
fn shop() -> (tempfile::TempDir, [PathBuf; 3]) {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["shop", "shop.ron", "rows"].map(|name| dir.path().join(name));
    record(&paths[0], 0..48);
    // The third spike of the level is one of an action.
    let action = Action {
        at_ms: BEGIN + 12 * HOUR,
        name: "overload".to_owned(),
        target: String::new(),
        value: None,
        until_ms: Some(BEGIN + 12 * HOUR + 20 * 60_000),
    };
    append_actions(&paths[0], &[action]).unwrap();
    fs::write(&paths[1], PIPELINE).unwrap();
    (dir, paths)
}

fn prepare(args: &[&Path], out: &Path, more: &[&str]) -> Output {
    promemu_command(&["data", "prepare"]).args(args).arg("--out").arg(out).args(more).output().unwrap()
}

fn prepared([recording, pipeline, out]: &[PathBuf; 3]) -> String {
    let output = prepare(&[pipeline, recording], out, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn manifest(out: &Path) -> PreparedManifest {
    serde_json::from_slice(&fs::read(out.join("current/manifest.json")).unwrap()).unwrap()
}

/// The bytes of all files of the output in use, but for its events.
fn content(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn visit(folder: &Path, root: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                visit(&entry, root, all);
            } else if !entry.ends_with("lineage.jsonl") {
                all.insert(entry.strip_prefix(root).unwrap().to_owned(), fs::read(&entry).unwrap());
            }
        }
    }
    let root = fs::canonicalize(out.join("current")).unwrap();
    let mut all = BTreeMap::new();
    visit(&root, &root, &mut all);
    all
}

#[test]
fn each_step_is_counted_and_outliers_of_actions_stay() {
    let (_dir, paths) = shop();
    let printed = prepared(&paths);
    assert!(printed.contains("is in use: 2 parts made, 0 kept"), "{printed}");
    let manifest = manifest(&paths[2]);
    let count = |name: &str| manifest.counts[name];
    // 48 hours of 120 samples of the counter, and of 96 of the level; a cell ends at its time, so the samples of the last half
    // minute are in a cell behind the end.
    assert_eq!((count("extract.series"), count("extract.samples")), (2, 48 * (120 + 96) - 2));
    assert_eq!(count("clean.resets"), 9);
    // Spikes of the level at hours 0, 6, …, 42; those of the action stay, the others are gaps that are filled.
    assert_eq!((count("clean.outliers"), count("clean.outliers_removed")), (8, 7));
    assert_eq!(count("clean.outliers_during_actions"), 1);
    // Of each hour the level has no sample of 2 and of 10 minutes; the counter has no rate at the begin.
    assert_eq!(count("clean.gaps"), 48 * 12 + 7 + 1);
    assert_eq!(count("clean.imputed"), 48 * 2 + 7);
    assert_eq!(count("load.rows"), 2 * 48 * 60 + count("augment.rows"));
    assert_eq!(count("augment.rows"), count("split.train"));
    let with_action = count("windows.with_action");
    assert!(with_action > 0 && count("windows.left_out") > 0, "{printed}");
    let learned = read_numbers::<5>(&paths[2].join("current/learned.parquet")).unwrap();
    let ([metric, labels], numbers) = &learned[0];
    assert_eq!((&**metric, &**labels), ("level", "job=\"shop\""));
    // The median of a wave from 0 to 36, and that of its logarithm.
    assert!((numbers[0] - 18.0).abs() <= 1.0, "{numbers:?}");
    assert!((numbers[2] - 18.0f64.ln_1p()).abs() < 0.1, "{numbers:?}");
}

#[test]
fn an_output_that_grows_has_the_bytes_of_one_that_is_made_at_once() {
    let (dir, paths) = shop();
    prepared(&paths);
    let again = prepared(&paths);
    assert!(again.contains("is as it was: nothing has changed"), "{again}");
    record(&paths[0], 48..75);
    let grown = prepared(&paths);
    // The last minutes of the second day know what comes after them.
    assert!(grown.contains("is in use: 3 parts made, 1 kept"), "{grown}");
    let whole = dir.path().join("whole");
    let output = prepare(&[&paths[1], &paths[0]], &whole, &[]);
    assert!(output.status.success());
    let (grown, whole) = (content(&paths[2]), content(&whole));
    assert_eq!(grown.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
    assert_eq!(grown.len(), 3 + 4);
    for (path, bytes) in &grown {
        assert!(whole[path] == *bytes, "{}", path.display());
    }
}

#[test]
fn a_fold_learns_from_what_is_before_it() {
    let (dir, paths) = shop();
    let text = PIPELINE.replace("learn_until: \"2026-01-06\"", "folds: 2");
    fs::write(&paths[1], &text).unwrap();
    let mut rows = Vec::new();
    for fold in ["1", "2"] {
        let out = dir.path().join(fold);
        let output = prepare(&[&paths[1], &paths[0]], &out, &["--fold", fold]);
        assert!(output.status.success(), "{:?}", told(&output));
        let manifest = manifest(&out);
        rows.push((manifest.counts["split.train"], manifest.counts["split.validation"]));
        assert_eq!(manifest.pipeline.fold, Some(fold.parse().unwrap()));
    }
    assert!(rows[0].0 < rows[1].0 && rows.iter().all(|(_, validation)| *validation > 0), "{rows:?}");
    let output = prepare(&[&paths[1], &paths[0]], &dir.path().join("3"), &["--fold", "3"]);
    let (code, told) = told(&output);
    assert!(code == Some(2) && told.contains("--fold must be 1 to 2, as folds of split says"), "{told}");
}

#[test]
fn the_old_output_stays_until_the_new_one_is_whole_and_can_be_used_again() {
    let (_dir, paths) = shop();
    let [recording, pipeline, out] = &paths;
    prepared(&paths);
    let old = content(out);
    fs::write(pipeline, PIPELINE.replace("version: \"1\"", "version: \"2\"")).unwrap();
    let before = files(out);
    let mut run = Process::start(
        promemu_command(&["data", "prepare"]).args([pipeline, recording]).arg("--out").arg(out),
    );
    while run.is_running() && files(out) == before {}
    run.kill_unreaped();
    run.wait();
    if manifest(out).pipeline.version == "1" {
        assert!(content(out) == old, "a killed run changes nothing");
    }
    prepared(&paths);
    assert_eq!(manifest(out).pipeline.version, "2");
    let output = prepare(&[], out, &["--rollback"]);
    assert!(output.status.success(), "{:?}", told(&output));
    assert!(content(out) == old);
    let (code, error) = told(&prepare(&[], out, &["--rollback"]));
    assert!(
        code == Some(2) && error.contains("has no output before the one in use; nothing is changed"),
        "{error}"
    );

    fs::write(recording.join("samples/day=2026-01-05/000003.parquet"), "x").unwrap();
    fs::write(pipeline, PIPELINE.replace("version: \"1\"", "version: \"3\"")).unwrap();
    let (code, error) = told(&prepare(&[pipeline, recording], out, &[]));
    assert!(
        code == Some(2) && error.contains("samples/day=2026-01-05/000003.parquet has the SHA-256 "),
        "{error}"
    );
    assert!(content(out) == old);
}

#[test]
fn a_wrong_pipeline_is_told_by_its_place_and_lineage_is_beside_rows() {
    let (_dir, paths) = shop();
    let [recording, pipeline, out] = &paths;
    fs::write(pipeline, PIPELINE.replace("clean: (step", "clean: (stop")).unwrap();
    let (code, error) = told(&prepare(&[pipeline, recording], out, &[]));
    let expected = "shop.ron:4:13: no field is called \"stop\"; did you mean \"step\"?";
    assert!(code == Some(2) && error.contains(expected), "{error}");
    fs::write(pipeline, PIPELINE.replace("embargo: \"3h\"", "embargo: \"1m\"")).unwrap();
    let (code, error) = told(&prepare(&[pipeline, recording], out, &[]));
    assert!(code == Some(0) && error.contains("features reach back further than the embargo"), "{error}");
    let lineage = fs::read_to_string(out.join("current/lineage.jsonl")).unwrap();
    let events: Vec<serde_json::Value> =
        lineage.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = events.iter().map(|event| event["eventType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["START", "COMPLETE"]);
    assert_eq!(events[0]["run"]["runId"], events[1]["run"]["runId"]);
    let manifest = manifest(out);
    assert_eq!(
        events[1]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"],
        manifest.counts["load.rows"]
    );
    assert_eq!(events[1]["inputs"][0]["facets"]["version"]["datasetVersion"], manifest.inputs_sha256);
    for event in &events {
        for field in ["eventTime", "producer", "schemaURL", "job", "inputs", "outputs"] {
            assert!(!event[field].is_null(), "{field}: {event}");
        }
    }
}
