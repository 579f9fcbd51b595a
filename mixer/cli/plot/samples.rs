//! The samples of a host and of the members of its pools. Successive members in one slot are one series.

use indexmap::IndexMap;
use promemu_core::backfill::{Grid, HostSampler, HostSamples, MemberSamples, MemberSink, ReplayedHost};
use promemu_core::event::Event;
use promemu_core::metric::ABSENT;
use promemu_core::time::Time;

use super::selection::SelectedSeries;

/// The samples of a host at the times of a grid.
#[derive(Debug)]
pub(super) struct HostSeries {
    own: HostSamples,
    pools: IndexMap<(usize, usize), MemberSeries>,
}

/// The samples of the successive members of one slot.
#[derive(Debug)]
struct MemberSeries {
    samples: HostSamples,
    /// The times at which a new member started.
    begins: Vec<usize>,
}

/// The samples of one slot while the host is driven.
struct MemberBuffer {
    cells: Vec<f64>,
    begins: Vec<usize>,
    last: Option<usize>,
}

impl HostSeries {
    /// Drives a host through the grid and on to the end of the time axis; takes samples of the pools of the selected
    /// series only.
    pub(super) fn drive(
        host: ReplayedHost<'_>,
        (grid, to): (&Grid, Time),
        selected: impl Iterator<Item = SelectedSeries>,
        mut emitted: impl FnMut(&Event),
    ) -> Self {
        let (times, shape) = (grid.count(), host.driven().host().plan().shape.clone());
        let empty = |(pool, slot): (usize, usize)| {
            let cells = vec![ABSENT; shape.pools[pool].shape.width * times];
            ((pool, slot), MemberBuffer { cells, begins: Vec::new(), last: None })
        };
        let mut buffers: IndexMap<(usize, usize), MemberBuffer> =
            selected.filter_map(|series| series.slot).map(empty).collect();
        let has_members = !buffers.is_empty();
        let mut put = |member: &MemberSamples<'_>| {
            if let Some(slot) = buffers.get_mut(&(member.pool, member.slot)) {
                slot.put(member, times);
            }
        };
        let pools: Option<MemberSink<'_>> = if has_members { Some(&mut put) } else { None };
        let all = 0..host.driven().host().row().len();
        let mut host = HostSampler::new(host, all);
        let mut own = host.sample(grid, &mut emitted, pools);
        // Events after the last sample have a mark, too.
        host.pass(to, emitted);
        drop_older(&mut own);
        let pools = buffers.into_iter().map(|((pool, slot), MemberBuffer { cells, begins, .. })| {
            let samples = HostSamples::from_cells(cells, 0..shape.pools[pool].shape.width, times);
            ((pool, slot), MemberSeries { samples, begins })
        });
        Self { own, pools: pools.collect() }
    }

    /// The samples of the host or the slot of a series.
    pub(super) fn samples(&self, series: SelectedSeries) -> &HostSamples {
        self.slot(series).map_or(&self.own, |slot| &slot.samples)
    }

    /// The times at which a new series starts, as its slot has a new member.
    pub(super) fn begins(&self, series: SelectedSeries) -> &[usize] {
        self.slot(series).map_or(&[], |slot| &slot.begins)
    }

    fn slot(&self, series: SelectedSeries) -> Option<&MemberSeries> {
        self.pools.get(&series.slot?)
    }

    /// The timestamps of the samples at each time: the host's own ones, or those of its last report.
    pub(super) fn timestamps(&self) -> &[Time] {
        if self.own.own_times().is_empty() { self.own.reported_at() } else { self.own.own_times() }
    }

    /// Number of updates at which a scenario failed.
    pub(super) const fn scenario_errors(&self) -> u64 {
        self.own.counts.scenario_errors
    }
}

impl MemberBuffer {
    fn put(&mut self, member: &MemberSamples<'_>, times: usize) {
        for (cell, values) in member.cells.chunks(member.moments).enumerate() {
            let start = cell * times + member.first;
            self.cells[start..start + values.len()].copy_from_slice(values);
        }
        if self.last.replace(member.member) != Some(member.member) {
            self.begins.push(member.first);
        }
    }
}

/// Removes samples that are older than one before them: a server refuses them, or sorts them in.
fn drop_older(samples: &mut HostSamples) {
    let mut newest = Time::from_unix_nanos(0);
    let is_older = |time: &Time| {
        // Before its first report a host has no timestamp.
        let is_older = *time < newest;
        if *time != Time::NEVER {
            newest = newest.max(*time);
        }
        is_older
    };
    let older: Vec<bool> = samples.own_times().iter().map(is_older).collect();
    samples.clear_moments(|at| older.get(at).is_some_and(|older| *older));
}
