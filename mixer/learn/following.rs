//! Rates of counts, and means of a histogram's observations, that follow another metric of their host with some chance.

use promemu_core::metric::Distribution;

use crate::call::{Call, Term, Value};
use crate::candidates::Candidate;
use crate::counter::increase;
use crate::grid::{millis, newest_values};
use crate::inventory::Parts;
use crate::load::Floats;
use crate::relay::{RELAY, Source};
use crate::spread::{Spread, nearest};
use crate::statistics::{least_squares, number, rounded, significant};

/// The share of the variance of a rate that a source must explain.
const RATE_EXPLAINED_MIN: f64 = 0.9;
/// The same for the mean of observations, which have chance of their own.
const MEAN_EXPLAINED_MIN: f64 = 0.5;
/// Fewer values follow something by chance.
const VALUES_MIN: usize = 24;
/// A spread around a moving mean must leave so much less of the error.
const ERROR_LEFT_MAX: f64 = 0.75;
/// The number of points that a spread around a moving mean is found from.
const POINTS: usize = 24;

/// A value between two samples.
#[derive(Clone, Copy, Debug)]
struct Between {
    begin_ms: i64,
    end_ms: i64,
    value: f64,
    weight: f64,
}

/// A value as a curve of a source: `offset + slope * source`, or the exponential of that.
#[derive(Clone, Debug)]
pub(crate) struct Curve<'s> {
    source: &'s str,
    is_exponential: bool,
    offset: f64,
    slope: f64,
    /// The lowest value that was seen.
    low: f64,
}

impl Curve<'_> {
    fn at(&self, source: f64) -> f64 {
        let line = self.offset + self.slope * source;
        if self.is_exponential { libm::exp(line) } else { line.max(self.low) }
    }

    /// The curve as a formula that reads the source by this word.
    fn terms(&self, word: &str) -> Vec<Term> {
        let text = |text: &str| Term::Word(text.to_owned());
        let slope = [Term::Number(significant(self.slope)), text(&format!(" * {word}"))];
        if self.offset == 0.0 && !self.is_exponential {
            return slope.into();
        }
        let mut terms = if self.is_exponential {
            vec![text("exp(")]
        } else {
            vec![text("max("), Term::Number(significant(self.low)), text(", ")]
        };
        terms.extend([Term::Number(significant(self.offset)), text(" + ")]);
        terms.extend(slope);
        terms.push(text(")"));
        terms
    }

    fn links(&self) -> Vec<Term> {
        self.terms(&format!("links.{}", self.source))
    }
}

/// The curve of the source that explains most of the values, if that is this share of their variance, in both halves.
fn curve<'s>(values: &[Between], sources: &[Source<'s>], explained_min: f64) -> Option<Curve<'s>> {
    if values.len() < VALUES_MIN {
        return None;
    }
    let low = values.iter().map(|between| between.value).fold(f64::INFINITY, f64::min);
    let mut best: Option<(f64, Curve<'s>)> = None;
    for source in sources {
        let pairs = pairs(values, source.floats);
        for is_exponential in [false, true] {
            if is_exponential && low <= 0.0 {
                continue;
            }
            let scaled = |value: f64| if is_exponential { libm::log(value) } else { value };
            let scaled = pairs.iter().map(|(source, value, weight)| (*source, scaled(*value), *weight));
            let Some((offset, slope)) = line(scaled, is_exponential) else { continue };
            let curve = Curve { source: source.name, is_exponential, offset, slope, low };
            let explained = explained(&pairs, &curve);
            // The simpler one comes first, and is kept unless another explains clearly more.
            if explained >= explained_min && best.as_ref().is_none_or(|(most, _)| explained > most + 0.01) {
                best = Some((explained, curve));
            }
        }
    }
    best.map(|(_, curve)| curve)
}

