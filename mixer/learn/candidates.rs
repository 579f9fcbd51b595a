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

/// A regular part and, where it matters, the randomness around it.
fn with_rest(
    profile: &Profile,
    regular: Candidate,
    rest: Vec<f64>,
    random: fn(&Profile) -> Candidate,
) -> Candidate {
    /// A rest below this share of the deviation does not matter.
    const REST_MIN: f64 = 0.02;
    let rest = profile.with(rest);
    if rest.deviation < REST_MIN * profile.deviation {
        return regular;
    }
    let random = random(&rest);
    Candidate {
        call: Call::sum(vec![regular.call, random.call]),
        measured: format!("{}; around it {}", regular.measured, random.measured),
    }
}

fn candidate(name: &'static str, fields: Vec<(&'static str, Value)>, measured: String) -> Candidate {
    Candidate { call: Call::new(name, fields), measured }
}

#[cfg(test)]
mod tests;
