//! Exported files, read back.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::RowAccessor;
use promemu_core::backfill::{Backfill, Grid};
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::time::{Span, Time};

use super::*;

const START: Time = Time::from_unix_secs(1_767_600_000);

const CONFIG: &str = r#"Config(default_job_name: "j", hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "h-{i}", host: "x",
    interval: "1s", ttl: "{i * 25}", metrics: [
    Metric(name: "age", description: "a \"quoted\" \\ help", update_interval: "1s", scenario: time_duration, decimals: 0),
    Metric(name: "n_total", metric_type: counter, scenario: random_in_range(value_range: (1, 1))),
    Metric(name: "seconds", metric_type: histogram, buckets: [1, 2.5], labels: { "its": "it's \"odd\"" }, scenario: random_in_range(value_range: (2, 2)))])])"#;

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    written: WrittenCount,
    work: HostWork,
}

fn spec<'a>(
    run: &'a Backfill,
    grid: Grid,
    format: Format,
    threads: usize,
    progress: &'a Progress,
    spool_dir: &'a Path,
) -> ExportSpec<'a> {
    let labels = TargetLabels::Pushed;
    ExportSpec {
        sampling: Sampling { run, grid, labels, threads, keeps_hosts: false, progress },
        format,
        spool_dir,
    }
}

fn exported(text: &str, format: Format, threads: usize) -> (Outcome, Vec<u8>) {
    let plan = ConfigFile::from_text("test", text).plan(&LoadOptions::starting_at(START)).unwrap().plan;
    let grid = Grid { from: START, to: START + Span::from_secs(30), step: Span::from_secs(10) };
    let run = Backfill::new(Arc::new(plan), 1, START, grid.to).unwrap();
    let (progress, dir) = (Progress::default(), tempfile::tempdir().unwrap());
    let export = spec(&run, grid, format, threads, &progress, dir.path());
    let mut out = Vec::new();
    let exported = export.write(&mut out).unwrap();
    assert_eq!(progress.share().to_bits(), 1f64.to_bits(), "all of it is done");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "the spool is gone");
    (Outcome { written: exported.written, work: exported.work }, out)
}

/// The same as a rule test.
fn rule_test(text: &str) -> (WrittenCount, String) {
    rule_test_at(text, (30, 10))
}

fn rule_test_at(text: &str, (length, step): (u64, u64)) -> (WrittenCount, String) {
    let plan = ConfigFile::from_text("test", text).plan(&LoadOptions::starting_at(START)).unwrap().plan;
    let grid = Grid { from: START, to: START + Span::from_secs(length), step: Span::from_secs(step) };
    let run = Backfill::new(Arc::new(plan), 1, START, grid.to).unwrap();
    let progress = Progress::default();
    let export = spec(&run, grid, Format::Csv, 2, &progress, Path::new("/nowhere"));
    let mut out = Vec::new();
    let written = export.sampling.write_rule_test(&mut out).unwrap().written;
    assert_eq!(progress.share().to_bits(), 1f64.to_bits(), "all of it is done");
    (written, String::from_utf8(out).unwrap())
}

fn text(format: Format) -> String {
    String::from_utf8(exported(CONFIG, format, 1).1).unwrap()
}

