//! Actions as numbers in 0..1, and what a model sees of them.

use serde::{Deserialize, Serialize};

/// Time constants of the exponential traces of an action, in seconds.
pub const TRACES_SECS: [f64; 3] = [5.0, 30.0, 120.0];
/// Number of features of an action: its level in the step and before, the time since its last change, and its traces.
pub const FEATURES: usize = 3 + TRACES_SECS.len();
/// A change that was longer ago is as one that was so long ago, in seconds.
const SINCE_MAX_SECS: f64 = 600.0;

/// An action that a model knows: all actions of one name on one target, or on the host itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// Its target; empty for the whole system, and for actions on the host itself.
    pub target: String,
    /// `true` if its targets are hosts, each with a level of its own.
    pub is_of_host: bool,
    /// The name of its lever in a run; an action on a host has the host's name behind it.
    pub lever: String,
    /// The strengths that are 0 and 1 to the model.
    pub low: f64,
    /// As above.
    pub high: f64,
    /// Number of changes in the recording.
    pub toggles: usize,
}

impl Action {
    /// The name of the lever for a host.
    #[must_use]
    pub fn lever_of(&self, host: &str) -> String {
        if self.is_of_host { format!("{}_{}", self.lever, word(host)) } else { self.lever.clone() }
    }

    /// A strength as a level in 0..1.
    #[must_use]
    pub fn level(&self, strength: f64) -> f64 {
        ((strength - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// A text as a word of letters, digits and `_`.
#[must_use]
pub fn word(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    let plain: String = plain.collect();
    let plain = plain.trim_matches('_');
    let is_word = plain.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_word { plain.to_owned() } else { format!("action_{plain}") }
}

/// An action's past, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Track {
    level: f64,
    before: f64,
    since_secs: f64,
    traces: [f64; TRACES_SECS.len()],
}

impl Track {
    /// An action that has had its level for long.
    #[must_use]
    pub const fn resting(level: f64) -> Self {
        Self { level, before: level, since_secs: SINCE_MAX_SECS, traces: [level; TRACES_SECS.len()] }
    }

    /// A step with this mean level.
    pub fn advance(&mut self, level: f64, step_secs: f64) {
        self.before = self.level;
        let has_changed = level.to_bits() != self.level.to_bits();
        self.since_secs =
            if has_changed { step_secs } else { (self.since_secs + step_secs).min(SINCE_MAX_SECS) };
        self.level = level;
        for (trace, secs) in self.traces.iter_mut().zip(TRACES_SECS) {
            *trace += (level - *trace) * -libm::expm1(-step_secs / secs);
        }
    }

    /// The level of the last step.
    #[must_use]
    pub const fn level(&self) -> f64 {
        self.level
    }

    /// Writes the features, each in 0..1.
    pub fn write(&self, features: &mut [f64]) {
        let since = libm::log1p(self.since_secs) / libm::log1p(SINCE_MAX_SECS);
        let all = [self.level, self.before, since].into_iter().chain(self.traces);
        for (feature, value) in features.iter_mut().zip(all) {
            *feature = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_follow_a_level_each_in_its_time() {
        let mut track = Track::resting(0.0);
        for _ in 0..30 {
            track.advance(1.0, 1.0);
        }
        let mut features = [0.0; FEATURES];
        track.write(&mut features);
        let expected = [1.0, 1.0, libm::log(31.0) / libm::log(601.0)].into_iter();
        let expected = expected.chain(TRACES_SECS.map(|secs| 1.0 - libm::exp(-30.0 / secs)));
        for (found, expected) in features.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{features:?}");
        }
    }

    #[test]
    fn an_action_on_a_host_has_a_lever_for_each() {
        let action = Action {
            name: "drain".to_owned(),
            target: String::new(),
            is_of_host: true,
            lever: "drain".to_owned(),
            low: 0.0,
            high: 4.0,
            toggles: 8,
        };
        assert_eq!(action.lever_of("10.0.0.1:80"), "drain_action_10_0_0_1_80");
        assert_eq!([1.0, 9.0].map(|x| action.level(x).to_bits()), [0.25f64, 1.0].map(f64::to_bits));
    }
}
