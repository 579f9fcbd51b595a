//! A host that is sampled stretch by stretch, so that no more than one stretch is in memory.
//!
//! Stretches that follow each other give the same samples as one over the whole time.

use std::ops::Range;

use super::drive::drive;
use super::members::{MemberRecorder, MemberSink};
use super::replayed_host::ReplayedHost;
use super::samples::{Grid, HostSamples};
use crate::event::Event;
use crate::fault::Presence;
use crate::host::{DrivenHost, Outbox};
use crate::metric::ABSENT;
use crate::time::Time;

/// Number of moments that are copied to their cells at once: a cell's moments are far from those of the next cell.
const MOMENTS_AT_ONCE: usize = 16;

/// A host on its way through time, and its last report.
#[derive(Debug)]
pub struct HostSampler<'a> {
    host: ReplayedHost<'a>,
    /// The range of the host's row that is sampled.
    taken: Range<usize>,
    out: Outbox,
    reported: Vec<f64>,
    reported_at: Time,
    own_time: Time,
    up: f64,
    members: MemberRecorder,
}

impl<'a> HostSampler<'a> {
    /// Samples these cells of a host's row.
    #[must_use]
    pub fn new(host: ReplayedHost<'a>, taken: Range<usize>) -> Self {
        Self {
            host,
            out: Outbox::default(),
            reported: vec![ABSENT; taken.len()],
            reported_at: Time::NEVER,
            own_time: Time::NEVER,
            up: ABSENT,
            members: MemberRecorder::default(),
            taken,
        }
    }

    /// The cells of the last report; [`ABSENT`] before the first report and after the host's end.
    #[must_use]
    pub fn reported(&self) -> &[f64] {
        &self.reported
    }

    /// Its last value of [`HostSamples::up`].
    #[must_use]
    pub const fn up(&self) -> f64 {
        self.up
    }

    /// The host alone at this time, with all events that are still on their way to it.
    #[must_use]
    pub fn into_host(mut self, until: Time) -> DrivenHost {
        drive(&mut self.host, until, &mut self.out, |_, _, _| {});
        self.host.into_host()
    }

    /// Drives the host on without samples, and passes each of its events to `emitted`.
    pub fn pass(&mut self, until: Time, mut emitted: impl FnMut(&Event)) {
        drive(&mut self.host, until, &mut self.out, |_, _, out| out.events.iter().for_each(&mut emitted));
    }

    /// Drives the host, and records its last report at each moment of a grid, which must follow the one before it. Passes
    /// each event of the host to `emitted`, and the samples of its pool members to `pools`.
    #[must_use]
    pub fn sample(
        &mut self,
        grid: &Grid,
        mut emitted: impl FnMut(&Event),
        mut pools: Option<MemberSink<'_>>,
    ) -> HostSamples {
        let (width, moments) = (self.taken.len(), grid.count());
        let mut samples = HostSamples::from_cells(vec![ABSENT; width * moments], self.taken.clone(), moments);
        let has_own_times = self.host.driven().host().plan().has_own_times();
        let Self { host, taken, out, reported, reported_at, own_time, up, members } = self;
        let mut recent = Vec::with_capacity(width * MOMENTS_AT_ONCE.min(moments));
        for (n, moment) in grid.iter().enumerate() {
            let counts = drive(host, moment, out, |at, host, out| {
                if out.report {
                    reported.copy_from_slice(&host.host().row()[taken.clone()]);
                    *reported_at = at;
                    *own_time = host.host().stamp().and_then(|stamp| stamp.own_time).unwrap_or(at);
                    *up = up_of(host);
                }
                if let Some(pools) = &mut pools {
                    members.apply_report(host.host(), out, pools);
                }
                out.events.iter().for_each(&mut emitted);
                if let (None, Some(dropped)) = (&samples.first_dropped, &out.first_dropped) {
                    samples.first_dropped = Some(dropped.clone());
                }
                if host.due() == Time::NEVER {
                    reported.fill(ABSENT);
                    *up = ABSENT;
                    if let Some(pools) = &mut pools {
                        members.end(pools);
                    }
                }
            });
            samples.reported_at.push(*reported_at);
            if has_own_times {
                samples.own_times.push(*own_time);
            }
            samples.up.push(*up);
            samples.counts = samples.counts.and(counts);
            if let Some(pools) = &mut pools {
                members.next_moment(pools);
            }
            recent.extend_from_slice(reported);
            let count = n % MOMENTS_AT_ONCE + 1;
            if count == MOMENTS_AT_ONCE || n + 1 == moments {
                put_moments(&recent, width, &mut samples.cells, (n + 1 - count, moments));
                recent.clear();
            }
        }
        if let Some(pools) = &mut pools {
            members.end_stretch(pools);
        }
        self.host.note(grid, &samples);
        samples
    }
}

/// Copies neighbouring moments, cell by cell, to their place among all moments of each cell.
fn put_moments(recent: &[f64], width: usize, cells: &mut [f64], (first, moments): (usize, usize)) {
    for cell in 0..width {
        let values = recent.iter().skip(cell).step_by(width);
        cells[cell * moments + first..].iter_mut().zip(values).for_each(|(place, value)| *place = *value);
    }
}

fn up_of(host: &DrivenHost) -> f64 {
    match host.host().stamp().map_or(Presence::Up, |stamp| stamp.presence) {
        Presence::Up => 1.0,
        Presence::Down => 0.0,
        Presence::Silent => ABSENT,
    }
}
