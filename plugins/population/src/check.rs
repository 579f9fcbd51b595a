//! Reads single parameters, and refuses those that are wrong.

use std::time::Duration;

use jiff::tz::TimeZone;
use promemu_plugin::{Params, Refused};

/// Reads parameters, and keeps a refusal.
pub(crate) struct Check<'a, 'b> {
    pub(crate) params: &'b Params<'a>,
    pub(crate) refused: Option<Refused>,
}

impl Check<'_, '_> {
    pub(crate) fn refuse(&mut self, name: &str, why: impl std::fmt::Display) {
        self.refused = Some(self.params.refuse(name, why));
    }

    /// A number in a range; its low end if it is wrong.
    pub(crate) fn number(&mut self, name: &str, low: f64, high: f64) -> f64 {
        let number = self.params.number(name);
        self.in_range(name, number, low, high)
    }

    pub(crate) fn in_range(&mut self, name: &str, number: f64, low: f64, high: f64) -> f64 {
        if (low..=high).contains(&number) {
            return number;
        }
        self.refuse(name, format!("must be from {low} to {high}, but is {number}"));
        low.max(1e-3)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    pub(crate) fn whole(&mut self, name: &str, high: f64) -> u64 {
        let number = self.number(name, 0.0, high);
        if number.fract() != 0.0 && self.refused.is_none() {
            self.refuse(name, format!("must be a whole number, but is {number}"));
        }
        number as u64
    }

    pub(crate) fn seconds(&mut self, name: &str, low: f64) -> f64 {
        let seconds = self.params.seconds(name);
        if (low..=1e9).contains(&seconds) {
            return seconds;
        }
        self.refuse(name, format!("must be {} or longer and not endless", humane(low)));
        1.0
    }

    /// Factors, made so that their mean is 1.
    pub(crate) fn factors(&mut self, name: &str, count: usize) -> Vec<f64> {
        let numbers = self.params.numbers(name);
        let mean = numbers.iter().sum::<f64>() / f64::from(u32::try_from(count).unwrap_or(1));
        if numbers.is_empty() {
            return Vec::new();
        }
        if numbers.len() != count {
            self.refuse(name, format!("takes {count} numbers, but there are {}", numbers.len()));
        } else if numbers.iter().any(|number| *number < 0.0) || mean <= 0.0 {
            self.refuse(name, "must be numbers of 0 or more, and one above 0");
        }
        numbers.iter().map(|number| number / mean).collect()
    }

    pub(crate) fn time_zone(&mut self) -> TimeZone {
        let name = self.params.text("time_zone");
        TimeZone::get(name).unwrap_or_else(|_| {
            let why = format!("{name:?} is unknown; write one of the tz database, as in Europe/Berlin");
            self.refuse("time_zone", why);
            TimeZone::UTC
        })
    }

    pub(crate) fn session_secs(&mut self) -> (f64, f64) {
        let (low, high) = self.params.range("session_secs");
        if low >= 1.0 && low < high && high <= 1e6 {
            return (low, high);
        }
        self.refuse("session_secs", "must be from 1 or more to 1000000 or less");
        (10.0, 7200.0)
    }

    /// Shares by name, made so that their sum is 1.
    pub(crate) fn shares(&mut self, name: &str, usual: &[(&str, f64)]) -> Vec<(String, f64)> {
        if self.params.word(name).is_some() {
            return usual.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
        }
        let entries = self.params.entries(name);
        let mut shares: Vec<(String, f64)> = Vec::new();
        for (key, share) in &entries {
            let number = share.number("share");
            if number < 0.0 {
                self.refused = Some(share.refuse("share", format!("must be 0 or more, but is {number}")));
            }
            shares.push(((*key).to_owned(), number));
        }
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        if sum <= 0.0 {
            self.refuse(name, "must have one with a share above 0");
        }
        for (_, share) in &mut shares {
            *share /= sum.max(1e-9);
        }
        shares
    }

    /// Numbers of 0 or more by known names; 0 for those that are not there.
    pub(crate) fn named<const N: usize>(
        &mut self,
        name: &str,
        known: [&str; N],
        usual: [f64; N],
        high: f64,
    ) -> [f64; N] {
        if self.params.word(name).is_some() {
            return usual;
        }
        let mut found = [0.0; N];
        for (key, value) in self.params.entries(name) {
            let number = value.number("share");
            match known.iter().position(|known| *known == key) {
                Some(index) if (0.0..=high).contains(&number) => found[index] = number,
                Some(_) => {
                    let why = format!("must be from 0 to {high}, but is {number}");
                    self.refused = Some(value.refuse("share", why));
                }
                None => {
                    let why = format!("is unknown; expected one of {}", known.join(", "));
                    self.refused = Some(value.refuse("share", why));
                }
            }
        }
        found
    }

    pub(crate) fn bounds(&mut self, name: &str) -> Vec<f64> {
        let bounds = self.params.numbers(name);
        let is_rising = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        if bounds.is_empty() || bounds.len() > 100 || bounds[0] <= 0.0 || !is_rising {
            self.refuse(name, "must be 1 to 100 numbers above 0, each above the one before");
            return vec![1.0];
        }
        bounds.to_vec()
    }
}

/// A length in words.
fn humane(secs: f64) -> String {
    format!("{:?}", Duration::from_secs_f64(secs))
}
