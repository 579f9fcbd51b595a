//! Toggles of the recording: metrics of two values that take turns, as a load peak or a feature that is on. Other metrics follow
//! them, each of its states with a scenario of its own.
//!
//! A host tells others of its toggle by the events `feature_on` and `feature_off`, so a host with two of them has none here.

use crate::candidates::is_toggle;
use crate::grid::GridSeries;
use crate::inventory::{Content, RecordedHost};
use crate::profile::Profile;
use crate::statistics::{index, mean, number};

/// The toggles of all hosts.
#[derive(Debug, Default)]
pub(crate) struct Toggles {
    toggles: Vec<Toggle>,
}

#[derive(Debug)]
struct Toggle {
    host: String,
    /// Its values, which begin with the one that is off.
    profile: Profile,
}

/// A metric by the states of a toggle; the time of the other state is a gap.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) host: String,
    pub(crate) off: Profile,
    pub(crate) on: Profile,
    /// The share of the variance that the state explains, of values or of their steps.
    pub(crate) explained: f64,
}

/// The share of the variance that a state explains, of what follows it.
const EXPLAINED_MIN: f64 = 0.25;
/// The samples by which a metric may be late.
const LATE_MAX: u8 = 2;
/// Fewer values of a state say nothing.
const COUNT_MIN: usize = 8;

impl Toggles {
    /// The toggles of a recording that begins then.
    pub(crate) fn of(hosts: &[RecordedHost<'_>], begin_ms: i64) -> Self {
        let of_host = |host: &RecordedHost<'_>| {
            let gauges = host.metrics.iter().filter_map(|metric| match &metric.content {
                Content::Gauge(floats) => {
                    Some(Profile::of(GridSeries::of(floats).at_updates(), begin_ms)).filter(is_toggle)
                }
                _ => None,
            });
            let mut gauges: Vec<Profile> = gauges.take(2).collect();
            let profile = gauges.pop().filter(|_| gauges.is_empty())?;
            Some(Toggle { host: host.name.clone(), profile })
        };
        Self { toggles: hosts.iter().filter_map(of_host).collect() }
    }

    /// The states of the toggle that the values follow; `None` if they follow none.
    pub(crate) fn split(&self, profile: &Profile) -> Option<Split> {
        let late = |toggle| (0..=LATE_MAX).filter_map(move |late| toggle_split(toggle, profile, late));
        let splits = self.toggles.iter().flat_map(late);
        let best =
            splits.reduce(|best, split| if split.explained > best.explained { split } else { best })?;
        (best.explained >= EXPLAINED_MIN).then_some(best)
    }
}

/// The values by the states of a toggle, so many samples late.
fn toggle_split(toggle: &Toggle, profile: &Profile, late: u8) -> Option<Split> {
    let behind_secs = f64::from(late) * profile.sample_secs;
    let is_on = |place: usize| {
        let secs = profile.begins_after_secs + profile.step_secs * number(place) - behind_secs;
        toggle.is_on(secs)
    };
    let states: Vec<bool> = (0..profile.values.len()).map(is_on).collect();
    let [off, on] = [false, true].map(|state| {
        let own = profile.values.iter().zip(&states);
        profile.with(own.map(|(value, own)| if *own == state { *value } else { f64::NAN }).collect())
    });
    if off.count() < COUNT_MIN || on.count() < COUNT_MIN {
        return None;
    }
    let explained = explained(&profile.values, &states).max(explained(&profile.differences(), &states[1..]));
    Some(Split { host: toggle.host.clone(), off, on, explained })
}

/// The share of the variance that is between the means of two states.
fn explained(values: &[f64], states: &[bool]) -> f64 {
    let of = |state: Option<bool>| {
        let own = values
            .iter()
            .zip(states)
            .filter(|(value, own)| value.is_finite() && state.is_none_or(|state| state == **own));
        own.map(|(value, _)| *value).collect::<Vec<f64>>()
    };
    let squares = |values: &[f64]| {
        let middle = mean(values);
        values.iter().map(|value| (value - middle) * (value - middle)).sum::<f64>()
    };
    let all = squares(&of(None));
    if all > 0.0 { 1.0 - (squares(&of(Some(false))) + squares(&of(Some(true)))) / all } else { 0.0 }
}

impl Toggle {
    /// `true` if it is in its second state, so many seconds after the recording's begin.
    fn is_on(&self, secs: f64) -> bool {
        let off = self.profile.present.first().map(|off| off.to_bits());
        let place = index(libm::round((secs - self.profile.begins_after_secs) / self.profile.step_secs));
        let seen = self.profile.values.iter().take(place + 1).rev().find(|value| value.is_finite());
        seen.is_some_and(|value| Some(value.to_bits()) != off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(value: impl Fn(u32) -> f64) -> Profile {
        let values = (0..120).map(value).collect();
        Profile::of(GridSeries { begin_ms: 0, step_secs: 10.0, sample_secs: 10.0, values }, 0)
    }

    fn is_on(n: u32) -> bool {
        n % 12 >= 3
    }

    #[test]
    fn values_and_steps_follow_a_toggle_a_sample_late() {
        let profile_of_toggle = profile(|n| f64::from(is_on(n)));
        let toggles =
            Toggles { toggles: vec![Toggle { host: "balancer".to_owned(), profile: profile_of_toggle }] };
        let noise = |n: u32| f64::from(n * 7_919 % 101) / 100.0;
        let late = toggles.split(&profile(|n| if n > 0 && is_on(n - 1) { 80.0 } else { 20.0 } + noise(n)));
        let late = late.unwrap();
        assert!(late.host == "balancer" && late.explained > 0.99, "{late:?}");
        assert!(late.off.high() < 22.0 && late.on.low() >= 80.0);
        let sawtooth =
            profile(|n| if is_on(n) { f64::from(n % 12 - 2) } else { 9.0 - 3.0 * f64::from(n % 12) });
        assert!(toggles.split(&sawtooth).unwrap().explained > 0.9);
        assert!(toggles.split(&profile(noise)).is_none(), "chance follows nothing");
        assert!(Toggles::default().split(&profile(noise)).is_none());
    }
}
