//! Input and output of one plugin update, as the rest of promemu sees them.

use std::sync::Arc;

use crate::rng::Rng;
use crate::time::Time;

/// Input of an update.
#[derive(Debug)]
pub struct PluginTick<'a> {
    /// Emulated time.
    pub now: Time,
    /// Seconds since the metric's start.
    pub t_secs: f64,
    /// Seconds since the last update.
    pub dt_secs: f64,
    /// Current value of the metric.
    pub value: f64,
    /// Name of its host.
    pub host_name: &'a str,
    /// Event that caused the update.
    pub event: Option<PluginEvent<'a>>,
    /// `true` in a live run at normal speed. Set for workloads only.
    pub is_live: bool,
}

/// An event, as a plugin receives it.
#[derive(Clone, Copy, Debug)]
pub struct PluginEvent<'a> {
    /// Name of the event.
    pub name: &'a str,
    /// Host that emitted it.
    pub source: &'a str,
    /// Its data in JSON; empty without data.
    pub data: &'a str,
}

/// Services of the host during an update.
pub trait HostContext {
    /// The metric's own random stream.
    fn rng(&mut self) -> &mut Rng;
    /// Emits an event.
    fn emit(&mut self, event: &Arc<str>, data: serde_json::Value);
    /// Requests another update at this time.
    fn wake(&mut self, at: Time);
}

/// Change of one slot of a workload's pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Index of the slot.
    pub slot: usize,
    /// Row that begins; `None` if the slot becomes empty. Either way the previous row ends.
    pub row: Option<Row>,
}

/// A row that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its start.
    pub began: Time,
    /// One text for each label of the workload, in their order.
    pub labels: Vec<String>,
}
