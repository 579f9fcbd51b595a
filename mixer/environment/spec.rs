//! Descriptions of environments, in RON.

use std::collections::BTreeMap;

use promemu_core::time::Span;
use serde::{Deserialize, Deserializer};

use crate::action::ActionKind;
use crate::error::EnvironmentError;

/// The largest number of columns of an observation.
pub const COLUMNS_MAX: usize = 256;
/// The largest number of targets.
pub const TARGETS_MAX: usize = 256;

/// An environment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Environment")]
pub struct Spec {
    /// Its subject in a sentence.
    #[serde(default)]
    pub description: String,
    /// The system.
    pub system: SystemSpec,
    /// Time of a step.
    #[serde(deserialize_with = "span")]
    pub step: Span,
    /// Number of steps of an episode.
    pub steps: u32,
    /// Time from the start of the system to the first observation.
    #[serde(deserialize_with = "span")]
    pub warm_up: Span,
    /// The columns of an observation.
    pub observe: Vec<ObserveSpec>,
    /// Alarms on columns.
    #[serde(default)]
    pub alarms: Vec<AlarmSpec>,
    /// Patterns of hosts that are acted on; none to act on the system as a whole.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The actions.
    #[serde(default)]
    pub actions: Vec<ActionSpec>,
    /// The faults.
    #[serde(default)]
    pub faults: FaultsSpec,
    /// The reward.
    pub reward: RewardSpec,
    /// Levels of a curriculum, the easiest first.
    #[serde(default)]
    pub levels: Vec<LevelSpec>,
}

/// A system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum SystemSpec {
    /// A config by its name, with its class and its arguments.
    Config {
        /// Its name, or the path of its file.
        name: String,
        /// The class.
        #[serde(default)]
        class: Option<String>,
        /// Its arguments, as texts.
        #[serde(default)]
        args: BTreeMap<String, String>,
    },
    /// A dynamics model by the path of its file.
    Model(String),
}

/// Columns of an observation: one for each host that has the metric.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObserveSpec {
    /// The name, by which alarms and rewards refer to it; the metric's by default.
    #[serde(default)]
    pub name: Option<String>,
    /// The metric; all series of a host with it are summed.
    #[serde(default)]
    pub metric: Option<String>,
    /// The lever, in place of a metric.
    #[serde(default)]
    pub lever: Option<String>,
    /// Labels that its series have.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The pattern of its hosts.
    #[serde(default)]
    pub hosts: Option<String>,
    /// The number that is made of its cells.
    #[serde(default, rename = "as")]
    pub read: ReadAs,
    /// The values that are 0 and 1 in an observation; without them x / (1 + |x|) is scaled to 0..1.
    #[serde(default)]
    pub range: Option<(f64, f64)>,
}

/// The number that is made of a metric's cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadAs {
    /// The value of a gauge, the rate of a counter, the mean observation of a histogram.
    #[default]
    Default,
    /// The value.
    Value,
    /// The increase in a step, for each second; of a histogram that of its number of observations.
    Rate,
    /// The mean of a step's observations.
    Mean,
    /// A quantile of a step's observations.
    Quantile(f64),
}

/// A threshold that must hold for a while.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmSpec {
    /// Its name.
    pub name: String,
    /// The name of its columns: each has an alarm of its own.
    pub column: String,
    /// It holds above this value.
    #[serde(default)]
    pub above: Option<f64>,
    /// It holds below this value.
    #[serde(default)]
    pub below: Option<f64>,
    /// Time for which it must hold.
    #[serde(default, rename = "for", deserialize_with = "span")]
    pub lasts: Span,
}

/// An action.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionSpec {
    /// Its kind.
    pub kind: ActionKind,
    /// The faults that it ends on its target.
    #[serde(default)]
    pub ends: Vec<String>,
    /// The lever that it moves; `{target}` stands for the target's name.
    #[serde(default)]
    pub lever: Option<String>,
    /// The change of the lever.
    #[serde(default)]
    pub by: f64,
    /// The least value of the lever.
    #[serde(default)]
    pub min: f64,
    /// The largest value of the lever.
    #[serde(default)]
    pub max: f64,
    /// Time until the lever has moved.
    #[serde(default, deserialize_with = "span")]
    pub after: Span,
    /// Time for which the target is down.
    #[serde(default, deserialize_with = "span")]
    pub down: Span,
}

/// Faults that are drawn for an episode.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultsSpec {
    /// The ids of the config's faults; none come without it. All other faults of the config are left out.
    #[serde(default)]
    pub of: Vec<String>,
    /// Shortest and longest time without one.
    #[serde(default = "no_spans", deserialize_with = "spans")]
    pub gap: (Span, Span),
    /// Shortest and longest time of one that nothing ends.
    #[serde(default = "no_spans", deserialize_with = "spans")]
    pub lasts: (Span, Span),
}

