//! `nan`: samples are NaN; of a histogram or summary the sum.

use super::kind::{FaultKind, FaultSchedule};
use super::spec::FaultSpec;
use crate::metric::{Cells, is_absent};

pub(super) const KIND: FaultKind<Nan> = FaultKind {
    name: "nan",
    summary: "a sample is NaN; of a histogram or summary the sum",
    schedule: FaultSchedule::Episodes,
    takes_metrics: true,
    untimed_error: None,
    params: &[],
    build: &|_| Ok(Nan),
};

/// Samples that are no numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Nan;

impl FaultSpec for Nan {
    fn is_about_metrics(&self) -> bool {
        true
    }

    fn is_drawn_each(&self) -> bool {
        true
    }

    fn corrupt(&self, of: &Cells, cells: &mut [f64], draws: &mut dyn FnMut() -> bool) {
        if !is_absent(cells[0])
            && draws()
            && let Some(cell) = of.free_cell()
        {
            cells[cell] = f64::NAN;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{ABSENT, Aggregation, Layout};

    #[test]
    fn a_metric_without_a_sample_draws_nothing() {
        let of = Cells::new(Layout::value(), Aggregation::Gauge);
        let mut cells = [ABSENT];
        Nan.corrupt(&of, &mut cells, &mut || panic!("drew"));
        assert!(is_absent(cells[0]));
        let mut cells = [1.0];
        Nan.corrupt(&of, &mut cells, &mut || false);
        assert_eq!(cells[0].to_bits(), 1f64.to_bits());
        Nan.corrupt(&of, &mut cells, &mut || true);
        assert!(cells[0].is_nan() && !is_absent(cells[0]));
    }
}
