//! `sum`, `product`, `clamp`, `delay`: scenarios composed of others.
//!
//! Each part has a value of its own, as if it were alone on a metric. It starts at 0 in a sum, at 1 in a product, and
//! at the metric's value otherwise.

use std::collections::VecDeque;

use super::arguments::{Arguments, Param, ParamKind};
use super::context::{SideEffects, UpdateContext};
use super::kind::ScenarioKind;
use super::nested::{NestedScenario, RunningPart, refuse_relays};
use super::spec::{EventDecl, ScenarioSpec};
use super::try_clone::TryClone;
use crate::event::Subscription;
use crate::expression::finite;
use crate::time::{Span, Time};

const OF: Param =
    Param { name: "of", kind: ParamKind::Scenarios, default: "", help: "the scenarios, at least one" };
const OF_ONE: Param =
    Param { name: "of", kind: ParamKind::Scenario, default: "", help: "the other scenario" };

pub(super) const SUM: ScenarioKind<Combination> = ScenarioKind {
    name: "sum",
    summary: "the sum of other scenarios' values",
    params: &[OF],
    build: &|arguments| combination(arguments, Operation::Sum),
};

pub(super) const PRODUCT: ScenarioKind<Combination> = ScenarioKind {
    name: "product",
    summary: "the product of other scenarios' values",
    params: &[OF],
    build: &|arguments| combination(arguments, Operation::Product),
};

pub(super) const CLAMP: ScenarioKind<Combination> = ScenarioKind {
    name: "clamp",
    summary: "another scenario's values, limited to a range",
    params: &[
        OF_ONE,
        Param { name: "range", kind: ParamKind::Range, default: "", help: "lowest and highest value" },
    ],
    build: &|arguments| {
        let (low, high) = arguments.range("range").ok_or("range must be given")?;
        let parts = vec![one_part(arguments)?];
        Ok(Combination { operation: Operation::Clamp(low, high), parts })
    },
};

pub(super) const DELAY: ScenarioKind<Delay> = ScenarioKind {
    name: "delay",
    summary: "another scenario's values, delayed",
    params: &[
        OF_ONE,
        Param {
            name: "by",
            kind: ParamKind::Span,
            default: "",
            help: "the length of the delay; before it is over, the metric keeps its value",
        },
    ],
    build: &|arguments| {
        let by = arguments.span("by").ok_or("by must be given")?;
        if by == Span::ZERO || by == Span::FOREVER {
            return Err(format!("by must be longer than 0 and not endless, but is {by}"));
        }
        let updates = by.as_nanos() / arguments.update_interval().as_nanos().max(1);
        let delayed = usize::try_from(updates).unwrap_or(usize::MAX).min(DELAYED_MAX);
        Ok(Delay { part: one_part(arguments)?, by, delayed })
    },
};

/// The largest number of values that a delay holds; beyond it the oldest are dropped.
const DELAYED_MAX: usize = 65_536;

fn combination(arguments: &mut Arguments, operation: Operation) -> Result<Combination, String> {
    let parts = arguments.scenarios("of").unwrap_or_default();
    if parts.is_empty() {
        return Err("of must have at least one scenario".to_owned());
    }
    refuse_relays(&parts)?;
    Ok(Combination { operation, parts })
}

fn one_part(arguments: &mut Arguments) -> Result<NestedScenario, String> {
    let part = arguments.scenario("of").ok_or("of must be given")?;
    refuse_relays([&part])?;
    Ok(part)
}

/// The operation on the parts' values.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    Sum,
    Product,
    Clamp(f64, f64),
}

/// A part's running scenario, and its own value.
#[derive(Debug)]
struct Part {
    running: RunningPart,
    value: f64,
}

impl Part {
    fn start(plan: &NestedScenario, value: f64) -> Self {
        Self { running: plan.start(value), value }
    }

    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<f64, String> {
        let outer = std::mem::replace(&mut context.value, self.value);
        let outcome = self.running.update(context);
        context.value = outer;
        self.value = finite(outcome?.unwrap_or(self.value))?;
        Ok(self.value)
    }
}

impl TryClone for Part {
    fn try_clone(&self) -> Result<Self, String> {
        Ok(Self { running: self.running.try_clone()?, value: self.value })
    }
}

/// The parameters of a sum, a product or a clamp.
#[derive(Debug, PartialEq)]
pub struct Combination {
    operation: Operation,
    parts: Vec<NestedScenario>,
}

impl ScenarioSpec for Combination {
    type State = Box<RunningCombination>;

