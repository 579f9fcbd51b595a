//! The clock of a live run. Nothing else reads the machine's clocks, except through tokio, whose monotonic clock this is:
//! a test can pause it.
//!
//! A [`Clock`] follows the monotonic clock from the moment it was started, so a step of the wall clock does not move
//! emulated time; its [`Speed`] is the number of emulated seconds per real second.

use std::time::{SystemTime, UNIX_EPOCH};

use promemu_core::time::{Span, Speed, Time};
use tokio::time::Instant;

/// Emulated time that runs with the machine's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started_at: Time,
    origin: Instant,
    speed: Speed,
}

impl Clock {
    /// A clock that starts at the wall clock's present time, at the normal speed.
    #[must_use]
    pub fn start() -> Self {
        Self { started_at: wall_now(), origin: Instant::now(), speed: Speed::NORMAL }
    }

    /// A clock that starts at this time now, at the normal speed.
    #[cfg(test)]
    pub(crate) fn start_at(started_at: Time) -> Self {
        Self { started_at, ..Self::start() }
    }

    /// The same clock, at this speed from its start on.
    #[must_use]
    pub const fn at_speed(self, speed: Speed) -> Self {
        Self { speed, ..self }
    }

    /// The same clock at the wall's speed. Everything that is paced for people and servers follows it: pushes, retries,
    /// status reports.
    #[must_use]
    pub const fn real(&self) -> Self {
        self.at_speed(Speed::NORMAL)
    }

    /// Emulated seconds per real second.
    #[must_use]
    pub const fn speed(&self) -> Speed {
        self.speed
    }

    /// Time of the clock's start.
    #[must_use]
    pub const fn started_at(&self) -> Time {
        self.started_at
    }

    /// The emulated time now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.started_at + self.speed.emulated(self.origin.elapsed())
    }

    /// Real time that this emulated time takes.
    #[must_use]
    pub const fn real_span(&self, emulated: Span) -> Span {
        self.speed.real(emulated)
    }

    /// The monotonic instant of `time`. A time more than 30 years away is as good as never, and its instant is the one
    /// in 30 years.
    #[must_use]
    pub fn instant_of(&self, time: Time) -> Instant {
        const FAR: Span = Span::from_secs(30 * 365 * 86_400);
        let until =
            if time == Time::NEVER { FAR } else { self.real_span(time.since(self.started_at)).min(FAR) };
        self.origin + until.duration()
    }
}

/// The wall clock's present time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clocks")]
pub fn wall_now() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_unix_nanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}

/// Sleeps until the clock shows `time`.
pub(crate) async fn sleep_until(clock: &Clock, time: Time) {
    tokio::time::sleep_until(clock.instant_of(time)).await;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A step of the wall clock cannot reach a clock: it reads the wall clock only when it starts.
    #[test]
    fn a_clock_follows_the_monotonic_clock_and_not_the_wall() {
        let long_ago = Time::from_unix_secs(5);
        let clock = Clock { started_at: long_ago, ..Clock::start() };
        let far_from_the_wall = long_ago + Span::from_secs(86_400);
        assert!((long_ago..far_from_the_wall).contains(&clock.now()), "it goes on from its start");
        let earlier = clock.now();
        assert!(clock.now() >= earlier);
        assert_eq!(clock.instant_of(long_ago + Span::from_secs(9)), clock.origin + Duration::from_secs(9));
    }

    #[test]
    fn emulated_time_runs_at_its_speed_and_real_time_does_not() {
        let speed = Speed::parse("60x").unwrap();
        let clock = Clock::start().at_speed(speed);
        let in_an_hour = clock.started_at() + Span::from_secs(3600);
        assert_eq!(clock.instant_of(in_an_hour), clock.origin + Duration::from_mins(1));
        assert_eq!(clock.real().instant_of(in_an_hour), clock.origin + Duration::from_hours(1));
        assert_eq!(clock.real_span(Span::from_secs(30)), Span::from_nanos(500_000_000));
        assert_eq!(clock.real_span(Span::FOREVER), Span::FOREVER);
        assert_eq!(speed.emulated(Duration::MAX), Span::FOREVER);
        assert_eq!(clock.instant_of(Time::NEVER), clock.real().instant_of(Time::NEVER), "never stays never");
    }
}
