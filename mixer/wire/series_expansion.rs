//! The plain series that Prometheus makes of one series, by its layout: buckets with `le`, quantiles, `_sum`, `_count`,
//! one per state.
//!
//! This is the only place that knows their order, suffixes and labels. All formats of plain numbers (the text formats,
//! remote write, the exports) are written from it; none of their syntax is known here. A native histogram is reduced to
//! its `+Inf` bucket, sum and count, as these formats have no place for its buckets.

use promemu_core::metric::{Kind, whole};

use crate::number::put_label_number;

/// One plain series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PlainSeries<'a> {
    /// The place among those of the layout.
    pub(crate) index: usize,
    /// The end of the series' name.
    pub(crate) suffix: Suffix,
    /// The label that follows the labels of the layout's series.
    pub(crate) label: ExtraLabel<'a>,
    /// The origin of the value.
    pub(crate) source: ValueSource,
}

/// The end of a plain series' name, behind the name of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suffix {
    /// Nothing.
    None,
    /// `_bucket`
    Bucket,
    /// `_sum`
    Sum,
    /// `_count`
    Count,
}

impl Suffix {
    /// The text that is appended to the name.
    #[inline]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Bucket => "_bucket",
            Self::Sum => "_sum",
            Self::Count => "_count",
        }
    }
}

/// A label that a plain series has of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ExtraLabel<'a> {
    /// None.
    None,
    /// `le`, the upper bound of a bucket.
    Le(f64),
    /// `quantile`.
    Quantile(f64),
    /// The state; the label is named like the family.
    State(&'a str),
}

/// The cells that a plain series' value is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ValueSource {
    /// One cell.
    Cell(usize),
    /// The cell of a bucket and those of all buckets before it.
    Cumulative(usize),
    /// All buckets together.
    Total,
    /// 1 if the first cell is this state, else 0.
    IsState(u64),
}

impl ValueSource {
    /// The value. `total` is the sum of the buckets so far: 0 before the first series of a sample.
    #[inline]
    pub(crate) fn value(self, cell: impl Fn(usize) -> f64, total: &mut f64) -> f64 {
        match self {
            Self::Cell(place) => cell(place),
            Self::Cumulative(place) => {
                *total += cell(place);
                *total
            }
            Self::Total => *total,
            Self::IsState(state) => f64::from(u8::from(whole(cell(0)) == state)),
        }
    }
}

impl ExtraLabel<'_> {
    /// Name and unescaped value, numbers as in the text format; `None` if there is no extra label.
    pub(crate) fn name_and_value<'n>(&self, family_name: &'n str) -> Option<(&'n str, String)> {
        match *self {
            Self::None => None,
            Self::Le(bound) => Some(("le", number_text(bound))),
            Self::Quantile(quantile) => Some(("quantile", number_text(quantile))),
            Self::State(state) => Some((family_name, state.to_owned())),
        }
    }
}