#[test]
fn openmetrics_keeps_families_and_series_together() {
    insta::assert_snapshot!(text(Format::OpenMetrics), @r#"
    # TYPE age gauge
    # HELP age a \"quoted\" \\ help
    age{name="h-1",host="x",address="10.205.255.153",job="j"} 8 1767600010
    age{name="h-1",host="x",address="10.205.255.153",job="j"} 18 1767600020
    age{name="h-2",host="x",address="10.11.192.53",job="j"} 8 1767600010
    age{name="h-2",host="x",address="10.11.192.53",job="j"} 18 1767600020
    age{name="h-2",host="x",address="10.11.192.53",job="j"} 28 1767600030
    # TYPE n counter
    # HELP n an emulated metric
    n_total{name="h-1",host="x",address="10.205.255.153",job="j"} 1 1767600010
    n_total{name="h-1",host="x",address="10.205.255.153",job="j"} 2 1767600020
    n_total{name="h-2",host="x",address="10.11.192.53",job="j"} 1 1767600010
    n_total{name="h-2",host="x",address="10.11.192.53",job="j"} 2 1767600020
    n_total{name="h-2",host="x",address="10.11.192.53",job="j"} 3 1767600030
    # TYPE seconds histogram
    # HELP seconds an emulated metric
    seconds_bucket{name="h-1",host="x",address="10.205.255.153",its="it's \"odd\"",job="j",le="1"} 0 1767600010
    seconds_bucket{name="h-1",host="x",address="10.205.255.153",its="it's \"odd\"",job="j",le="2.5"} 1 1767600010
    seconds_bucket{name="h-1",host="x",address="10.205.255.153",its="it's \"odd\"",job="j",le="+Inf"} 1 1767600010
    seconds_sum{name="h-1",host="x",address="10.205.255.153",its="it's \"odd\"",job="j"} 2 1767600010
    seconds_count{name="h-1",host="x",address="10.205.255.153",its="it's \"odd\"",job="j"} 1 1767600010
    seconds_bucket{name="h-1",host="x",address="10.205.255.153",its="it's \"odd\"",job="j",le="1"} 0 1767600020
    seconds_bucket{name="h-1",host="x",address="10.205.255.153",its="it's \"odd\"",job="j",le="2.5"} 2 1767600020
    seconds_bucket{name="h-1",host="x",address="10.205.255.153",its="it's \"odd\"",job="j",le="+Inf"} 2 1767600020
    seconds_sum{name="h-1",host="x",address="10.205.255.153",its="it's \"odd\"",job="j"} 4 1767600020
    seconds_count{name="h-1",host="x",address="10.205.255.153",its="it's \"odd\"",job="j"} 2 1767600020
    seconds_bucket{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j",le="1"} 0 1767600010
    seconds_bucket{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j",le="2.5"} 1 1767600010
    seconds_bucket{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j",le="+Inf"} 1 1767600010
    seconds_sum{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j"} 2 1767600010
    seconds_count{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j"} 1 1767600010
    seconds_bucket{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j",le="1"} 0 1767600020
    seconds_bucket{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j",le="2.5"} 2 1767600020
    seconds_bucket{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j",le="+Inf"} 2 1767600020
    seconds_sum{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j"} 4 1767600020
    seconds_count{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j"} 2 1767600020
    seconds_bucket{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j",le="1"} 0 1767600030
    seconds_bucket{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j",le="2.5"} 3 1767600030
    seconds_bucket{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j",le="+Inf"} 3 1767600030
    seconds_sum{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j"} 6 1767600030
    seconds_count{name="h-2",host="x",address="10.11.192.53",its="it's \"odd\"",job="j"} 3 1767600030
    # EOF
    "#);
}

/// Every type once; all observations are equal.
const TYPES: &str = r#"Config(default_job_name: "j", identity_labels: false, hosts: [Host(name: "h", labels: { "a": "b" }, interval: "1s", ttl: "12s", metrics: [
    Metric(name: "n_total", metric_type: counter, update_interval: "1s", exemplars: true, created: true,
        scenario: random_in_range(value_range: (1, 1))),
    Metric(name: "x_seconds", metric_type: native_histogram, update_interval: "1s", units: "seconds", observations: 3,
        exemplars: true, scenario: random_in_range(value_range: (2, 2))),
    Metric(name: "y", metric_type: summary, quantiles: [0.5, 1], observations: 2, created: true, scenario: random_in_range(value_range: (0, 0))),
    Metric(name: "v_info", metric_type: info, labels: { "version": "1" }),
    Metric(name: "z", metric_type: stateset, states: ["on", "o\"ff"])])])"#;

#[test]
fn openmetrics_has_every_type() {
    let (exported, text) = exported(TYPES, Format::OpenMetrics, 1);
    let text = String::from_utf8(text).unwrap();
    assert_eq!(exported.written.samples, text.lines().filter(|line| !line.starts_with('#')).count() as u64);
    insta::assert_snapshot!(text, @r##"
    # TYPE n counter
    # HELP n an emulated metric
    n_total{a="b",job="j"} 9 1767600010 # {trace_id="1f6c74aefabec8f148c18482fbc1b616",span_id="2d56fb3de24ae740"} 1 1767600009.335
    n_created{a="b",job="j"} 1767600001.335 1767600010
    # TYPE x_seconds histogram
    # UNIT x_seconds seconds
    # HELP x_seconds an emulated metric
    x_seconds_bucket{a="b",job="j",le="+Inf"} 27 1767600010 # {trace_id="e958892a80b00aaf6d1ffc683b0bf4f5",span_id="e76a7e6be4495128"} 2 1767600009.335
    x_seconds_sum{a="b",job="j"} 54 1767600010
    x_seconds_count{a="b",job="j"} 27 1767600010
    # TYPE y summary
    # HELP y an emulated metric
    y{a="b",job="j",quantile="0.5"} 0 1767600010
    y{a="b",job="j",quantile="1"} 0 1767600010
    y_sum{a="b",job="j"} 0 1767600010
    y_count{a="b",job="j"} 2 1767600010
    y_created{a="b",job="j"} 1767600001.335 1767600010
    # TYPE v info
    # HELP v an emulated metric
    v_info{a="b",version="1",job="j"} 1 1767600010
    # TYPE z stateset
    # HELP z an emulated metric
    z{a="b",job="j",z="on"} 1 1767600010
    z{a="b",job="j",z="o\"ff"} 0 1767600010
    # EOF
    "##);
}

#[test]
fn csv_leaves_out_exemplars_created_times_and_types() {
    let (_, csv) = exported(TYPES, Format::Csv, 1);
    let csv = String::from_utf8(csv).unwrap();
    let lines: Vec<_> = csv.lines().map(|line| line.split_once(',').unwrap().1).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    metric,labels,value
    n_total,"a=""b"",job=""j""",9
    x_seconds_bucket,"a=""b"",job=""j"",le=""+Inf""",27
    x_seconds_sum,"a=""b"",job=""j""",54
    x_seconds_count,"a=""b"",job=""j""",27
    y,"a=""b"",job=""j"",quantile=""0.5""",0
    y,"a=""b"",job=""j"",quantile=""1""",0
    y_sum,"a=""b"",job=""j""",0
    y_count,"a=""b"",job=""j""",2
    v_info,"a=""b"",version=""1"",job=""j""",1
    z,"a=""b"",job=""j"",z=""on""",1
    z,"a=""b"",job=""j"",z=""o\""ff""",0
    "#);
}

#[test]
fn csv_has_a_line_per_sample() {
    let text = text(Format::Csv);
    insta::assert_snapshot!(text.lines().take(5).collect::<Vec<_>>().join("\n"), @r#"
    timestamp,metric,labels,value
    1767600010000,age,"name=""h-1"",host=""x"",address=""10.205.255.153"",job=""j""",8
    1767600020000,age,"name=""h-1"",host=""x"",address=""10.205.255.153"",job=""j""",18
    1767600010000,n_total,"name=""h-1"",host=""x"",address=""10.205.255.153"",job=""j""",1
    1767600020000,n_total,"name=""h-1"",host=""x"",address=""10.205.255.153"",job=""j""",2
    "#);
    assert_eq!(text.lines().count(), 36);
}

#[test]
fn rules_have_a_value_or_a_gap_for_every_moment() {
    insta::assert_snapshot!(rule_test(CONFIG).1, @r#"
    # Add the rules to be tested, and what is expected of them: alert_rule_test, promql_expr_test.
    rule_files: []
    evaluation_interval: 10000ms
    tests:
      - interval: 10000ms
        input_series:
          - series: 'age{address="10.205.255.153",host="x",job="j",name="h-1"}'
            values: '_ 8 18 stale'
          - series: 'n_total{address="10.205.255.153",host="x",job="j",name="h-1"}'
            values: '_ 1 2 stale'
          - series: 'seconds_bucket{address="10.205.255.153",host="x",its="it''s \"odd\"",job="j",le="1",name="h-1"}'
            values: '_ 0 0 stale'
          - series: 'seconds_bucket{address="10.205.255.153",host="x",its="it''s \"odd\"",job="j",le="2.5",name="h-1"}'
            values: '_ 1 2 stale'
          - series: 'seconds_bucket{address="10.205.255.153",host="x",its="it''s \"odd\"",job="j",le="+Inf",name="h-1"}'
            values: '_ 1 2 stale'
          - series: 'seconds_sum{address="10.205.255.153",host="x",its="it''s \"odd\"",job="j",name="h-1"}'
            values: '_ 2 4 stale'
          - series: 'seconds_count{address="10.205.255.153",host="x",its="it''s \"odd\"",job="j",name="h-1"}'
            values: '_ 1 2 stale'
          - series: 'age{address="10.11.192.53",host="x",job="j",name="h-2"}'
            values: '_ 8 18 28'
          - series: 'n_total{address="10.11.192.53",host="x",job="j",name="h-2"}'
            values: '_ 1 2 3'
          - series: 'seconds_bucket{address="10.11.192.53",host="x",its="it''s \"odd\"",job="j",le="1",name="h-2"}'
            values: '_ 0 0 0'
          - series: 'seconds_bucket{address="10.11.192.53",host="x",its="it''s \"odd\"",job="j",le="2.5",name="h-2"}'
            values: '_ 1 2 3'
          - series: 'seconds_bucket{address="10.11.192.53",host="x",its="it''s \"odd\"",job="j",le="+Inf",name="h-2"}'
            values: '_ 1 2 3'
          - series: 'seconds_sum{address="10.11.192.53",host="x",its="it''s \"odd\"",job="j",name="h-2"}'
            values: '_ 2 4 6'
          - series: 'seconds_count{address="10.11.192.53",host="x",its="it''s \"odd\"",job="j",name="h-2"}'
            values: '_ 1 2 3'
    "#);
}

#[test]
fn parquet_has_the_same_samples_as_csv() {
    let (exported, bytes) = exported(CONFIG, Format::Parquet, 1);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows: Vec<String> = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            let row = row.unwrap();
            let (time, value) = (row.get_timestamp_millis(0).unwrap(), row.get_double(3).unwrap());
            let (metric, labels) = (row.get_string(1).unwrap(), row.get_string(2).unwrap());
            format!("{time},{metric},\"{}\",{value}", labels.replace('"', "\"\""))
        })
        .collect();
    assert_eq!(rows.len() as u64, exported.written.samples);
    let csv = text(Format::Csv);
    assert_eq!(rows, csv.lines().skip(1).collect::<Vec<_>>());
}

/// A host whose clock is wrong, and one of whose reports comes late.
const FAULTY: &str = r#"Config(default_job_name: "j", identity_labels: false, hosts: [Host(name: "h", labels: { "a": "b" },
    interval: "10s", faults: [clock_skew(ahead: "25s", at: 15, lasts: 10), out_of_order(by: 17, at: 35, lasts: 10)],
    metrics: [Metric(name: "age", update_interval: "1s", scenario: time_duration, decimals: 0)])])"#;

fn faulty(format: Format) -> String {
    let plan = ConfigFile::from_text("test", FAULTY).plan(&LoadOptions::starting_at(START)).unwrap().plan;
    let grid = Grid { from: START, to: START + Span::from_secs(80), step: Span::from_secs(5) };
    let run = Backfill::new(Arc::new(plan), 1, START, grid.to).unwrap();
    let (progress, dir) = (Progress::default(), tempfile::tempdir().unwrap());
    let export = spec(&run, grid, format, 1, &progress, dir.path());
    let mut out = Vec::new();
    export.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn samples_have_the_times_that_their_host_sets() {
    insta::assert_snapshot!(faulty(Format::Csv), @r#"
    timestamp,metric,labels,value
    1767600001335,age,"a=""b"",job=""j""",0
    1767600011335,age,"a=""b"",job=""j""",10
    1767600046335,age,"a=""b"",job=""j""",20
    1767600031335,age,"a=""b"",job=""j""",30
    1767600051335,age,"a=""b"",job=""j""",50
    1767600041335,age,"a=""b"",job=""j""",40
    1767600061335,age,"a=""b"",job=""j""",60
    1767600071335,age,"a=""b"",job=""j""",70
    "#);
    insta::assert_snapshot!(faulty(Format::OpenMetrics), @r#"
    # TYPE age gauge
    # HELP age an emulated metric
    age{a="b",job="j"} 0 1767600001.335
    age{a="b",job="j"} 10 1767600011.335
    age{a="b",job="j"} 20 1767600046.335
    age{a="b",job="j"} 50 1767600051.335
    age{a="b",job="j"} 60 1767600061.335
    age{a="b",job="j"} 70 1767600071.335
    # EOF
    "#);
    let rules = rule_test_at(FAULTY, (80, 5)).1;
    let values: Vec<&str> = rules.lines().filter(|line| line.contains("values:")).map(str::trim).collect();
    assert_eq!(
        values,
        ["values: '_ 0 _ 10 _ _ _ _ _ _ 20 50 _ 60 _ 70 _'"],
        "the first moment at or after each time"
    );
}

/// Hosts whose series come and go, also with gaps.
const CHURNING: &str = r#"Config(default_job_name: "j", identity_labels: false, hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "h{i}",
    labels: { "h": "{i}" }, interval: "1s", pools: [
        Pool(name: "short", count: 2, lifetime: "10s..12s", labels: { "id": "{name}-{sequence()}" }, metrics: [
            Metric(name: "age", update_interval: 1, scenario: time_duration, decimals: 0),
            Metric(name: "seen", metric_type: histogram, buckets: [1], update_interval: 1)]),
        Pool(name: "odd", count: 1, lifetime: 10, pause: 10, replace: same, labels: { "id": "odd" }, metrics: [Metric(name: "on", default_value: 1)])],
    metrics: [Metric(name: "stable", default_value: 5)])])"#;

#[test]
fn each_pool_member_is_a_series_of_its_own() {
    let (_, out) = exported(CHURNING, Format::OpenMetrics, 1);
    let text = String::from_utf8(out).unwrap();
    let of_first =
        |line: &&str| line.starts_with('#') || line.contains("h=\"1\"") && !line.starts_with("seen");
    insta::assert_snapshot!(text.lines().filter(of_first).collect::<Vec<_>>().join("\n"), @r#"
    # TYPE stable gauge
    # HELP stable an emulated metric
    stable{h="1",job="j"} 5 1767600010
    stable{h="1",job="j"} 5 1767600020
    stable{h="1",job="j"} 5 1767600030
    # TYPE age gauge
    # HELP age an emulated metric
    age{h="1",id="h1-3",job="j"} 5 1767600010
    age{h="1",id="h1-4",job="j"} 3 1767600010
    age{h="1",id="h1-5",job="j"} 5 1767600020
    age{h="1",id="h1-6",job="j"} 3 1767600020
    age{h="1",id="h1-7",job="j"} 3 1767600030
    age{h="1",id="h1-8",job="j"} 2 1767600030
    # TYPE seen histogram
    # HELP seen an emulated metric
    # TYPE on gauge
    # HELP on an emulated metric
    on{h="1",id="odd",job="j"} 1 1767600010
    on{h="1",id="odd",job="j"} 1 1767600030
    # EOF
    "#);
    let series = |line: &str| line.split("} ").next().unwrap().to_owned();
    let samples = text.lines().filter(|line| !line.starts_with('#')).map(series);
    let mut seen = indexmap::IndexSet::new();
    let (mut last, mut runs) = (String::new(), 0);
    for series in samples.filter(|line| !line.starts_with("seen")) {
        if series != last {
            runs += 1;
            seen.insert(series.clone());
            last = series;
        }
    }
    assert_eq!(seen.len(), runs, "the lines of a series are neighbours");
}

/// Members that return, members that return in another slot, and series that rarely have a sample.
const RETURNING: &str = r#"Config(default_job_name: "j", identity_labels: false, hosts: [Host(name: "h", interval: "1s", pools: [
        Pool(name: "odd", count: 3, lifetime: 4, pause: 3, replace: same, labels: { "id": "odd{slot}" }, metrics: [Metric(name: "on")]),
        Pool(name: "users", count: 3, lifetime: 5, labels: { "id": "{pick([1, 2, 3, 4])}" }, metrics: [
            Metric(name: "age", metric_type: counter, created: true), Metric(name: "seen", metric_type: histogram, buckets: [1])])],
    metrics: [Metric(name: "never", when: "t < 0"), Metric(name: "stable"), Metric(name: "seconds", metric_type: summary, quantiles: [0.5])])])"#;

#[test]
fn each_series_is_counted_once() {
    for config in [CONFIG, TYPES, CHURNING, RETURNING] {
        let (of_csv, csv) = exported(config, Format::Csv, 2);
        let of_line = |line: &str| line.split_once(',').unwrap().1.rsplit_once(',').unwrap().0.to_owned();
        let csv = String::from_utf8(csv).unwrap();
        let series: indexmap::IndexSet<String> = csv.lines().skip(1).map(of_line).collect();
        assert_eq!(of_csv.written.series, series.len() as u64, "{csv}");
        assert_eq!(exported(config, Format::Parquet, 1).0.written, of_csv.written);
        assert_eq!(rule_test(config).0, of_csv.written);
        let (of_text, text) = exported(config, Format::OpenMetrics, 2);
        let text = String::from_utf8(text).unwrap();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let series: indexmap::IndexSet<&str> =
            samples.clone().map(|line| line.split("} ").next().unwrap()).collect();
        let written = WrittenCount { series: series.len() as u64, samples: samples.count() as u64 };
        assert_eq!(of_text.written, written, "{text}");
    }
}

#[test]
fn formats_and_threads_agree_on_pools() {
    let csv = String::from_utf8(exported(CHURNING, Format::Csv, 1).1).unwrap();
    let rules = rule_test(CHURNING).1;
    let ages = csv.lines().filter(|line| line.contains(",age,")).count();
    let values =
        rules.lines().skip_while(|line| !line.contains("age{")).filter(|line| line.contains("values:"));
    assert!(
        values.clone().all(|line| line.matches(' ').count() == 12),
        "a value or a gap for every moment: {rules}"
    );
    assert!(ages > 15);
    for format in [Format::OpenMetrics, Format::Csv, Format::Parquet] {
        let one = exported(CHURNING, format, 1);
        assert_eq!(one.0, exported(CHURNING, format, 3).0);
        assert!(one == exported(CHURNING, format, 2), "{format:?}");
    }
}

#[test]
fn the_number_of_threads_makes_no_difference() {
    for format in [Format::OpenMetrics, Format::Csv] {
        let one = exported(CONFIG, format, 1);
        assert_eq!(one, exported(CONFIG, format, 2));
        assert_eq!(one, exported(CONFIG, format, 8));
    }
}

/// Notes the greatest number of bytes that were written at once.
#[derive(Default)]
struct Greatest(usize, usize);

impl Write for Greatest {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        (self.0, self.1) = (self.0.max(bytes.len()), self.1 + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn long_series_are_written_in_pieces() {
    let plan = ConfigFile::from_text("test", CONFIG).plan(&LoadOptions::starting_at(START)).unwrap().plan;
    let grid = Grid { from: START, to: START + Span::from_secs(50), step: Span::from_nanos(2_000_000) };
    let run = Backfill::new(Arc::new(plan), 1, START, grid.to).unwrap();
    for format in [Format::OpenMetrics, Format::Csv] {
        let (progress, dir) = (Progress::default(), tempfile::tempdir().unwrap());
        let mut out = Greatest::default();
        spec(&run, grid, format, 2, &progress, dir.path()).write(&mut out).unwrap();
        assert!(out.1 > 8 << 20 && out.0 < 2 << 20, "{format:?}: {} of {} bytes", out.0, out.1);
    }
}

#[test]
fn rules_keep_odd_labels_and_names() {
    let config = r#"Config(hosts: [Host(name: "h", metrics: [
        Metric(name: "on", labels: { "l": "a\rb" }), Metric(name: "nan"), Metric(name: "inf", labels: { "l": "\u{7}\u{85}'" })])])"#;
    let rules = rule_test(config).1;
    let series: Vec<&str> =
        rules.lines().filter_map(|line| line.split_once("series: ")).map(|(_, s)| s).collect();
    assert_eq!(series.len(), 3, "{rules}");
    assert!(
        series[0].starts_with("'{__name__=\"on\",address=") && series[0].contains("l=\"a\\u000db\""),
        "{series:?}"
    );
    assert!(series[1].starts_with("'{__name__=\"nan\","), "{series:?}");
    assert!(series[2].contains("l=\"\\u0007\\u0085''\""), "{series:?}");
    assert!(!rules.contains(|c: char| c.is_control() && c != '\n'), "a text file");
}
