//! The history of alerts.

use crate::plan::AlertSelection;
use crate::time::Time;

/// The history of one alert with one set of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertSeries {
    /// Name of the alert.
    pub name: String,
    /// Its other labels, in order of name.
    pub labels: Vec<(String, String)>,
    /// The times at which it was pending, in their order.
    pub pending: Vec<Firing>,
    /// The times at which it fired, in their order.
    pub firing: Vec<Firing>,
}

/// A time at which an alert was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The first evaluation at which it was on.
    pub begin: Time,
    /// The first evaluation at which it was off again; [`Time::NEVER`] if there was none.
    pub end: Time,
}

impl Firing {
    /// Adds an evaluation at which the alert is on, to the last of these if it was on at the evaluation before, too.
    pub fn note(times: &mut Vec<Self>, at: Time, before: Option<Time>, next: Option<Time>) {
        let end = next.unwrap_or(Time::NEVER);
        match times.last_mut().filter(|last| before.is_some() && last.end == at) {
            Some(last) => last.end = end,
            None => times.push(Self { begin: at, end }),
        }
    }
}

impl AlertSeries {
    /// `true` if a selection has the alert.
    #[must_use]
    pub fn is_in(&self, selection: &AlertSelection) -> bool {
        self.name == selection.name
            && selection.labels.iter().all(|(name, value)| {
                let own = self.labels.iter().find(|(own, _)| own == name);
                own.map_or("", |(_, own)| own.as_str()) == value
            })
    }
}

impl std::fmt::Display for AlertSeries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        AlertSelection { name: self.name.clone(), labels: self.labels.clone() }.fmt(f)
    }
}
