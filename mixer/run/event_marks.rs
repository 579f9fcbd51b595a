//! The newest moments of each event's name, for those who look back. Frequent events do not push out rare ones.

use std::collections::VecDeque;
use std::sync::Arc;

use indexmap::IndexMap;

use promemu_core::event::{CLIENT_ACTION, Event, LIFECYCLE};
use promemu_core::time::{Span, Time};

/// Events of more names than this are not noted.
const NAMES_MAX: usize = 256;
/// The newest moments of a name that are kept.
const OF_NAME_MAX: usize = 128;
/// Events of one name that are no farther apart are one moment.
const APART: Span = Span::from_secs(1);
/// A shorter time without an event is no gap, as in the first minutes of a run.
const ROUTINE_GAP: Span = Span::from_secs(15);
/// Fewer moments are never routine.
const ROUTINE_MIN: usize = 4;

/// A moment at which events of one name came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventMark {
    /// The events' name.
    pub(crate) name: Arc<str>,
    /// The source of the first one.
    pub(crate) source: Arc<str>,
    /// The moment of the first one.
    pub(crate) time: Time,
    /// Number of events within a second.
    pub(crate) count: u32,
}

/// The newest moments of each name.
#[derive(Debug, Default)]
pub(crate) struct EventMarks {
    by_name: IndexMap<Arc<str>, VecDeque<EventMark>>,
}

impl EventMarks {
    pub(crate) fn note(&mut self, event: &Event) {
        if LIFECYCLE.contains(&&*event.name) || &*event.name == CLIENT_ACTION {
            return;
        }
        if !self.by_name.contains_key(&event.name) {
            if self.by_name.len() == NAMES_MAX {
                return;
            }
            self.by_name.insert(Arc::clone(&event.name), VecDeque::new());
        }
        let Some(marks) = self.by_name.get_mut(&event.name) else { return };
        if let Some(last) = marks.back_mut().filter(|last| event.time < last.time + APART) {
            last.count = last.count.saturating_add(1);
            return;
        }
        if marks.len() == OF_NAME_MAX {
            marks.pop_front();
        }
        let (name, source) = (Arc::clone(&event.name), Arc::clone(&event.source));
        marks.push_back(EventMark { name, source, time: event.time, count: 1 });
    }

    /// The moments from `from` to `now` in their order, without those of events that come all the time.
    pub(crate) fn between(&self, from: Time, now: Time) -> Vec<EventMark> {
        let mut found = Vec::new();
        for marks in self.by_name.values() {
            let recent: Vec<&EventMark> = marks.iter().filter(|mark| mark.time >= from).collect();
            let times: Vec<Time> = recent.iter().map(|mark| mark.time).collect();
            let is_cut = recent.len() == OF_NAME_MAX;
            if !is_routine(&times, is_cut, (from, now)) {
                found.extend(recent.into_iter().cloned());
            }
        }
        found.sort_by_key(|mark| mark.time);
        found
    }
}

/// `true` if events come all the time: they cover half of it, or as much of it as is kept, without a gap of a thirtieth of it.
fn is_routine(times: &[Time], is_cut: bool, (from, now): (Time, Time)) -> bool {
    let whole = now.since(from);
    let is_gap = |earlier: Time, later: Time| {
        later.since(earlier) >= ROUTINE_GAP && later.since(earlier).times(30) >= whole
    };
    let [first, .., last] = times else { return false };
    let has_gap = times.windows(2).any(|pair| is_gap(pair[0], pair[1])) || is_gap(*last, now);
    let is_long = is_cut || first.since(from).times(2) <= whole;
    times.len() >= ROUTINE_MIN && is_long && !has_gap
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Time {
        Time::from_unix_secs(1_000 + secs)
    }

    fn noted(events: &[(&str, u64)]) -> EventMarks {
        let mut marks = EventMarks::default();
        for (name, secs) in events {
            let data = serde_json::Value::Null;
            let event = Event {
                name: (*name).into(),
                source: "h".into(),
                data,
                time: at(*secs),
                sequence: 0,
                hops: 0,
            };
            marks.note(&event);
        }
        marks
    }

    fn names(marks: &[EventMark]) -> Vec<(&str, u32)> {
        marks.iter().map(|mark| (&*mark.name, mark.count)).collect()
    }

    #[test]
    fn rare_events_stay_beside_frequent_ones_which_are_routine() {
        let mut events: Vec<(&str, u64)> = (0..600).map(|secs| ("usage", secs)).collect();
        events.splice(50..50, [("peak", 50), ("peak", 50), ("phase_started", 50)]);
        let marks = noted(&events);
        assert_eq!(marks.by_name["usage"].len(), OF_NAME_MAX);
        assert_eq!(names(&marks.between(at(0), at(600))), [("peak", 2)]);
        assert!(marks.between(at(100), at(600)).is_empty());
        assert_eq!(names(&marks.between(at(0), at(900))).len(), 1 + OF_NAME_MAX, "they have ended");
    }

    #[test]
    fn events_with_gaps_or_of_a_short_time_are_not_routine() {
        let every = |apart: usize, until| (0..until).step_by(apart).map(|n| ("e", n)).collect::<Vec<_>>();
        let count = |events: &[(&str, u64)]| noted(events).between(at(0), at(300)).len();
        assert_eq!(count(&every(5, 300)), 0);
        assert_eq!(count(&every(20, 300)), 15, "there are gaps");
        assert_eq!(count(&every(5, 120)), 24, "they end");
        assert_eq!(count(&[("e", 290), ("e", 292), ("e", 294), ("e", 296)]), 4, "they have just begun");
        assert_eq!(noted(&[("e", 0), ("e", 2)]).between(at(0), at(3)).len(), 2);
    }
}
