//! Rules of plausibility in reports for programs.

use promemu_core::time::Time;
use promemu_learn::{RuleOutcome, Violation};
use serde_json::{Value, json};

/// A rule with each of its violations.
pub(crate) fn rule(outcome: &RuleOutcome) -> Value {
    let violation = |violation: &Violation| {
        let at = Time::from_unix_millis(violation.at_ms);
        json!({ "series": violation.series, "at": at.rfc3339(), "what": violation.what })
    };
    json!({
        "rule": outcome.rule,
        "tolerance": outcome.tolerance,
        "checked": outcome.checked,
        "violations": outcome.violations.iter().map(violation).collect::<Vec<_>>(),
    })
}
