//! A run in virtual time whose charts are read as those of a live one.
//!
//! The hosts of a world report to the stores of a fleet that does not run. It knows no clock: time passes when it is told to.

use std::sync::Arc;

use promemu_core::error::Error;
use promemu_core::fault::Course;
use promemu_core::plan::{Action, Plan};
use promemu_core::stop::Stop;
use promemu_core::time::{Span, Time};
use promemu_core::timeline::Targets;
use promemu_core::world::World;

use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::handle::{ChartView, Exposition, Reader, SeriesView, chart_of, first_charts_of, series_of};
use crate::self_metrics::SelfMetrics;

/// The source of what is done to such a run.
const SOURCE: &str = "virtual-run";

/// A run of a plan, at one moment of emulated time.
#[derive(Debug)]
pub struct VirtualRun {
    world: World,
    fleet: Fleet,
    reader: Reader,
}

impl VirtualRun {
    /// A run at its start, whose rates have this range. Fails for a plan without virtual time.
    pub fn new(plan: &Arc<Plan>, seed: u64, start: Time, rate_range: Span) -> Result<Self, Error> {
        let world = World::new(Arc::clone(plan), seed, start)?;
        let own = SelfMetrics::new()?;
        let fleet = Fleet::new(Plan::clone(plan), Clock::start(), own.tally().clone(), Arc::default());
        Ok(Self { world, fleet, reader: Reader::new(rate_range) })
    }

    /// The emulated time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.world.now()
    }

    /// Lets time pass to `to`, or not as far if it is asked to stop.
    pub fn advance(&mut self, to: Time, stop: &Stop) {
        let Self { world, fleet, .. } = self;
        stop.interrupts(|| world.advance_with(to, |step| fleet.follow_step(step)));
    }

    /// Takes down the hosts of these names for a while.
    pub fn take_down(&mut self, hosts: &[Arc<str>], lasts: Span) -> Result<(), Error> {
        let mut names = hosts.to_vec();
        names.sort_unstable();
        let action = Action::Down { lasts };
        let acted = self.world.act(&Targets::Named(names.into()), SOURCE, action);
        acted.map_err(|_| Error::Run("run log is full; do less to the run".to_owned()))
    }

    /// `true` if all hosts have begun.
    #[must_use]
    pub fn has_begun_all(&self) -> bool {
        self.fleet.has_begun_all()
    }

    /// The charts that a page of this run opens with.
    #[must_use]
    pub fn first_charts(&self) -> Vec<ChartView> {
        first_charts_of(&self.fleet)
    }

    /// The chart of one family; `None` if it has no series.
    #[must_use]
    pub fn chart(&self, metric: &str) -> Option<ChartView> {
        chart_of(&self.fleet, metric)
    }

    /// The series of an id, with its query; `None` if the run has none.
    #[must_use]
    pub fn series(&self, id: &str) -> Option<SeriesView> {
        series_of(&self.fleet, id)
    }

    /// The values now of the series with these ids, as of [`Sampler::read`](crate::handle::Sampler::read).
    pub fn read(&mut self, ids: &[Arc<str>]) -> Vec<Option<f64>> {
        let now = self.world.now();
        self.reader.read(&self.fleet, now, ids)
    }

    /// All metrics in the text format, as a scrape now has them.
    #[must_use]
    pub fn exposition(&self) -> Exposition {
        Exposition::of_jobs(self.fleet.jobs())
    }

    /// The times of its phases and faults.
    pub(crate) fn course(&self) -> &Course {
        self.world.course()
    }
}
