//! Parameters: what a kind of scenario takes, and the values that a config gave.

use std::sync::Arc;

use indexmap::IndexMap;

use super::ScenarioPlan;
use crate::event::Subscription;
use crate::expression::Formula;
use crate::time::Span;

/// One parameter of a kind of scenario.
#[derive(Debug)]
pub struct Param {
    /// The name in configs.
    pub name: &'static str,
    /// What values it takes.
    pub kind: ParamKind,
    /// The default, in words; empty when it must be given.
    pub default: &'static str,
    /// What it is, with its unit.
    pub help: &'static str,
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// A finite number.
    Number,
    /// A duration.
    Span,
    /// `(low, high)`, both finite.
    Range,
    /// A list of finite numbers.
    Numbers,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text.
    Text,
    /// An expression that runs with every update.
    Formula,
    /// `{ event: expression }`.
    Formulas,
    /// `{ event: (scenario: …, duration: …, when: …) }`.
    Cases,
    /// Several lines that run with every update.
    Script,
    /// Another scenario.
    Scenario,
    /// A list of scenarios.
    Scenarios,
}

impl ParamKind {
    /// What it takes, in words.
    #[must_use]
    pub fn describe(self) -> String {
        let words = match self {
            Self::Number => "number",
            Self::Span => "duration",
            Self::Range => "`(low, high)`",
            Self::Numbers => "list of numbers",
            Self::Choice(choices) => {
                return choices.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            }
            Self::Text => "text",
            Self::Formula => "formula",
            Self::Formulas => "`{ event: formula }`",
            Self::Cases => "`{ event: (scenario: …, duration: …, when: …) }`",
            Self::Script => "script",
            Self::Scenario => "scenario",
            Self::Scenarios => "list of scenarios",
        };
        words.to_owned()
    }
}

/// A parameter's value.
#[derive(Clone, Debug)]
pub enum Argument {
    /// For [`ParamKind::Number`].
    Number(f64),
    /// For [`ParamKind::Span`].
    Span(Span),
    /// For [`ParamKind::Range`].
    Range((f64, f64)),
    /// For [`ParamKind::Numbers`].
    Numbers(Vec<f64>),
    /// For [`ParamKind::Choice`] and [`ParamKind::Text`].
    Text(String),
    /// For [`ParamKind::Formula`].
    Formula(Formula),
    /// For [`ParamKind::Formulas`].
    Formulas(Vec<(Subscription, Formula)>),
    /// For [`ParamKind::Cases`].
    Cases(Vec<Case>),
    /// For [`ParamKind::Script`].
    Script(Script),
    /// For [`ParamKind::Scenario`].
    Scenario(ScenarioPlan),
    /// For [`ParamKind::Scenarios`].
    Scenarios(Vec<ScenarioPlan>),
}

/// A script, and the events that it may emit; `None` for one whose name is calculated.
#[derive(Clone, Debug)]
pub struct Script {
    /// What runs.
    pub formula: Formula,
    /// What it may emit.
    pub emits: Vec<Option<Arc<str>>>,
}

/// What to run after an event, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The event.
    pub subscription: Subscription,
    /// The scenario; the default one if there is none.
    pub scenario: Option<ScenarioPlan>,
    /// For how long; until the next event if not given.
    pub duration: Option<Span>,
    /// What must hold for the event to count.
    pub when: Option<Formula>,
}

/// What a scenario is told of its metric.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricContext {
    /// Its value range, if it has one.
    pub range: Option<(f64, f64)>,
    /// What it shows before the first update.
    pub default_value: f64,
}

/// The parameters that a config gave to one scenario, of the kinds that its [`Param`]s say, and its metric.
#[derive(Debug, Default)]
pub struct Arguments {
    given: IndexMap<String, Argument>,
    metric: MetricContext,
}

macro_rules! take {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $name(&mut self, name: &str) -> Option<$type> {
            match self.given.swap_remove(name) {
                Some(Argument::$variant(value)) => Some(value),
                _ => None,
            }
        }
    };
}

impl Arguments {
    /// No parameters yet.
    #[must_use]
    pub fn new(metric: MetricContext) -> Self {
        Self { given: IndexMap::new(), metric }
    }

    /// Adds a parameter.
    pub fn set(&mut self, name: &str, argument: Argument) {
        self.given.insert(name.to_owned(), argument);
    }

    take!(
        /// Takes a number.
        number, Number, f64
    );
    take!(
        /// Takes a duration.
        span, Span, Span
    );
    take!(
        /// Takes a range.
        range, Range, (f64, f64)
    );
    take!(
        /// Takes a list of numbers.
        numbers, Numbers, Vec<f64>
    );
    take!(
        /// Takes text or a choice.
        text, Text, String
    );
    take!(
        /// Takes a formula.
        formula, Formula, Formula
    );
    take!(
        /// Takes formulas by event.
        formulas, Formulas, Vec<(Subscription, Formula)>
    );
    take!(
        /// Takes cases by event.
        cases, Cases, Vec<Case>
    );
    take!(
        /// Takes a script.
        script, Script, Script
    );
    take!(
        /// Takes a scenario.
        scenario, Scenario, ScenarioPlan
    );
    take!(
        /// Takes several scenarios.
        scenarios, Scenarios, Vec<ScenarioPlan>
    );

    /// The metric's value range, if it has one; unbounded else.
    #[must_use]
    pub fn metric_range(&self) -> (f64, f64) {
        self.metric.range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY))
    }

    /// What the metric shows before the first update.
    #[must_use]
    pub const fn default_value(&self) -> f64 {
        self.metric.default_value
    }

    /// The metric's value range, for want of the parameter `instead_of`.
    pub fn needed_metric_range(&self, instead_of: &str) -> Result<(f64, f64), String> {
        self.metric
            .range
            .ok_or_else(|| format!("needs the metric's value_range, as in (0, 100), or its own {instead_of}"))
    }
}

/// A part of a range: `percent` is two percentages from its low end.
#[must_use]
pub(super) fn percent_of_range(range: (f64, f64), percent: (f64, f64)) -> (f64, f64) {
    let at = |p: f64| range.0 + (range.1 - range.0) * p / 100.0;
    (at(percent.0), at(percent.1))
}
