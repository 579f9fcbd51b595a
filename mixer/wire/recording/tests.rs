//! Recordings that are written and read back.

use std::fs;
use std::path::Path;

use super::*;
use crate::samples::{HistogramSample, ReadSeries, SampleValue};

fn series(metric: &str, job: &str) -> ReadSeries {
    ReadSeries { metric: metric.to_owned(), labels: vec![("job".to_owned(), job.to_owned())] }
}

fn put(folder: &RecordingFolder, at: i64, values: &[f64]) {
    let mut slice = folder.begin_slice("a", at);
    let samples = (at..).zip(values).map(|(at, value)| (at, *value));
    slice.put_floats(&series("m", "x"), samples).unwrap();
    folder.commit(slice, at + 100, |_| {}).unwrap();
}

fn bits(recording: &Recording) -> Vec<(i64, u64)> {
    let slices = recording.slices();
    let samples =
        slices.into_iter().flat_map(|slice| recording.samples(slice).unwrap().into_values().flatten());
    let bits = samples.map(|(at, value)| match value {
        SampleValue::Float(value) => (at, value.to_bits()),
        SampleValue::Histogram(_) => panic!("there is none"),
    });
    bits.collect()
}

#[test]
fn floats_keep_their_bits() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RecordingFolder::open(dir.path(), 2).unwrap();
    let stale = promemu_core::metric::ABSENT;
    let values = [0.0, -0.0, f64::NAN, stale, f64::INFINITY, 5e-324, -1.5];
    let values: Vec<f64> = std::iter::repeat_n(values, 300).flatten().collect();
    put(&folder, 1_000, &values);
    let read = bits(&Recording::open(dir.path()).unwrap());
    let expected: Vec<(i64, u64)> = (1_000..).zip(&values).map(|(at, value)| (at, value.to_bits())).collect();
    assert_eq!(read, expected);
}

#[test]
fn histograms_are_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RecordingFolder::open(dir.path(), 2).unwrap();
    let full = HistogramSample {
        schema: 3,
        zero_threshold: 1e-9,
        zero_count: 2.0,
        count: 9.0,
        sum: 4.5,
        positive: vec![(-4, 1.0), (7, 3.0)],
        negative: vec![(2, 3.0)],
        ..Default::default()
    };
    let custom =
        HistogramSample { schema: -53, bounds: vec![0.5, 1.0], is_float: true, ..Default::default() };
    let mut slice = folder.begin_slice("a", 0);
    for (at, histogram) in [(1, &full), (2, &custom)] {
        slice.put_histogram(&series("h", "x"), at, histogram.clone()).unwrap();
    }
    folder.commit(slice, 10, |_| {}).unwrap();
    let recording = Recording::open(dir.path()).unwrap();
    let read = recording.samples(recording.slices()[0]).unwrap().swap_remove(&series("h", "x")).unwrap();
    let expected = [(1, full), (2, custom)];
    assert_eq!(read, expected.map(|(at, histogram)| (at, SampleValue::Histogram(Box::new(histogram)))));
}

#[test]
fn a_slice_is_there_once_it_is_committed_and_leftovers_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let folder = RecordingFolder::open(path, 2).unwrap();
    assert!(RecordingFolder::open(path, 2).unwrap_err().to_string().contains("by another process; end it"));
    put(&folder, 1_000, &[1.0]);
    let mut lost = folder.begin_slice("a", 2_000);
    lost.put_floats(&series("m", "x"), [(2_000, 2.0)]).unwrap();
    // It has its names, but is not in the manifest.
    lost.finish(2_100).unwrap();
    fs::write(path.join("samples/.unfinished-x"), "half").unwrap();
    fs::write(path.join("samples/day=1970-01-01/notes.txt"), "a user's").unwrap();
    drop(folder);
    let folder = RecordingFolder::open(path, 2).unwrap();
    put(&folder, 3_000, &[3.0]);
    let recording = Recording::open(path).unwrap();
    assert_eq!(bits(&recording).iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1_000, 3_000]);
    let mut files: Vec<_> = fs::read_dir(path.join("samples/day=1970-01-01"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["000001.parquet", "000002.parquet", "notes.txt"]);
    assert_eq!((recording.range(), recording.manifest().rows()), (Some((1_000, 3_100)), 2));
}

#[test]
fn damage_is_told_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RecordingFolder::open(dir.path(), 2).unwrap();
    put(&folder, 1_000, &[1.0]);
    put(&folder, 2_000, &[2.0]);
    let recording = Recording::open(dir.path()).unwrap();
    assert_eq!(recording.damage(), [""; 0]);
    fs::remove_file(dir.path().join("samples/day=1970-01-01/000001.parquet")).unwrap();
    fs::write(dir.path().join("samples/day=1970-01-01/000002.parquet"), "x").unwrap();
    let damage = recording.damage();
    assert_eq!(damage[0], "samples/day=1970-01-01/000001.parquet is missing");
    assert!(
        damage[1].starts_with("samples/day=1970-01-01/000002.parquet has the SHA-256 2d711642b726b04401")
    );
    let slice = recording.slices()[1].clone();
    let told = recording.samples(&slice).unwrap_err().to_string();
    assert!(told.starts_with("samples/day=1970-01-01/000002.parquet: "), "{told}");
}

#[test]
fn actions_are_appended_in_the_order_of_their_times_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let action = |at_ms, name: &str, value| Action {
        at_ms,
        name: name.to_owned(),
        target: "db".to_owned(),
        value,
        until_ms: value.map(|_| at_ms + 5),
    };
    let told = append_actions(dir.path(), &[]).unwrap_err().to_string();
    assert!(told.ends_with("has no manifest.json; name the folder of a recording"), "{told}");
    let _folder = RecordingFolder::open(dir.path(), 2).unwrap();
    append_actions(dir.path(), &[action(9, "scale", Some(3.0))]).unwrap();
    append_actions(dir.path(), &[action(4, "kill", None), action(9, "scale", Some(3.0))]).unwrap();
    let recording = Recording::open(dir.path()).unwrap();
    assert_eq!(recording.actions().unwrap(), [action(4, "kill", None), action(9, "scale", Some(3.0))]);
    assert_eq!(recording.damage(), [""; 0]);
}

#[test]
fn a_folder_of_other_files_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x"), "").unwrap();
    let told = RecordingFolder::open(dir.path(), 2).unwrap_err().to_string();
    assert!(told.ends_with("has files but no manifest.json; name a new folder, or a recording"), "{told}");
    fs::write(dir.path().join(MANIFEST), "{\"version\":9}").unwrap();
    assert!(Recording::open(Path::new(dir.path())).unwrap_err().to_string().contains("is no manifest"));
}
