//! The context of one evaluation of a formula: the metric, the time, the event, and the host's storage.

use super::value::Value;
use crate::rng::Rng;

/// The values that a formula or a script sees in one evaluation.
#[derive(Debug)]
pub struct EvalContext<'a> {
    /// The metric's own value; of a relay its source's.
    pub value: f64,
    /// Seconds since the metric's start.
    pub t_secs: f64,
    /// Seconds since the metric's last update; 0 at the first.
    pub dt_secs: f64,
    /// The emulated time, in seconds since 1970.
    pub now_secs: f64,
    /// The event that causes the update.
    pub event: Option<EventRef<'a>>,
    /// Values of the metrics read by `links.NAME`, in the order in which they were bound.
    pub links: &'a [f64],
    /// Values of the run's levers, in the plan's order.
    pub levers: &'a [f64],
    /// The metric's random stream.
    pub rng: &'a mut Rng,
    /// The host's storage.
    pub storage: &'a mut Storage,
}

/// An event as expressions see it.
#[derive(Clone, Copy, Debug)]
pub struct EventRef<'a> {
    /// Its name.
    pub name: &'a str,
    /// The host that emitted it.
    pub source: &'a str,
    /// Its data.
    pub data: &'a serde_json::Value,
}

/// The values that a host's scripts store and its formulas read. Every host has one; most are empty.
#[derive(Clone, Debug, Default)]
pub struct Storage(Option<Box<rhai::Map>>);

impl Storage {
    /// Storage with these values.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let mut storage = Self::default();
        storage.put(values.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        storage
    }

    pub(super) fn take(&mut self) -> rhai::Map {
        self.0.take().map_or_else(rhai::Map::new, |map| *map)
    }

    pub(super) fn put(&mut self, map: rhai::Map) {
        self.0 = (!map.is_empty()).then(|| Box::new(map));
    }
}
