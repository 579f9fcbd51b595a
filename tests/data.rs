//! `promemu data` and `promemu store` on recordings.

use std::fs;
use std::path::{Path, PathBuf};

use promemu_wire::recording::{Recording, RecordingFolder, SourceEntry};
use promemu_wire::samples::ReadSeries;

use crate::kills;
use crate::processes::{Process, promemu_command};

/// 2026-01-05T00:00:00Z
const BEGIN: i64 = 1_767_571_200_000;
const DAY: i64 = 86_400_000;

fn series(metric: &str, code: &str) -> ReadSeries {
    let labels = [("__name__", metric), ("code", code), ("job", "shop")];
    ReadSeries::of_labels(labels.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// The begin and the end of a slice, and its samples.
type Slice = (i64, i64, Vec<(ReadSeries, Vec<(i64, f64)>)>);

/// Writes slices of one source.
fn write(path: &Path, slices: &[Slice]) {
    let folder = RecordingFolder::open(path, 2).unwrap();
    let source = SourceEntry::new("scrape", "http://127.0.0.1:1");
    folder.change(|manifest| drop(manifest.sources.insert("shop".to_owned(), source))).unwrap();
    for (begin, end, samples) in slices {
        let mut slice = folder.begin_slice("shop", *begin);
        for (series, samples) in samples {
            slice.put_floats(series, samples.iter().copied()).unwrap();
        }
        folder.commit(slice, *end, |_| {}).unwrap();
    }
}

/// A recording of two slices: a counter that is reset once, and a gauge of two codes.
pub(crate) fn shop() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop");
    let at = |n: i64| BEGIN + n * 15_000;
    let requests = series("requests_total", "200");
    let (ok, bad) = (series("queue", "200"), series("queue", "500"));
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    write(
        &path,
        &[
            (
                at(0),
                at(4),
                vec![
                    (
                        requests.clone(),
                        (0..4)
                            .map(|n| (at(n), [10.0, 20.0, 5.0, 8.0][usize::try_from(n).unwrap()]))
                            .collect(),
                    ),
                    (ok.clone(), vec![(at(0), 1.0), (at(1), 3.0)]),
                    (bad.clone(), vec![(at(1), 7.5), (at(2), f64::INFINITY)]),
                ],
            ),
            (
                at(4),
                at(8),
                vec![(requests, vec![(at(4), 9.0), (at(7), 19.0)]), (ok, vec![(at(4), 2.0), (at(5), stale)])],
            ),
        ],
    );
    (dir, path)
}

pub(crate) fn query(recording: &Path, args: &[&str]) -> String {
    let output = promemu_command(&["data", "query"]).arg(recording).args(args).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_query_gives_samples_and_what_they_come_to() {
    let (dir, shop) = shop();
    let (label_200, label_500) =
        ("\"code=\"\"200\"\",job=\"\"shop\"\"\"", "\"code=\"\"500\"\",job=\"\"shop\"\"\"");
    assert_eq!(
        query(&shop, &["queue{code=~\"2..\"}"]),
        format!(
            "timestamp,metric,labels,value\r\n1767571200000,queue,{label_200},1\r\n1767571215000,queue,{label_200},3\r\n1767571260000,queue,{label_200},2\r\n"
        )
    );
    // A fall is a reset; the growth from one step to the next belongs to the later one.
    assert_eq!(
        query(&shop, &["requests_total", "--agg", "increase", "--step", "30s"]),
        format!(
            "timestamp,metric,labels,value\r\n1767571200000,requests_total,{label_200},10\r\n1767571230000,requests_total,{label_200},8\r\n1767571260000,requests_total,{label_200},1\r\n1767571290000,requests_total,{label_200},10\r\n"
        )
    );
    let rate = query(&shop, &["requests_total", "--agg", "rate", "--step", "1m", "--by", "job"]);
    assert_eq!(
        rate,
        "timestamp,metric,labels,value\r\n1767571200000,,\"job=\"\"shop\"\"\",0.3\r\n1767571260000,,\"job=\"\"shop\"\"\",0.18333333333333332\r\n"
    );
    let values = |agg: &str| {
        let answer = query(
            &shop,
            &[
                "{__name__=\"queue\"}",
                "--agg",
                agg,
                "--by",
                "__name__",
                "--from",
                "2026-01-05",
                "--to",
                "2026-01-05T00:00:30Z",
            ],
        );
        answer.lines().nth(1).unwrap().to_owned()
    };
    for (agg, value) in [("sum", "10.5"), ("max", "7.5"), ("min", "1"), ("count", "3"), ("last", "3")] {
        assert_eq!(values(agg), format!("1767571200000,queue,\"\",{value}"), "{agg}");
    }
    let json = dir.path().join("queue.json");
    query(&shop, &["queue{code=\"500\"}", "--out", json.to_str().unwrap()]);
    let lines: Vec<serde_json::Value> =
        fs::read_to_string(&json).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines[0],
        serde_json::json!({ "timestamp": BEGIN + 15_000, "metric": "queue", "labels": { "code": "500", "job": "shop" }, "value": 7.5 })
    );
    assert_eq!(lines[1]["value"], "+Inf");
    let parquet = dir.path().join("queue.parquet");
    query(&shop, &["queue", "--out", parquet.to_str().unwrap()]);
    assert!(fs::read(&parquet).unwrap().starts_with(b"PAR1"));
    assert!(
        query(&shop, &["queue", "--step", "1m"]).contains(&format!("1767571200000,queue,{label_500},+Inf"))
    );
}

#[test]
fn an_answer_of_the_cache_is_as_the_first_one_until_a_file_of_its_time_changes() {
    let (dir, shop) = shop();
    let cache = dir.path().join("cache");
    let asked = |range: &str, agg: &[&str]| {
        let args = [&["queue", "--from", range, "--cache", cache.to_str().unwrap()], agg].concat();
        let output = promemu_command(&["data", "query"]).arg(&shop).args(args).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{log}");
        (output.stdout, log.contains("answered from --cache"))
    };
    let all = "2026-01-05";
    let last = "2026-01-05T00:01:00Z";
    let first = asked(all, &[]);
    assert_eq!((first.1, asked(all, &[])), (false, (first.0.clone(), true)));
    assert!(!asked(all, &["--agg", "max"]).1 && !asked(last, &[]).1);
    let samples = vec![(series("queue", "200"), vec![(BEGIN + 20_000, 9.0)])];
    write(&shop, &[(BEGIN + 16_000, BEGIN + 30_000, samples)]);
    let changed = asked(all, &[]);
    assert!(!changed.1 && changed.0 != first.0);
    assert!(asked(all, &[]).1 && asked(last, &[]).1, "that of another time stays");
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 4);
}

