//! Recorded actions as faults: a lever for each name and target, and how far it moves a metric.
//!
//! A metric is fitted to the time without actions. The effect of one is the difference of the means during it and without any,
//! if that is more than chance.

use std::collections::BTreeMap;

use promemu_wire::recording::Action;

use crate::call::{Call, Term, Value};
use crate::config_text::{plain, quoted, secs};
use crate::grid::millis;
use crate::grouping::HostFit;
use crate::profile::Profile;
use crate::statistics::{deviation, mean, number, rounded};

/// The actions of a recording.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    levers: Vec<Lever>,
}

/// Actions of one name and target.
#[derive(Debug)]
struct Lever {
    name: String,
    /// The action with its target.
    id: String,
    windows: Vec<Window>,
}

/// The time of an action, in seconds from the recording's begin.
#[derive(Clone, Copy, Debug)]
struct Window {
    begin_secs: f64,
    end_secs: f64,
    strength: f64,
}

/// A series without the time of actions, and the terms that bring their effects back.
#[derive(Debug)]
pub(crate) struct Apart {
    pub(crate) calm: Profile,
    pub(crate) terms: Vec<Term>,
}

/// Fewer values without an action are no base, and fewer with one no effect.
const CALM_MIN: usize = 8;
const DURING_MIN: usize = 3;
/// An effect is this many standard errors, and this share of the deviation, at least.
const ERRORS_MIN: f64 = 4.0;
const DEVIATIONS_MIN: f64 = 0.5;

impl Actions {
    /// The actions of a recording that begins then.
    pub(crate) fn of(actions: &[Action], begin_ms: i64) -> Self {
        let mut by_id: BTreeMap<String, Vec<&Action>> = BTreeMap::new();
        for action in actions {
            by_id
                .entry(format!("{} {}", action.name, action.target).trim().to_owned())
                .or_default()
                .push(action);
        }
        let mut levers: Vec<Lever> = Vec::new();
        for (id, actions) in by_id {
            let has_strength = actions.iter().all(|action| action.value.is_some_and(|value| value > 0.0));
            let window = |action: &&Action| Window {
                begin_secs: millis(action.at_ms - begin_ms).max(0.0) / 1000.0,
                end_secs: action.until_ms.map_or(f64::INFINITY, |until| millis(until - begin_ms) / 1000.0),
                strength: action.value.filter(|_| has_strength).unwrap_or(1.0),
            };
            let windows: Vec<Window> = actions.iter().map(window).collect();
            let windows = windows.into_iter().filter(|window| window.end_secs > window.begin_secs).collect();
            let name = lever_name(&id, &levers);
            levers.push(Lever { name, id, windows });
        }
        Self { levers }
    }

    /// Takes the actions out of a series; `None` if none of them has an effect on it.
    pub(crate) fn apart(&self, profile: &Profile) -> Option<Apart> {
        let at = |place: usize| profile.begins_after_secs + profile.step_secs * number(place);
        // A sample shows an update that is one sample old, so an action is seen for as long after its end.
        let is_on = |secs: f64| self.levers.iter().any(|lever| lever.strength_at(secs).is_some());
        let is_during = |place: usize| is_on(at(place)) || is_on(at(place) - profile.sample_secs);
        let calm: Vec<f64> = profile
            .values
            .iter()
            .enumerate()
            .map(|(place, value)| if is_during(place) { f64::NAN } else { *value })
            .collect();
        let calm = profile.with(calm);
        if calm.count() < CALM_MIN || calm.count() == profile.count() {
            return None;
        }
        let mut terms = Vec::new();
        for lever in &self.levers {
            let during: Vec<(f64, f64)> = profile
                .values
                .iter()
                .enumerate()
                .filter(|(_, value)| value.is_finite())
                .filter_map(|(place, value)| Some((lever.strength_at(at(place))?, value - calm.mean)))
                .collect();
            if let Some(effect) = effect(&during, &calm) {
                terms.push(Term::Word(format!(" + run.{} * ", lever.name)));
                terms.push(Term::Number(rounded(effect, effect.abs())));
            }
        }
        (!terms.is_empty()).then_some(Apart { calm, terms })
    }

    /// The fields `levers` and `faults` of a config, of those levers that a metric reads; and notes on the others.
    pub(crate) fn text(&self, hosts: &[HostFit]) -> (String, Vec<String>) {
        let records = || hosts.iter().flat_map(|host| &host.metrics).map(|metric| &metric.record);
        let (mut levers, mut faults, mut notes) = (Vec::new(), String::new(), Vec::new());
        for lever in self.levers.iter().filter(|lever| !lever.windows.is_empty()) {
            let word = format!("run.{} * ", lever.name);
            if !records().any(|record| reads(record, &word)) {
                notes.push(format!("action {:?}, which no metric shows", lever.id));
                continue;
            }
            levers.push(format!("{}: 0", quoted(&lever.name)));
            for (n, window) in lever.windows.iter().enumerate() {
                faults.push_str(&lever.fault(n, window));
            }
        }
        if levers.is_empty() {
            return (String::new(), notes);
        }
        let levers = levers.join(", ");
        (format!("    levers: {{ {levers} }},\n    faults: [\n{faults}    ],\n"), notes)
    }
}

