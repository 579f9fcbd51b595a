//! The values that formulas and scripts keep: each metric's own, and the host's. No metric sees the own values of another.
//!
//! All that a host keeps is bounded: a write beyond is undone and fails.

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::value::Value;

/// Maximum bytes that the scripts of a host store, all metrics' own storage included.
const BYTES_MAX: usize = 64 * 1024;
/// Bytes that each value counts.
const VALUE_BYTES: usize = 16;
/// Bytes that a text, a list or a map counts in addition, without what is in it, and a name in a map without its letters.
const PART_BYTES: usize = 24;

/// The storage of a host, and of each of its metrics that stores something. Every host has one; most are empty.
#[derive(Clone, Debug, Default)]
pub struct Storage(Option<Box<Stored>>);

#[derive(Clone, Debug, Default)]
struct Stored {
    host: Kept,
    /// By the metrics' indices, sorted by them.
    metrics: Vec<(usize, Kept)>,
    /// The sum of all.
    bytes: usize,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    map: Map,
    /// As they were after the last change.
    bytes: usize,
}

/// The one whose values they are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    Host,
    Metric(usize),
}

impl Storage {
    /// Storage with these values of the host.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let mut storage = Self::default();
        let map: Map = values.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let bytes = bytes_of(&map);
        storage.put(Owner::Host, map);
        storage.note(Owner::Host, bytes);
        storage
    }

    /// Fails if a host could not store these values itself.
    pub(crate) fn check<'a>(values: impl IntoIterator<Item = (&'a str, Value)>) -> Result<(), String> {
        match Self::new(values).0 {
            Some(stored) if stored.bytes > BYTES_MAX => Err(format!(
                "the storage of a host takes {} bytes, more than {BYTES_MAX}; store less",
                stored.bytes
            )),
            _ => Ok(()),
        }
    }

    /// Takes the values out, to be put back.
    pub(super) fn take(&mut self, owner: Owner) -> Map {
        self.kept(owner).map(|kept| std::mem::take(&mut kept.map)).unwrap_or_default()
    }

    /// Puts values back that are as they were taken.
    pub(super) fn put(&mut self, owner: Owner, map: Map) {
        if let Some(kept) = self.kept(owner) {
            kept.map = map;
        } else if !map.is_empty() {
            let (stored, kept) = (self.0.get_or_insert_default(), Kept { map, bytes: 0 });
            match owner {
                Owner::Host => stored.host = kept,
                Owner::Metric(metric) => {
                    let at = stored.metrics.partition_point(|(index, _)| *index < metric);
                    stored.metrics.insert(at, (metric, kept));
                }
            }
        }
    }

    /// Puts values back that may have changed. If the host would store too much by that, fails, and keeps those before.
    pub(super) fn change(&mut self, owner: Owner, map: Map, before: Map) -> Result<(), String> {
        let bytes = bytes_of(&map);
        let bytes_before = self.kept(owner).map_or(0, |kept| kept.bytes);
        let sum = self.0.as_ref().map_or(0, |stored| stored.bytes) - bytes_before + bytes;
        if bytes > bytes_before && sum > BYTES_MAX {
            self.put(owner, before);
            return Err(format!(
                "host.storage and storage of the host's metrics would take {sum} bytes, more than {BYTES_MAX}; store less, or \
                 remove what is read no more"
            ));
        }
        self.put(owner, map);
        self.note(owner, bytes);
        Ok(())
    }

    fn note(&mut self, owner: Owner, bytes: usize) {
        let Some(kept) = self.kept(owner) else { return };
        let bytes_before = std::mem::replace(&mut kept.bytes, bytes);
        if let Some(stored) = &mut self.0 {
            stored.bytes = stored.bytes - bytes_before + bytes;
        }
    }

    fn kept(&mut self, owner: Owner) -> Option<&mut Kept> {
        let stored = self.0.as_mut()?;
        match owner {
            Owner::Host => Some(&mut stored.host),
            Owner::Metric(metric) => {
                let at = stored.metrics.binary_search_by_key(&metric, |(index, _)| *index).ok()?;
                Some(&mut stored.metrics[at].1)
            }
        }
    }
}

/// Bytes of all names and values in a map.
fn bytes_of(map: &Map) -> usize {
    map.iter().map(|(name, value)| PART_BYTES + name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Dynamic) -> usize {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return VALUE_BYTES + PART_BYTES + text.len();
    }
    if let Some(items) = value.read_lock::<Array>() {
        return VALUE_BYTES + PART_BYTES + items.iter().map(value_bytes).sum::<usize>();
    }
    if let Some(map) = value.read_lock::<Map>() {
        return VALUE_BYTES + PART_BYTES + bytes_of(&map);
    }
    VALUE_BYTES
}
