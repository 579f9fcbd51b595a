//! Blocks of random series, read back by promtool.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use promemu_core::metric::{ABSENT, is_absent};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use super::block_folder::UnfinishedBlock;
use super::block_id::BlockId;
use super::block_sink::BlockSink;
use super::encoded::EncodedPart;
use super::merged::MergedParts;
use crate::block_reader::Block;
use crate::export::stretches::{SeriesSink, Staleness};
use crate::samples::{ReadSeries, SampleValue};

/// 2026-01-05T02:00:00Z, the begin of a block, in milliseconds.
const BEGIN: i64 = 1_767_578_400_000;
const BLOCK_MILLIS: i64 = 7_200_000;
/// A Prometheus stores values of any length.
const LONG_VALUE: usize = 64 << 10;

#[derive(Clone, Debug)]
struct RandomSeries {
    labels: BTreeMap<String, String>,
    times: Vec<i64>,
    values: Vec<f64>,
    staleness: Staleness,
}

fn label_value() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-z0-9 .,={}\"\\\\\näß日本😀-]{1,12}",
        1 => "[a-z]".prop_map(|letter| letter.repeat(LONG_VALUE)),
    ]
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-1000i32..1000).prop_map(f64::from),
        3 => any::<u64>().prop_map(f64::from_bits),
        2 => Just(ABSENT),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0)],
    ]
}

fn staleness() -> impl Strategy<Value = Staleness> {
    prop_oneof![
        Just(Staleness::Unmarked),
        any::<bool>().prop_map(|is_continued| Staleness::Marked { is_continued }),
    ]
}

fn series() -> impl Strategy<Value = RandomSeries> {
    // Even times, as of scrapes, and any others.
    let even = (1i64..60_000, 0usize..300).prop_map(|(step, count)| {
        (0..).take(count).map(|n: i64| n * step).take_while(|time| *time < BLOCK_MILLIS).collect::<Vec<_>>()
    });
    let any_times =
        btree_set(0..BLOCK_MILLIS, 0..300).prop_map(|times| times.into_iter().collect::<Vec<_>>());
    let labels = btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,8}", label_value(), 0..5);
    (labels, prop_oneof![even, any_times], vec(value(), 300), staleness()).prop_map(
        |(labels, times, values, staleness)| {
            let values = values[..times.len()].to_vec();
            RandomSeries { labels, times: times.iter().map(|time| BEGIN + time).collect(), values, staleness }
        },
    )
}

/// The samples that a series has in a block: its times and values, and markers as values that are no numbers.
fn expected(series: &RandomSeries) -> Vec<(i64, f64)> {
    let mut before = series.staleness == Staleness::Marked { is_continued: true };
    let mut samples = Vec::new();
    for (time, value) in series.times.iter().zip(&series.values) {
        let ends = before && series.staleness != Staleness::Unmarked;
        if !is_absent(*value) || ends {
            samples.push((*time, *value));
        }
        before = !is_absent(*value);
    }
    samples
}

fn write_block(data: &Path, all: &[RandomSeries]) {
    let block = UnfinishedBlock::new(data, BlockId::of_content((BEGIN, BEGIN), [0; 2]), &|_| {}).unwrap();
    let mut parts = Vec::new();
    for series in all.chunks(all.len().div_ceil(2).max(1)) {
        let mut sink = BlockSink::new(EncodedPart::new(block.folder(), BEGIN).unwrap());
        for RandomSeries { labels, times, values, staleness } in series {
            let labels: Vec<(u32, u32)> = labels
                .iter()
                .map(|(name, value)| (sink.symbol(name).unwrap(), sink.symbol(value).unwrap()))
                .collect();
            sink.put_floats(&labels, (times, values), *staleness).unwrap();
        }
        sink.part.end().unwrap();
        parts.push(sink.part);
    }
    let written = block.write(&MergedParts::new(parts).unwrap(), BEGIN).unwrap();
    if let Some(block) = written {
        block.finish(data).unwrap();
    }
}

/// Labels as Prometheus prints them.
fn printed(labels: &BTreeMap<String, String>) -> String {
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value)));
    format!("{{{}}}", labels.collect::<Vec<_>>().join(", "))
}