impl Lever {
    fn strength_at(&self, secs: f64) -> Option<f64> {
        let is_on = |window: &&Window| (window.begin_secs..window.end_secs).contains(&secs);
        self.windows.iter().rev().find(is_on).map(|window| window.strength)
    }

    fn fault(&self, n: usize, window: &Window) -> String {
        let id = if n == 0 { self.id.clone() } else { format!("{} {}", self.id, n + 1) };
        let lasts = if window.end_secs.is_finite() {
            format!("lasts: {}, ", secs(rounded(window.end_secs - window.begin_secs, 1.0)))
        } else {
            String::new()
        };
        format!(
            "        Fault(id: {}, at: {}, {lasts}set: {{ {}: {} }}),\n",
            quoted(&id),
            secs(rounded(window.begin_secs, 1.0)),
            quoted(&self.name),
            plain(window.strength)
        )
    }
}

/// The effect of a lever of strength 1: of pairs of a strength and the distance from the calm mean. `None` if it may be chance.
fn effect(during: &[(f64, f64)], calm: &Profile) -> Option<f64> {
    if during.len() < DURING_MIN {
        return None;
    }
    let (along, squares) =
        during.iter().fold((0.0, 0.0), |(along, squares), (x, y)| (along + x * y, squares + x * x));
    let strengths: Vec<f64> = during.iter().map(|(strength, _)| *strength).collect();
    let effect = along / squares;
    // Neighbours that are alike count as fewer.
    let alike = calm.correlation.clamp(0.0, 0.99);
    let independent = |count: usize| number(count) * (1.0 - alike) / (1.0 + alike);
    let rest: Vec<f64> = during.iter().map(|(x, y)| y - effect * x).collect();
    let spread = calm.deviation.max(deviation(&rest));
    let error = spread * libm::sqrt(1.0 / independent(during.len()) + 1.0 / independent(calm.count()));
    let height = effect.abs() * mean(&strengths);
    let is_seen = height > ERRORS_MIN * error && height > DEVIATIONS_MIN * calm.deviation;
    (is_seen && height > 1e-9 * calm.high().abs()).then_some(effect)
}

/// A name for a lever that no other one has: letters, digits and `_`.
fn lever_name(id: &str, others: &[Lever]) -> String {
    let plain: String =
        id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let plain = plain.trim_matches('_');
    let is_word = plain.starts_with(|c: char| c.is_ascii_alphabetic());
    let first = if is_word { plain.to_owned() } else { format!("action_{plain}") };
    let is_free = |name: &String| others.iter().all(|other| other.name != *name);
    let numbered = (2..).map(|n| format!("{first}_{n}"));
    std::iter::once(first.clone()).chain(numbered).find(is_free).unwrap_or_default()
}

/// `true` if a formula of the record has this word.
fn reads(record: &Call, word: &str) -> bool {
    record.fields.iter().any(|(_, value)| match value {
        Value::Formula(terms) => {
            terms.iter().any(|term| matches!(term, Term::Word(own) if own.ends_with(word)))
        }
        Value::Record(call) => reads(call, word),
        Value::Records(calls) => calls.iter().any(|call| reads(call, word)),
        Value::Events(events) => {
            events.iter().filter_map(|(_, call)| call.as_ref()).any(|call| reads(call, word))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::GridSeries;

    fn action(at_secs: i64, name: &str, value: Option<f64>, until_secs: i64) -> Action {
        Action {
            at_ms: at_secs * 1_000,
            name: name.to_owned(),
            target: "db".to_owned(),
            value,
            until_ms: Some(until_secs * 1_000),
        }
    }

    fn profile(value: impl Fn(u32) -> f64) -> Profile {
        let values = (0..200).map(value).collect();
        Profile::of(GridSeries { begin_ms: 0, step_secs: 10.0, sample_secs: 10.0, values }, 0)
    }

    #[test]
    fn an_effect_is_measured_for_each_unit_of_strength_and_taken_out() {
        let actions = [action(500, "load", Some(2.0), 700), action(1_200, "load", Some(4.0), 1_500)];
        let actions = Actions::of(&actions, 0);
        let noise = |n: u32| f64::from(n * 7_919 % 101) / 100.0;
        let strength = |n: u32| match n {
            50..70 => 2.0,
            120..150 => 4.0,
            _ => 0.0,
        };
        let apart = actions.apart(&profile(|n| 10.0 + noise(n) + 5.0 * strength(n))).unwrap();
        assert_eq!(apart.calm.count(), 148);
        let [Term::Word(word), Term::Number(effect)] = &apart.terms[..] else { panic!("{:?}", apart.terms) };
        assert_eq!(word, " + run.load_db * ");
        assert!((effect - 5.0).abs() < 0.1, "{effect}");
        assert!(actions.apart(&profile(noise)).is_none(), "chance is no effect");
    }

    #[test]
    fn levers_have_names_of_their_own() {
        let actions = [action(0, "a b", None, 9), action(0, "a_b", None, 9), action(0, "3", None, 9)];
        let actions = Actions::of(&actions, 0);
        let names: Vec<&str> = actions.levers.iter().map(|lever| &*lever.name).collect();
        assert_eq!(names, ["action_3_db", "a_b_db", "a_b_db_2"]);
    }
}
