//! The times at which the schedules of a host are due next.

use crate::time::Time;

/// One time for each schedule. Most hosts have one schedule, whose time takes no memory of its own.
#[derive(Clone, Debug)]
pub(super) enum DueTimes {
    One(Time),
    Any(Box<[Time]>),
}

impl DueTimes {
    pub(super) const fn all(&self) -> &[Time] {
        match self {
            Self::One(time) => std::slice::from_ref(time),
            Self::Any(times) => times,
        }
    }

    pub(super) const fn all_mut(&mut self) -> &mut [Time] {
        match self {
            Self::One(time) => std::slice::from_mut(time),
            Self::Any(times) => times,
        }
    }

    /// The first of them.
    pub(super) fn first(&self) -> Time {
        self.all().iter().copied().min().unwrap_or(Time::NEVER)
    }
}

impl FromIterator<Time> for DueTimes {
    fn from_iter<T: IntoIterator<Item = Time>>(times: T) -> Self {
        let mut times = times.into_iter();
        match (times.next(), times.next()) {
            (Some(only), None) => Self::One(only),
            (first, second) => Self::Any(first.into_iter().chain(second).chain(times).collect()),
        }
    }
}