fn number_text(number: f64) -> String {
    let mut text = Vec::new();
    put_label_number(number, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Calls `visit` for each plain series of this kind, in the order in which they are written.
#[inline]
pub(crate) fn for_each_series<'a>(kind: &'a Kind, mut visit: impl FnMut(PlainSeries<'a>)) {
    use {ExtraLabel as Label, ValueSource as Value};

    let sum_and_count = |index, sum, count| {
        let series = |index, suffix, source| PlainSeries { index, suffix, label: Label::None, source };
        [series(index, Suffix::Sum, sum), series(index + 1, Suffix::Count, count)]
    };
    match kind {
        Kind::Value => {
            visit(PlainSeries { index: 0, suffix: Suffix::None, label: Label::None, source: Value::Cell(0) });
        }
        Kind::Histogram { bounds } => {
            for (index, bound) in bounds.iter().chain(&[f64::INFINITY]).enumerate() {
                let (label, source) = (Label::Le(*bound), Value::Cumulative(index));
                visit(PlainSeries { index, suffix: Suffix::Bucket, label, source });
            }
            let after_buckets = bounds.len() + 1;
            sum_and_count(after_buckets, Value::Cell(after_buckets), Value::Total)
                .into_iter()
                .for_each(visit);
        }
        Kind::NativeHistogram(_) => {
            let label = Label::Le(f64::INFINITY);
            visit(PlainSeries { index: 0, suffix: Suffix::Bucket, label, source: Value::Cell(0) });
            sum_and_count(1, Value::Cell(1), Value::Cell(0)).into_iter().for_each(visit);
        }
        Kind::Summary { quantiles } => {
            for (index, quantile) in quantiles.iter().enumerate() {
                let (label, source) = (Label::Quantile(*quantile), Value::Cell(2 + index));
                visit(PlainSeries { index, suffix: Suffix::None, label, source });
            }
            sum_and_count(quantiles.len(), Value::Cell(1), Value::Cell(0)).into_iter().for_each(visit);
        }
        Kind::StateSet { states } => {
            for ((index, state), number) in states.iter().enumerate().zip(0..) {
                let (label, source) = (Label::State(state), Value::IsState(number));
                visit(PlainSeries { index, suffix: Suffix::None, label, source });
            }
        }
    }
}

/// The [`PlainSeries::index`] of the series that an exemplar of this value belongs to.
#[inline]
pub(crate) fn exemplar_index(kind: &Kind, value: f64) -> usize {
    match kind {
        Kind::Histogram { bounds } => bounds.partition_point(|bound| *bound < value),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use promemu_core::metric::{Layout, NativeLayout};

    use super::*;

    fn expanded(kind: &Kind, cells: &[f64]) -> Vec<String> {
        let (mut lines, mut total) = (Vec::new(), 0.0);
        for_each_series(kind, |series| {
            assert_eq!(series.index, lines.len(), "indices count up");
            let label = series.label.name_and_value("family").map(|(name, value)| format!("{name}={value}"));
            let value = series.source.value(|place| cells[place], &mut total);
            lines.push(format!("{} {} {value}", series.suffix.as_str(), label.unwrap_or_default()));
        });
        lines
    }

    #[test]
    fn each_layout_has_its_series_and_as_many_as_it_counts() {
        let kinds: [(Kind, &[f64], &[&str]); 5] = [
            (Kind::Value, &[7.0], &["  7"]),
            (
                Kind::Histogram { bounds: [1.0, 2.5].into() },
                &[3.0, 1.0, 2.0, 9.5],
                &["_bucket le=1 3", "_bucket le=2.5 4", "_bucket le=+Inf 6", "_sum  9.5", "_count  6"],
            ),
            (
                Kind::Summary { quantiles: [0.5, 0.99].into() },
                &[4.0, 10.0, 2.0, 3.0],
                &[" quantile=0.5 2", " quantile=0.99 3", "_sum  10", "_count  4"],
            ),
            (
                Kind::StateSet { states: ["on".into(), "off".into()].into() },
                &[1.0],
                &[" family=on 0", " family=off 1"],
            ),
            (
                Kind::NativeHistogram(NativeLayout {
                    schema: 3,
                    zero_threshold: 0.0,
                    positive: 4,
                    negative: 0,
                }),
                &[5.0, 12.0],
                &["_bucket le=+Inf 5", "_sum  12", "_count  5"],
            ),
        ];
        for (kind, cells, wanted) in kinds {
            assert_eq!(expanded(&kind, cells), wanted);
            // Prometheus stores a native histogram as one series.
            if !matches!(kind, Kind::NativeHistogram(_)) {
                assert_eq!(Layout::plain(kind).series(), wanted.len());
            }
        }
    }

    #[test]
    fn an_exemplar_belongs_to_the_bucket_of_its_value() {
        let histogram = Kind::Histogram { bounds: [1.0, 2.5].into() };
        let indices = [0.5, 1.0, 2.0, 3.0].map(|value| exemplar_index(&histogram, value));
        assert_eq!(indices, [0, 0, 1, 2]);
        assert_eq!(exemplar_index(&Kind::Value, 3.0), 0);
    }
}
