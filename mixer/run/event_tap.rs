//! A copy of all events of a run for listeners outside it. It costs nothing while nobody listens, and never slows the
//! run.
//!
//! The newest events are kept once for all listeners, bounded in number and in bytes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use promemu_core::event::{Event, MIXER_SOURCE};
use promemu_core::time::Time;

use crate::event_marks::{EventMark, EventMarks};

/// Maximum number of events that wait for the slowest listener. A slower one misses the oldest and learns the number.
const EVENTS_WAITING: usize = 1_024;

/// Maximum size of these events in memory.
const BYTES_WAITING: usize = 4 << 20;

/// Maximum number of events remembered for later listeners.
const REMEMBERED_MAX: usize = 500;

/// The tap of one run. It may be there before the run, and outlive it.
#[derive(Debug, Default)]
pub struct EventTap {
    newest: Arc<Mutex<Newest>>,
    /// Wakes listeners; ends when the tap is gone.
    wake: watch::Sender<()>,
    listeners: Arc<AtomicUsize>,
    remembers: bool,
    /// Number of events that were told while the run had no hosts.
    told: AtomicU64,
}

/// The newest events.
#[derive(Debug, Default)]
struct Newest {
    events: VecDeque<Arc<Event>>,
    /// Number of events that came before the first of these.
    before: u64,
    bytes: usize,
    marks: EventMarks,
}

impl Newest {
    fn push(&mut self, event: &Arc<Event>) {
        self.bytes += event.bytes();
        self.events.push_back(Arc::clone(event));
        while self.events.len() > EVENTS_WAITING || self.bytes > BYTES_WAITING {
            let Some(oldest) = self.events.pop_front() else { return };
            (self.bytes, self.before) = (self.bytes - oldest.bytes(), self.before + 1);
        }
    }

    fn end(&self) -> u64 {
        self.before + self.events.len() as u64
    }
}

/// The next item of a listener.
#[derive(Clone, Debug, PartialEq)]
pub enum TapItem {
    /// An event.
    Event(Arc<Event>),
    /// The listener was too slow and has missed this number of events.
    Missed(u64),
}

/// A listener to all events of a run, until it is dropped.
#[derive(Debug)]
pub struct TapReceiver {
    newest: Arc<Mutex<Newest>>,
    wake: watch::Receiver<()>,
    /// The number of its next event.
    next: u64,
    listeners: Arc<AtomicUsize>,
}

impl EventTap {
    /// A tap that remembers the newest events.
    #[must_use]
    pub fn remembering() -> Self {
        Self { remembers: true, ..Self::default() }
    }

    /// A listener to all events from now on.
    pub fn listen(&self) -> TapReceiver {
        let newest = lock(&self.newest);
        self.listeners.fetch_add(1, Ordering::Relaxed);
        TapReceiver {
            wake: self.wake.subscribe(),
            next: newest.end(),
            newest: Arc::clone(&self.newest),
            listeners: Arc::clone(&self.listeners),
        }
    }

    /// The newest events, the oldest of them first; none of a tap that does not remember.
    #[must_use]
    pub fn remembered(&self, count: usize) -> Vec<Arc<Event>> {
        if !self.remembers {
            return Vec::new();
        }
        let newest = lock(&self.newest);
        let skipped = newest.events.len().saturating_sub(count.min(REMEMBERED_MAX));
        newest.events.iter().skip(skipped).cloned().collect()
    }

    /// The moments of events from `from` to `now`, without those that come all the time; none of a tap that does not remember.
    #[must_use]
    pub(crate) fn marks(&self, from: Time, now: Time) -> Vec<EventMark> {
        lock(&self.newest).marks.between(from, now)
    }

    /// Tells an event of a run that has no hosts.
    pub(crate) fn tell(&self, name: &str, data: serde_json::Value, time: Time) {
        let (source, sequence) = (MIXER_SOURCE.into(), self.told.fetch_add(1, Ordering::Relaxed));
        self.publish(&Arc::new(Event { name: name.into(), source, data, time, sequence, hops: 0 }));
    }

