//! The series of all parts of a block, in the order of their labels, with one table of symbols.

use std::io;

use super::encoded::{EncodedChunk, EncodedPart, EncodedSeries};
use crate::export::stretches::LabelSymbols;

/// The parts of a block whose labels refer to one table.
#[derive(Debug)]
pub(super) struct MergedParts {
    parts: Vec<EncodedPart>,
    /// In ascending order. The empty one is among them.
    symbols: Vec<Box<str>>,
    /// In the order of their labels, each with its part.
    order: Vec<(u32, EncodedSeries)>,
}

impl MergedParts {
    /// Merges parts. Fails if two series have the same labels.
    pub(super) fn new(mut parts: Vec<EncodedPart>) -> io::Result<Self> {
        let mut symbols: Vec<Box<str>> = Vec::new();
        symbols.push("".into());
        symbols.extend(parts.iter().flat_map(|part| &part.symbols).cloned());
        symbols.sort_unstable();
        symbols.dedup();
        let mut order = Vec::with_capacity(parts.iter().map(|part| part.series.len()).sum());
        for (number, part) in (0..).zip(&mut parts) {
            let places: Vec<u32> = std::mem::take(&mut part.symbols)
                .iter()
                .map(|symbol| {
                    symbols.binary_search(symbol).map_or(0, |place| u32::try_from(place).unwrap_or(0))
                })
                .collect();
            for (name, value) in &mut part.labels {
                (*name, *value) = (places[*name as usize], places[*value as usize]);
            }
            for series in &part.series {
                let (start, end) = (series.labels.0 as usize, series.labels.1 as usize);
                part.labels[start..end].sort_unstable();
                order.push((number, *series));
            }
        }
        let labels = |(part, series): &(u32, EncodedSeries)| parts[*part as usize].labels_of(*series);
        order.sort_unstable_by(|a, b| labels(a).cmp(labels(b)));
        let merged = Self { parts, symbols, order };
        match merged.order.windows(2).find(|pair| merged.labels(&pair[0]) == merged.labels(&pair[1])) {
            None => Ok(merged),
            Some(pair) => Err(io::Error::other(format!(
                "two hosts have the series {}; give them different labels",
                merged.label_text(&pair[0])
            ))),
        }
    }

    fn labels(&self, (part, series): &(u32, EncodedSeries)) -> &[LabelSymbols] {
        self.parts[*part as usize].labels_of(*series)
    }

    fn label_text(&self, series: &(u32, EncodedSeries)) -> String {
        let labels = self.labels(series).iter();
        let texts = labels.map(|(name, value)| format!("{}={:?}", self.symbol(*name), self.symbol(*value)));
        format!("{{{}}}", texts.collect::<Vec<_>>().join(","))
    }

    /// A symbol.
    pub(super) fn symbol(&self, index: u32) -> &str {
        &self.symbols[index as usize]
    }

    /// All symbols in ascending order.
    pub(super) fn symbols(&self) -> impl ExactSizeIterator<Item = &str> {
        self.symbols.iter().map(|symbol| &**symbol)
    }

    /// Labels and chunks of each series, in the order of their labels. `take` gets the bytes of the chunks, too.
    pub(super) fn for_each(
        &self,
        mut take: impl FnMut(&[LabelSymbols], &[EncodedChunk], &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        for (part, series) in &self.order {
            let part = &self.parts[*part as usize];
            part.read(*series, &mut bytes)?;
            take(part.labels_of(*series), part.chunks_of(*series), &bytes)?;
        }
        Ok(())
    }

    /// Number of series.
    pub(super) const fn series(&self) -> usize {
        self.order.len()
    }

    /// Number of chunks.
    pub(super) fn chunks(&self) -> usize {
        self.parts.iter().map(|part| part.chunks.len()).sum()
    }

    /// Number of samples: floats, and native histograms.
    pub(super) fn samples(&self) -> [u64; 2] {
        self.parts.iter().fold([0; 2], |sum, part| [sum[0] + part.samples[0], sum[1] + part.samples[1]])
    }

    /// Times of the first and the last sample, in milliseconds since the Unix epoch; `None` if there is no sample.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        self.parts.iter().filter_map(|part| part.times).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}
