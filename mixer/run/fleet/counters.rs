//! Counters and listeners of a whole run, which outlive its fleets.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use tracing::{Span, warn};

use promemu_core::fault::Course;
use promemu_core::rng::Seed;
use promemu_core::time::Time;
use promemu_core::timeline::RunLog;

use super::chronicle::Chronicle;
use crate::event_tap::EventTap;
use crate::self_metrics::Tally;
use crate::simulation::SimulationProgress;
use crate::transport::BusSender;

/// Number of hosts whose dropped events are told of in one emulated minute; further ones are counted.
const DROPS_TOLD_MAX: u32 = 10;

/// Counters and listeners of a whole run.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) tally: Tally,
    /// Number of events from outside of hosts: the mixer's and clients'.
    pub(super) own_events: AtomicU64,
    /// `true` once series were refused because the limit was reached.
    has_refused: AtomicBool,
    pub(super) event_tap: Arc<EventTap>,
    pub(super) simulation: SimulationProgress,
    /// All that came to the run from outside of its hosts, and their moves of levers.
    run_log: Mutex<RunLog>,
    /// The times of the run's phases and faults, as planned and as changed so far.
    course: Mutex<Course>,
    /// All that clients did to the run, and what its earlier plans had.
    chronicle: Mutex<Chronicle>,
    /// `true` once a client has commanded something, or the run has gone on with another plan.
    pub(super) is_changed: AtomicBool,
    /// Tells the run's loop that they have changed.
    pub(super) course_changed: Notify,
    /// `true` once an action of a host found no room in the log.
    pub(super) was_log_full: AtomicBool,
    /// The minute in which hosts were last told to drop events, and their number.
    drops_told: Mutex<(u64, u32)>,
    /// Start of the run, from which its faults count.
    pub(super) run_start: OnceLock<Time>,
    /// The span of the run's log lines. Tasks of hosts are too many to have it each.
    pub(super) log_span: Span,
    pub(super) hosts_begun: AtomicU64,
    pub(super) hosts_ended: AtomicU64,
    pub(super) members_begun: AtomicU64,
    pub(super) members_ended: AtomicU64,
    /// `true` once all hosts that were due had reported.
    pub(super) have_reported: AtomicBool,
    /// The way to the other shards of the run, if it has any.
    pub(super) bus: OnceLock<BusSender>,
}

impl Counters {
    pub(super) fn new(tally: Tally, event_tap: Arc<EventTap>) -> Self {
        Self {
            tally,
            own_events: AtomicU64::new(event_tap.next_sequence()),
            has_refused: AtomicBool::new(false),
            event_tap,
            simulation: SimulationProgress::default(),
            run_log: Mutex::default(),
            course: Mutex::new(Course::new(Time::NEVER, Seed::new(0))),
            chronicle: Mutex::default(),
            is_changed: AtomicBool::new(false),
            course_changed: Notify::new(),
            was_log_full: AtomicBool::new(false),
            drops_told: Mutex::default(),
            run_start: OnceLock::new(),
            log_span: Span::current(),
            hosts_begun: AtomicU64::new(0),
            hosts_ended: AtomicU64::new(0),
            members_begun: AtomicU64::new(0),
            members_ended: AtomicU64::new(0),
            have_reported: AtomicBool::new(false),
            bus: OnceLock::new(),
        }
    }

    pub(super) fn run_log(&self) -> MutexGuard<'_, RunLog> {
        self.run_log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn chronicle(&self) -> MutexGuard<'_, Chronicle> {
        self.chronicle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `true` if one more line about dropped events is not too many.
    pub(super) fn may_tell_of_drops(&self, now: Time) -> bool {
        let minute = now.since(Time::from_unix_nanos(0)).as_nanos() / 60_000_000_000;
        let mut told = self.drops_told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.0 != minute {
            *told = (minute, 0);
        }
        told.1 = told.1.saturating_add(1);
        told.1 <= DROPS_TOLD_MAX
    }

    /// Counts series that were not made, and logs the first time.
    pub(super) fn refuse_series(&self, host: &str, count: u64) {
        if !self.has_refused.swap(true, Ordering::Relaxed) {
            let _in_run = self.log_span.enter();
            warn!(host = %host, series = count, "limit of --max-series is reached; further series are dropped and counted");
        }
        self.tally.series_refused.inc_by(count);
    }
}
