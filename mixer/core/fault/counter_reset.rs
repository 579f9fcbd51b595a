//! `counter_reset`: counters, histograms and summaries restart at 0, as after a restart of the process.

use super::kind::{FaultKind, FaultSchedule};
use super::spec::FaultSpec;
use crate::metric::Cells;

pub(super) const KIND: FaultKind<CounterReset> = FaultKind {
    name: "counter_reset",
    summary: "counters, histograms and summaries restart at 0",
    schedule: FaultSchedule::Instants,
    takes_metrics: true,
    untimed_error: Some("needs every, at or on: the time of the fault"),
    params: &[],
    build: &|_| Ok(CounterReset),
};

/// A reset of counters.
#[derive(Clone, Debug, PartialEq)]
pub struct CounterReset;

impl FaultSpec for CounterReset {
    fn affects(&self, cells: &Cells) -> bool {
        cells.resets()
    }

    fn metric_word(&self) -> &'static str {
        "counter or histogram"
    }

    fn is_about_metrics(&self) -> bool {
        true
    }

    fn shows_at_once(&self) -> bool {
        true
    }

    fn resets(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Accumulate, Aggregation, Layout};

    #[test]
    fn gauges_have_nothing_to_reset() {
        let affects = |aggregation| CounterReset.affects(&Cells::new(Layout::value(), aggregation));
        assert!(affects(Aggregation::Counter { accumulate: Accumulate::PerUpdate, index: 0 }));
        assert!(!affects(Aggregation::Gauge));
    }
}
