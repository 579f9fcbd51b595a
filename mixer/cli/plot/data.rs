//! The curves of a plan's metrics in virtual time: what a query of its series would give.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::Arc;

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::plan::Plan;
use promemu_core::time::Time;

use super::axis::Unit;
use super::marks::{Happened, Marks, marks};
use super::reading::{Gathered, Reading, median};
use super::selection::Selection;
use super::shown::Shown;

/// The charts of one run.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) grid: Grid,
    /// The end of the time axis; the last moment may be earlier.
    pub(super) to: Time,
    pub(super) charts: Vec<Chart>,
    /// How often a scenario failed.
    pub(super) scenario_errors: u64,
}

/// One family.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) name: String,
    /// What is drawn of it, if that is not its values.
    pub(super) reading: String,
    pub(super) help: String,
    pub(super) unit: Unit,
    /// All curves, each with a value for each moment; one that is not a number is a gap.
    pub(super) curves: Vec<Curve>,
    pub(super) marks: Vec<Marks>,
}

/// One series, or a quantile.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) label: String,
    pub(super) values: Vec<f64>,
}

/// Many curves as one: what lies between the lowest and the highest, and the middle.
#[derive(Debug)]
pub(super) struct Band {
    pub(super) low: Vec<f64>,
    pub(super) middle: Vec<f64>,
    pub(super) high: Vec<f64>,
}

impl Figure {
    /// Drives the selected hosts, and reads their series at the moments of the grid.
    pub(super) fn of(plan: &Arc<Plan>, selection: &Selection, seed: u64, grid: Grid, to: Time) -> Self {
        let run = Backfill::new(Arc::clone(plan), seed, grid.from, to);
        let by_host = selection.by_host();
        let hosts: Vec<_> = by_host.keys().copied().collect();
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let readings: Vec<Reading> =
            selection.families.iter().map(|family| Reading::of(plan, family, &grid)).collect();
        let mut gathered: Vec<Gathered> = readings.iter().map(|reading| reading.nothing(&grid)).collect();
        let mut events: Vec<Happened> = run.log().iter().map(Happened::new).collect();
        let mut scenario_errors = 0;
        let made = run.each_host(
            &hosts,
            threads,
            |id, host| {
                let wanted = by_host.get(&id).into_iter().flatten().map(|(_, series)| *series);
                let mut emitted = Vec::new();
                let shown = Shown::by(host, &grid, wanted, |event| emitted.push(Happened::new(event)));
                (shown, emitted)
            },
            |id, (shown, emitted)| {
                events.extend(emitted);
                scenario_errors += shown.scenario_errors();
                for (place, series) in by_host.get(&id).into_iter().flatten() {
                    readings[*place].read(plan, *series, &shown, &mut gathered[*place]);
                }
                Ok::<(), std::convert::Infallible>(())
            },
        );
        match made {
            Ok(()) => {}
            Err(never) => match never {},
        }
        events.sort_unstable();
        events.dedup();
        let parts = selection.families.iter().zip(readings).zip(gathered);
        let charts = parts.map(|((family, reading), gathered)| {
            let marks = marks(plan, family, &events, to.since(grid.from));
            reading.chart(plan, family, gathered, marks)
        });
        Self { charts: charts.collect(), grid, to, scenario_errors }
    }

    /// Where a time is: 0 at the start, 1 at the end.
    pub(super) fn place(&self, time: Time) -> f64 {
        let span = self.to.since(self.grid.from).as_secs_f64();
        (time.since(self.grid.from).as_secs_f64() / span).clamp(0.0, 1.0)
    }

    /// Where the moments are.
    pub(super) fn places(&self) -> Vec<f64> {
        self.grid.iter().map(|moment| self.place(moment)).collect()
    }
}

impl Chart {
    /// The lowest and the highest value.
    pub(super) fn extent(&self) -> Option<(f64, f64)> {
        let values =
            self.curves.iter().flat_map(|curve| &curve.values).copied().filter(|value| !value.is_nan());
        values.fold(None, |extent, value| {
            let (low, high) = extent.unwrap_or((value, value));
            Some((value.min(low), value.max(high)))
        })
    }

    /// Its curves as a band.
    pub(super) fn band(&self) -> Band {
        let moments = self.curves.first().map_or(0, |curve| curve.values.len());
        let mut band = Band { low: Vec::new(), middle: Vec::new(), high: Vec::new() };
        let mut values = Vec::new();
        for moment in 0..moments {
            values.clear();
            values
                .extend(self.curves.iter().map(|curve| curve.values[moment]).filter(|value| !value.is_nan()));
            band.middle.push(median(&mut values));
            band.low.push(values.first().copied().unwrap_or(f64::NAN));
            band.high.push(values.last().copied().unwrap_or(f64::NAN));
        }
        band
    }
}

/// The stretches in which a curve has values.
pub(super) fn stretches(values: &[f64]) -> Vec<RangeInclusive<usize>> {
    let mut stretches: Vec<RangeInclusive<usize>> = Vec::new();
    for (n, _) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        match stretches.last_mut() {
            Some(last) if last.end() + 1 == n => *last = *last.start()..=n,
            _ => stretches.push(n..=n),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_what_lies_between_gaps() {
        assert_eq!(stretches(&[f64::NAN, 1.0, 2.0, f64::NAN, 3.0]), [1..=2, 4..=4]);
    }
}
