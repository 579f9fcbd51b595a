//! `out_of_order`: a report arrives late, after newer ones.

use super::kind::{FaultKind, FaultSchedule, needed_length};
use super::spec::{FaultSpec, ReportDelay};
use crate::scenario::{Param, ParamKind};
use crate::time::Span;

pub(super) const KIND: FaultKind<OutOfOrder> = FaultKind {
    name: "out_of_order",
    summary: "a report arrives late, after newer ones",
    schedule: FaultSchedule::Episodes,
    takes_metrics: false,
    untimed_error: None,
    params: &[Param { name: "by", kind: ParamKind::Span, default: "", help: "the delay of a report" }],
    build: &|arguments| Ok(OutOfOrder { by: needed_length(arguments, "by")? }),
};

/// Reports that newer ones overtake.
#[derive(Clone, Debug, PartialEq)]
pub struct OutOfOrder {
    by: Span,
}

impl FaultSpec for OutOfOrder {
    fn is_drawn_each(&self) -> bool {
        true
    }

    fn delay(&self) -> Option<ReportDelay> {
        Some(ReportDelay { by: self.by, keeps_order: false })
    }

    fn describe(&self) -> String {
        format!("by {}", self.by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_reports_overtake() {
        let by = Span::from_secs(3);
        assert_eq!(OutOfOrder { by }.delay(), Some(ReportDelay { by, keeps_order: false }));
    }
}
