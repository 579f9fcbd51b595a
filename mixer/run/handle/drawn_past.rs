//! The past of series that nobody has kept, drawn again in virtual time: the same plan with the same seed has the same values.

use std::sync::Arc;

use promemu_core::plan::Plan;
use promemu_core::stop::Stop;
use promemu_core::time::{Span, Time};
use promemu_core::work::WorkLimit;

use super::run_handle::RunHandle;
use super::sampler::RATE_RANGE;
use crate::virtual_run::VirtualRun;

/// Runs with more series are not drawn again.
const SERIES_MAX: usize = 20_000;
/// The most values that are read, of all series at all moments: a second or so.
const VALUES_MAX: usize = 10_000_000;
/// The most steps that the hosts do: a second or so.
const STEPS_MAX: u64 = 10_000_000;
/// The readings of a rate before its own moment.
const READINGS_BEFORE: u64 = 30;

impl RunHandle {
    /// The values that these series had at these times, which are in order: a row for each time.
    ///
    /// `None` where virtual time does not have them: of a run that works for real, that began with a history, that was changed by a
    /// client or an edit of its config, whose hosts did not keep up, or that is too large or too long to draw it again.
    #[must_use]
    pub fn drawn_past(&self, ids: &[Arc<str>], times: &[Time], stop: &Stop) -> Option<Vec<Vec<Option<f64>>>> {
        let fleet = self.fleet();
        let (series, start) = (fleet.plan().series_count(), fleet.run_start());
        let begins = *times.first()?;
        let is_small = series <= SERIES_MAX && series * times.len() <= VALUES_MAX;
        if !is_small || self.facts().recent.is_some() || fleet.may_differ_from_plan() || begins < start {
            return None;
        }
        let plan = Arc::new(Plan::clone(fleet.plan()));
        let range = fleet.clock().speed().emulated(RATE_RANGE);
        let second = Span::from_nanos(range.as_nanos() / (READINGS_BEFORE + 1));
        let before = (1..=READINGS_BEFORE).rev().map(|n| begins.before(second.times(n)));
        let before: Vec<Time> = before.filter(|time| *time >= start).collect();
        let limit = WorkLimit::new(STEPS_MAX);
        let mut run = VirtualRun::new(&plan, self.facts().seed, start, range).ok()?;
        let mut rows = Vec::with_capacity(times.len());
        for (at, time) in before.iter().chain(times).enumerate() {
            limit.within(|| run.advance(*time, &Stop::default()));
            if limit.is_reached() || stop.is_set() {
                return None;
            }
            let row = run.read(ids);
            if at >= before.len() {
                rows.push(row);
            }
        }
        // Something may have been done to it meanwhile, but that is later than the past that is drawn.
        Some(rows)
    }
}
