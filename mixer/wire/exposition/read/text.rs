//! The text formats, line by line (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use indexmap::IndexMap;

use crate::samples::{FamilyMetadata, NAME, ReadSample, ReadSeries, SampleSink, take_labels, take_name};

/// Reads a page of the text format, or of OpenMetrics.
pub(super) fn read(page: &str, is_openmetrics: bool, sink: &mut dyn SampleSink) -> Result<(), String> {
    let mut families: IndexMap<String, FamilyMetadata> = IndexMap::new();
    let mut is_ended = false;
    for (number, line) in (1..).zip(page.lines()) {
        let failed = |why: String| format!("line {number}: {why}");
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if is_ended {
            return Err(failed("there is more behind # EOF".to_owned()));
        }
        if let Some(comment) = line.strip_prefix('#') {
            is_ended = is_openmetrics && comment.trim() == "EOF";
            note(comment, &mut families);
            continue;
        }
        let (series, sample) = sample(line, is_openmetrics).map_err(failed)?;
        sink.sample(&series, sample);
    }
    if is_openmetrics && !is_ended {
        return Err("page ends without # EOF: it was cut off".to_owned());
    }
    families.into_iter().for_each(|(family, metadata)| sink.metadata(&family, metadata));
    Ok(())
}

/// Notes HELP, TYPE and UNIT of a family; other comments say nothing.
fn note(comment: &str, families: &mut IndexMap<String, FamilyMetadata>) {
    let comment = comment.trim_start();
    let Some((word, rest)) = comment.split_once([' ', '\t']) else { return };
    if !matches!(word, "HELP" | "TYPE" | "UNIT") {
        return;
    }
    let rest = rest.trim_start();
    let (name, text) = match rest.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        Some((name, text)) => (name, text.trim_start()),
        None => rest.split_once([' ', '\t']).unwrap_or((rest, "")),
    };
    let family = families.entry(name.to_owned()).or_default();
    match word {
        "HELP" => family.help = unescaped(text),
        "UNIT" => text.trim().clone_into(&mut family.unit),
        _ => text.trim().clone_into(&mut family.kind),
    }
    if family.kind == "untyped" {
        "unknown".clone_into(&mut family.kind);
    }
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        plain.push(match escaped {
            Some('n') => '\n',
            Some(other) => other,
            None => c,
        });
    }
    plain
}

/// A line with a sample.
fn sample(line: &str, is_openmetrics: bool) -> Result<(ReadSeries, ReadSample), String> {
    let mut rest = line;
    let mut labels = Vec::new();
    let name = take_name(&mut rest);
    if !name.is_empty() {
        labels.push((NAME.to_owned(), name.to_owned()));
    }
    rest = rest.trim_start();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        take_labels(&mut rest, &mut labels)?;
        rest = rest.trim_start().strip_prefix('}').ok_or("labels have no } at their end")?;
    }
    let series = ReadSeries::of_labels(labels);
    if series.metric.is_empty() {
        return Err("a sample has no name".to_owned());
    }
    // Behind it is an exemplar.
    let rest = if is_openmetrics { rest.split(" # ").next().unwrap_or(rest) } else { rest };
    let mut words = rest.split_ascii_whitespace();
    let value = words.next().ok_or_else(|| format!("{} has no value", series.metric))?;
    let value: f64 = value.parse().map_err(|_| format!("{value:?} is not a number"))?;
    let at = words.next().map(|text| timestamp(text, is_openmetrics)).transpose()?;
    match words.next() {
        None => Ok((series, ReadSample::float(at, value))),
        Some(other) => Err(format!("{other:?} stands behind the sample")),
    }
}

/// Milliseconds; OpenMetrics has seconds.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn timestamp(text: &str, is_openmetrics: bool) -> Result<i64, String> {
    let failed = || format!("{text:?} is not a timestamp");
    if is_openmetrics {
        let secs: f64 = text.parse().map_err(|_| failed())?;
        return if secs.is_finite() { Ok((secs * 1000.0).round() as i64) } else { Err(failed()) };
    }
    text.parse().map_err(|_| failed())
}
