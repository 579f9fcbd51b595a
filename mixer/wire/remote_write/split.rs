//! Splitting of requests that a server refuses as a whole: floats from native histograms first, then hosts, then the series
//! of one host.

use crate::fields::{Field, fields};
use crate::request::{Batch, Cut};

use super::compression::Compressor;
use super::sample::SAMPLE;

/// The tags of a version's request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tags {
    /// A series.
    pub(super) series: u8,
    /// A series' native histogram.
    pub(super) histogram: u8,
    /// Fields that each request with series needs.
    pub(super) shared: Option<u8>,
}

/// A part of a request.
#[derive(Default)]
struct Part {
    message: Vec<u8>,
    shared_len: usize,
    samples: u64,
    cuts: Vec<Cut>,
}

/// Splits a request in two; `None` if it is one series, or one host and splitting is not to go on `within_host`.
pub(super) fn split(batch: &Batch, tags: Tags, within_host: bool) -> Option<[Batch; 2]> {
    let message = snap::raw::Decoder::new().decompress_vec(&batch.body).ok()?;
    let fields = fields(&message)?;
    let is_series = |field: &&Field<'_>| field.tag == tags.series;
    let all = fields.iter().filter(is_series).count();
    let histograms =
        fields.iter().filter(is_series).filter(|field| has(field.content, tags.histogram)).count();
    // A request without series has metadata.
    let items = if all == 0 { fields.len() } else { all };
    let is_item = |field: &Field<'_>| all == 0 && tags.shared.is_none() || field.tag == tags.series;
    let middle = batch.cuts.get(batch.cuts.len() / 2).map(|cut| cut.bytes);
    let is_one_host = tags.shared.is_none() && all > 0 && batch.cuts.is_empty();
    let mut parts = [Part::default(), Part::default()];
    let (mut place, mut item) = (0, 0);
    for field in &fields {
        let is_second = if histograms > 0 && histograms < all {
            has(field.content, tags.histogram)
        } else if let Some(middle) = middle {
            place >= middle
        } else if is_one_host && !within_host {
            return None;
        } else {
            item >= items / 2
        };
        let begins_host = batch.cuts.binary_search_by_key(&place, |cut| cut.bytes).is_ok();
        place += field.bytes.len();
        if !is_item(field) {
            for part in &mut parts {
                part.share(field.bytes);
            }
            continue;
        }
        item += 1;
        if begins_host {
            parts.iter_mut().for_each(Part::begin_host);
        }
        let part = &mut parts[usize::from(is_second)];
        part.message.extend_from_slice(field.bytes);
        if all > 0 {
            part.samples += samples_of(field.content, tags.histogram);
        }
    }
    let is_whole = parts.iter().any(|part| part.message.len() == part.shared_len);
    (!is_whole).then(|| parts.map(|part| part.batch(batch.round)))
}

impl Part {
    fn share(&mut self, field: &[u8]) {
        self.message.extend_from_slice(field);
        self.shared_len += field.len();
    }

    /// The next series are of another host.
    fn begin_host(&mut self) {
        let cut = Cut { bytes: self.message.len(), samples: self.samples };
        if self.samples > 0 && self.cuts.last() != Some(&cut) {
            self.cuts.push(cut);
        }
    }

    fn batch(mut self, round: u64) -> Batch {
        self.cuts.retain(|cut| cut.bytes < self.message.len());
        let body = Compressor::default().compress(&self.message).into();
        Batch { body, samples: self.samples, round, cuts: self.cuts.into() }
    }
}

/// Number of samples of a series.
fn samples_of(series: &[u8], histogram: u8) -> u64 {
    let is_sample = |field: &Field<'_>| field.tag == SAMPLE || field.tag == histogram;
    fields(series).map_or(0, |fields| fields.iter().filter(|field| is_sample(field)).count() as u64)
}

/// `true` if a series has such a field.
fn has(series: &[u8], tag: u8) -> bool {
    fields(series).is_some_and(|fields| fields.iter().any(|field| field.tag == tag))
}
