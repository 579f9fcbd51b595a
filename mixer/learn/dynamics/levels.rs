//! Recorded actions as levels by time, and the support of a recording for each.

use std::collections::{BTreeMap, BTreeSet};

use promemu_dynamics::actions::{Action, word};
use promemu_wire::recording::Action as RecordedAction;

use crate::grid::millis;

/// An action that changes less often is not learned.
pub(super) const TOGGLES_MIN: usize = 8;
/// Two drivers with such a correlation cannot be told apart.
const ALIKE: f64 = 0.9;

/// The support of a recording for an action.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionSupport {
    /// Its name, and its target if it has one.
    pub action: String,
    /// Number of changes of its level.
    pub toggles: usize,
    /// The largest correlation with another action, and that one's name.
    pub alike: Option<(String, f64)>,
    /// The reason for which it is not learned, and what to record; `None` if it is.
    pub refusal: Option<String>,
}

impl ActionSupport {
    /// A sentence on another action that cannot be told apart from it.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let (other, correlation) =
            self.alike.as_ref().filter(|(_, correlation)| correlation.abs() >= ALIKE)?;
        Some(format!(
            "action {} cannot be told apart from {other}: their correlation is {correlation:.2}; record them at times of their own",
            self.action
        ))
    }
}

/// The actions of a recording.
#[derive(Debug, Default)]
pub(super) struct Levels {
    pub(super) actions: Vec<Action>,
    /// For each action the windows on each target that is a host, or on all.
    windows: Vec<Vec<Window>>,
}

/// The time of an action with its strength.
#[derive(Clone, Debug)]
struct Window {
    /// The host; empty for all.
    host: String,
    begin_ms: i64,
    end_ms: i64,
    strength: f64,
}

