//! One world: a [`WorldBatch`] of one.

use std::sync::Arc;

use super::batch::{Step, WorldBatch};
use super::selection::Selection;
use super::snapshot::Snapshot;
use crate::error::Error;
use crate::event::{Event, HostId};
use crate::fault::Course;
use crate::host::{DrivenHost, UpdateCounts};
use crate::plan::{Action, Plan};
use crate::series::LabelBlock;
use crate::time::Time;
use crate::timeline::{LogFull, RunLog, Targets};

/// All hosts of a run, at one moment of emulated time.
///
/// ```
/// use std::sync::Arc;
///
/// use promemu_core::config::{ConfigFile, LoadOptions};
/// use promemu_core::error::Error;
/// use promemu_core::time::{Span, Time};
/// use promemu_core::world::World;
///
/// # fn main() -> Result<(), Error> {
/// let text = r#"Config(hosts: [Host(name: "web-1", metrics: [
///     Metric(name: "requests_in_flight", value_range: (0, 50), scenario: random_walk),
///     Metric(name: "alarms_total", metric_type: counter, scenario: calc_by_event(events_config: { "alarm": "value + 1" })),
/// ])])"#;
/// let start = Time::from_unix_secs(1_767_600_000);
/// let plan = Arc::new(ConfigFile::from_text("example", text).plan(&LoadOptions::starting_at(start))?.plan);
///
/// let mut world = World::new(plan, 7, start)?;
/// world.advance(start + Span::from_secs(60));
/// let before = world.snapshot()?;
/// world.inject("alarm", "me", serde_json::Value::Null);
/// world.advance(start + Span::from_secs(61));
/// assert_eq!(world.row(0)[1], 1.0);
/// // Without the alarm:
/// world.restore(&before)?;
/// world.advance(start + Span::from_secs(61));
/// assert_eq!(world.row(0)[1], 0.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct World(WorldBatch);

impl World {
    /// A world at its start. Its run has begun; hosts start within the first seconds. Generators, which have no virtual
    /// time, are refused.
    pub fn new(plan: Arc<Plan>, seed: u64, start: Time) -> Result<Self, Error> {
        WorldBatch::new(plan, &[seed], start).map(Self)
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        self.0.plan()
    }

    /// The emulated time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.0.now()
    }

    /// Time at which something is due next; [`Time::NEVER`] when all hosts have ended.
    #[must_use]
    pub fn due(&self) -> Time {
        self.0.due()
    }

    /// Counts so far.
    #[must_use]
    pub const fn counts(&self) -> UpdateCounts {
        self.0.counts()
    }

    /// As [`WorldBatch::advance`].
    pub fn advance(&mut self, to: Time) {
        self.0.advance(to);
    }

    /// As [`WorldBatch::advance_with`].
    pub fn advance_with(&mut self, to: Time, visit: impl FnMut(&Step<'_>)) {
        self.0.advance_with(to, visit);
    }

    /// As [`WorldBatch::inject`].
    pub fn inject(&mut self, name: &str, source: &str, data: serde_json::Value) {
        self.0.inject(0, name, source, data);
    }

    /// As [`WorldBatch::act`].
    pub fn act(&mut self, targets: &Targets, source: &str, action: Action) -> Result<(), LogFull> {
        self.0.act(0, targets, source, action)
    }

    /// As [`WorldBatch::log`].
    #[must_use]
    pub fn log(&self) -> &RunLog {
        self.0.log(0)
    }

    /// As [`WorldBatch::course`].
    #[must_use]
    pub fn course(&self) -> &Course {
        self.0.course(0)
    }

    /// As [`WorldBatch::outside_events`].
    #[must_use]
    pub fn outside_events(&self) -> &[Arc<Event>] {
        self.0.outside_events(0)
    }

    /// As [`WorldBatch::finish_with`].
    pub fn finish_with(&mut self, visit: impl FnMut(&Step<'_>)) {
        self.0.finish_with(visit);
    }

    /// As [`WorldBatch::host`].
    #[must_use]
    pub fn host(&self, host: HostId) -> Option<&DrivenHost> {
        self.0.host(0, host)
    }

    /// The hosts, in the order of the plan.
    pub fn hosts(&self) -> impl Iterator<Item = &DrivenHost> {
        (0..).take(self.plan().hosts.len()).filter_map(|id| self.host(id))
    }

    /// The hosts, in the order of the plan, to be driven alone. They hear each other no more.
    pub fn into_hosts(self) -> impl Iterator<Item = DrivenHost> {
        self.0.into_hosts()
    }

    /// As [`WorldBatch::row`].
    #[must_use]
    pub fn row(&self, host: HostId) -> &[f64] {
        self.0.row(0, host)
    }

    /// As [`WorldBatch::member`].
    #[must_use]
    pub fn member(&self, host: HostId, pool: usize, slot: usize) -> Option<(&LabelBlock, &[f64])> {
        self.0.member(0, host, pool, slot)
    }

    /// As [`WorldBatch::observe`].
    pub fn observe(&self, selection: &Selection, values: &mut Vec<f64>) {
        self.0.observe(selection, values);
    }

    /// As [`WorldBatch::snapshot`].
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        self.0.snapshot()
    }

    /// As [`WorldBatch::restore`].
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.0.restore(snapshot)
    }
}
