//! The text of `promtool tsdb dump`, line by line: labels, value, milliseconds.
//!
//! Floats are bit for bit those of the storage, but for the bits of values that are no numbers.

use crate::bounds::{BoundedBucket, histogram_of};
use crate::samples::{ReadSeries, SampleValue};

/// Reads a line.
///
/// # Errors
///
/// In words: it is none of a dump.
pub fn read_line(line: &str) -> Result<(ReadSeries, i64, SampleValue), String> {
    let mut rest = line.trim_start().strip_prefix('{').ok_or("labels are missing")?;
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(behind) = rest.strip_prefix('}') {
            rest = behind;
            break;
        }
        let name = if rest.starts_with('"') {
            take_quoted(&mut rest)?
        } else {
            let end = rest.find('=').ok_or("a label has no value")?;
            let (name, behind) = rest.split_at(end);
            rest = behind;
            name.to_owned()
        };
        rest = rest.strip_prefix('=').ok_or("a label has no value")?;
        labels.push((name, take_quoted(&mut rest)?));
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    let (value, at) = rest.trim().rsplit_once(' ').ok_or("value or time is missing")?;
    let at: i64 = at.parse().map_err(|_| format!("{at:?} is not a time in milliseconds"))?;
    let value = match value.strip_prefix('{') {
        Some(parts) => SampleValue::Histogram(Box::new(histogram(parts.trim_end_matches('}'))?)),
        None => SampleValue::Float(number(value)?),
    };
    Ok((ReadSeries::of_labels(labels), at, value))
}

/// `count:5, sum:3, [-0.1,0.1]:1, (0.5,1]:2`
fn histogram(parts: &str) -> Result<crate::samples::HistogramSample, String> {
    let (mut count, mut sum, mut buckets) = (0.0, 0.0, Vec::new());
    for part in parts.split(", ") {
        let (name, value) =
            part.rsplit_once(':').ok_or_else(|| format!("{part:?} is no part of a histogram"))?;
        let value = number(value)?;
        match name {
            "count" => count = value,
            "sum" => sum = value,
            bounds => {
                let inside = bounds.trim_start_matches(['(', '[']).trim_end_matches([')', ']']);
                let (lower, upper) =
                    inside.split_once(',').ok_or_else(|| format!("{part:?} is no part of a histogram"))?;
                buckets.push(BoundedBucket { lower: number(lower)?, upper: number(upper)?, count: value });
            }
        }
    }
    histogram_of(count, sum, &buckets)
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

/// Takes a text as Go quotes it.
fn take_quoted(rest: &mut &str) -> Result<String, String> {
    let inside = rest.strip_prefix('"').ok_or("a label's value is not quoted")?;
    let mut bytes = Vec::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                *rest = &inside[at + 1..];
                return String::from_utf8(bytes).map_err(|_| "a label's value is not UTF-8".to_owned());
            }
            '\\' => {
                let escape = chars.next().map_or('\\', |(_, escape)| escape);
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                let code: String = chars.by_ref().take(digits).map(|(_, digit)| digit).collect();
                put_escape(escape, &code, &mut bytes).ok_or("a label's value has an unknown escape")?;
            }
            other => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err("a label's value does not end".to_owned())
}

fn put_escape(escape: char, code: &str, out: &mut Vec<u8>) -> Option<()> {
    match escape {
        'x' => out.push(u8::from_str_radix(code, 16).ok()?),
        'u' | 'U' => {
            let c = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        _ => {
            const ESCAPES: [(char, u8); 9] = [
                ('n', b'\n'),
                ('t', b'\t'),
                ('r', b'\r'),
                ('"', b'"'),
                ('\\', b'\\'),
                ('a', 7),
                ('b', 8),
                ('f', 12),
                ('v', 11),
            ];
            out.push(ESCAPES.iter().find(|(name, _)| *name == escape)?.1);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_dump_are_read() {
        let line = r#"{__name__="m", a="x\"\\\n\u00e9\x41", "b.c"="d"} 1.5e-05 1700000000123"#;
        let (series, at, value) = read_line(line).unwrap();
        assert_eq!((&*series.metric, at, value), ("m", 1_700_000_000_123, SampleValue::Float(1.5e-5)));
        assert_eq!(series.labels[0].1, "x\"\\\né\u{41}");
        assert_eq!(series.labels[1], ("b.c".to_owned(), "d".to_owned()));
        let line = r#"{__name__="h"} {count:5, sum:-1, [-2,-1):1, [-0.5,0.5]:2, (1,2]:2} 7"#;
        let SampleValue::Histogram(histogram) = read_line(line).unwrap().2 else { panic!("it is one") };
        assert_eq!((histogram.count, histogram.zero_count, histogram.zero_threshold), (5.0, 2.0, 0.5));
        assert_eq!((&histogram.positive[..], &histogram.negative[..]), (&[(1, 2.0)][..], &[(1, 1.0)][..]));
    }

    #[test]
    fn another_line_is_told() {
        for (line, error) in [
            ("m 1", "labels are missing"),
            ("{a} 1 2", "a label has no value"),
            ("{a=\"b} 1 2", "a label's value does not end"),
            ("{a=\"b\"} 1", "value or time is missing"),
            ("{a=\"b\"} x 2", "\"x\" is not a number"),
            ("{a=\"b\"} 1 x", "\"x\" is not a time in milliseconds"),
        ] {
            assert_eq!(read_line(line).unwrap_err(), error, "{line}");
        }
    }
}