impl Levels {
    /// The actions of a recording with these hosts. One with a strength and no end lasts until the next one of its name and target; one
    /// without both is a pulse of a step. Names that differ in a number at their end, as the faults `load 1` and `load 2` of a config, are
    /// one action.
    pub(super) fn of(recorded: &[RecordedAction], hosts: &BTreeSet<&str>, step_ms: i64) -> Self {
        let mut recorded: Vec<&RecordedAction> = recorded.iter().collect();
        recorded.sort_by_key(|action| action.at_ms);
        let mut by_id: BTreeMap<(&str, &str), Vec<Window>> = BTreeMap::new();
        for (place, action) in recorded.iter().enumerate() {
            let is_of_host = hosts.contains(&*action.target);
            let is_same = |other: &RecordedAction| unnumbered(&other.name) == unnumbered(&action.name);
            let is_next = |other: &&&RecordedAction| is_same(other) && other.target == action.target;
            let next = || recorded[place + 1..].iter().find(is_next).map_or(i64::MAX, |other| other.at_ms);
            let end_ms = match (action.until_ms, action.value) {
                (Some(until), _) => until,
                (None, Some(_)) => next(),
                (None, None) => action.at_ms + step_ms,
            };
            let (target, host) = match &*action.target {
                host if is_of_host => ("", host),
                "*" => ("", ""),
                target => (target, ""),
            };
            let window = Window {
                host: host.to_owned(),
                begin_ms: action.at_ms,
                end_ms,
                strength: action.value.unwrap_or(1.0),
            };
            by_id.entry((unnumbered(&action.name), target)).or_default().push(window);
        }
        let mut levels = Self::default();
        for ((name, target), windows) in by_id {
            let strengths = || windows.iter().map(|window| window.strength);
            let (low, high) = strengths().fold((0.0f64, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
            if high > low {
                let lever = levels.free_lever(&word(format!("{name} {target}").trim()));
                let is_of_host = windows.iter().any(|window| !window.host.is_empty());
                let (name, target) = (name.to_owned(), target.to_owned());
                levels.actions.push(Action { name, target, is_of_host, lever, low, high, toggles: 0 });
                levels.windows.push(windows);
            }
        }
        for n in 0..levels.actions.len() {
            levels.actions[n].toggles = levels.toggles(n, hosts);
        }
        levels
    }

    fn free_lever(&self, first: &str) -> String {
        let is_free = |name: &String| self.actions.iter().all(|other| other.lever != *name);
        let numbered = (2..).map(|n| format!("{first}_{n}"));
        std::iter::once(first.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
    }

    /// Changes of the level, of all hosts if they differ.
    fn toggles(&self, action: usize, hosts: &BTreeSet<&str>) -> usize {
        let of_host = |host: &str| {
            let own: Vec<&Window> = self.windows_of(action, host).collect();
            let mut times: Vec<i64> =
                own.iter().flat_map(|window| [window.begin_ms, window.end_ms]).collect();
            times.sort_unstable();
            times.dedup();
            let levels = times.iter().filter(|at| **at < i64::MAX).map(|at| self.strength(action, host, *at));
            let mut before = 0.0f64;
            levels.filter(|level| std::mem::replace(&mut before, *level).to_bits() != level.to_bits()).count()
        };
        if self.actions[action].is_of_host {
            hosts.iter().map(|host| of_host(host)).sum()
        } else {
            of_host("")
        }
    }

    fn windows_of<'l>(&'l self, action: usize, host: &'l str) -> impl DoubleEndedIterator<Item = &'l Window> {
        self.windows[action].iter().filter(move |window| window.host.is_empty() || window.host == host)
    }

    /// The strength at a time: that of the action that began last.
    fn strength(&self, action: usize, host: &str, at_ms: i64) -> f64 {
        let is_on = |window: &&Window| (window.begin_ms..window.end_ms).contains(&at_ms);
        self.windows_of(action, host).rev().find(is_on).map_or(0.0, |window| window.strength)
    }

    /// The mean level of each action on a host between two times.
    pub(super) fn mean(&self, host: &str, from_ms: i64, to_ms: i64) -> Vec<f64> {
        let of = |n: usize| {
            let own = self.windows_of(n, host).flat_map(|window| [window.begin_ms, window.end_ms]);
            let mut times: Vec<i64> = own.filter(|at| (from_ms + 1..to_ms).contains(at)).collect();
            times.extend([from_ms, to_ms]);
            times.sort_unstable();
            let parts = times.windows(2).map(|pair| {
                millis(pair[1] - pair[0]) * self.actions[n].level(self.strength(n, host, pair[0]))
            });
            parts.sum::<f64>() / millis((to_ms - from_ms).max(1))
        };
        (0..self.actions.len()).map(of).collect()
    }

    /// The levels of the actions of a model, in its order and on its scale; one that was not recorded is off.
    pub(super) fn take_order_of(&mut self, actions: &[Action]) {
        let found = |action: &Action| {
            let is_same = |own: &Action| own.name == action.name && own.target == action.target;
            let place = self.actions.iter().position(is_same);
            place.map(|place| self.windows[place].clone()).unwrap_or_default()
        };
        self.windows = actions.iter().map(found).collect();
        self.actions = actions.to_vec();
    }

    /// Takes out the actions that are changed too seldom, and says how well each is supported. `rows` are the levels of all hosts.
    pub(super) fn support(&mut self, rows: &[Vec<f64>]) -> Vec<ActionSupport> {
        let count = self.actions.len();
        let column = |n: usize| rows.iter().map(move |row| row[n]);
        let shown = |action: &Action| format!("{} {}", action.name, action.target).trim().to_owned();
        let names: Vec<String> = self.actions.iter().map(shown).collect();
        let of = |n: usize| {
            let others = (0..count).filter(|other| *other != n);
            let correlations = others.map(|other| {
                (names[other].clone(), crate::statistics::correlation(column(n).zip(column(other))))
            });
            let alike = correlations.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            let toggles = self.actions[n].toggles;
            let refusal = (toggles < TOGGLES_MIN).then(|| {
                format!(
                    "action {} is left out: it changes {toggles} times, and {TOGGLES_MIN} are needed; record {} more on-and-off cycles of it, of different lengths, some while other actions are on",
                    names[n],
                    (TOGGLES_MIN - toggles).div_ceil(2)
                )
            });
            ActionSupport { action: names[n].clone(), toggles, alike, refusal }
        };
        let support: Vec<ActionSupport> = (0..count).map(of).collect();
        let mut kept = support.iter().map(|own| own.refusal.is_none());
        self.actions.retain(|_| kept.next().unwrap_or_default());
        let mut kept = support.iter().map(|own| own.refusal.is_none());
        self.windows.retain(|_| kept.next().unwrap_or_default());
        support
    }
}

/// A name without a number behind a blank at its end.
fn unnumbered(name: &str) -> &str {
    match name.rsplit_once(' ') {
        Some((first, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            first
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(
        at_secs: i64,
        name: &str,
        target: &str,
        value: Option<f64>,
        until_secs: Option<i64>,
    ) -> RecordedAction {
        RecordedAction {
            at_ms: at_secs * 1000,
            name: name.to_owned(),
            target: target.to_owned(),
            value,
            until_ms: until_secs.map(|secs| secs * 1000),
        }
    }

    #[test]
    fn levels_are_means_of_steps_and_a_host_has_its_own() {
        let recorded = [
            action(10, "load", "", Some(4.0), Some(20)),
            action(30, "load 2", "*", Some(2.0), None),
            action(12, "drain", "a", None, Some(14)),
            action(40, "restart", "db", None, None),
        ];
        let hosts = BTreeSet::from(["a", "b"]);
        let levels = Levels::of(&recorded, &hosts, 2000);
        let names: Vec<&str> = levels.actions.iter().map(|action| &*action.lever).collect();
        assert_eq!(names, ["drain", "load", "restart_db"]);
        assert_eq!(levels.mean("a", 8_000, 12_000), [0.0, 0.5, 0.0]);
        assert_eq!(levels.mean("a", 12_000, 16_000), [0.5, 1.0, 0.0]);
        assert_eq!(levels.mean("b", 12_000, 16_000), [0.0, 1.0, 0.0]);
        assert_eq!(levels.mean("b", 40_000, 44_000), [0.0, 0.5, 0.5]);
        let toggles: Vec<usize> = levels.actions.iter().map(|action| action.toggles).collect();
        assert_eq!(toggles, [2, 3, 2]);
    }

    #[test]
    fn an_action_that_changes_seldom_is_refused_with_what_to_record_and_twins_are_named() {
        let cycle = |n: i64, name: &str| action(n * 60, name, "", None, Some(n * 60 + 30));
        let mut recorded: Vec<RecordedAction> =
            (0..10).flat_map(|n| [cycle(n, "a"), cycle(n, "b")]).collect();
        recorded.push(cycle(3, "once"));
        let mut levels = Levels::of(&recorded, &BTreeSet::new(), 10_000);
        let rows: Vec<Vec<f64>> = (0..60).map(|n| levels.mean("", n * 10_000, (n + 1) * 10_000)).collect();
        let support = levels.support(&rows);
        assert_eq!(levels.actions.len(), 2);
        assert!(support[0].warning().unwrap().contains("a cannot be told apart from b"), "{support:?}");
        let refusal = support[2].refusal.as_ref().unwrap();
        assert!(
            refusal.contains("once is left out: it changes 2 times") && refusal.contains("3 more"),
            "{refusal}"
        );
    }
}
