//! Samples that were read: series by their labels, and values that are floats or native histograms.
//!
//! The readers of all formats give these, and a recording holds them. Bits of values are kept, those of staleness markers
//! included.

mod histogram;
mod label_text;
mod selector;

pub use histogram::{Buckets, CUSTOM_SCHEMA, HistogramSample};
pub(crate) use histogram::{buckets_of_spans, counts_of_deltas};
pub use label_text::labels_of_text;
pub(crate) use label_text::{take_labels, take_name};
pub use selector::{MatchKind, Matcher, Selector};

use promemu_core::series::put_escaped;

/// The label that holds a series' name.
pub const NAME: &str = "__name__";

/// A series by its labels, sorted by name; that of the metric is apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadSeries {
    /// The name of the metric.
    pub metric: String,
    /// Names and values of all other labels.
    pub labels: Vec<(String, String)>,
}

/// The value of a sample.
#[derive(Clone, Debug, PartialEq)]
pub enum SampleValue {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(Box<HistogramSample>),
}

/// A sample of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadSample {
    /// Milliseconds since the Unix epoch; `None` if the format has left it to its reader.
    pub at: Option<i64>,
    /// The value.
    pub value: SampleValue,
}

/// The type, text and unit of a family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FamilyMetadata {
    /// The type as Prometheus names it; empty if it is unknown.
    pub kind: String,
    /// The HELP text.
    pub help: String,
    /// The unit.
    pub unit: String,
}

/// A taker of what a reader finds.
pub trait SampleSink {
    /// A sample of a series.
    fn sample(&mut self, series: &ReadSeries, sample: ReadSample);

    /// The metadata of a family.
    fn metadata(&mut self, _family: &str, _metadata: FamilyMetadata) {}
}

impl ReadSample {
    /// A number at a time.
    #[must_use]
    pub const fn float(at: Option<i64>, value: f64) -> Self {
        Self { at, value: SampleValue::Float(value) }
    }
}

impl ReadSeries {
    /// A series of labels in any order, its name among them. Empty labels are none.
    #[must_use]
    pub fn of_labels(labels: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut series = Self::default();
        for (name, value) in labels {
            if name == NAME {
                series.metric = value;
            } else if !value.is_empty() {
                series.labels.push((name, value));
            }
        }
        series.labels.sort_unstable();
        series
    }

    /// The value of a label; that of `__name__` is the metric's name.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        if name == NAME {
            return Some(&self.metric);
        }
        self.labels.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
    }

    /// The same with another label, or another value of it.
    #[must_use]
    pub fn with_label(mut self, name: &str, value: &str) -> Self {
        self.labels.retain(|(own, _)| own != name);
        let place = self.labels.partition_point(|(own, _)| &**own < name);
        self.labels.insert(place, (name.to_owned(), value.to_owned()));
        self
    }

    /// The labels as in the text format, without braces.
    #[must_use]
    pub fn label_text(&self) -> String {
        let mut text = Vec::new();
        for (n, (name, value)) in self.labels.iter().enumerate() {
            if n > 0 {
                text.push(b',');
            }
            label_text::put_name(name, &mut text);
            text.extend_from_slice(b"=\"");
            put_escaped(value.as_bytes(), &mut text);
            text.push(b'"');
        }
        String::from_utf8(text).unwrap_or_default()
    }
}

impl SampleSink for Vec<(ReadSeries, ReadSample)> {
    fn sample(&mut self, series: &ReadSeries, sample: ReadSample) {
        self.push((series.clone(), sample));
    }
}