    fn start(&self, value: f64) -> Box<RunningCombination> {
        let first = match self.operation {
            Operation::Sum => 0.0,
            Operation::Product => 1.0,
            Operation::Clamp(..) => value,
        };
        let parts = self.parts.iter().map(|part| Part::start(part, first)).collect();
        Box::new(RunningCombination { parts })
    }

    fn update(
        &self,
        state: &mut Box<RunningCombination>,
        context: &mut UpdateContext<'_>,
    ) -> Result<Option<f64>, String> {
        let operation = self.operation;
        let mut total = if operation == Operation::Product { 1.0 } else { 0.0 };
        for part in &mut state.parts {
            let value = part.update(context)?;
            match operation {
                Operation::Sum => total += value,
                Operation::Product => total *= value,
                Operation::Clamp(low, high) => total = value.max(low).min(high),
            }
        }
        Ok(Some(total))
    }

    fn stop(&self, state: &mut Box<RunningCombination>, effects: &mut SideEffects) {
        for part in &mut state.parts {
            part.running.stop(effects);
        }
    }

    fn hide(&self, state: &mut Box<RunningCombination>, effects: &mut SideEffects) {
        for part in &mut state.parts {
            part.running.hide(effects);
        }
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        if let Operation::Clamp(low, high) = self.operation { Some((low, high)) } else { None }
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        self.parts.iter().flat_map(NestedScenario::subscriptions).collect()
    }

    fn emits(&self) -> Vec<EventDecl> {
        self.parts.iter().flat_map(NestedScenario::emits).collect()
    }

    fn held_bytes(&self) -> usize {
        self.parts.iter().map(NestedScenario::state_bytes).fold(0, usize::saturating_add)
    }

    fn uses_dt(&self) -> bool {
        self.parts.iter().any(NestedScenario::uses_dt)
    }
}

/// The running scenario.
#[derive(Debug)]
pub struct RunningCombination {
    parts: Box<[Part]>,
}

impl TryClone for Box<RunningCombination> {
    fn try_clone(&self) -> Result<Self, String> {
        let parts = self.parts.iter().map(Part::try_clone).collect::<Result<_, _>>()?;
        Ok(Self::new(RunningCombination { parts }))
    }
}

/// The parameters of a delay.
#[derive(Debug, PartialEq)]
pub struct Delay {
    part: NestedScenario,
    by: Span,
    /// Number of values that it holds, without those of events.
    delayed: usize,
}

impl ScenarioSpec for Delay {
    type State = Box<RunningDelay>;

    fn start(&self, value: f64) -> Box<RunningDelay> {
        let part = Part::start(&self.part, value);
        Box::new(RunningDelay { part, delayed: VecDeque::new() })
    }

    fn update(
        &self,
        state: &mut Box<RunningDelay>,
        context: &mut UpdateContext<'_>,
    ) -> Result<Option<f64>, String> {
        let value = state.part.update(context)?;
        if state.delayed.len() >= DELAYED_MAX {
            state.delayed.pop_front();
        }
        state.delayed.push_back((context.now + self.by, value));
        let mut shown = None;
        while let Some((_, value)) = state.delayed.pop_front_if(|(time, _)| *time <= context.now) {
            shown = Some(value);
        }
        Ok(shown)
    }

    fn stop(&self, state: &mut Box<RunningDelay>, effects: &mut SideEffects) {
        state.part.running.stop(effects);
    }

    fn hide(&self, state: &mut Box<RunningDelay>, effects: &mut SideEffects) {
        state.part.running.hide(effects);
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        self.part.value_range()
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        self.part.subscriptions()
    }

    fn emits(&self) -> Vec<EventDecl> {
        self.part.emits()
    }

    fn held_bytes(&self) -> usize {
        // A queue has room for up to twice as many.
        let held = 2 * self.delayed * size_of::<(Time, f64)>();
        self.part.state_bytes().saturating_add(held)
    }

    fn uses_dt(&self) -> bool {
        self.part.uses_dt()
    }
}

/// The running scenario: the values of its part that are not due yet, each with its time.
#[derive(Debug)]
pub struct RunningDelay {
    part: Part,
    delayed: VecDeque<(Time, f64)>,
}

impl TryClone for Box<RunningDelay> {
    fn try_clone(&self) -> Result<Self, String> {
        let RunningDelay { part, delayed } = &**self;
        let part = part.try_clone()?;
        Ok(Self::new(RunningDelay { part, delayed: delayed.clone() }))
    }
}
