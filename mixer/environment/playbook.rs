//! Rules of an operator, in RON: on these symptoms of a target, this action. It sees what an agent sees.

use std::sync::Arc;

use serde::Deserialize;

use crate::action::{ActionKind, Choice};
use crate::error::EnvironmentError;
use crate::setup::Setup;

/// The rules of a playbook; the first one that holds counts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "Playbook")]
struct Rules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    when: Symptom,
    #[serde(default)]
    and: Option<Symptom>,
    act: ActionKind,
    /// Steps before it acts on the same target again.
    #[serde(default)]
    again: u32,
}

/// A symptom of a target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Symptom {
    /// The alarm fires.
    Alarm(String),
    /// The column's value.
    Column {
        /// Its name.
        name: String,
        /// It is above this.
        #[serde(default)]
        above: Option<f64>,
        /// It is below this.
        #[serde(default)]
        below: Option<f64>,
    },
}

/// An operator that follows a playbook.
#[derive(Clone, Debug)]
pub struct Playbook {
    setup: Arc<Setup>,
    rules: Vec<Rule>,
    /// For each rule and target the step from which on it may act.
    free_from: Vec<u32>,
    step: u32,
}

impl Playbook {
    /// Reads a playbook for an environment.
    pub fn parse(setup: Arc<Setup>, text: &str) -> Result<Self, EnvironmentError> {
        let options =
            ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        let wrong = |why: String| EnvironmentError::Usage(format!("playbook cannot be used: {why}"));
        let Rules { rules } = options.from_str(text).map_err(|error| wrong(error.to_string()))?;
        for rule in &rules {
            if !setup.is_known(rule.act as usize) {
                return Err(wrong(format!("action {} is not one of the environment's", rule.act.name())));
            }
            for symptom in [Some(&rule.when), rule.and.as_ref()].into_iter().flatten() {
                let is_known = match symptom {
                    Symptom::Alarm(name) => setup.alarms.iter().any(|alarm| alarm.name == *name),
                    Symptom::Column { name, .. } => setup.columns.iter().any(|column| column.name == *name),
                };
                if !is_known {
                    return Err(wrong(format!("the environment has nothing for {symptom:?}")));
                }
            }
        }
        let free_from = vec![0; rules.len() * setup.targets.len()];
        Ok(Self { setup, rules, free_from, step: 0 })
    }

    /// Forgets what it has done, for another episode.
    pub fn reset(&mut self) {
        self.free_from.fill(0);
        self.step = 0;
    }

    /// The action on an observation.
    pub fn act(&mut self, observation: &[f32]) -> Choice {
        self.step += 1;
        for (number, rule) in self.rules.iter().enumerate() {
            for (target, name) in self.setup.targets.iter().enumerate() {
                let free_from = &mut self.free_from[number * self.setup.targets.len() + target];
                let holds = |symptom: &Symptom| is_there(&self.setup, symptom, name, observation);
                if *free_from <= self.step && holds(&rule.when) && rule.and.as_ref().is_none_or(holds) {
                    *free_from = self.step + rule.again;
                    return Choice { kind: rule.act as usize, target };
                }
            }
        }
        Choice::NOOP
    }
}

/// `true` if an observation shows a symptom of a target. One that is of no host is of every target.
fn is_there(setup: &Setup, symptom: &Symptom, target: &str, observation: &[f32]) -> bool {
    let columns = setup.columns.len();
    let is_of = |column: usize| {
        let host = &*setup.columns[column].host;
        host == target || host.is_empty() || target.is_empty()
    };
    match symptom {
        Symptom::Alarm(name) => (0..setup.alarms.len()).any(|alarm| {
            let own = &setup.alarms[alarm];
            own.name == *name && is_of(own.column) && observation[2 * columns + alarm] > 0.5
        }),
        Symptom::Column { name, above, below } => (0..columns).any(|column| {
            let own = &setup.columns[column];
            let value = own.unscaled(f64::from(observation[column]));
            own.name == *name
                && is_of(column)
                && observation[columns + column] > 0.5
                && above.is_none_or(|above| value > above)
                && below.is_none_or(|below| value < below)
        }),
    }
}
