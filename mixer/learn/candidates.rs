//! The simplest scenario that passes.
//!
//! Candidates are asked in the order of their simplicity, and each says no unless the values look like its own. The last one,
//! `empirical`, takes all.

mod cycle;
mod noise;
mod seasonal;
mod sine;
mod still;
mod switched;
mod switching;
mod wandering;

use crate::call::{Call, Value};
use crate::profile::Profile;
use crate::statistics::{index, number, quantiles_agree};
use crate::toggles::Toggles;

/// A scenario, and the reason for it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) call: Call,
    /// The measurement in words.
    pub(crate) measured: String,
}

/// Fewer values are just a range.
const COUNT_MIN: usize = 8;

/// The simplest scenario whose values look like these. `None` if they are all equal.
pub(crate) fn simplest(profile: &Profile, toggles: &Toggles) -> Option<Candidate> {
    if still::is_constant(profile) {
        return None;
    }
    if profile.count() < COUNT_MIN {
        return Some(noise::range(profile));
    }
    let regular: [fn(&Profile) -> Option<Candidate>; 3] = [still::line, switching::toggle, sine::alone];
    let with_noise: [fn(&Profile) -> Option<Candidate>; 4] =
        [seasonal::seasonal, cycle::periodic, sine::with_noise, switching::levels];
    let ask = |candidates: &[fn(&Profile) -> Option<Candidate>]| {
        candidates.iter().find_map(|candidate| candidate(profile))
    };
    let found = ask(&regular).or_else(|| switched::switched(profile, toggles)).or_else(|| ask(&with_noise));
    Some(found.unwrap_or_else(|| random(profile)))
}

/// `true` if values are two that take turns.
pub(crate) fn is_toggle(profile: &Profile) -> bool {
    switching::toggle(profile).is_some()
}

/// Independent counts, if these are such.
pub(crate) fn counts(profile: &Profile) -> Option<Candidate> {
    if profile.count() < COUNT_MIN || still::is_constant(profile) { None } else { noise::poisson(profile) }
}

/// The simplest scenario of randomness alone.
fn random(profile: &Profile) -> Candidate {
    let candidates: [fn(&Profile) -> Option<Candidate>; 6] =
        [noise::poisson, noise::uniform, noise::normal, wandering::walk, wandering::reverting, cycle::course];
    let found = candidates.iter().find_map(|candidate| candidate(profile));
    found.unwrap_or_else(|| noise::empirical(profile))
}

/// A regular part and, where it matters, the randomness around it. `None` if that depends on where the regular part is, so that their
/// sum would have another distribution.
fn with_rest(
    profile: &Profile,
    regular: &Candidate,
    rest: &[f64],
    random: fn(&Profile) -> Candidate,
) -> Option<Candidate> {
    /// A rest below this share of the deviation does not matter.
    const REST_MIN: f64 = 0.02;
    let rest = profile.with(rest.to_vec());
    if rest.deviation < REST_MIN * profile.deviation {
        return Some(regular.clone());
    }
    let pairs = profile.values.iter().zip(&rest.values).filter(|(_, rest)| rest.is_finite());
    let sums: Vec<f64> =
        pairs.zip(shuffled(&rest.present)).map(|((value, rest), other)| value - rest + other).collect();
    let random = random(&rest);
    is_alike(profile, &sums).then(|| Candidate {
        call: Call::sum(vec![regular.call.clone(), random.call]),
        measured: format!("{}; around it {}", regular.measured, random.measured),
    })
}

/// `true` if values have about the distribution of these.
fn is_alike(profile: &Profile, values: &[f64]) -> bool {
    /// The share of quantiles that must agree, to this share of the range.
    const ALIKE_MIN: f64 = 0.8;
    const TOLERANCE: f64 = 0.05;
    // Values that are never negative have a range that ends at 0.
    let lowest = if profile.low() >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
    let values: Vec<f64> = values.iter().map(|value| value.max(lowest)).collect();
    quantiles_agree(&profile.present, &values, TOLERANCE * profile.range()) >= ALIKE_MIN
}

/// The greatest common divisor.
fn greatest_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

/// The values in another order: by the golden ratio, so that neighbours go far apart.
fn shuffled(values: &[f64]) -> impl Iterator<Item = f64> {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let count = values.len();
    let near = index(GOLDEN * number(count)).max(1);
    let stride = (near..=count).find(|stride| greatest_divisor(*stride, count) == 1).unwrap_or(1);
    (0..count).map(move |place| values[place * stride % count])
}

fn candidate(name: &'static str, fields: Vec<(&'static str, Value)>, measured: String) -> Candidate {
    Candidate { call: Call::new(name, fields), measured }
}

#[cfg(test)]
mod tests;