    /// The number of the run's own next event.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    /// Copies an event to the listeners.
    pub(crate) fn publish(&self, event: &Arc<Event>) {
        if self.remembers || self.listeners.load(Ordering::Relaxed) > 0 {
            let mut newest = lock(&self.newest);
            newest.push(event);
            if self.remembers {
                newest.marks.note(event);
            }
            drop(newest);
            self.wake.send_replace(());
        }
    }
}

fn lock(newest: &Mutex<Newest>) -> MutexGuard<'_, Newest> {
    newest.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TapReceiver {
    /// The next event; `None` when the tap is gone.
    pub async fn next(&mut self) -> Option<TapItem> {
        loop {
            // Marked as seen before the look, so that what comes after it wakes.
            let is_open = self.wake.has_changed().is_ok();
            self.wake.mark_unchanged();
            if let Some(item) = self.take() {
                return Some(item);
            }
            if !is_open || self.wake.changed().await.is_err() {
                return self.take();
            }
        }
    }

    fn take(&mut self) -> Option<TapItem> {
        let newest = lock(&self.newest);
        if let Some(missed) = newest.before.checked_sub(self.next).filter(|missed| *missed > 0) {
            self.next = newest.before;
            return Some(TapItem::Missed(missed));
        }
        let index = usize::try_from(self.next - newest.before).ok()?;
        let event = newest.events.get(index).cloned()?;
        self.next += 1;
        Some(TapItem::Event(event))
    }
}

impl Drop for TapReceiver {
    fn drop(&mut self) {
        self.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(sequence: u64) -> Arc<Event> {
        let (name, source) = ("go".into(), "api".into());
        let (data, time) = (serde_json::Value::Null, Time::from_unix_secs(1));
        Arc::new(Event { name, source, data, time, sequence, hops: 0 })
    }

    #[test]
    fn the_newest_events_are_remembered_for_later_listeners() {
        let forgetful = EventTap::default();
        forgetful.publish(&event(0));
        assert!(forgetful.remembered(9).is_empty());
        let tap = EventTap::remembering();
        (1..=REMEMBERED_MAX as u64 + 2).for_each(|sequence| tap.publish(&event(sequence)));
        let newest = tap.remembered(2);
        assert_eq!(newest.iter().map(|event| event.sequence).collect::<Vec<_>>(), [501, 502]);
        assert_eq!(tap.remembered(usize::MAX).len(), REMEMBERED_MAX);
    }

    #[tokio::test]
    async fn a_slow_listener_learns_the_number_of_events_it_missed() {
        let tap = EventTap::default();
        tap.publish(&event(0));
        let mut listener = tap.listen();
        for sequence in 1..=EVENTS_WAITING as u64 + 3 {
            tap.publish(&event(sequence));
        }
        assert_eq!(listener.next().await, Some(TapItem::Missed(3)));
        assert_eq!(listener.next().await, Some(TapItem::Event(event(4))));
        drop(tap);
        for _ in 5..=EVENTS_WAITING + 3 {
            assert!(listener.next().await.is_some());
        }
        assert_eq!(listener.next().await, None);
    }

    #[tokio::test]
    async fn large_events_are_kept_by_their_bytes() {
        let tap = EventTap::remembering();
        let mut listener = tap.listen();
        let text = serde_json::Value::String("x".repeat(60_000));
        let large = |sequence| Arc::new(Event { data: text.clone(), ..Event::clone(&event(sequence)) });
        (0..200).for_each(|sequence| tap.publish(&large(sequence)));
        let kept = tap.remembered(usize::MAX);
        let bytes: usize = kept.iter().map(|event| event.bytes()).sum();
        assert!(bytes <= BYTES_WAITING && bytes > BYTES_WAITING - 70_000, "{bytes}");
        assert_eq!(listener.next().await, Some(TapItem::Missed(200 - kept.len() as u64)));
    }
}
