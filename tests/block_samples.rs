//! Samples of blocks as promtool reads them, and of OpenMetrics files, in one form that compares.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

/// Labels of a series, and a time in milliseconds; the value as its bits, with one for all that is no number.
pub(crate) type Samples = BTreeMap<(Labels, i64), u64>;
pub(crate) type Labels = BTreeMap<String, String>;

/// `true` for a value that is no number, as the marker of a series' end.
pub(crate) const fn is_marker(bits: u64) -> bool {
    bits == f64::NAN.to_bits()
}

/// Names and values between braces, in the escapes of Prometheus. A label without a value does not exist.
fn labels(mut text: &str) -> Labels {
    let mut labels = Labels::new();
    while let Some((name, rest)) = text.split_once("=\"") {
        let (mut value, mut chars) = (String::new(), rest.char_indices());
        let end = loop {
            match chars.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        if !value.is_empty() {
            labels.insert(name.trim_start_matches([',', ' ']).to_owned(), value);
        }
        text = &rest[end + 1..];
    }
    labels
}

fn bits(value: &str) -> u64 {
    let value: f64 = value.parse().unwrap();
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// The samples of an OpenMetrics file.
pub(crate) fn samples_of_file(file: &Path) -> Samples {
    let text = std::fs::read_to_string(file).unwrap();
    let sample = |line: &str| {
        let line = line.split(" # {").next().unwrap();
        let (rest, time) = line.rsplit_once(' ').unwrap();
        let (series, value) = rest.rsplit_once(' ').unwrap();
        let (name, inner) = series.split_once('{').unwrap();
        let mut labels = labels(inner.strip_suffix('}').unwrap());
        labels.insert("__name__".to_owned(), name.to_owned());
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds are below 2^53")]
        let millis = (time.parse::<f64>().unwrap() * 1e3).round() as i64;
        ((labels, millis), bits(value))
    };
    text.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
}

/// The samples that promtool reads from blocks.
pub(crate) fn samples_of_blocks(data: &Path) -> Samples {
    samples_of_blocks_within(data, 0..i64::MAX.unsigned_abs())
}

/// The same within these milliseconds since 1970.
pub(crate) fn samples_of_blocks_within(data: &Path, Range { start, end }: Range<u64>) -> Samples {
    // promtool wants the folder of a log that it never reads here.
    std::fs::create_dir_all(data.join("wal")).unwrap();
    let times = [format!("--min-time={start}"), format!("--max-time={}", end - 1)];
    let output = Command::new("promtool").args(["tsdb", "dump"]).args(times).arg(data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sample = |line: &str| {
        let (rest, time) = line.rsplit_once(' ').unwrap();
        let (series, value) = rest.rsplit_once(' ').unwrap();
        let inner = series.strip_prefix('{').and_then(|series| series.strip_suffix('}')).unwrap();
        ((labels(inner), time.parse().unwrap()), bits(value))
    };
    String::from_utf8(output.stdout).unwrap().lines().map(sample).collect()
}
