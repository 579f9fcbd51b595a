//! `update_by_trend`: up and down accumulate one uniform step per update; hold jitters by a step around the
//! accumulated sum without changing it. The sum stays in the metric's value range.

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;

const TRENDS: [&str; 3] = ["hold", "up", "down"];

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "update_by_trend",
    summary: "rises, falls, or jitters in place, by a random step at each update",
    params: &[
        Param { name: "trend", kind: ParamKind::Choice(&TRENDS), default: "hold", help: "the direction" },
        Param {
            name: "step_range",
            kind: ParamKind::Range,
            default: "(1, 5)",
            help: "smallest and largest step",
        },
    ],
    build: &|arguments| {
        let trend = match arguments.text("trend").as_deref() {
            Some("up") => Trend::Up,
            Some("down") => Trend::Down,
            _ => Trend::Hold,
        };
        let step_range = arguments.range("step_range").unwrap_or((1.0, 5.0));
        if step_range.0 < 0.0 {
            return Err(format!("step_range must not be negative, but begins at {}", step_range.0));
        }
        let plan = Plan { trend, step_range, range: arguments.metric_range() };
        Ok(plan)
    },
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trend {
    Hold,
    Up,
    Down,
}

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    trend: Trend,
    step_range: (f64, f64),
    range: (f64, f64),
}

impl ScenarioSpec for Plan {
    /// The accumulated sum.
    type State = f64;

    fn start(&self, value: f64) -> f64 {
        value
    }

    #[inline]
    fn update(&self, sum: &mut f64, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let step = context.rng.uniform(self.step_range.0, self.step_range.1);
        let moved = match self.trend {
            Trend::Up => *sum + step,
            Trend::Down => *sum - step,
            Trend::Hold => {
                let jitter = if context.rng.unit() < 0.5 { -step } else { step };
                return Ok(Some(*sum + jitter));
            }
        };
        *sum = moved.max(self.range.0).min(self.range.1);
        Ok(Some(*sum))
    }
}
