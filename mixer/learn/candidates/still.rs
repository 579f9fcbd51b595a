//! Values that stand still, or rise or fall evenly.

use super::Candidate;
use crate::call::{Call, Term};
use crate::profile::Profile;
use crate::statistics::{number, rounded};

/// `true` if all values are equal.
pub(super) fn is_constant(profile: &Profile) -> bool {
    profile.range() <= 1e-12 * profile.high().abs()
}

/// A straight line over time; one that follows the clock is the clock.
pub(super) fn line(profile: &Profile) -> Option<Candidate> {
    /// The largest distance of a value from the line, as a share of the range.
    const OFF_MAX: f64 = 0.01;
    /// The largest distance of a clock from the time, in seconds.
    const CLOCK_OFF_MAX_SECS: f64 = 60.0;
    let (slope, at_begin) = least_squares(profile);
    let off = profile.points().map(|(at, value)| (value - at_begin - slope * at).abs());
    if off.fold(0.0, f64::max) > OFF_MAX * profile.range() {
        return None;
    }
    let behind = at_begin - profile.recording_unix_secs;
    if (slope - 1.0).abs() < 1e-3 && behind.abs() < CLOCK_OFF_MAX_SECS {
        let call = Call::script(vec![Term::Word("now".to_owned())]);
        return Some(Candidate { call, measured: "the time itself".to_owned() });
    }
    let slope = rounded(slope, slope.abs() / 1000.0);
    let terms = vec![
        Term::Number(rounded(at_begin, profile.range())),
        Term::Word(" + ".to_owned()),
        Term::Number(slope),
        Term::Word(" * t".to_owned()),
    ];
    Some(Candidate { call: Call::script(terms), measured: format!("a line, {slope} each second") })
}

/// Slope, and value at the recording's begin.
fn least_squares(profile: &Profile) -> (f64, f64) {
    let count = number(profile.count());
    let middle = profile.points().map(|(at, _)| at).sum::<f64>() / count;
    let (mut along, mut squares) = (0.0, 0.0);
    for (at, value) in profile.points() {
        along += (at - middle) * (value - profile.mean);
        squares += (at - middle) * (at - middle);
    }
    let slope = if squares > 0.0 { along / squares } else { 0.0 };
    (slope, profile.mean - slope * middle)
}
