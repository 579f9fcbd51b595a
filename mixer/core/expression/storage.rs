//! The values that formulas and scripts keep: each metric's own, and the host's. No metric sees the own values of another.

use super::value::Value;

/// The storage of a host, and of each of its metrics that stores something. Every host has one; most are empty.
#[derive(Clone, Debug, Default)]
pub struct Storage(Option<Box<Stored>>);

#[derive(Clone, Debug, Default)]
struct Stored {
    host: rhai::Map,
    /// By the metrics' indices, sorted by them.
    metrics: Vec<(usize, rhai::Map)>,
}

impl Storage {
    /// Storage with these values of the host.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let mut storage = Self::default();
        storage.put_hosts(values.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        storage
    }

    pub(super) fn take_hosts(&mut self) -> rhai::Map {
        self.0.as_mut().map(|stored| std::mem::take(&mut stored.host)).unwrap_or_default()
    }

    pub(super) fn put_hosts(&mut self, map: rhai::Map) {
        if self.0.is_some() || !map.is_empty() {
            self.0.get_or_insert_default().host = map;
        }
    }

    pub(super) fn take_metrics(&mut self, metric: usize) -> rhai::Map {
        let Some(stored) = &mut self.0 else { return rhai::Map::new() };
        let place = stored.metrics.binary_search_by_key(&metric, |(index, _)| *index);
        place.map(|at| std::mem::take(&mut stored.metrics[at].1)).unwrap_or_default()
    }

    pub(super) fn put_metrics(&mut self, metric: usize, map: rhai::Map) {
        if self.0.is_none() && map.is_empty() {
            return;
        }
        let metrics = &mut self.0.get_or_insert_default().metrics;
        match metrics.binary_search_by_key(&metric, |(index, _)| *index) {
            Ok(at) => metrics[at].1 = map,
            Err(_) if map.is_empty() => {}
            Err(at) => metrics.insert(at, (metric, map)),
        }
    }
}
