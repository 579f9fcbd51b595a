//! The simple series that Prometheus makes of one series, and where in its cells each has its values.
//!
//! A native histogram has what is left of it without its buckets: none of these formats has a place for them.

use crate::exposition::put_number;
use promemu_core::metric::{Kind, Layout, whole};

/// One simple series: what is behind the name, and a label of its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) suffix: &'static str,
    /// As the text format has it, without a comma; empty if there is none.
    pub(super) label: String,
    pub(super) reads: Reads,
}

/// What a simple series shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reads {
    /// A cell.
    Cell(usize),
    /// A cell and those of the buckets before it.
    Bucket(usize),
    /// What all buckets have together.
    Total,
    /// Whether the first cell is this state.
    State(u64),
}

impl Reads {
    /// The value at one moment. `total` is what the buckets before have together.
    pub(super) fn value(self, cell: impl Fn(usize) -> f64, total: &mut f64) -> f64 {
        match self {
            Self::Cell(place) => cell(place),
            Self::Bucket(place) => {
                *total += cell(place);
                *total
            }
            Self::Total => *total,
            Self::State(state) => f64::from(u8::from(whole(cell(0)) == state)),
        }
    }
}

/// All lines of a series of this name.
pub(super) fn lines(name: &str, layout: &Layout) -> Vec<Line> {
    let line = |suffix, label, reads| Line { suffix, label, reads };
    let sum_and_count = |sum, count| [line("_sum", String::new(), sum), line("_count", String::new(), count)];
    match &layout.kind {
        Kind::Value => vec![line("", String::new(), Reads::Cell(0))],
        Kind::Histogram { bounds } => {
            let buckets = bounds.iter().chain(&[f64::INFINITY]).enumerate();
            let buckets = buckets.map(|(n, bound)| line("_bucket", numbered("le", *bound), Reads::Bucket(n)));
            buckets.chain(sum_and_count(Reads::Cell(bounds.len() + 1), Reads::Total)).collect()
        }
        Kind::NativeHistogram(_) => {
            let all = line("_bucket", numbered("le", f64::INFINITY), Reads::Cell(0));
            [all].into_iter().chain(sum_and_count(Reads::Cell(1), Reads::Cell(0))).collect()
        }
        Kind::Summary { quantiles } => {
            let quantiles = quantiles.iter().zip(2..);
            let quantiles = quantiles
                .map(|(quantile, cell)| line("", numbered("quantile", *quantile), Reads::Cell(cell)));
            quantiles.chain(sum_and_count(Reads::Cell(1), Reads::Cell(0))).collect()
        }
        Kind::StateSet { states } => {
            let labelled = |state: &str| {
                let mut label = format!("{name}=\"").into_bytes();
                promemu_core::series::put_escaped(state.as_bytes(), &mut label);
                format!("{}\"", String::from_utf8_lossy(&label))
            };
            (0..).zip(&**states).map(|(n, state)| line("", labelled(state), Reads::State(n))).collect()
        }
    }
}

fn numbered(name: &str, number: f64) -> String {
    let mut text = Vec::new();
    put_number(number, &mut text);
    format!("{name}=\"{}\"", String::from_utf8_lossy(&text))
}
