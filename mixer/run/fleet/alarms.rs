//! The alarms of hosts: the times at which they are due, for one task that wakes them.
//!
//! A timer of tokio's takes as much memory as a host beside its metrics, and a wake-up of the machine takes longer than a
//! host's work. So alarms ring together, at whole ticks; a host does its work as of the time at which it was due.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use promemu_core::event::HostId;
use promemu_core::time::{Span, Speed, Time};

use crate::clock::{Clock, sleep_until};

/// Longest time for which an alarm waits for others, emulated and real. It is well below the time that an event takes
/// from host to host, so a host that rings late handles its events in time.
const TICK_MAX: Duration = Duration::from_millis(10);

/// The alarms that have not rung.
#[derive(Debug)]
pub(super) struct Alarms {
    tick: Span,
    /// The hosts of each tick.
    set: Mutex<BTreeMap<Time, BTreeSet<HostId>>>,
    /// Told when a tick comes before all others.
    earlier: Notify,
}

impl Alarms {
    pub(super) fn new(clock: &Clock) -> Self {
        let tick = clock.speed().emulated(TICK_MAX).min(Speed::NORMAL.emulated(TICK_MAX));
        Self { tick, set: Mutex::default(), earlier: Notify::new() }
    }

    /// The tick at which a host rings that is due at this time: at or right after it.
    pub(super) fn tick_of(&self, due: Time) -> Time {
        let down = due.rounded_down(self.tick);
        if down == due { due } else { down + self.tick }
    }

    /// Sets a host's alarm to a tick. It has only one: the `last` one does not ring, if it has not rung.
    pub(super) fn set(&self, id: HostId, last: Time, tick: Time) {
        let mut set = self.all();
        if let Entry::Occupied(mut hosts) = set.entry(last) {
            hosts.get_mut().remove(&id);
            if hosts.get().is_empty() {
                hosts.remove();
            }
        }
        if tick == Time::NEVER {
            return;
        }
        let is_earlier = set.first_key_value().is_none_or(|(first, _)| tick < *first);
        set.entry(tick).or_default().insert(id);
        drop(set);
        if is_earlier {
            self.earlier.notify_one();
        }
    }

    /// Rings all alarms at their times, and never returns. `wake` gets all hosts of a tick at once.
    pub(super) async fn ring(&self, clock: &Clock, wake: impl Fn(BTreeSet<HostId>)) {
        loop {
            let first = self.all().first_key_value().map_or(Time::NEVER, |(tick, _)| *tick);
            tokio::select! {
                () = self.earlier.notified() => {}
                () = sleep_until(clock, first) => wake(self.take(first)),
            }
        }
    }

    fn take(&self, tick: Time) -> BTreeSet<HostId> {
        self.all().remove(&tick).unwrap_or_default()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Time, BTreeSet<HostId>>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::cell::RefCell;

    fn ticks(alarms: &Alarms) -> Vec<(Time, Vec<HostId>)> {
        alarms.all().iter().map(|(tick, hosts)| (*tick, hosts.iter().copied().collect())).collect()
    }

    #[test]
    fn an_alarm_rings_at_the_tick_at_or_after_its_time() {
        let due = |nanos: u64| Time::from_unix_nanos(1_000_000_000_000_000_000 + nanos);
        let at = |speed: &str, nanos| {
            let clock = Clock::start().at_speed(Speed::parse(speed).unwrap());
            Alarms::new(&clock).tick_of(due(nanos))
        };
        assert_eq!(at("1x", 0), due(0));
        assert_eq!(at("1x", 1), due(10_000_000));
        assert_eq!(
            at("60x", 10_000_001),
            due(20_000_000),
            "in emulated time, for events that take 50 ms of it"
        );
        assert_eq!(at("0.1x", 1), due(1_000_000), "and in real time");
        assert_eq!(at("1x", u64::MAX - due(0).unix_nanos()), Time::NEVER);
    }

    #[test]
    fn a_host_has_one_alarm_and_nothing_is_left_of_the_last_one() {
        let (alarms, at) = (Alarms::new(&Clock::start()), Time::from_unix_secs);
        alarms.set(1, Time::NEVER, at(20));
        alarms.set(2, Time::NEVER, at(20));
        alarms.set(1, at(20), at(10));
        assert_eq!(ticks(&alarms), [(at(10), vec![1]), (at(20), vec![2])]);
        alarms.set(2, at(20), Time::NEVER);
        alarms.set(1, at(10), at(30));
        assert_eq!(ticks(&alarms), [(at(30), vec![1])]);
    }

    #[tokio::test(start_paused = true)]
    async fn alarms_ring_in_their_order_also_one_that_is_set_while_others_wait() {
        let clock = Clock::start();
        let (alarms, rung) = (Alarms::new(&clock), RefCell::new(Vec::new()));
        let after = |secs| alarms.tick_of(clock.started_at() + Span::from_secs(secs));
        alarms.set(1, Time::NEVER, after(60));
        alarms.set(2, Time::NEVER, after(30));
        alarms.set(3, Time::NEVER, after(30));
        let setting = async {
            sleep_until(&clock, after(10)).await;
            alarms.set(4, Time::NEVER, after(20));
            sleep_until(&clock, after(61)).await;
        };
        tokio::select! {
            () = alarms.ring(&clock, |hosts| rung.borrow_mut().push((clock.now(), hosts))) => {}
            () = setting => {}
        }
        let rung = rung.into_inner();
        assert_eq!(rung.iter().flat_map(|(_, hosts)| hosts.clone()).collect::<Vec<_>>(), [4, 2, 3, 1]);
        for ((at, _), secs) in rung.into_iter().zip([20, 30, 60]) {
            assert!(at >= after(secs) && at < after(secs + 1), "{at:?}");
        }
    }
}
