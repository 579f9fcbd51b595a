//! The rows of a recording that a host plays, each at its own time.

use std::sync::Arc;

use super::metric_set::MetricSet;
use super::outbox::Outbox;
use crate::metric::ABSENT;
use crate::plan::HostPlan;
use crate::replay::{ReplayPlan, ReplayRows, STALE_AFTER, WantedPart, millis};
use crate::time::Time;

/// A place in a recording.
#[derive(Clone, Debug)]
pub(super) struct Player {
    plan: Arc<ReplayPlan>,
    /// Time at which the first millisecond of the recording is played.
    begins_at: Time,
    /// The next row: its part, the rows of the part once they are there, and its place among them.
    part: usize,
    rows: Option<Result<Arc<ReplayRows>, String>>,
    row: usize,
    /// The recording's time of the newest row in this round: older ones come too late.
    played_ms: i64,
    /// Time of the next row, or of the failure to read it; [`Time::NEVER`] while there is none.
    due: Time,
    /// Time of the row that outputs see; [`Time::NEVER`] before the first.
    shown_at: Time,
    /// Time at which series are stale unless a row comes before.
    stale_at: Time,
}

impl Player {
    /// The recording of a host that has one, from its begin.
    pub(super) fn new(plan: &HostPlan, starts_at: Time) -> Option<Self> {
        let plan = Arc::clone(plan.shape.replay.as_ref()?);
        Some(Self {
            plan,
            begins_at: starts_at,
            part: 0,
            rows: None,
            row: 0,
            played_ms: i64::MIN,
            due: Time::NEVER,
            shown_at: Time::NEVER,
            stale_at: Time::NEVER,
        })
    }

    /// Time of the next row, or of the moment at which series are stale. A part that it needs is due at once.
    pub(super) fn due(&self) -> Time {
        let next = if self.wants_part() { self.begins_at } else { self.due };
        next.min(self.stale_at)
    }

    /// Time of the row that outputs see.
    pub(super) fn shown_at(&self) -> Option<Time> {
        Some(self.shown_at).filter(|at| *at != Time::NEVER)
    }

    /// The part that it needs to go on.
    pub(super) fn wanted_part(&self) -> Option<WantedPart> {
        self.wants_part().then(|| WantedPart { plan: Arc::clone(&self.plan), part: self.part })
    }

    fn wants_part(&self) -> bool {
        self.rows.is_none() && self.part < self.plan.replay.parts(self.plan.table)
    }

    /// Takes the rows of that part, or the reason why they cannot be read.
    pub(super) fn take_part(&mut self, rows: Result<Arc<ReplayRows>, String>) {
        self.row = 0;
        self.rows = Some(rows);
        self.seek();
    }

    /// Notes that outputs see the newest row from now on. One that a fault has held back is as old as its report.
    pub(super) fn note_report(&mut self, now: Time) {
        let row_at = self.stale_at.before(STALE_AFTER);
        let is_new = self.stale_at != Time::NEVER && (self.shown_at == Time::NEVER || row_at > self.shown_at);
        self.shown_at = if is_new { row_at } else { now };
    }

    /// Plays the rows that are due. A recording that cannot be read ends the host.
    pub(super) fn advance(&mut self, host: &HostPlan, metrics: &mut MetricSet, now: Time, out: &mut Outbox) {
        while self.due <= now {
            self.play(host, metrics, out);
        }
        if self.stale_at <= now {
            self.stale_at = Time::NEVER;
            metrics.values_mut().show_row(&host.shape, &vec![ABSENT; host.shape.width]);
            out.report = true;
        }
    }

    /// Plays the next row.
    fn play(&mut self, host: &HostPlan, metrics: &mut MetricSet, out: &mut Outbox) {
        let width = host.shape.width;
        match &self.rows {
            Some(Ok(rows)) => {
                metrics.values_mut().show_row(&host.shape, &rows.cells[self.row * width..][..width]);
                out.updates += host.shape.metrics.len() as u64;
                out.report = true;
                self.played_ms = rows.times_ms[self.row];
                self.stale_at = self.due + STALE_AFTER;
                self.row += 1;
                self.seek();
            }
            Some(Err(why)) => {
                out.failures.push((Arc::clone(&host.name), why.clone()));
                out.scenario_errors += 1;
                (out.stops, self.due) = (true, Time::NEVER);
            }
            None => self.due = Time::NEVER,
        }
    }

    /// Goes to the next row of the part, or behind it: in the next round if there is one.
    fn seek(&mut self) {
        let ReplayPlan { replay, table, is_looped } = &*self.plan;
        let rows = match &self.rows {
            Some(Ok(rows)) => rows,
            // Told by the next step.
            Some(Err(_)) => return self.due = self.begins_at,
            None => return self.due = Time::NEVER,
        };
        let later = rows.times_ms.iter().skip(self.row).position(|at| *at > self.played_ms);
        if let Some(skipped) = later {
            self.row += skipped;
            self.due = self.begins_at + millis(rows.times_ms[self.row] - replay.range_ms().0);
            return;
        }
        (self.part, self.rows, self.due) = (self.part + 1, None, Time::NEVER);
        let has_played = self.played_ms != i64::MIN;
        if self.part >= replay.parts(*table) && *is_looped && has_played {
            self.begins_at += self.plan.length();
            (self.part, self.played_ms) = (0, i64::MIN);
        }
    }
}