/// The source in the middle of each value's time, the value and its weight.
fn pairs(values: &[Between], source: &Floats) -> Vec<(f64, f64, f64)> {
    let longest_ms = values.iter().map(|between| between.end_ms - between.begin_ms).max().unwrap_or_default();
    let at = |time: fn(&Between) -> i64| newest_values(source, values.iter().map(time), longest_ms, f64::NAN);
    let ends = at(|between| between.begin_ms).into_iter().zip(at(|between| between.end_ms));
    ends.zip(values)
        .map(|((begin, end), between)| (f64::midpoint(begin, end), between.value, between.weight))
        .filter(|(source, ..)| source.is_finite())
        .collect()
}

/// Value at 0 and slope of the line of least squares; one that is near 0 at 0 is there exactly, unless it must not. `None` if the source
/// does not vary.
fn line(pairs: impl Iterator<Item = (f64, f64, f64)> + Clone, has_offset: bool) -> Option<(f64, f64)> {
    /// An offset below this share of the mean is none.
    const OFFSET_MIN: f64 = 0.005;
    let (all, sum) =
        pairs.clone().fold((0.0, 0.0), |(all, sum), (_, y, weight)| (all + weight, sum + weight * y));
    let (offset, slope) = least_squares(pairs)?;
    let is_none = !has_offset && offset.abs() < OFFSET_MIN * (sum / all).abs();
    Some((if is_none { 0.0 } else { offset }, slope))
}

/// The share of the variance around the mean of all that a curve explains, in that half of the time where it is less.
fn explained(pairs: &[(f64, f64, f64)], curve: &Curve<'_>) -> f64 {
    let (all, sum) =
        pairs.iter().fold((0.0, 0.0), |(all, sum), (_, value, weight)| (all + weight, sum + weight * value));
    let mean = sum / all;
    let of_half = |half: &[(f64, f64, f64)]| {
        let (mut left, mut whole) = (0.0, 0.0);
        for (source, value, weight) in half {
            let off = value - curve.at(*source);
            left += weight * off * off;
            whole += weight * (value - mean) * (value - mean);
        }
        if whole > 0.0 { 1.0 - left / whole } else { f64::NEG_INFINITY }
    };
    let (first, second) = pairs.split_at(pairs.len() / 2);
    of_half(first).min(of_half(second))
}

/// The rate of a counter in a second, as a curve of one of the sources.
pub(crate) fn rate<'s>(counter: &Floats, sources: &[Source<'s>]) -> Option<Curve<'s>> {
    let between = counter.windows(2).map(|pair| {
        let (begin_ms, end_ms) = (pair[0].0, pair[1].0);
        let secs = millis(end_ms - begin_ms) / 1000.0;
        Between { begin_ms, end_ms, value: increase(pair[0].1, pair[1].1) / secs, weight: 1.0 }
    });
    let values: Vec<Between> = between.collect();
    curve(&values, sources, RATE_EXPLAINED_MIN)
}

/// The scenario of a counter whose rate is a curve.
pub(crate) fn relayed(curve: &Curve<'_>) -> Candidate {
    let fields = vec![
        ("source_metric_name", Value::Text(curve.source.to_owned())),
        ("calc_function", Value::Formula(curve.terms("value"))),
    ];
    Candidate { call: Call::new(RELAY, fields), measured: format!("its rate follows {}", curve.source) }
}

/// The number of observations of an update whose rate is a curve: a fraction is an additional one now and then.
pub(crate) fn observations(curve: &Curve<'_>) -> (Value, String) {
    let mut terms = vec![Term::Word("floor(".to_owned())];
    terms.extend(curve.links());
    terms.push(Term::Word(" * dt + random(0, 1))".to_owned()));
    (Value::Formula(terms), format!("number of observations: follows {}", curve.source))
}

/// The observations of a histogram between two samples.
struct Window {
    between: Between,
    /// The share up to each bound.
    below: Vec<f64>,
}