/// All samples that promtool reads, by series. All that is no number is the same.
fn dump(data: &Path) -> BTreeMap<String, Vec<(i64, u64)>> {
    // promtool wants the folder of a log that it never reads here.
    std::fs::create_dir_all(data.join("wal")).unwrap();
    let output = Command::new("promtool").args(["tsdb", "dump"]).arg(data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut all: BTreeMap<String, Vec<(i64, u64)>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (rest, time) = line.rsplit_once(' ').unwrap();
        let (labels, value) = rest.rsplit_once(' ').unwrap();
        all.entry(labels.to_owned()).or_default().push((time.parse().unwrap(), bits(value.parse().unwrap())));
    }
    all
}

/// All samples that our own reader reads, bit for bit.
fn read(data: &Path) -> BTreeMap<ReadSeries, Vec<(i64, u64)>> {
    let mut all = BTreeMap::new();
    // Without a sample there is no block.
    for block in Block::all(data).unwrap_or_default() {
        block
            .for_each(&|_| true, &mut |series, samples| {
                let exact = samples.into_iter().map(|(at, value)| match value {
                    SampleValue::Float(value) => (at, value.to_bits()),
                    SampleValue::Histogram(_) => panic!("there is none"),
                });
                all.insert(series.clone(), exact.collect());
                Ok(())
            })
            .unwrap();
    }
    all
}

/// A series and its samples as our own reader reads them.
fn exact(series: &RandomSeries) -> (ReadSeries, Vec<(i64, u64)>) {
    let samples = expected(series).into_iter().map(|(time, value)| (time, value.to_bits()));
    (ReadSeries::of_labels(series.labels.clone()), samples.collect())
}

fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

#[test]
fn series_on_a_grid_have_markers_where_they_end_also_across_blocks() {
    use promemu_core::backfill::Grid;
    use promemu_core::time::{Span, Time};

    use super::grid_series::{GridSeries, write_grid_series};

    // The last moment of one block, and three of the next.
    let from = Time::from_unix_secs(BEGIN.cast_unsigned() / 1_000 + 7_140);
    let grid = Grid { from, to: from + Span::from_secs(180), step: Span::from_secs(60) };
    let labels =
        |name: &str| vec![("job".to_owned(), "j".to_owned()), ("__name__".to_owned(), name.to_owned())];
    let series = [
        GridSeries { labels: labels("ends"), values: vec![1.0, ABSENT, ABSENT, 2.0] },
        GridSeries { labels: labels("stays"), values: vec![1.0, 2.0, f64::NAN, 4.0] },
    ];
    let data = tempfile::tempdir().unwrap();
    write_grid_series(data.path(), &grid, &series, Span::from_secs(7_200)).unwrap();
    write_grid_series(data.path(), &grid, &[], Span::from_secs(7_200)).unwrap();
    let times: Vec<i64> = grid.iter().map(|time| time.unix_millis().cast_signed()).collect();
    let dumped = dump(data.path());
    let [ends, stays] = ["ends", "stays"].map(|name| &dumped[&format!("{{__name__=\"{name}\", job=\"j\"}}")]);
    let nan = f64::NAN;
    let expected =
        [(0, 1.0), (1, nan), (3, 2.0)].map(|(moment, value): (usize, f64)| (times[moment], bits(value)));
    assert_eq!(ends, &expected);
    let expected = [1.0, 2.0, nan, 4.0].map(bits);
    assert_eq!(stays, &times.into_iter().zip(expected).collect::<Vec<_>>());
}

fn cases() -> u32 {
    if std::env::var_os("PROMEMU_LONG").is_some() { 1_000 } else { 20 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn promtool_reads_any_samples_of_any_labels(mut all in vec(series(), 1..12)) {
        for (number, series) in all.iter_mut().enumerate() {
            series.labels.insert("number".to_owned(), number.to_string());
        }
        let data = tempfile::tempdir().unwrap();
        write_block(data.path(), &all);
        let expected: BTreeMap<_, Vec<_>> = all
            .iter()
            .map(|series| {
                let samples = expected(series).into_iter().map(|(time, value)| (time, bits(value)));
                (printed(&series.labels), samples.collect())
            })
            .filter(|(_, samples): &(_, Vec<_>)| !samples.is_empty())
            .collect();
        prop_assert!(dump(data.path()) == expected);
        prop_assert_eq!(read(data.path()), all.iter().map(exact).filter(|(_, samples)| !samples.is_empty()).collect());
        if !expected.is_empty() {
            let analyzed = Command::new("promtool").args(["tsdb", "analyze"]).arg(data.path()).output().unwrap();
            prop_assert!(analyzed.status.success(), "{}", String::from_utf8_lossy(&analyzed.stderr));
        }
    }
}
