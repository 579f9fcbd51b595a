//! A sine wave, alone or with noise around it.

use std::f64::consts::TAU;

use super::{Candidate, candidate, random, with_rest};
use crate::call::Value;
use crate::profile::Profile;
use crate::spectrum::strongest_frequency;
use crate::statistics::{rounded, significant};

/// The share of the variance that a wave alone explains.
const EXPLAINED_ALONE: f64 = 0.98;
/// The share that a wave with noise explains, and the number of its periods: slow noise looks like less than that.
const EXPLAINED_MIN: f64 = 0.5;
const PERIODS_MIN: f64 = 4.0;
/// The share that a part of a period explains, and how much of it must be seen.
const EXPLAINED_PART: f64 = 0.995;
const PERIODS_ALONE_MIN: f64 = 1.5;
const PERIODS_PART: f64 = 0.75;
/// Fewer values in a period are no shape.
const VALUES_PER_PERIOD_MIN: f64 = 4.0;

/// `offset + amplitude · sin(2π · turns_per_sec · t + phase)`, with t from the recording's begin.
#[derive(Clone, Copy, Debug)]
struct Wave {
    turns_per_sec: f64,
    offset: f64,
    sin: f64,
    cos: f64,
}

impl Wave {
    fn at(&self, secs: f64) -> f64 {
        let angle = TAU * self.turns_per_sec * secs;
        self.offset + self.sin * libm::sin(angle) + self.cos * libm::cos(angle)
    }
}

/// A wave that explains nearly all of the values.
pub(super) fn alone(profile: &Profile) -> Option<Candidate> {
    let (wave, explained) = strongest(profile)?;
    let periods = profile.span_secs() * wave.turns_per_sec;
    let needed = if periods < PERIODS_ALONE_MIN { EXPLAINED_PART } else { EXPLAINED_ALONE };
    let is_one = explained >= needed && periods >= PERIODS_PART;
    is_one.then(|| candidate_of(profile, &wave, explained))
}

/// A wave that explains most of the values, with noise around it.
pub(super) fn with_noise(profile: &Profile) -> Option<Candidate> {
    let (wave, explained) = strongest(profile)?;
    if explained < EXPLAINED_MIN || profile.span_secs() * wave.turns_per_sec < PERIODS_MIN {
        return None;
    }
    let rest = rest_of(profile, &wave).0;
    with_rest(profile, &candidate_of(profile, &wave, explained), &rest, random)
}

/// The share of the variance that the strongest wave explains.
pub(super) fn explained(profile: &Profile) -> Option<f64> {
    strongest(profile).map(|(_, explained)| explained)
}

/// The wave that explains most, and how much; `None` if that is little, or its shape is not seen.
fn strongest(profile: &Profile) -> Option<(Wave, f64)> {
    let centred: Vec<f64> = profile.values.iter().map(|value| value - profile.mean).collect();
    let frequency = strongest_frequency(&centred)? / profile.step_secs;
    // The frequency is a little off before it is refined.
    if rest_of(profile, &wave(profile, frequency)?).1 < EXPLAINED_MIN * 0.8 {
        return None;
    }
    let wave = refined(profile, frequency)?;
    let explained = rest_of(profile, &wave).1;
    let is_seen = wave.turns_per_sec * profile.step_secs * VALUES_PER_PERIOD_MIN <= 1.0;
    is_seen.then_some((wave, explained))
}

fn candidate_of(profile: &Profile, wave: &Wave, explained: f64) -> Candidate {
    let amplitude = libm::hypot(wave.sin, wave.cos);
    let phase = libm::atan2(wave.cos, wave.sin).rem_euclid(TAU);
    let fields = vec![
        ("period", Value::Secs(period_secs(1.0 / wave.turns_per_sec, profile.span_secs()))),
        ("amplitude", Value::Number(significant(amplitude))),
        ("offset", Value::Number(rounded(wave.offset, amplitude))),
        ("phase_offset", Value::Number(rounded(phase, 1.0))),
    ];
    let (share, periods) =
        (significant(100.0 * explained), significant(profile.span_secs() * wave.turns_per_sec));
    candidate("sine_wave", fields, format!("a wave, {share} % of the variance, {periods} periods"))
}

/// A period as people choose it, if it is near one; else with as many digits as its phase at the end needs.
pub(super) fn period_secs(secs: f64, span_secs: f64) -> f64 {
    let whole = libm::round(secs);
    let drift = |period: f64| (span_secs / secs - span_secs / period).abs();
    if whole >= 1.0 && drift(whole) < 0.01 { whole } else { rounded(secs, secs / 1000.0) }
}

/// The wave of least squares at a frequency.
fn wave(profile: &Profile, turns_per_sec: f64) -> Option<Wave> {
    // The normal equations of 1, sin and cos.
    let mut sums = [[0.0; 4]; 3];
    for (at, value) in profile.points() {
        let angle = TAU * turns_per_sec * at;
        let row = [1.0, libm::sin(angle), libm::cos(angle), value - profile.mean];
        for (n, sum) in sums.iter_mut().enumerate() {
            for (cell, other) in sum.iter_mut().zip(row) {
                *cell += row[n] * other;
            }
        }
    }
    let [offset, sin, cos] = solved(sums)?;
    Some(Wave { turns_per_sec, offset: offset + profile.mean, sin, cos })
}

/// The solution of three equations, by Cramer's rule.
fn solved(rows: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    let determinant = |columns: [usize; 3]| {
        let cell = |row: usize, column: usize| rows[row][columns[column]];
        cell(0, 0) * (cell(1, 1) * cell(2, 2) - cell(1, 2) * cell(2, 1))
            - cell(0, 1) * (cell(1, 0) * cell(2, 2) - cell(1, 2) * cell(2, 0))
            + cell(0, 2) * (cell(1, 0) * cell(2, 1) - cell(1, 1) * cell(2, 0))
    };
    let whole = determinant([0, 1, 2]);
    let solution =
        [determinant([3, 1, 2]) / whole, determinant([0, 3, 2]) / whole, determinant([0, 1, 3]) / whole];
    solution.iter().all(|number| number.is_finite()).then_some(solution)
}

/// The wave at the frequency near this one that explains most: by golden sections.
fn refined(profile: &Profile, turns_per_sec: f64) -> Option<Wave> {
    const SECTIONS: u32 = 32;
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let half = 0.5 / (profile.span_secs() + profile.step_secs);
    let explained = |frequency: f64| wave(profile, frequency).map_or(0.0, |wave| rest_of(profile, &wave).1);
    let (mut low, mut high) = ((turns_per_sec - half).max(half / 4.0), turns_per_sec + half);
    let (mut left, mut right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_left, mut at_right) = (explained(left), explained(right));
    for _ in 0..SECTIONS {
        if at_left > at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = explained(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = explained(right);
        }
    }
    wave(profile, f64::midpoint(low, high))
}

/// The rest of the values beside the wave, and the share of the variance that it explains.
fn rest_of(profile: &Profile, wave: &Wave) -> (Vec<f64>, f64) {
    let values = profile.values.iter().enumerate();
    let rest: Vec<f64> = values.map(|(place, value)| value - wave.at(profile.secs_at(place))).collect();
    let explained = profile.explained(&rest);
    (rest, explained)
}
