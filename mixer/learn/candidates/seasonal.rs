//! Values by the hour of the day and the day of the week, in UTC, with noise around them.
//!
//! The model is that of the scenario: straight lines between full hours, times a factor for each day. Hours and days are fitted in
//! turns, each by least squares while the others stand.

use super::{Candidate, candidate, random, with_rest};
use crate::call::Value;
use crate::polygon::{self, OnSegment};
use crate::profile::Profile;
use crate::statistics::{correlation, index, mean, number, rounded, significant};

const HOUR_SECS: f64 = 3_600.0;
const DAY_SECS: f64 = 86_400.0;
/// Seconds from the Unix epoch, a Thursday, back to a Monday.
const MONDAY_SECS: f64 = 3.0 * DAY_SECS;
/// The share of the variance that a season explains.
const EXPLAINED_MIN: f64 = 0.3;
const EXPLAINED_ALONE: f64 = 0.995;
/// Fewer days do not show what comes again.
const DAYS_MIN: f64 = 2.0;
const WEEK_DAYS: f64 = 7.0;
/// Turns of the fit.
const TURNS: u32 = 8;

/// A value with its place in the day and the week.
#[derive(Clone, Copy, Debug)]
struct Moment {
    hour: usize,
    /// The share of the hour that is over.
    past: f64,
    day: usize,
    value: f64,
}

/// Values that follow the hour.
pub(super) fn seasonal(profile: &Profile) -> Option<Candidate> {
    let span = profile.span_secs() + profile.step_secs;
    if span < DAYS_MIN * DAY_SECS || profile.step_secs > HOUR_SECS {
        return None;
    }
    let moments = moments(profile);
    let hours = hours_of(&moments, &[1.0; 7], [0.0; 24])?;
    let of_hours = profile.explained(&rest_of(profile, &moments, &hours, &[1.0; 7]));
    if of_hours < EXPLAINED_MIN || !comes_again(&moments) {
        return None;
    }
    let weeks = if span >= WEEK_DAYS * DAY_SECS { with_weekdays(&moments, hours) } else { None };
    let (hours, days) = weeks.unwrap_or((hours, [1.0; 7]));
    let base = mean(&hours) * mean(&days);
    if base == 0.0 || !base.is_finite() {
        return None;
    }
    let rest = rest_of(profile, &moments, &hours, &days);
    let explained = profile.explained(&rest);
    let factors = |of: &[f64]| {
        let middle = mean(of);
        of.iter().map(|factor| rounded(factor / middle, 1.0)).collect::<Vec<f64>>()
    };
    let mut fields =
        vec![("base", Value::Number(significant(base))), ("hours", Value::Numbers(factors(&hours)))];
    if weeks.is_some() {
        fields.push(("weekdays", Value::Numbers(factors(&days))));
    }
    let measured = format!("a day of {} % of the variance", significant(100.0 * explained));
    let season = candidate("seasonal", fields, measured);
    if explained >= EXPLAINED_ALONE { Some(season) } else { with_rest(profile, &season, &rest, random) }
}

/// `true` if the hours of the first half of the days are like those of the second half: what wanders has other ones.
fn comes_again(moments: &[Moment]) -> bool {
    const ALIKE_MIN: f64 = 0.7;
    let halves = moments.split_at(moments.len() / 2);
    let [first, second] = [halves.0, halves.1].map(|half| hours_of(half, &[1.0; 7], [0.0; 24]));
    let pairs = first.zip(second).map(|(first, second)| first.into_iter().zip(second).collect::<Vec<_>>());
    pairs.is_some_and(|pairs| correlation(pairs.into_iter()) >= ALIKE_MIN)
}

/// Hours and days, in turns. `None` if the days are no better than chance.
fn with_weekdays(moments: &[Moment], mut hours: [f64; 24]) -> Option<([f64; 24], [f64; 7])> {
    /// The share of what the hours leave that the days must explain: a day is one of seven numbers.
    const EXPLAINED_OF_REST_MIN: f64 = 0.5;
    let left = |hours: &[f64; 24], days: &[f64; 7]| {
        moments
            .iter()
            .map(|moment| moment.value - season(moment, hours, days))
            .map(|off| off * off)
            .sum::<f64>()
    };
    let (before, mut days) = (left(&hours, &[1.0; 7]), [1.0; 7]);
    for _ in 0..TURNS {
        days = days_of(moments, &hours)?;
        hours = hours_of(moments, &days, hours)?;
    }
    (left(&hours, &days) < (1.0 - EXPLAINED_OF_REST_MIN) * before).then_some((hours, days))
}

fn moments(profile: &Profile) -> Vec<Moment> {
    let unix_begin = profile.recording_unix_secs;
    let moment = |(at, value): (f64, f64)| {
        let of_day = (unix_begin + at).rem_euclid(DAY_SECS) / HOUR_SECS;
        let of_week = (unix_begin + at + MONDAY_SECS).rem_euclid(WEEK_DAYS * DAY_SECS) / DAY_SECS;
        let hour = index(of_day).min(23);
        Moment { hour, past: of_day - number(hour), day: index(of_week).min(6), value }
    };
    profile.points().map(moment).collect()
}

fn season(moment: &Moment, hours: &[f64; 24], days: &[f64; 7]) -> f64 {
    polygon::at(hours, moment.hour, moment.past) * days[moment.day]
}

fn rest_of(profile: &Profile, moments: &[Moment], hours: &[f64; 24], days: &[f64; 7]) -> Vec<f64> {
    let mut moments = moments.iter();
    let rest = |value: &f64| {
        if value.is_nan() {
            f64::NAN
        } else {
            moments.next().map_or(f64::NAN, |moment| value - season(moment, hours, days))
        }
    };
    profile.values.iter().map(rest).collect()
}

/// The values at full hours that fit best, from those that were found before. `None` if an hour has no value.
fn hours_of(moments: &[Moment], days: &[f64; 7], start: [f64; 24]) -> Option<[f64; 24]> {
    let values = moments.iter().map(|moment| OnSegment {
        node: moment.hour,
        past: moment.past,
        factor: days[moment.day],
        value: moment.value,
    });
    polygon::fitted(values, &start)?.try_into().ok()
}

/// The factors of days that fit best. `None` if a day has no value.
fn days_of(moments: &[Moment], hours: &[f64; 24]) -> Option<[f64; 7]> {
    let (mut along, mut squares) = ([0.0; 7], [0.0; 7]);
    for moment in moments {
        let of_hour = season(moment, hours, &[1.0; 7]);
        along[moment.day] += of_hour * moment.value;
        squares[moment.day] += of_hour * of_hour;
    }
    if squares.iter().any(|weight| *weight <= 0.0) {
        return None;
    }
    let factors: [f64; 7] = std::array::from_fn(|day| along[day] / squares[day]);
    let middle = mean(&factors);
    Some(factors.map(|factor| factor / middle))
}
