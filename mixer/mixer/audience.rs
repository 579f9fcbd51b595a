//! Who listens to a run's events from outside. Nothing is paid for it while nobody does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::event::Event;

/// So many events wait for the slowest listener; then it misses the oldest and is told how many.
const EVENTS_WAITING: usize = 1_024;

/// The listeners of one run.
#[derive(Debug)]
pub(super) struct Audience {
    events: broadcast::Sender<Arc<Event>>,
    listeners: Arc<AtomicUsize>,
}

/// What a listener hears next.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// An event.
    Event(Arc<Event>),
    /// It was too slow, and has missed so many.
    Missed(u64),
}

/// One who listens to all events of a run, until it is dropped.
#[derive(Debug)]
pub struct Listener {
    events: broadcast::Receiver<Arc<Event>>,
    listeners: Arc<AtomicUsize>,
}

impl Default for Audience {
    fn default() -> Self {
        Self { events: broadcast::channel(EVENTS_WAITING).0, listeners: Arc::default() }
    }
}

impl Audience {
    pub(super) fn listen(&self) -> Listener {
        self.listeners.fetch_add(1, Ordering::Relaxed);
        Listener { events: self.events.subscribe(), listeners: Arc::clone(&self.listeners) }
    }

    pub(super) fn tell(&self, event: &Arc<Event>) {
        if self.listeners.load(Ordering::Relaxed) > 0 {
            // The last one may just have gone.
            let _is_heard = self.events.send(Arc::clone(event)).is_ok();
        }
    }
}

impl Listener {
    /// The next event; none when the run is over.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.events.recv().await {
            Ok(event) => Some(Heard::Event(event)),
            Err(RecvError::Lagged(missed)) => Some(Heard::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;

    fn event(sequence: u64) -> Arc<Event> {
        let (name, source) = ("go".into(), "api".into());
        let (data, time) = (serde_json::Value::Null, Time::from_unix_secs(1));
        Arc::new(Event { name, source, data, time, sequence, hops: 0 })
    }

    #[tokio::test]
    async fn a_slow_listener_is_told_how_many_events_it_missed() {
        let audience = Audience::default();
        audience.tell(&event(0));
        let mut listener = audience.listen();
        for sequence in 1..=EVENTS_WAITING as u64 + 3 {
            audience.tell(&event(sequence));
        }
        assert_eq!(listener.next().await, Some(Heard::Missed(3)));
        assert_eq!(listener.next().await, Some(Heard::Event(event(4))));
        drop(audience);
        for _ in 5..=EVENTS_WAITING + 3 {
            assert!(listener.next().await.is_some());
        }
        assert_eq!(listener.next().await, None);
    }
}
