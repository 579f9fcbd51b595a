//! Values that follow a toggle: a scenario for each of its states.

use super::wandering::reversion;
use super::{Candidate, candidate, random, still};
use crate::call::{Call, Term, Value};
use crate::profile::Profile;
use crate::statistics::{deviation, mean, number, quantile, rounded, sorted};
use crate::toggles::Toggles;

/// Values whose distribution, or steps, are others while a toggle is on.
pub(super) fn switched(profile: &Profile, toggles: &Toggles) -> Option<Candidate> {
    let split = toggles.split(profile)?;
    let [off, on] = [&split.off, &split.on].map(|state| of_state(state, profile));
    let events = vec![
        (format!("feature_on@{}", split.host), Some(on.call)),
        (format!("feature_off@{}", split.host), None),
    ];
    let fields =
        vec![("events_config", Value::Events(events)), ("default_scenario", Value::Record(off.call))];
    let measured = format!("{} while {} is off; {} while it is on", off.measured, split.host, on.measured);
    Some(Candidate { call: Call::new("switch_scenario_by_events", fields), measured })
}

/// The scenario of a state.
fn of_state(state: &Profile, all: &Profile) -> Candidate {
    if still::is_constant(state) {
        let call = Call::script(vec![Term::Number(state.low())]);
        return Candidate { call, measured: "constant".to_owned() };
    }
    approach(state, all).or_else(|| trend(state, all)).unwrap_or_else(|| random(state))
}

/// Values that come near a level of the state, each time by the same share of what is left: `next = level + kept · (value - level)`
/// and chance. The first one of the state comes from the last one of the other state.
fn approach(state: &Profile, all: &Profile) -> Option<Candidate> {
    /// The share that is kept; a state without memory, or without an end, is another candidate's.
    const KEPT: (f64, f64) = (0.15, 0.97);
    const STEPS_MIN: usize = 8;
    // Values at an end were cut there.
    let is_free = |value: f64| value > all.low() && value < all.high();
    let pairs: Vec<(f64, f64)> = all
        .values
        .iter()
        .zip(state.values.iter().skip(1))
        .filter(|(before, after)| before.is_finite() && is_free(**after))
        .map(|(before, after)| (*before, *after))
        .collect();
    if pairs.len() < STEPS_MIN {
        return None;
    }
    let [before, after]: [Vec<f64>; 2] =
        [pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect()];
    let (mean_before, mean_after, spread) = (mean(&before), mean(&after), deviation(&before));
    let common: f64 = pairs.iter().map(|(from, to)| (from - mean_before) * (to - mean_after)).sum::<f64>();
    let kept = common / (spread * spread * number(pairs.len()));
    let rests: Vec<f64> =
        pairs.iter().map(|(from, to)| to - mean_after - kept * (from - mean_before)).collect();
    let error = deviation(&rests) / (spread * libm::sqrt(number(pairs.len())));
    if !(KEPT.0..KEPT.1).contains(&kept) || kept < 4.0 * error || 1.0 - kept < 4.0 * error {
        return None;
    }
    let level = (mean_after - kept * mean_before) / (1.0 - kept);
    let (mut fields, half_secs) = reversion(all, level, kept, deviation(&rests));
    fields.push(("start", Value::Word("value")));
    Some(candidate("brownian", fields, format!("comes near a level, half of the way in {half_secs} s")))
}
/// Steps in one direction, as far as the range of all values allows.
fn trend(state: &Profile, all: &Profile) -> Option<Candidate> {
    /// The share of steps in the direction, and their least number.
    const ONE_WAY_MIN: f64 = 0.9;
    const STEPS_MIN: usize = 8;
    let is_at_end = |value: f64| value <= all.low() || value >= all.high();
    let steps = state.values.windows(2).filter(|pair| !is_at_end(pair[1])).map(|pair| pair[1] - pair[0]);
    let steps: Vec<f64> = steps.filter(|step| step.is_finite() && *step != 0.0).collect();
    let up = steps.iter().filter(|step| **step > 0.0).count();
    let most = up.max(steps.len() - up);
    let share = number(most) / number(steps.len().max(1));
    if steps.len() < STEPS_MIN || share < ONE_WAY_MIN {
        return None;
    }
    let is_up = most == up;
    let sizes: Vec<f64> =
        steps.iter().filter(|step| (**step > 0.0) == is_up).map(|step| step.abs()).collect();
    let sizes = sorted(&sizes);
    let [low, high] = [0.02, 0.98].map(|share| rounded(quantile(&sizes, share), all.range()));
    let direction = if is_up { "up" } else { "down" };
    let fields = vec![("trend", Value::Word(direction)), ("step_range", Value::Range(low, high))];
    Some(candidate("update_by_trend", fields, format!("goes {direction}")))
}
