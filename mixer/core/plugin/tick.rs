//! Input and output of one plugin update, as the rest of promemu sees them.

use std::fmt::Debug;
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
    /// `true` in a live run at normal speed. Set for models only.
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
    /// The levers of the run; `None` on a host that reads none.
    fn levers(&self) -> Option<&dyn LeverTimes> {
        None
    }
}

/// The levers of a run, by name, at any time.
pub trait LeverTimes: Debug {
    /// The value at a time; `None` if there is no such lever.
    fn lever_at(&self, lever: &str, at: Time) -> Option<f64>;
    /// The first time after this one at which the lever jumps, or begins or ends to move, as far as is known now; `None` if
    /// there is no such time or lever.
    fn lever_edge(&self, lever: &str, after: Time) -> Option<Time>;
}

/// Observations of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// Index of the table.
    pub table: usize,
    /// Index of the row.
    pub row: usize,
    /// Index of the family.
    pub family: usize,
    /// The observed value.
    pub value: f64,
    /// Number of observations.
    pub count: u64,
}

/// Change of one row of a model's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Index of the table.
    pub table: usize,
    /// Index of the row's place.
    pub slot: usize,
    /// Row that begins; `None` if its place becomes empty. Either way the previous row ends.
    pub row: Option<Row>,
}

/// A row that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its start.
    pub began: Time,
    /// One text for each label of the table, in their order.
    pub labels: Vec<String>,
}
