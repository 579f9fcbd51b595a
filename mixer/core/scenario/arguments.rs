//! The parameters of a kind of scenario, and the values that a config gives them.

use std::sync::Arc;

use indexmap::IndexMap;

use super::nested::NestedScenario;
use crate::event::Subscription;
use crate::expression::Formula;
use crate::plugin::{ParamDecl, ParamValue, Refusal};
use crate::time::Span;

/// One parameter of a kind of scenario.
#[derive(Debug)]
pub struct Param {
    /// The name in configs.
    pub name: &'static str,
    /// The type of its values.
    pub kind: ParamKind,
    /// The default in words; empty for a required parameter.
    pub default: &'static str,
    /// Its meaning, with the unit.
    pub help: &'static str,
}

/// The type of a parameter's values.
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
    /// A text, or a list of texts.
    Texts,
    /// An expression that is evaluated at an update.
    Formula,
    /// `{ event: expression }`.
    Formulas,
    /// `{ event: (scenario: …, duration: …, when: …) }`.
    Cases,
    /// A script that runs at every update.
    Script,
    /// Another scenario.
    Scenario,
    /// A list of scenarios.
    Scenarios,
    /// A plugin's list, map, record, or range behind a word.
    Structured(Structured),
}

/// A declaration of a plugin; equal to itself only.
#[derive(Clone, Copy, Debug)]
pub struct Structured(pub &'static ParamDecl);

impl PartialEq for Structured {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Structured {}

impl ParamKind {
    /// The type in words.
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
            Self::Texts => "text, or a list of texts",
            Self::Formula => "formula",
            Self::Formulas => "`{ event: formula }`",
            Self::Cases => "`{ event: (scenario: …, duration: …, when: …) }`",
            Self::Script => "script",
            Self::Scenario => "scenario",
            Self::Scenarios => "list of scenarios",
            Self::Structured(Structured(declared)) => return declared.param_type.describe(),
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
    /// For [`ParamKind::Texts`].
    Texts(Vec<String>),
    /// For [`ParamKind::Formula`].
    Formula(Formula),
    /// For [`ParamKind::Formulas`].
    Formulas(Vec<(Subscription, Formula)>),
    /// For [`ParamKind::Cases`].
    Cases(Vec<Case>),
    /// For [`ParamKind::Script`].
    Script(Script),
    /// For [`ParamKind::Scenario`].
    Scenario(NestedScenario),
    /// For [`ParamKind::Scenarios`].
    Scenarios(Vec<NestedScenario>),
    /// For [`ParamKind::Structured`].
    Structured(ParamValue),
}

/// A script and the events that it may emit.
#[derive(Clone, Debug)]
pub struct Script {
    /// The compiled script.
    pub formula: Formula,
    /// The names of these events; `None` for a name that the script calculates.
    pub emits: Vec<Option<Arc<str>>>,
}

/// The scenario to run after an event, and its duration.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The event.
    pub subscription: Subscription,
    /// The scenario; `None` for the default one.
    pub scenario: Option<NestedScenario>,
    /// Its duration; `None` for until the next event.
    pub duration: Option<Span>,
    /// A condition on the event.
    pub when: Option<Formula>,
}

/// The properties of a metric that its scenario's parameters may depend on.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricContext {
    /// Its value range, if it has one; an end may be infinite.
    pub range: Option<(f64, f64)>,
    /// The value before the first update.
    pub default_value: f64,
    /// `true` if it shows the scenario's value, as a gauge does; `false` if it adds or observes it.
    pub shows_value: bool,
    /// Time between two updates.
    pub update_interval: Span,
}

/// The values that a config gives to the parameters of one scenario, typed as its [`Param`]s demand.
#[derive(Debug, Default)]
pub struct Arguments {
    values: IndexMap<String, Argument>,
    metric: MetricContext,
    refusals: Vec<Refusal>,
}

macro_rules! take {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $name(&mut self, name: &str) -> Option<$type> {
            match self.values.swap_remove(name) {
                Some(Argument::$variant(value)) => Some(value),
                _ => None,
            }
        }
    };
}

impl Arguments {
    /// No values yet.
    #[must_use]
    pub fn new(metric: MetricContext) -> Self {
        Self { values: IndexMap::new(), metric, refusals: Vec::new() }
    }

    /// Time between two updates of the metric.
    #[must_use]
    pub const fn update_interval(&self) -> Span {
        self.metric.update_interval
    }

    /// Sets a parameter.
    pub fn set(&mut self, name: &str, argument: Argument) {
        self.values.insert(name.to_owned(), argument);
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
        /// Takes texts.
        texts, Texts, Vec<String>
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
        scenario, Scenario, NestedScenario
    );
    take!(
        /// Takes several scenarios.
        scenarios, Scenarios, Vec<NestedScenario>
    );

    take!(
        /// Takes a plugin's structured value.
        structured, Structured, ParamValue
    );

    /// Notes the parameters that a plugin refuses, each with its path. The plan's error has them all in one text.
    pub fn refuse(&mut self, refusals: Vec<Refusal>) -> String {
        let text = crate::plugin::join(&refusals);
        self.refusals = refusals;
        text
    }

    /// Takes the noted refusals.
    pub fn take_refusals(&mut self) -> Vec<Refusal> {
        std::mem::take(&mut self.refusals)
    }

    /// The metric's value range; unbounded if it has none.
    #[must_use]
    pub fn metric_range(&self) -> (f64, f64) {
        self.metric.range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY))
    }

    /// The metric's value before the first update.
    #[must_use]
    pub const fn default_value(&self) -> f64 {
        self.metric.default_value
    }

    /// The metric's value range, if both ends are finite.
    #[must_use]
    pub fn finite_metric_range(&self) -> Option<(f64, f64)> {
        self.metric.range.filter(|(low, high)| low.is_finite() && high.is_finite())
    }

    /// `true` if the metric shows the scenario's value, as a gauge does.
    #[must_use]
    pub const fn shows_value(&self) -> bool {
        self.metric.shows_value
    }

    /// The metric's value range as a default of the parameter `instead_of`. The error asks for either.
    pub fn needed_metric_range(&self, instead_of: &str) -> Result<(f64, f64), String> {
        self.finite_metric_range()
            .ok_or_else(|| format!("needs the metric's value_range, as in (0, 100), or its own {instead_of}"))
    }
}

/// A part of a range, from one percentage of it to another.
#[must_use]
pub(super) fn percent_of_range(range: (f64, f64), percent: (f64, f64)) -> (f64, f64) {
    let at = |p: f64| range.0 + (range.1 - range.0) * p / 100.0;
    (at(percent.0), at(percent.1))
}