#[test]
fn a_wrong_query_is_told_in_a_sentence() {
    let (_dir, shop) = shop();
    let told = |args: &[&str]| {
        let output = promemu_command(&["data", "query"]).arg(&shop).args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (args, error) in [
        (&["{code"][..], "selector \"{code\" has no } at its end"),
        (&["queue", "--by", "code"], "--by needs --agg: name what series come to together, as in --agg sum"),
        (
            &["queue", "--out", "x.xls"],
            "--out x.xls does not tell its format; end it in .csv, .json or .parquet, or name one with --format",
        ),
        (
            &["queue", "--from", "2027-01-01"],
            "--from 2027-01-01T00:00:00Z must be before --to 2026-01-05T00:02:00Z",
        ),
    ] {
        let (code, told) = told(args);
        assert!(code == Some(2) && told.contains(error), "{args:?}: {told}");
    }
    fs::remove_file(shop.join("samples/day=2026-01-05/000002.parquet")).unwrap();
    let (code, told) = told(&["queue"]);
    assert!(code == Some(1) && told.contains("samples/day=2026-01-05/000002.parquet: "), "{told}");
}

/// Three days of counters with resets and gauges, in slices of an hour.
pub(crate) fn days() -> (tempfile::TempDir, PathBuf) {
    let dir = kills::folder();
    let path = dir.path().join("days");
    let mut state = 7u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 40).unwrap()) / f64::from(1u32 << 24)
    };
    let mut totals = [0.0; 2];
    let mut slices = Vec::new();
    for hour in 0..72 {
        let begin = BEGIN + hour * 3_600_000;
        let mut samples = Vec::new();
        for (n, total) in totals.iter_mut().enumerate() {
            let counted = (0..120).map(|sample| {
                *total = if random() < 0.002 { random() } else { *total + random() * 9.0 };
                (begin + sample * 30_000 + i64::try_from(n).unwrap() * 7, *total)
            });
            samples.push((series("requests_total", &n.to_string()), counted.collect::<Vec<_>>()));
            let gauge = (0..120).map(|sample| (begin + sample * 30_000, random() - 0.5));
            samples.push((series("level", &n.to_string()), gauge.collect()));
        }
        slices.push((begin, begin + 3_600_000, samples));
    }
    write(&path, &slices);
    (dir, path)
}

