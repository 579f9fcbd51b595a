//! `late`: a report arrives late, and later ones wait for it.

use super::kind::{FaultKind, FaultSchedule, needed_length};
use super::spec::{FaultSpec, ReportDelay};
use crate::scenario::{Param, ParamKind};
use crate::time::Span;

pub(super) const KIND: FaultKind<Late> = FaultKind {
    name: "late",
    summary: "a report arrives late, and later ones wait for it",
    schedule: FaultSchedule::Episodes,
    takes_metrics: false,
    untimed_error: None,
    params: &[Param { name: "by", kind: ParamKind::Span, default: "", help: "the delay of a report" }],
    build: &|arguments| Ok(Late { by: needed_length(arguments, "by")? }),
};

/// Reports that hold up the later ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Late {
    by: Span,
}

impl FaultSpec for Late {
    fn is_drawn_each(&self) -> bool {
        true
    }

    fn delay(&self) -> Option<ReportDelay> {
        Some(ReportDelay { by: self.by, keeps_order: true })
    }

    fn describe(&self) -> String {
        format!("by {}", self.by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_reports_wait() {
        let by = Span::from_secs(3);
        assert_eq!(Late { by }.delay(), Some(ReportDelay { by, keeps_order: true }));
    }
}
