//! A shape that comes again, whatever it is, and the course of values that did not come again yet.

use super::{Candidate, candidate, is_alike, noise, random, shuffled, sine, with_rest};
use crate::call::{Call, Value};
use crate::polygon::{self, OnSegment};
use crate::profile::Profile;
use crate::spectrum::recurrence;
use crate::statistics::{index, number, rounded, significant};

/// The most values of a shape.
const VALUES_MAX: usize = 32;
const VALUES_MIN: usize = 4;

/// A shape over a time.
struct Shape {
    period_secs: f64,
    nodes: Vec<f64>,
    rest: Vec<f64>,
    /// The share of the variance that it explains, its own freedom taken off.
    explained: f64,
}

impl Shape {
    /// The shape of so many values that fits best.
    fn of(profile: &Profile, period_secs: f64, count: usize) -> Option<Self> {
        let points = profile.points();
        let nodes = polygon::fitted(on_segments(points, period_secs, count), &vec![profile.mean; count])?;
        let rest = profile.values.iter().enumerate().map(|(at, value)| {
            let (node, past) = place(profile.secs_at(at), period_secs, count);
            value - polygon::at(&nodes, node, past)
        });
        let rest: Vec<f64> = rest.collect();
        let free = number(profile.count()) - number(count);
        if free < 1.0 {
            return None;
        }
        let left = (1.0 - profile.explained(&rest)) * (number(profile.count()) - 1.0) / free;
        Some(Self { period_secs, nodes, rest, explained: 1.0 - left })
    }

    /// The shape with randomness around it that has its own size at each place of it.
    fn with_sizes(&self, profile: &Profile, regular: &Candidate) -> Option<Candidate> {
        /// The smallest size, as a share of the largest.
        const SIZE_MIN: f64 = 0.001;
        let (count, rest) = (self.nodes.len(), profile.with(self.rest.clone()));
        let sizes = rest.points().map(|(secs, rest)| (secs, rest.abs()));
        let mut sizes = polygon::fitted(on_segments(sizes, self.period_secs, count), &vec![0.0; count])?;
        let largest = sizes.iter().copied().fold(0.0, f64::max);
        for size in &mut sizes {
            *size = significant(size.max(SIZE_MIN * largest));
        }
        let size_at = |at: usize| {
            let (node, past) = place(profile.secs_at(at), self.period_secs, count);
            polygon::at(&sizes, node, past)
        };
        let even = self.rest.iter().enumerate().map(|(at, rest)| rest / size_at(at));
        let even = profile.with(even.collect());
        let present = (0..self.rest.len()).filter(|at| self.rest[*at].is_finite());
        let sums: Vec<f64> = present
            .zip(shuffled(&even.present))
            .map(|(at, other)| profile.values[at] - self.rest[at] + other * size_at(at))
            .collect();
        if !is_alike(profile, &sums) {
            return None;
        }
        let random = random(&even);
        let period = ("period", Value::Secs(self.period_secs));
        let size = Call::new("cycle", vec![period, ("values", Value::Numbers(sizes))]);
        Some(Candidate {
            call: Call::sum(vec![regular.call.clone(), Call::product(vec![size, random.call])]),
            measured: format!(
                "{}; around it, in a size for each place, {}",
                regular.measured, random.measured
            ),
        })
    }

    fn candidate(&self, profile: &Profile, measured: String) -> Candidate {
        let values = self.nodes.iter().map(|value| rounded(*value, profile.range())).collect();
        let fields = vec![("period", Value::Secs(self.period_secs)), ("values", Value::Numbers(values))];
        candidate("cycle", fields, measured)
    }
}

/// The segment of a time, and how far on it that is.
fn place(secs: f64, period_secs: f64, count: usize) -> (usize, f64) {
    let place = (secs / period_secs).rem_euclid(1.0) * number(count);
    let node = index(place).min(count - 1);
    (node, place - number(node))
}

/// Times and values as values on segments.
fn on_segments(
    points: impl Iterator<Item = (f64, f64)> + Clone,
    period_secs: f64,
    count: usize,
) -> impl Iterator<Item = OnSegment> + Clone {
    points.map(move |(secs, value)| {
        let (node, past) = place(secs, period_secs, count);
        OnSegment { node, past, factor: 1.0, value }
    })
}

/// A shape that comes again and is no wave, with noise around it.
pub(super) fn periodic(profile: &Profile) -> Option<Candidate> {
    /// The likeness of values to those a period before, where few periods are seen, and where many are.
    const ALIKE_MIN: (f64, f64) = (0.85, 0.5);
    const PERIODS_MANY: f64 = 4.0;
    /// A wave is simpler, and is kept unless it leaves more than this of what it must explain.
    const LEFT_OF_WAVE_MAX: f64 = 0.7;
    let centred: Vec<f64> = profile.values.iter().map(|value| value - profile.mean).collect();
    let found = recurrence(&centred)?;
    let periods = number(profile.values.len()) / found.lag;
    if found.alike < if periods < PERIODS_MANY { ALIKE_MIN.0 } else { ALIKE_MIN.1 } {
        return None;
    }
    let period_secs = sine::period_secs(found.lag * profile.step_secs, profile.span_secs());
    let count = index(libm::round(found.lag)).clamp(VALUES_MIN, VALUES_MAX);
    let shape = Shape::of(profile, period_secs, count)?;
    let of_wave = sine::explained(profile).unwrap_or(0.0);
    if shape.explained < ALIKE_MIN.1 || 1.0 - shape.explained > LEFT_OF_WAVE_MAX * (1.0 - of_wave) {
        return None;
    }
    let (percent, periods) = (significant(100.0 * shape.explained), significant(periods));
    let measured = format!("a shape that comes again, {percent} % of the variance, {periods} periods");
    let regular = shape.candidate(profile, measured);
    with_rest(profile, &regular, &shape.rest, random).or_else(|| shape.with_sizes(profile, &regular))
}

/// The course of values that move too slowly to say what is usual.
pub(super) fn course(profile: &Profile) -> Option<Candidate> {
    const EXPLAINED_MIN: f64 = 0.8;
    const VALUES: usize = 24;
    const PER_VALUE_MIN: usize = 4;
    if profile.count() < VALUES * PER_VALUE_MIN {
        return None;
    }
    // The way back to the begin comes after the last value.
    let period_secs = profile.span_secs() * number(VALUES) / number(VALUES - 1);
    let shape = Shape::of(profile, rounded(period_secs, period_secs), VALUES)?;
    if shape.explained < EXPLAINED_MIN {
        return None;
    }
    let percent = significant(100.0 * shape.explained);
    let measured = format!("the recorded course, {percent} % of the variance, which comes again at its end");
    let regular = shape.candidate(profile, measured);
    // A course around a course would be one with more values.
    let around = |rest: &Profile| noise::normal(rest).unwrap_or_else(|| noise::empirical(rest));
    with_rest(profile, &regular, &shape.rest, around)
}
