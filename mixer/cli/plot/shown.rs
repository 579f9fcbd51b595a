//! What a host has shown: its own samples, and those of its pools, whoever lived there.

use indexmap::IndexMap;
use promemu_core::backfill::{Grid, HostSamples, MemberSamples, MemberSink};
use promemu_core::event::Event;
use promemu_core::host::DrivenHost;
use promemu_core::metric::ABSENT;
use promemu_core::time::Time;

use super::selection::SelectedSeries;

/// What a host has shown at the moments of a grid.
#[derive(Debug)]
pub(super) struct Shown {
    own: HostSamples,
    pools: IndexMap<(usize, usize), InSlot>,
}

/// One slot: those who have lived there, one after the other.
#[derive(Debug)]
struct InSlot {
    samples: HostSamples,
    /// The moments at which somebody else began.
    begins: Vec<usize>,
}

/// The same, while it comes in.
struct Incoming {
    cells: Vec<f64>,
    begins: Vec<usize>,
    last: Option<usize>,
}

impl Shown {
    /// Lets a host live; of its pools those of the wanted series are looked at.
    pub(super) fn by(
        host: DrivenHost,
        grid: &Grid,
        wanted: impl Iterator<Item = SelectedSeries>,
        emitted: impl FnMut(&Event),
    ) -> Self {
        let (moments, shape) = (grid.count(), host.host().plan().shape.clone());
        let empty = |(kind, slot): (usize, usize)| {
            let cells = vec![ABSENT; shape.pools[kind].shape.width * moments];
            ((kind, slot), Incoming { cells, begins: Vec::new(), last: None })
        };
        let mut incoming: IndexMap<(usize, usize), Incoming> =
            wanted.filter_map(|series| series.slot).map(empty).collect();
        let is_wanted = !incoming.is_empty();
        let mut put = |samples: &MemberSamples<'_>| {
            if let Some(slot) = incoming.get_mut(&(samples.pool, samples.slot)) {
                slot.put(samples, moments);
            }
        };
        let pools: Option<MemberSink<'_>> = if is_wanted { Some(&mut put) } else { None };
        let mut own = HostSamples::with_events(host, grid, emitted, pools);
        leave_out_older(&mut own);
        let pools = incoming.into_iter().map(|((kind, slot), Incoming { cells, begins, .. })| {
            let samples = HostSamples::from_cells(cells, 0..shape.pools[kind].shape.width, moments);
            ((kind, slot), InSlot { samples, begins })
        });
        Self { own, pools: pools.collect() }
    }

    /// The samples of a series' host or slot.
    pub(super) fn samples(&self, series: SelectedSeries) -> &HostSamples {
        self.slot(series).map_or(&self.own, |slot| &slot.samples)
    }

    /// The moments at which the series becomes another one.
    pub(super) fn begins(&self, series: SelectedSeries) -> &[usize] {
        self.slot(series).map_or(&[], |slot| &slot.begins)
    }

    fn slot(&self, series: SelectedSeries) -> Option<&InSlot> {
        self.pools.get(&series.slot?)
    }

    /// When the samples of each moment were made: when the host had last reported, or what it says itself.
    pub(super) fn made_at(&self) -> &[Time] {
        if self.own.own_times().is_empty() { self.own.reported_at() } else { self.own.own_times() }
    }

    /// How often a scenario failed.
    pub(super) const fn scenario_errors(&self) -> u64 {
        self.own.counts.scenario_errors
    }
}

impl Incoming {
    fn put(&mut self, samples: &MemberSamples<'_>, moments: usize) {
        for (cell, values) in samples.cells.chunks(samples.moments).enumerate() {
            let start = cell * moments + samples.first;
            self.cells[start..start + values.len()].copy_from_slice(values);
        }
        if self.last.replace(samples.member) != Some(samples.member) {
            self.begins.push(samples.first);
        }
    }
}

/// Takes out what is older than a sample before it: a server has refused it, or put it where it belongs.
fn leave_out_older(samples: &mut HostSamples) {
    let mut newest = Time::from_unix_nanos(0);
    let is_older = |time: &Time| {
        // At moments before its first report a host says none.
        let is_older = *time < newest;
        if *time != Time::NEVER {
            newest = newest.max(*time);
        }
        is_older
    };
    let older: Vec<bool> = samples.own_times().iter().map(is_older).collect();
    samples.clear_moments(|moment| older.get(moment).is_some_and(|older| *older));
}
