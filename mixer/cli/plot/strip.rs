//! Strips: the phases and faults of a run, with the parts of a chart's width in which each of them is on.

use std::ops::Range;
use std::sync::Arc;

use promemu_core::fault::{Timed, Windows};
use promemu_core::plan::{Plan, RunFault};
use promemu_core::time::Span;

use super::figure::Figure;
use super::selection::SelectedFamily;

/// A phase or a fault.
#[derive(Clone, Debug)]
pub(super) struct Strip {
    /// The name of the phase, or the id of the fault.
    pub(super) name: Arc<str>,
    times: Windows,
    is_fault: bool,
}

impl Strip {
    /// The ranges of columns, of `count` across the chart, in which it is on. An instant takes one column.
    pub(super) fn columns(&self, figure: &Figure, count: usize) -> Vec<Range<usize>> {
        let timed = Timed { times: &self.times, fault: self.is_fault.then_some(&*self.name) };
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for column in 0..count {
            let (from, to) = figure.column(column, count);
            let last = figure.course.last_window(timed, to.before(Span::from_nanos(1)));
            if !last.is_some_and(|(begin, end)| end > from || begin >= from) {
                continue;
            }
            match ranges.last_mut() {
                Some(range) if range.end == column => range.end = column + 1,
                _ => ranges.push(column..column + 1),
            }
        }
        ranges
    }
}

/// The phases of a run.
pub(super) fn phases(plan: &Plan) -> Vec<Strip> {
    let phases = plan.timeline.phases.iter();
    phases.map(|phase| Strip { name: Arc::clone(&phase.name), times: phase.times, is_fault: false }).collect()
}

/// The faults of a run, as far as they concern a family's series.
pub(super) fn faults(plan: &Plan, family: &SelectedFamily) -> Vec<Strip> {
    let faults = plan.faults.iter().filter(|fault| concerns(plan, family, fault));
    faults.map(|fault| Strip { name: Arc::clone(&fault.id), times: fault.times, is_fault: true }).collect()
}

/// `true` if one of the series is of a host that shows the fault, or that reads levers which the fault moves.
fn concerns(plan: &Plan, family: &SelectedFamily, fault: &RunFault) -> bool {
    family.series.iter().any(|series| {
        let Some(part) = &series.host(plan).run else { return false };
        let moves_lever = part.faults.iter().any(|own| own.id == fault.id && !own.changes.is_empty());
        // A fault without metrics is one of all metrics. Metrics of pools have none of their own, but members vanish with
        // their host.
        let is_shown = part.shown.iter().filter(|shown| shown.id_in_run() == Some(&fault.id)).any(|shown| {
            shown.metrics.is_empty() || (series.slot.is_none() && shown.metrics.contains(&series.metric))
        });
        moves_lever || is_shown
    })
}
