//! Answers as files: rows of time, metric, labels and value.

use std::io::{self, Write};

use serde_json::json;

use crate::number::put_number;
use crate::parquet_rows::SampleRows;
use crate::recording::sample_file;
use crate::samples::ReadSeries;

/// The format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFormat {
    /// Comma-separated values, as an export has them.
    Csv,
    /// An object in JSON on each line.
    Json,
    /// Apache Parquet, with the columns of an export.
    Parquet,
}

/// Writes an answer.
pub struct AnswerWriter<'w>(Kind<'w>);

enum Kind<'w> {
    Csv(&'w mut (dyn Write + Send)),
    Json(&'w mut (dyn Write + Send)),
    Parquet(Box<SampleRows<&'w mut (dyn Write + Send)>>),
}

impl std::fmt::Debug for AnswerWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerWriter").finish_non_exhaustive()
    }
}

impl<'w> AnswerWriter<'w> {
    /// An empty answer.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn new(format: AnswerFormat, out: &'w mut (dyn Write + Send)) -> io::Result<Self> {
        Ok(Self(match format {
            AnswerFormat::Csv => {
                out.write_all(b"timestamp,metric,labels,value\r\n")?;
                Kind::Csv(out)
            }
            AnswerFormat::Json => Kind::Json(out),
            AnswerFormat::Parquet => Kind::Parquet(Box::new(sample_file::writer(out)?)),
        }))
    }

    /// Appends rows of a series. Returns their number.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn put(&mut self, series: &ReadSeries, samples: &[(i64, f64)]) -> io::Result<u64> {
        match &mut self.0 {
            Kind::Csv(out) => put_csv(series, samples, out)?,
            Kind::Json(out) => put_json(series, samples, out)?,
            Kind::Parquet(rows) => {
                rows.put(&series.metric, &series.label_text(), samples.iter().copied());
                rows.write_if_full()?;
            }
        }
        Ok(samples.len() as u64)
    }

    /// Writes the rest.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Kind::Csv(out) | Kind::Json(out) => out.flush(),
            Kind::Parquet(rows) => rows.close()?.flush(),
        }
    }
}

fn put_csv(series: &ReadSeries, samples: &[(i64, f64)], out: &mut dyn Write) -> io::Result<()> {
    let middle = format!(",{},\"{}\",", series.metric, series.label_text().replace('"', "\"\""));
    let mut line = Vec::new();
    for (at, value) in samples {
        line.clear();
        line.extend_from_slice(itoa::Buffer::new().format(*at).as_bytes());
        line.extend_from_slice(middle.as_bytes());
        put_number(*value, &mut line);
        line.extend_from_slice(b"\r\n");
        out.write_all(&line)?;
    }
    Ok(())
}

/// JSON has no number for infinities and NaN: they are texts, as in the text format.
fn put_json(series: &ReadSeries, samples: &[(i64, f64)], out: &mut dyn Write) -> io::Result<()> {
    let labels: serde_json::Map<String, serde_json::Value> =
        series.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    for (at, value) in samples {
        let value = if value.is_finite() {
            json!(value)
        } else {
            let mut text = Vec::new();
            put_number(*value, &mut text);
            json!(String::from_utf8_lossy(&text))
        };
        let row = json!({ "timestamp": at, "metric": series.metric, "labels": labels, "value": value });
        serde_json::to_writer(&mut *out, &row)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
