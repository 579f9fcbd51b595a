//! The context of one evaluation of a formula: the metric, the time, the event, and what is stored.

use super::storage::Storage;
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
    /// Index of the metric whose `storage` it is. `None` for a host's action or a pool's count, which have none.
    pub metric: Option<usize>,
    /// The metric's random stream.
    pub rng: &'a mut Rng,
    /// The storage of the host and its metrics.
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
