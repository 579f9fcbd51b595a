//! A copy of all events of a run for listeners outside it. It costs nothing while nobody listens, and never slows the
//! run.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use promemu_core::event::{Event, MIXER_SOURCE};
use promemu_core::time::Time;

/// Maximum number of events that wait for the slowest listener. A slower one misses the oldest and learns the number.
const EVENTS_WAITING: usize = 1_024;

/// Maximum number of events remembered for later listeners.
const REMEMBERED_MAX: usize = 500;

/// The tap of one run. It may be there before the run, and outlive it.
#[derive(Debug)]
pub struct EventTap {
    events: broadcast::Sender<Arc<Event>>,
    listeners: Arc<AtomicUsize>,
    remembers: bool,
    /// Number of events that were told while the run had no hosts.
    told: AtomicU64,
    remembered: Mutex<VecDeque<Arc<Event>>>,
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
    events: broadcast::Receiver<Arc<Event>>,
    listeners: Arc<AtomicUsize>,
}

impl Default for EventTap {
    fn default() -> Self {
        Self {
            events: broadcast::channel(EVENTS_WAITING).0,
            listeners: Arc::default(),
            remembers: false,
            told: AtomicU64::new(0),
            remembered: Mutex::default(),
        }
    }
}

impl EventTap {
    /// A tap that remembers the newest events.
    #[must_use]
    pub fn remembering() -> Self {
        Self { remembers: true, ..Self::default() }
    }

    /// A listener to all events from now on.
    pub fn listen(&self) -> TapReceiver {
        self.listeners.fetch_add(1, Ordering::Relaxed);
        TapReceiver { events: self.events.subscribe(), listeners: Arc::clone(&self.listeners) }
    }

    /// The newest events, the oldest of them first; none of a tap that does not remember.
    #[must_use]
    pub fn remembered(&self, count: usize) -> Vec<Arc<Event>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.iter().skip(remembered.len().saturating_sub(count)).cloned().collect()
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
        if self.remembers {
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            if remembered.len() == REMEMBERED_MAX {
                remembered.pop_front();
            }
            remembered.push_back(Arc::clone(event));
        }
        if self.listeners.load(Ordering::Relaxed) > 0 {
            // The last listener may just have gone.
            let _is_received = self.events.send(Arc::clone(event)).is_ok();
        }
    }
}

impl TapReceiver {
    /// The next event; `None` when the tap is gone.
    pub async fn next(&mut self) -> Option<TapItem> {
        match self.events.recv().await {
            Ok(event) => Some(TapItem::Event(event)),
            Err(RecvError::Lagged(missed)) => Some(TapItem::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
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
}
