//! Values that switch between few levels.

use super::{Candidate, candidate};
use crate::call::Value;
use crate::profile::Profile;
use crate::statistics::{mean, number, significant};

/// A host starts up to two seconds after its run, at random.
const START_DELAY_SECS: f64 = 1.0;

/// Two values that take turns, each for its own time.
pub(super) fn toggle(profile: &Profile) -> Option<Candidate> {
    let runs = runs(profile)?;
    let (off, on) = (runs.first()?.value, runs.get(1)?.value);
    let is_two =
        runs.iter().all(|run| run.value.to_bits() == off.to_bits() || run.value.to_bits() == on.to_bits());
    if !is_two || runs.len() < 4 {
        return None;
    }
    // The first run has begun before the recording, and the last one goes on.
    let lengths = |parity: usize| {
        let whole = runs[1..runs.len() - 1].iter().zip(1..);
        whole.filter(move |(_, place)| place % 2 == parity).map(|(run, _)| run.steps).collect::<Vec<usize>>()
    };
    let (on_steps, off_steps) = (lengths(1), lengths(0));
    let is_regular = |steps: &[usize]| {
        let (low, high) = (steps.iter().min(), steps.iter().max());
        low.zip(high).is_some_and(|(low, high)| high - low <= 1)
    };
    if !is_regular(&on_steps) || !is_regular(&off_steps) {
        return None;
    }
    let (period_secs, first_on_secs) = turns(&runs, profile.step_secs)?;
    let steps: Vec<f64> = on_steps.iter().map(|steps| number(*steps)).collect();
    let on_secs = whole_secs((mean(&steps) * profile.step_secs).min(period_secs * 0.999));
    let off_secs = whole_secs(period_secs - on_secs);
    // A change is seen up to a step after it.
    let start_secs = profile.begins_after_secs + first_on_secs - profile.step_secs / 2.0 - START_DELAY_SECS;
    let fields = vec![
        ("start_time", Value::Secs(whole_secs(start_secs.max(0.0)))),
        ("duration", Value::Secs(on_secs)),
        ("interval", Value::Secs(off_secs)),
        ("on_value", Value::Number(on)),
        ("off_value", Value::Number(off)),
    ];
    let count = runs.len();
    Some(candidate("feature_toggle", fields, format!("two values that take turns, {count} stretches")))
}

/// Few values, each held for a while.
pub(super) fn levels(profile: &Profile) -> Option<Candidate> {
    const LEVELS_MAX: usize = 8;
    /// Values held for fewer steps than this, in the mean, are noise.
    const HELD_MIN: f64 = 3.0;
    let runs = runs(profile)?;
    let mut values: Vec<f64> = Vec::new();
    for run in &runs {
        if !values.iter().any(|value| value.to_bits() == run.value.to_bits()) {
            values.push(run.value);
        }
        if values.len() > LEVELS_MAX {
            return None;
        }
    }
    let count = number(profile.count());
    if count < HELD_MIN * number(runs.len()) {
        return None;
    }
    let share = |level: f64| {
        let there = profile.present.iter().filter(|value| value.to_bits() == level.to_bits()).count();
        number(there) / count
    };
    let shares: Vec<f64> = values.iter().map(|value| share(*value)).collect();
    // A draw may give the value that is there.
    let same: f64 = shares.iter().map(|share| share * share).sum();
    let changes = number(runs.len() - 1) / (count - 1.0).max(1.0);
    let probability = significant((changes / (1.0 - same).max(1e-9)).min(1.0));
    let fields = vec![
        ("values", Value::Numbers(values.clone())),
        ("varieties", Value::Numbers(shares.into_iter().map(significant).collect())),
        ("change_probability", Value::Number(probability)),
    ];
    let measured = format!("{} levels, {} changes", values.len(), runs.len() - 1);
    Some(candidate("variety_selection", fields, measured))
}

/// Equal values in a row.
#[derive(Clone, Copy, Debug)]
struct Run {
    value: f64,
    steps: usize,
    /// The place of its first value.
    from: usize,
}

/// The runs of the values; gaps go to the run before them. `None` without a change.
fn runs(profile: &Profile) -> Option<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for (from, value) in profile.values.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if value.is_nan() || run.value.to_bits() == value.to_bits() => run.steps += 1,
            _ if value.is_nan() => {}
            _ => runs.push(Run { value: *value, steps: 1, from }),
        }
    }
    (runs.len() > 1).then_some(runs)
}

/// The period of two values that take turns, and the first time of the second one, both in seconds from the first value.
fn turns(runs: &[Run], step_secs: f64) -> Option<(f64, f64)> {
    let begins: Vec<f64> = runs.iter().skip(1).step_by(2).map(|run| number(run.from) * step_secs).collect();
    let count = number(begins.len());
    if begins.len() < 2 {
        let whole: usize = runs[1..].iter().take(2).map(|run| run.steps).sum();
        return Some((number(whole) * step_secs, *begins.first()?));
    }
    let (middle, middle_begin) = ((count - 1.0) / 2.0, mean(&begins));
    let (mut along, mut squares) = (0.0, 0.0);
    for (n, begin) in begins.iter().enumerate() {
        let turn = number(n) - middle;
        along += turn * (begin - middle_begin);
        squares += turn * turn;
    }
    let period = whole_secs(along / squares);
    Some((period, middle_begin - period * middle))
}

/// Times that people choose are whole seconds.
fn whole_secs(secs: f64) -> f64 {
    if secs >= 1.0 { libm::round(secs) } else { significant(secs) }
}
