//! A plugin's scenario with its parameters, and what it sees and may want when it is asked.

use std::sync::{Arc, OnceLock};

use super::boundary::{pool_size_of, try_out};
use super::{DeclaredScenario, DeclaredWorkload, ParamValue};
use crate::rng::Rng;
use crate::time::Time;

/// A scenario with its parameters.
#[derive(Debug)]
pub struct Prepared {
    scenario: &'static DeclaredScenario,
    given: Box<[ParamValue]>,
    range: (f64, f64),
    /// Why a state could not be made, though one could when this was tried out.
    unmade: OnceLock<String>,
}

/// Equal if the same library would do the same; a rebuilt one is another.
impl PartialEq for Prepared {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.scenario, other.scenario)
            && self.given == other.given
            && self.range.0.to_bits() == other.range.0.to_bits()
            && self.range.1.to_bits() == other.range.1.to_bits()
    }
}

/// A workload with its parameters.
#[derive(Debug)]
pub struct PreparedWorkload {
    workload: &'static DeclaredWorkload,
    given: Box<[ParamValue]>,
    pool_size: usize,
}

/// Equal as [`Prepared`] is.
impl PartialEq for PreparedWorkload {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.workload, other.workload)
            && self.given == other.given
            && self.pool_size == other.pool_size
    }
}

impl PreparedWorkload {
    /// A workload with a value for each parameter, in their order; the error says which is wrong and how.
    pub fn new(workload: &'static DeclaredWorkload, given: Vec<ParamValue>) -> Result<Self, String> {
        let pool_size = pool_size_of(workload, &given)?;
        Ok(Self { workload, given: given.into(), pool_size })
    }

    /// What it is.
    #[must_use]
    pub const fn workload(&self) -> &'static DeclaredWorkload {
        self.workload
    }

    /// Number of its slots.
    #[must_use]
    pub const fn pool_size(&self) -> usize {
        self.pool_size
    }

    pub(super) fn given(&self) -> &[ParamValue] {
        &self.given
    }

    pub(super) fn attribute(&self, error: &str) -> String {
        format!("{} of plugin {}: {error}", self.workload.name, self.workload.plugin())
    }
}

/// What a scenario sees when it is asked for a value.
#[derive(Debug)]
pub struct Moment<'a> {
    /// The emulated time.
    pub now: Time,
    /// Seconds since the metric's start.
    pub t_secs: f64,
    /// Seconds since the last update.
    pub dt_secs: f64,
    /// What the metric shows.
    pub value: f64,
    /// The name of its host.
    pub host_name: &'a str,
    /// The event that asks for a value.
    pub event: Option<Heard<'a>>,
    /// Whether time passes as the machine's does. Told to workloads only.
    pub is_live: bool,
}

/// An event, as a plugin hears it.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// What happened.
    pub name: &'a str,
    /// The host that emitted it.
    pub source: &'a str,
    /// What it carries, in JSON; empty if that is nothing.
    pub data: &'a str,
}

/// What a scenario can make use of while it is asked.
pub trait HostContext {
    /// The metric's own random stream.
    fn rng(&mut self) -> &mut Rng;
    /// Emits an event.
    fn emit(&mut self, event: &Arc<str>, data: serde_json::Value);
    /// Asks for another value then.
    fn wake(&mut self, at: Time);
}

impl Prepared {
    /// A scenario with a value for each parameter, in their order, tried out for a metric that shows `value`; the
    /// error says which is wrong and how.
    pub fn new(
        scenario: &'static DeclaredScenario,
        given: Vec<ParamValue>,
        range: (f64, f64),
        value: f64,
    ) -> Result<Self, String> {
        let prepared = Self { scenario, given: given.into(), range, unmade: OnceLock::new() };
        try_out(&prepared, value).map(|()| prepared)
    }

    /// What it is.
    #[must_use]
    pub const fn scenario(&self) -> &'static DeclaredScenario {
        self.scenario
    }

    /// The metric's range.
    #[must_use]
    pub const fn range(&self) -> (f64, f64) {
        self.range
    }

    pub(super) fn given(&self) -> &[ParamValue] {
        &self.given
    }

    /// Keeps the first of these, as an [`super::Instance`] has no room for it.
    pub(super) fn note_unmade(&self, why: String) {
        self.unmade.get_or_init(|| why);
    }

    /// Why there is nothing to ask. What has panicked has been told of then.
    pub(super) fn why_not_asked(&self) -> String {
        match self.unmade.get() {
            Some(why) => format!("it could not be made: {why}"),
            None => "it is not asked any more, as it has panicked".to_owned(),
        }
    }

    pub(super) fn attribute(&self, error: &str) -> String {
        format!("{} of plugin {}: {error}", self.scenario.name, self.scenario.plugin())
    }
}
