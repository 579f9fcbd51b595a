//! `load_peak_cpu`, `load_peak_memory`, `load_peak_disk`: idle noise; a ramp and a noisy plateau from
//! `load_peak_start` on, and a decay from `load_peak_end` on.
//!
//! The three differ only in the durations of ramp and decay. The ramp is linear. The decay slows down: after the
//! share p of its duration, (1 − p)² of the height is left.

use super::arguments::{Arguments, Param, ParamKind, percent_of_range};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::{ScenarioSpec, range_of};
use crate::event::Subscription;
use crate::time::{Span, Time};

const IDLE_PERCENT: (f64, f64) = (5.0, 25.0);
const PEAK_PERCENT: (f64, f64) = (75.0, 100.0);

const fn params(rise: &'static str, fall: &'static str) -> [Param; 4] {
    [
        Param {
            name: "idle_range",
            kind: ParamKind::Range,
            default: "5 to 25 % of the value_range",
            help: "the range of the noise outside a peak",
        },
        Param {
            name: "peak_range",
            kind: ParamKind::Range,
            default: "75 to 100 % of the value_range",
            help: "the range of the noise in a peak",
        },
        Param { name: "rise", kind: ParamKind::Span, default: rise, help: "the duration of the ramp" },
        Param { name: "fall", kind: ParamKind::Span, default: fall, help: "the duration of the decay" },
    ]
}

pub(super) const CPU: ScenarioKind<Plan> = ScenarioKind {
    name: "load_peak_cpu",
    summary: "idle noise, and between load_peak_start and load_peak_end a plateau that it reaches at once",
    params: &params("0s", "20s"),
    build: &|arguments| build(arguments, Span::ZERO, Span::from_secs(20)),
};

pub(super) const MEMORY: ScenarioKind<Plan> = ScenarioKind {
    name: "load_peak_memory",
    summary: "idle noise, and between load_peak_start and load_peak_end a plateau with a slow ramp and decay",
    params: &params("30s", "35s"),
    build: &|arguments| build(arguments, Span::from_secs(30), Span::from_secs(35)),
};

pub(super) const DISK: ScenarioKind<Plan> = ScenarioKind {
    name: "load_peak_disk",
    summary: "idle noise, and between load_peak_start and load_peak_end a plateau with a very slow ramp and decay",
    params: &params("60s", "60s"),
    build: &|arguments| build(arguments, Span::from_secs(60), Span::from_secs(60)),
};

fn build(arguments: &mut Arguments, rise: Span, fall: Span) -> Result<Plan, String> {
    let range = |arguments: &mut Arguments, name: &str, percent| match arguments.range(name) {
        Some(range) => Ok(range),
        None => arguments.needed_metric_range(name).map(|range| percent_of_range(range, percent)),
    };
    Ok(Plan {
        idle_range: range(arguments, "idle_range", IDLE_PERCENT)?,
        peak_range: range(arguments, "peak_range", PEAK_PERCENT)?,
        rise: arguments.span("rise").unwrap_or(rise),
        fall: arguments.span("fall").unwrap_or(fall),
        start: Subscription::parse("load_peak_start"),
        end: Subscription::parse("load_peak_end"),
    })
}

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    idle_range: (f64, f64),
    peak_range: (f64, f64),
    rise: Span,
    fall: Span,
    start: Subscription,
    end: Subscription,
}

impl ScenarioSpec for Plan {
    type State = LoadPeak;

    fn start(&self, _value: f64) -> LoadPeak {
        LoadPeak { phase: Phase::Idle, since: Time::NEVER, from: 0.0 }
    }

    fn update(&self, state: &mut LoadPeak, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        if context.is_for(&self.start) && state.phase != Phase::Peak {
            state.begin(Phase::Peak, context);
        } else if context.is_for(&self.end) && state.phase == Phase::Peak {
            state.begin(Phase::Fall, context);
        }
        let from = state.begin_within(self.value_range());
        let idle =
            |context: &mut UpdateContext<'_>| context.rng.uniform(self.idle_range.0, self.idle_range.1);
        let value = match state.phase {
            Phase::Idle => idle(context),
            Phase::Peak => {
                let peak = context.rng.uniform(self.peak_range.0, self.peak_range.1);
                from + (peak - from) * progress(context.now.since(state.since), self.rise)
            }
            Phase::Fall => {
                let left = 1.0 - progress(context.now.since(state.since), self.fall);
                if left <= 0.0 {
                    state.phase = Phase::Idle;
                }
                let idle = idle(context);
                idle + (from - idle) * left * left
            }
        };
        Ok(Some(value))
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        range_of([self.idle_range, self.peak_range])
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        vec![self.start.clone(), self.end.clone()]
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Idle,
    Peak,
    Fall,
}

/// The running scenario: its phase, the start of the phase, and the value at that time. The value is an `f32` to keep
/// the state small: there is one per series.
#[derive(Clone, Debug)]
pub struct LoadPeak {
    since: Time,
    from: f32,
    phase: Phase,
}

impl LoadPeak {
    #[expect(clippy::cast_possible_truncation, reason = "a ramp may begin slightly beside the last value")]
    const fn begin(&mut self, phase: Phase, context: &UpdateContext<'_>) {
        let from = (context.value as f32).clamp(f32::MIN, f32::MAX);
        (self.phase, self.since, self.from) = (phase, context.now, from);
    }

    /// The value at the start of the phase. Its `f32` may lie beside an end of the range: then it is that end.
    #[expect(clippy::cast_possible_truncation, reason = "it is rounded as the value was")]
    fn begin_within(&self, range: Option<(f64, f64)>) -> f64 {
        let ends = range.into_iter().flat_map(|(low, high)| [low, high]);
        let end = ends.into_iter().find(|end| (*end as f32).to_bits() == self.from.to_bits());
        end.unwrap_or_else(|| f64::from(self.from))
    }
}

/// The share of `whole` that has passed, from 0 to 1.
fn progress(passed: Span, whole: Span) -> f64 {
    if passed >= whole { 1.0 } else { passed.as_secs_f64() / whole.as_secs_f64() }
}
