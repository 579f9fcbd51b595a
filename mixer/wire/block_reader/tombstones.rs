//! Tombstones: the samples of a block that were deleted.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::index::{broken, take_varint};
use crate::samples::SampleValue;

/// Magic number and version.
const HEAD: [u8; 5] = [0x01, 0x30, 0xba, 0x30, 1];

/// Ranges of deleted times by the reference of their series. Both ends belong to a range.
#[derive(Debug, Default)]
pub(super) struct Tombstones(BTreeMap<u64, Vec<(i64, i64)>>);

impl Tombstones {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            read => read?,
        };
        let content =
            bytes.strip_prefix(&HEAD).and_then(|rest| rest.len().checked_sub(4).map(|len| &rest[..len]));
        let mut rest = content.ok_or_else(|| broken("tombstones are none of version 1"))?;
        let mut ranges: BTreeMap<u64, Vec<(i64, i64)>> = BTreeMap::new();
        while !rest.is_empty() {
            let mut number = || take_varint(&mut rest).ok_or_else(|| broken("tombstones are cut off"));
            let (series, begin, end) = (number()?, signed(number()?), signed(number()?));
            ranges.entry(series).or_default().push((begin, end));
        }
        Ok(Self(ranges))
    }

    /// Removes the deleted samples of a series.
    pub(super) fn remove_deleted(&self, series: u64, samples: &mut Vec<(i64, SampleValue)>) {
        if let Some(ranges) = self.0.get(&series) {
            samples.retain(|(at, _)| !ranges.iter().any(|(begin, end)| (begin..=end).contains(&at)));
        }
    }
}

fn signed(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}