/// The observations between samples of all parts at the same times; empty if they are at others, or without a sum.
fn windows(parts: &Parts<'_>) -> Vec<Window> {
    let (Some(count), Some(sum)) = (parts.count, parts.sum) else { return Vec::new() };
    let is_at_once = |floats: &Floats| {
        floats.len() == count.len() && floats.iter().zip(count).all(|((at, _), (own, _))| at == own)
    };
    if !is_at_once(sum) || !parts.by_bound.iter().all(|(_, floats)| is_at_once(floats)) {
        return Vec::new();
    }
    let growth = |floats: &Floats, place: usize| increase(floats[place].1, floats[place + 1].1);
    let window = |place: usize| {
        let weight = growth(count, place);
        let value = growth(sum, place) / weight;
        let below = parts.by_bound.iter().map(|(_, floats)| growth(floats, place) / weight).collect();
        let between = Between { begin_ms: count[place].0, end_ms: count[place + 1].0, value, weight };
        (weight > 0.0 && value > 0.0).then_some(Window { between, below })
    };
    (0..count.len().saturating_sub(1)).filter_map(window).collect()
}

/// A spread whose mean is a curve of one of the sources, and the name of that. `None` if it is not clearly nearer to the observations
/// than one that stays.
pub(crate) fn spread<'s>(
    parts: &Parts<'_>,
    sources: &[Source<'s>],
    still: &Spread,
) -> Option<(Spread, &'s str)> {
    let windows = windows(parts);
    let values: Vec<Between> = windows.iter().map(|window| window.between).collect();
    let curve = curve(&values, sources, MEAN_EXPLAINED_MIN)?;
    let floats = sources.iter().find(|source| source.name == curve.source)?.floats;
    let means = pairs(&values, floats).into_iter().map(|(source, ..)| curve.at(source));
    let means: Vec<f64> = means.collect();
    if means.len() != windows.len() {
        return None;
    }
    let bounds: Vec<f64> = parts.by_bound.iter().map(|(bound, _)| *bound).collect();
    let found = nearest(&relative_points(&windows, &means, &bounds), 1.0);
    let error = |distribution: &Distribution, scale: &dyn Fn(usize) -> f64| {
        let mut error = 0.0;
        for (place, window) in windows.iter().enumerate() {
            for (bound, share) in bounds.iter().zip(&window.below).filter(|(bound, _)| bound.is_finite()) {
                let off = distribution.below(bound / scale(place)) - share;
                error += window.between.weight * off * off;
            }
        }
        error
    };
    let (moving, standing) =
        (error(&found.distribution, &|place| means[place]), error(&still.distribution, &|_| 1.0));
    if moving > ERROR_LEFT_MAX * standing {
        return None;
    }
    let fields = found.call.fields.into_iter().map(|(name, value)| (name, scaled(value, &curve)));
    let call = Call::new(found.call.name, fields.collect());
    Some((Spread { call, ..found }, curve.source))
}

/// Values in units of the mean of their time in ascending order, and the share of observations up to each.
fn relative_points(windows: &[Window], means: &[f64], bounds: &[f64]) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64, f64)> = Vec::new();
    for (window, mean) in windows.iter().zip(means) {
        let shares = bounds.iter().zip(&window.below).filter(|(bound, _)| bound.is_finite());
        all.extend(shares.map(|(bound, share)| (bound / mean, *share, window.between.weight)));
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let length = all.len().div_ceil(POINTS).max(1);
    let mut highest: f64 = 0.0;
    let point = |part: &[(f64, f64, f64)]| {
        let weight: f64 = part.iter().map(|(_, _, weight)| weight).sum();
        let share = part.iter().map(|(_, share, weight)| share * weight).sum::<f64>() / weight;
        let value = part.iter().map(|(value, ..)| value).sum::<f64>() / number(part.len());
        // A share never falls; what seems to is chance.
        highest = highest.max(share);
        (value, highest)
    };
    all.chunks(length).map(point).collect()
}

