//! The consumer of series, which knows their format.

use std::io;

use indexmap::IndexSet;
use promemu_core::metric::NativeHistogram;

/// Name and value of a label, as the sink's numbers of their texts.
pub(in crate::export) type LabelSymbols = (u32, u32);

/// Markers where a series has no sample any more: its value there is
/// [`ABSENT`](promemu_core::metric::ABSENT), whose bits are those of Prometheus' marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::export) enum Staleness {
    /// None, as for samples that carry their own time.
    Unmarked,
    /// At the first moment without a sample.
    Marked {
        /// `true` if the series had a sample at the moment before these.
        is_continued: bool,
    },
}

impl Staleness {
    /// For each moment of a series, in order: `true` if it has a sample or a marker.
    pub(in crate::export) fn filter(self) -> impl FnMut(bool) -> bool {
        let (is_marked, mut before) = match self {
            Self::Unmarked => (false, false),
            Self::Marked { is_continued } => (true, is_continued),
        };
        move |has_sample| {
            let ends = std::mem::replace(&mut before, has_sample) && !has_sample;
            has_sample || ends && is_marked
        }
    }
}

/// Takes series, each with its samples of a stretch. Times are in milliseconds since the Unix epoch, in ascending order.
pub(in crate::export) trait SeriesSink {
    /// `true` if created times are series of their own, as OpenMetrics has them.
    fn has_created(&self) -> bool;

    /// The number of a text.
    fn symbol(&mut self, text: &str) -> io::Result<u32>;

    /// Takes floats. [`ABSENT`](promemu_core::metric::ABSENT) is no sample. Labels have no order.
    fn put_floats(
        &mut self,
        labels: &[LabelSymbols],
        samples: (&[i64], &[f64]),
        staleness: Staleness,
    ) -> io::Result<()>;

    /// Takes native histograms; `None` is no sample.
    fn put_histograms(
        &mut self,
        labels: &[LabelSymbols],
        samples: (&[i64], &[Option<NativeHistogram<'_>>]),
        staleness: Staleness,
    ) -> io::Result<()>;
}

/// The index of a text among these, to which it is added if it is new.
pub(in crate::export) fn index_of_symbol(text: &str, symbols: &mut IndexSet<Box<str>>) -> usize {
    match symbols.get_index_of(text) {
        Some(index) => index,
        None => symbols.insert_full(text.into()).0,
    }
}