pub(crate) fn store(command: &str, recording: &Path, now: &str) -> String {
    let output = promemu_command(&["store", command, "--now", now]).arg(recording).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Number of files below a folder.
pub(crate) fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

/// Kills a command when it has changed the number of files so often, and returns `false` if it had ended before.
fn killed(command: &str, recording: &Path, now: &str, changes: usize) -> bool {
    let mut run = Process::start(promemu_command(&["store", command, "--now", now]).arg(recording));
    let (mut before, mut seen) = (files(recording), 0);
    while run.is_running() {
        let count = files(recording);
        seen += usize::from(count != before);
        before = count;
        if seen >= changes {
            run.kill_unreaped();
            run.wait();
            return true;
        }
    }
    false
}

/// The answers of a query as numbers, by all before them.
fn answers(recording: &Path, args: &[&str]) -> Vec<(String, f64)> {
    let number = |line: &str| {
        let (key, value) = line.rsplit_once(',').unwrap();
        (key.to_owned(), value.parse::<f64>().unwrap())
    };
    query(recording, args).lines().skip(1).map(number).collect()
}

#[test]
fn kills_of_compact_and_downsample_lose_no_row_and_steps_have_the_growth_of_samples() {
    let (_dir, days) = days();
    let original = kills::samples(&days);
    let now = "2026-01-09T00:00:00Z";
    let mut kills = 0;
    for changes in 1..=5 {
        kills += usize::from(killed("compact", &days, now, changes));
        assert!(kills::samples(&days) == original, "after {kills} kills");
    }
    assert!(kills >= 3, "{kills}");
    store("compact", &days, now);
    assert!(kills::samples(&days) == original);
    assert_eq!(Recording::open(&days).unwrap().manifest().slices.len(), 3);
    assert_eq!(store("compact", &days, now), "nothing to do\n");

    for changes in 1..=5 {
        kills += usize::from(killed("downsample", &days, now, changes));
        assert!(kills::samples(&days) == original, "after {kills} kills");
    }
    assert!(kills >= 6, "{kills}");
    store("downsample", &days, now);
    assert_eq!(store("downsample", &days, now), "nothing to do\n");
    let recording = Recording::open(&days).unwrap();
    assert_eq!((recording.manifest().steps.len(), recording.damage()), (6, vec![]));
    // Nothing is left of what was killed but the locks and the manifest.
    assert_eq!(files(&days), 3 + 6 + 3);

    let queries = [
        &["requests_total", "--agg", "increase"][..],
        &["requests_total", "--agg", "increase", "--step", "1h"],
        &["requests_total", "--agg", "rate", "--step", "1d", "--by", "job"],
        &["level", "--agg", "mean", "--step", "1h"],
        &["level", "--agg", "min", "--step", "2h"],
        &["level", "--agg", "max", "--step", "1h"],
        &["level", "--agg", "count", "--step", "1h"],
        &["level", "--agg", "last", "--step", "1h"],
    ];
    let range = ["--from", "2026-01-05", "--to", "2026-01-08"];
    let of_samples: Vec<_> =
        queries.iter().map(|args| answers(&days, &[*args, &range[..]].concat())).collect();
    for (now, steps, slices) in [("2026-03-01T00:00:00Z", 6, 0), ("2027-03-01T00:00:00Z", 3, 0)] {
        store("expire", &days, now);
        assert_eq!(store("expire", &days, now), "nothing to do\n");
        let manifest = Recording::open(&days).unwrap().manifest().clone();
        assert_eq!((manifest.steps.len(), manifest.slices.len()), (steps, slices));
        for (args, expected) in queries.iter().zip(&of_samples) {
            let found = answers(&days, &[*args, &range[..]].concat());
            assert_eq!(found.len(), expected.len(), "{args:?}");
            for (found, expected) in found.iter().zip(expected) {
                let error = (found.1 - expected.1).abs();
                assert!(
                    found.0 == expected.0 && error <= 1e-9 * expected.1.abs(),
                    "{args:?}: {found:?} {expected:?}"
                );
            }
        }
    }
}

#[test]
fn a_day_stays_until_all_its_steps_are_there_and_a_plan_is_printed_first() {
    let (_dir, days) = days();
    let dry = |command: &str, now: &str| {
        let output =
            promemu_command(&["store", command, "--dry-run", "--now", now]).arg(&days).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(store("expire", &days, "2026-03-01T00:00:00Z"), "nothing to do\n");
    // A day that is not over stays as it is.
    let plan = dry("downsample", "2026-01-06T12:00:00Z");
    let lines: Vec<&str> = plan.lines().collect();
    assert_eq!(lines.len(), 2, "{plan}");
    assert!(lines[0].starts_with("downsample 2026-01-05 shop warm: 24 files, 11520 rows, "), "{plan}");
    assert!(lines[1].starts_with("downsample 2026-01-05 shop cold: 24 files, 11520 rows, "), "{plan}");
    assert_eq!(Recording::open(&days).unwrap().manifest().steps, []);
    store("downsample", &days, "2026-01-06T12:00:00Z");
    store("expire", &days, "2026-03-01T00:00:00Z");
    let manifest = Recording::open(&days).unwrap().manifest().clone();
    assert!(manifest.slices.iter().all(|slice| slice.begin_ms >= BEGIN + DAY) && manifest.slices.len() == 48);
}