/// A median or quantile in units of the mean, times the mean.
fn scaled(value: Value, curve: &Curve<'_>) -> Value {
    match value {
        Value::Formula(terms) => {
            let rounded_terms = terms.into_iter().map(|term| match term {
                Term::Number(number) => Term::Number(rounded(number, number)),
                word @ Term::Word(_) => word,
            });
            let mut all: Vec<Term> = rounded_terms.collect();
            all.push(Term::Word(" * ".to_owned()));
            all.extend(curve.links());
            Value::Formula(all)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [f64; 6] = [0.05, 0.1, 0.25, 0.5, 1.0, f64::INFINITY];

    /// A load that rises and falls, each five seconds.
    fn load(n: i32) -> f64 {
        10.0 + 8.0 * libm::sin(f64::from(n) / 9.0)
    }

    fn floats(value: impl Fn(i32) -> f64) -> Floats {
        (0..200).map(|n| (i64::from(n) * 5_000, value(n))).collect()
    }

    /// The running sums of values.
    fn summed(value: impl Fn(i32) -> f64) -> Floats {
        let mut sum = 0.0;
        let mut next = |n| {
            sum += value(n);
            (i64::from(n) * 5_000, sum)
        };
        (0..200).map(&mut next).collect()
    }

    #[test]
    fn a_rate_follows_the_load_and_not_what_only_rises_with_it_for_a_while() {
        let noise = |n: i32| f64::from(n * 7_919 % 101) / 100.0 - 0.5;
        let (busy, rising) = (floats(load), floats(|n| f64::from(n.min(20))));
        let sources = [Source { name: "rising", floats: &rising }, Source { name: "busy", floats: &busy }];
        let counter = summed(|n| 5.0 * (3.0 * f64::midpoint(load(n), load(n - 1)) + noise(n)));
        let found = rate(&counter, &sources).unwrap();
        assert_eq!(found.source, "busy");
        assert!((found.slope - 3.0).abs() < 0.1 && !found.is_exponential, "{found:?}");
        let relayed = relayed(&found);
        assert_eq!((relayed.call.name, &*relayed.measured), (RELAY, "its rate follows busy"));
        assert!(rate(&summed(noise), &sources).is_none());
        assert!(rate(&summed(|n| 2.0 + noise(n)), &sources).is_none());
    }

    #[test]
    fn a_spread_follows_the_load_if_that_says_more_than_one_that_stays() {
        let busy = floats(load);
        let sources = [Source { name: "busy", floats: &busy }];
        let mean = |n: i32, moves: f64| 0.02 * (10.0 + moves * (f64::midpoint(load(n), load(n - 1)) - 10.0));
        for (moves, follows) in [(1.0, true), (0.0, false)] {
            let at = |n: i32| Distribution::lognormal(mean(n, moves) / 1.1, 3.0 * mean(n, moves));
            let buckets = BOUNDS.map(|bound| summed(move |n| 100.0 * at(n).below(bound)));
            let (count, sum) = (summed(|_| 100.0), summed(|n| 100.0 * mean(n, moves)));
            let by_bound = BOUNDS.into_iter().zip(&buckets).collect();
            let parts = Parts { by_bound, sum: Some(&sum), count: Some(&count) };
            let still = nearest(&[(0.1, 0.2), (0.25, 0.7), (0.5, 0.95)], 0.2);
            let found = spread(&parts, &sources, &still);
            assert_eq!(found.is_some(), follows);
            let Some((found, source)) = found else { continue };
            assert_eq!((source, found.call.name), ("busy", "lognormal"));
            let numbers = found.call.numbers();
            assert!((numbers[0].1 - 1.0 / 1.1).abs() < 0.05, "{numbers:?}");
            assert!((numbers[2].1 - 3.0).abs() < 0.3, "{numbers:?}");
        }
    }
}