/// The reward of a step: minus the sum of its costs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardSpec {
    /// Objectives.
    #[serde(default)]
    pub objectives: Vec<ObjectiveSpec>,
    /// The lever that is the number of replicas.
    #[serde(default)]
    pub replicas: Option<String>,
    /// The cost of a replica in a second.
    #[serde(default)]
    pub replica_second: f64,
    /// The cost of an action.
    #[serde(default)]
    pub action: f64,
    /// The cost of a page without a fault that is new to the person.
    #[serde(default)]
    pub false_page: f64,
    /// The cost of a fault that ended by itself.
    #[serde(default)]
    pub missed_fault: f64,
    /// The mean share of violated objectives up to which an episode without missed faults and false pages is a success.
    #[serde(default = "one")]
    pub success: f64,
}

/// An objective: a threshold for columns. One that is absent is violated.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveSpec {
    /// The name of its columns.
    pub column: String,
    /// It is violated above this value.
    pub above: f64,
    /// The cost of a second in which it is violated in all of its columns.
    pub weight: f64,
}

/// A level of a curriculum.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelSpec {
    /// Its name.
    pub name: String,
    /// Number of faults at once, at most; 0 for none.
    pub at_once: u32,
    /// The largest change of a scaled value by noise that only the agent sees.
    #[serde(default)]
    pub noise: f64,
}

const fn one() -> f64 {
    1.0
}

const fn no_spans() -> (Span, Span) {
    (Span::ZERO, Span::ZERO)
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
    let text = String::deserialize(from)?;
    Span::parse(&text).map_err(serde::de::Error::custom)
}

fn spans<'de, D: Deserializer<'de>>(from: D) -> Result<(Span, Span), D::Error> {
    let (low, high) = <(String, String)>::deserialize(from)?;
    let parse = |text: &str| Span::parse(text).map_err(serde::de::Error::custom);
    Ok((parse(&low)?, parse(&high)?))
}

impl Spec {
    /// Reads and checks a description.
    pub fn parse(text: &str) -> Result<Self, EnvironmentError> {
        let options =
            ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        let spec: Self = options.from_str(text).map_err(|error| EnvironmentError::Spec(error.to_string()))?;
        spec.check()?;
        Ok(spec)
    }

    /// Refuses numbers that have no meaning.
    pub fn check(&self) -> Result<(), EnvironmentError> {
        let refuse = |why: String| Err(EnvironmentError::Spec(why));
        if self.step == Span::ZERO || self.steps == 0 {
            return refuse("step and steps must be above 0".to_owned());
        }
        if self.observe.is_empty() {
            return refuse("observe is empty; name a metric or a lever".to_owned());
        }
        for observe in &self.observe {
            let name = observe.shown_name();
            if observe.metric.is_some() == observe.lever.is_some() {
                return refuse(format!("column {name:?} needs either a metric or a lever"));
            }
            if observe.range.is_some_and(|(low, high)| !(low.is_finite() && high.is_finite() && low < high)) {
                return refuse(format!(
                    "range of column {name:?} must be two numbers, the smaller one first"
                ));
            }
        }
        let is_known = |name: &str| self.observe.iter().any(|observe| observe.shown_name() == name);
        let named = self.alarms.iter().map(|alarm| &alarm.column);
        let named = named.chain(self.reward.objectives.iter().map(|objective| &objective.column));
        if let Some(name) = named.into_iter().find(|name| !is_known(name)) {
            return refuse(format!("column {name:?} is not observed; add it to observe"));
        }
        let costs = [
            self.reward.replica_second,
            self.reward.action,
            self.reward.false_page,
            self.reward.missed_fault,
        ];
        let weights = self.reward.objectives.iter().map(|objective| objective.weight);
        if costs.into_iter().chain(weights).any(|cost| !(cost.is_finite() && cost >= 0.0)) {
            return refuse("costs of the reward must be 0 or above".to_owned());
        }
        let actions = || self.actions.iter();
        if let Some(twice) = actions().enumerate().find(|(n, action)| {
            action.kind == ActionKind::Noop || actions().take(*n).any(|other| other.kind == action.kind)
        }) {
            return refuse(format!("action {} is there already", twice.1.kind.name()));
        }
        Ok(())
    }

    /// The level of this name, or the first one; without levels one fault at once. `none` has no faults.
    pub fn level(&self, name: Option<&str>) -> Result<LevelSpec, EnvironmentError> {
        let plain = |name: &str, at_once| LevelSpec { name: name.to_owned(), at_once, noise: 0.0 };
        match name {
            None => Ok(self.levels.first().cloned().unwrap_or_else(|| plain("single", 1))),
            Some("none") => Ok(plain("none", 0)),
            Some(name) => {
                let known =
                    || self.levels.iter().map(|level| &*level.name).chain(["none"]).collect::<Vec<_>>();
                let unknown = || {
                    let known = known().join(", ");
                    EnvironmentError::Usage(format!("unknown level {name:?}; expected one of {known}"))
                };
                self.levels.iter().find(|level| level.name == name).cloned().ok_or_else(unknown)
            }
        }
    }
}

impl ObserveSpec {
    /// Its name, or that of its metric or lever.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        let given = self.name.as_deref().or(self.metric.as_deref());
        given.or(self.lever.as_deref()).unwrap_or_default()
    }
}
