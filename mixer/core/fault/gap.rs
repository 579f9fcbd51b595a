//! `gap`: the host, or some of its metrics, have no samples.

use super::kind::{FaultKind, FaultSchedule};
use super::spec::{FaultSpec, Presence};
use crate::metric::{ABSENT, Cells};

pub(super) const KIND: FaultKind<Gap> = FaultKind {
    name: "gap",
    summary: "the host stops reporting, and its series vanish; with `metrics`, only theirs",
    schedule: FaultSchedule::Episodes,
    takes_metrics: true,
    untimed_error: Some("needs every, at, lasts or on; without them the host never has a sample"),
    params: &[],
    build: &|_| Ok(Gap),
};

/// A gap; of the host as a whole unless some metrics are named.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap;

impl FaultSpec for Gap {
    fn shows_at_once(&self) -> bool {
        true
    }

    fn presence(&self) -> Presence {
        Presence::Silent
    }

    fn corrupt(&self, _of: &Cells, cells: &mut [f64], _draws: &mut dyn FnMut() -> bool) {
        cells.fill(ABSENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Aggregation, Layout, is_absent};

    #[test]
    fn all_cells_of_a_metric_are_absent() {
        let of = Cells::new(Layout::histogram([1.0].into()), Aggregation::Gauge);
        let mut cells = vec![3.0; of.width()];
        Gap.corrupt(&of, &mut cells, &mut || false);
        assert!(cells.iter().all(|cell| is_absent(*cell)));
    }
}
