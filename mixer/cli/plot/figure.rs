//! The charts of a plan's metrics in virtual time.

use std::num::NonZeroUsize;
use std::sync::Arc;

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::error::Error;
use promemu_core::event::{EDGE_EVENTS, Event, MIXER_SOURCE};
use promemu_core::fault::Course;
use promemu_core::plan::Plan;
use promemu_core::time::{Span, Time};
use promemu_core::work::WorkLimit;

use super::chart::Chart;
use super::marks::{EventRecord, marks};
use super::reading::{Accumulated, Reading};
use super::samples::HostSeries;
use super::selection::Selection;
use super::strip::{Strip, faults, phases};

/// Maximum number of steps that the hosts of a plot do: a minute or two of a machine.
pub(super) const STEPS_MAX: u64 = 1_000_000_000;

/// The charts of one run.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) grid: Grid,
    /// The end of the time axis; the last time of the grid may be earlier.
    pub(super) to: Time,
    pub(super) charts: Vec<Chart>,
    /// The phases of the timeline.
    pub(super) phases: Vec<Strip>,
    /// The times of phases and faults.
    pub(super) course: Course,
    /// Number of updates at which a scenario failed.
    pub(super) scenario_errors: u64,
}

impl Figure {
    /// Drives the selected hosts, and reads their series at the times of the grid. Fails if the hosts do more than `steps_max`
    /// steps of work.
    pub(super) fn of(
        plan: &Arc<Plan>,
        selection: &Selection,
        seed: u64,
        grid: Grid,
        to: Time,
        steps_max: u64,
    ) -> Result<Self, Error> {
        let limit = WorkLimit::new(steps_max);
        let run = limit.within(|| Backfill::new(Arc::clone(plan), seed, grid.from, to))?;
        refuse_reached(&limit, steps_max)?;
        let by_host = selection.by_host();
        let hosts: Vec<_> = by_host.keys().copied().collect();
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let readings: Vec<Reading> =
            selection.families.iter().map(|family| Reading::of(plan, family, &grid)).collect();
        let mut accumulated: Vec<Accumulated> = readings.iter().map(|reading| reading.empty(&grid)).collect();
        // Strips show the begins and ends of phases and faults.
        let told = |event: &Event| *event.source == *MIXER_SOURCE && EDGE_EVENTS.contains(&&*event.name);
        let heard = run.log().iter().filter(|event| !told(event));
        let mut events: Vec<EventRecord> = heard.map(|event| EventRecord::new(&event)).collect();
        let mut scenario_errors = 0;
        run.each_host(
            &hosts,
            threads,
            |id, host| {
                let selected = by_host.get(&id).into_iter().flatten().map(|(_, series)| *series);
                let mut emitted = Vec::new();
                let note = |event: &Event| emitted.push(EventRecord::new(event));
                let series = limit.within(|| HostSeries::drive(host, (&grid, to), selected, note));
                (series, emitted)
            },
            |id, (host, emitted)| {
                refuse_reached(&limit, steps_max)?;
                events.extend(emitted);
                scenario_errors += host.scenario_errors();
                for (place, series) in by_host.get(&id).into_iter().flatten() {
                    readings[*place].read(plan, *series, &host, &mut accumulated[*place]);
                }
                Ok::<(), Error>(())
            },
        )?;
        events.sort_unstable();
        events.dedup();
        let parts = selection.families.iter().zip(readings).zip(accumulated);
        let charts = parts.map(|((family, reading), accumulated)| {
            let marks = marks(plan, family, &events, to.since(grid.from));
            reading.chart(plan, family, accumulated, (marks, faults(plan, family)))
        });
        Ok(Self {
            charts: charts.collect(),
            phases: phases(plan),
            course: run.course(),
            grid,
            to,
            scenario_errors,
        })
    }

    /// The place of a time on the axis: 0 at the start, 1 at the end.
    pub(super) fn place(&self, time: Time) -> f64 {
        let span = self.to.since(self.grid.from).as_secs_f64();
        (time.since(self.grid.from).as_secs_f64() / span).clamp(0.0, 1.0)
    }

    /// The times that a column shows, `[begin, end)`, of `count` columns that stand on the axis' dots.
    pub(super) fn column(&self, column: usize, count: usize) -> (Time, Time) {
        let half = self.to.since(self.grid.from).as_nanos() / (2 * (count.max(2) as u64 - 1));
        let edge = |halves: u64| self.grid.from + Span::from_nanos(half.saturating_mul(halves));
        let halves = 2 * column as u64;
        (edge(halves.saturating_sub(1)), edge(halves + 1))
    }

    /// The places of the grid's times.
    pub(super) fn places(&self) -> Vec<f64> {
        self.grid.iter().map(|time| self.place(time)).collect()
    }
}

fn refuse_reached(limit: &WorkLimit, steps_max: u64) -> Result<(), Error> {
    if !limit.is_reached() {
        return Ok(());
    }
    Err(Error::Run(format!(
        "hosts do more work than a plot may take, {steps_max} updates and operations of scripts; make --for shorter, or choose fewer hosts with --host"
    )))
}
