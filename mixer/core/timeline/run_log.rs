//! The run log: what came to a run from outside of its hosts, by people, by the API and by listeners.
//!
//! With a plan and a seed it determines every value of a run. It is bounded: an action that finds no room is refused, an
//! event makes the oldest one be forgotten.

use std::sync::Arc;

use indexmap::IndexSet;

use super::sent_action::SentAction;
use crate::event::Event;
use crate::fault::Course;
use crate::plan::{Action, HostPlan, HostSelection};
use crate::rng::Seed;
use crate::time::{Span, Time};

/// Maximum number of actions that are kept.
pub const LOGGED_ACTIONS_MAX: usize = 10_000;

/// Maximum number of hosts' names in the targets of all actions that are kept, so that their memory is bounded.
const LOGGED_NAMES_MAX: usize = 4_000_000;

/// Maximum number of events that are kept.
pub const LOGGED_EVENTS_MAX: usize = 10_000;

/// Maximum size of these events in memory.
const LOGGED_EVENT_BYTES_MAX: usize = 16 << 20;

/// The hosts that an action is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// All hosts.
    All,
    /// The hosts that match.
    Selected(HostSelection),
    /// The hosts of these names, which are sorted.
    Named(Arc<[Arc<str>]>),
}

impl Targets {
    /// One host.
    #[must_use]
    pub fn host(name: &Arc<str>) -> Self {
        Self::Named([Arc::clone(name)].into())
    }

    /// Some hosts.
    #[must_use]
    pub fn hosts(names: impl IntoIterator<Item = Arc<str>>) -> Self {
        let mut names: Vec<Arc<str>> = names.into_iter().collect();
        names.sort_unstable();
        Self::Named(names.into())
    }

    fn name_count(&self) -> usize {
        if let Self::Named(names) = self { names.len() } else { 0 }
    }

    /// `true` if the host is one of them.
    #[must_use]
    pub fn reach(&self, host: &HostPlan) -> bool {
        match self {
            Self::All => true,
            Self::Selected(hosts) => hosts.matches(host),
            Self::Named(names) => names.binary_search(&host.name).is_ok(),
        }
    }
}

/// An action in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedAction {
    /// Its number in the log: larger than those of all earlier ones.
    pub number: u64,
    /// Its hosts.
    pub targets: Targets,
    /// The action.
    pub sent: Arc<SentAction>,
}

/// The log has no room for another action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the run log is full with {LOGGED_ACTIONS_MAX} actions that still hold; start another run")]
pub struct LogFull;

/// The log of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunLog {
    actions: Vec<LoggedAction>,
    /// Number of names in the targets of all actions.
    names: usize,
    events: Vec<Arc<Event>>,
    /// Memory of the events.
    event_bytes: usize,
    /// Number of actions so far.
    numbered: u64,
    /// Number of actions and events that were forgotten, and of changes of the plan.
    forgotten: u64,
    /// `true` if nothing is refused or forgotten.
    is_unbounded: bool,
}

impl RunLog {
    /// A log that keeps everything, for a run that is made once.
    #[must_use]
    pub fn unbounded() -> Self {
        Self { is_unbounded: true, ..Self::default() }
    }

    /// Appends an action.
    pub fn append(&mut self, targets: Targets, sent: Arc<SentAction>) -> Result<(), LogFull> {
        let names = targets.name_count();
        if self.has_no_room(names) {
            self.forget_settled(sent.time);
        }
        if self.has_no_room(names) {
            return Err(LogFull);
        }
        self.names += names;
        self.actions.push(LoggedAction { number: self.numbered, targets, sent });
        self.numbered += 1;
        Ok(())
    }

    /// Appends an event from outside.
    pub fn append_event(&mut self, event: Arc<Event>) {
        self.event_bytes += event.bytes();
        let is_full = self.events.len() >= LOGGED_EVENTS_MAX || self.event_bytes > LOGGED_EVENT_BYTES_MAX;
        if is_full && !self.is_unbounded {
            self.forget_events();
        }
        self.events.push(event);
    }

    /// Forgets the oldest tenth of events, by their number and bytes: in bulk, so that an event costs the same in the mean.
    fn forget_events(&mut self) {
        let (number, bytes) = (LOGGED_EVENTS_MAX / 10 * 9, LOGGED_EVENT_BYTES_MAX / 10 * 9);
        let mut forgotten = 0;
        while forgotten < self.events.len()
            && (self.events.len() - forgotten > number || self.event_bytes > bytes)
        {
            self.event_bytes -= self.events[forgotten].bytes();
            forgotten += 1;
        }
        self.events.drain(..forgotten);
        self.forgotten += forgotten as u64;
    }

    /// All actions, in the order in which they were appended.
    #[must_use]
    pub fn actions(&self) -> &[LoggedAction] {
        &self.actions
    }

    /// All events from outside, in the order in which they were appended.
    #[must_use]
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// A number that is larger than those of all actions in it.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.numbered
    }

    /// The actions for a host from this number on.
    pub fn actions_for<'a>(
        &'a self,
        host: &'a HostPlan,
        from: u64,
    ) -> impl Iterator<Item = Arc<SentAction>> + 'a {
        let first = self.actions.partition_point(|logged| logged.number < from);
        let reaching = self.actions[first..]
            .iter()
            .filter(|LoggedAction { sent, targets, .. }| sent.action.concerns(host) && targets.reach(host));
        reaching.map(|logged| Arc::clone(&logged.sent))
    }

    /// The course of the run of this seed, which started then.
    #[must_use]
    pub fn course(&self, run_start: Time, seed: Seed) -> Course {
        let mut course = Course::new(run_start, seed);
        for logged in &self.actions {
            let _is_known = logged.sent.change(&mut course);
        }
        course
    }

    /// `true` if nothing was forgotten, so that the log tells of the whole run.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.forgotten == 0
    }

    /// Gives the actions on levers their new indices, for a run that goes on with another plan. Those of a lever that is
    /// gone are forgotten. The log does not tell of the whole run any more.
    pub fn renumber_levers(&mut self, index_of: impl Fn(usize) -> Option<usize>) {
        self.actions.retain_mut(|logged| logged.sent.renumber_lever(&index_of));
        self.forgotten += 1;
    }

    /// `true` if an action for this many named hosts does not fit.
    const fn has_no_room(&self, names: usize) -> bool {
        // Any single action fits, whatever the number of hosts.
        !self.is_unbounded
            && (self.actions.len() >= LOGGED_ACTIONS_MAX
                || (self.names > 0 && self.names + names > LOGGED_NAMES_MAX))
    }

    /// Forgets the actions that make no difference any more.
    fn forget_settled(&mut self, now: Time) {
        let before = self.actions.len();
        let mut settled = settled(&self.actions, now).into_iter();
        self.actions.retain(|_| settled.next() == Some(false));
        self.names = self.actions.iter().map(|logged| logged.targets.name_count()).sum();
        self.forgotten += (before - self.actions.len()) as u64;
    }
}

/// The part of a host that an action sets. Of several actions on the same one, the last one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject<'a> {
    Lever(usize),
    /// The value that a metric shows.
    Metric(usize),
    /// Up or down.
    Presence,
    /// A fault of the run.
    Fault(&'a str),
    /// The place in the timeline.
    Timeline,
}

impl<'a> Subject<'a> {
    fn of(action: &'a Action) -> Option<Self> {
        match action {
            Action::Lever { lever, .. } | Action::ReleaseLever { lever } => Some(Self::Lever(*lever)),
            Action::Override { metric, .. } | Action::Release { metric } => Some(Self::Metric(*metric)),
            Action::Down { .. } | Action::Up => Some(Self::Presence),
            Action::BeginFault { fault, .. } | Action::EndFault { fault } => Some(Self::Fault(fault)),
            Action::SkipTo { .. } => Some(Self::Timeline),
            _ => None,
        }
    }
}

/// Targets that can be hashed.
#[derive(PartialEq, Eq, Hash)]
enum Hosts<'a> {
    All,
    Selected(String),
    Named(&'a [Arc<str>]),
}

impl<'a> Hosts<'a> {
    fn of(targets: &'a Targets) -> Self {
        match targets {
            Targets::All => Self::All,
            Targets::Selected(hosts) => Self::Selected(hosts.to_string()),
            Targets::Named(names) => Self::Named(names),
        }
    }
}

/// For each action, `true` if every host goes on from now without it as with it: a later one for the same hosts has
/// replaced it, or its effect is over and hides nothing earlier.
fn settled(actions: &[LoggedAction], now: Time) -> Vec<bool> {
    let mut later = IndexSet::new();
    let mut settled: Vec<bool> = actions
        .iter()
        .rev()
        .map(|logged| {
            let subject = Subject::of(&logged.sent.action).filter(|_| logged.sent.acts_at() <= now);
            subject.is_some_and(|subject| !later.insert((subject, Hosts::of(&logged.targets))))
        })
        .collect();
    settled.reverse();
    // An effect that is over still hides earlier ones, of other selections of hosts.
    let mut kept = IndexSet::new();
    for (logged, is_settled) in actions.iter().zip(&mut settled) {
        let Some(subject) = Subject::of(&logged.sent.action).filter(|_| !*is_settled) else { continue };
        if end_of(logged) <= now && !kept.contains(&subject) {
            *is_settled = true;
        } else {
            kept.insert(subject);
        }
    }
    settled
}

/// The end of the effect: for an action that ends another one, the moment at which it acts.
fn end_of(logged: &LoggedAction) -> Time {
    let lasts = match logged.sent.action {
        Action::Override { lasts, .. } | Action::Lever { lasts, .. } | Action::Down { lasts } => lasts,
        // Later plans count from their end.
        Action::BeginFault { .. } | Action::EndFault { .. } | Action::SkipTo { .. } => Span::FOREVER,
        _ => Span::ZERO,
    };
    logged.sent.acts_at() + lasts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(log: &mut RunLog, second: u64, host: &str, action: Action) -> Result<(), LogFull> {
        let time = Time::from_unix_secs(second);
        log.append(
            Targets::host(&host.into()),
            Arc::new(SentAction { action, time, source: "api".into(), sequence: 0 }),
        )
    }

    #[test]
    fn a_log_has_room_for_as_many_actions_in_turn_as_come() {
        let mut log = RunLog::default();
        for second in 0..3 * LOGGED_ACTIONS_MAX as u64 {
            let down = Action::Down { lasts: Span::FOREVER };
            append(&mut log, second, "a", if second % 2 == 0 { down } else { Action::Up }).unwrap();
            let lever = Action::Lever {
                lever: 0,
                value: Span::from_secs(second).as_secs_f64(),
                lasts: Span::FOREVER,
            };
            append(&mut log, second, "b", lever).unwrap();
        }
        let newest = log.actions().last().unwrap();
        assert!(log.actions().len() <= LOGGED_ACTIONS_MAX && newest.number + 1 == log.end());
        assert!(!log.is_complete());
    }

    #[test]
    fn actions_that_still_hold_are_kept_and_others_refused() {
        let mut log = RunLog::default();
        for metric in 0..LOGGED_ACTIONS_MAX {
            let action = Action::Override { metric, value: 1.0, lasts: Span::FOREVER, may_fall: false };
            append(&mut log, 0, "a", action).unwrap();
        }
        assert_eq!(append(&mut log, 9, "a", Action::Up), Err(LogFull));
        assert_eq!(log.actions().len(), LOGGED_ACTIONS_MAX);
    }

    #[test]
    fn a_move_that_is_over_stays_while_it_hides_an_earlier_one() {
        let mut log = RunLog::default();
        let lever = |lasts| Action::Lever { lever: 0, value: 1.0, lasts };
        append(&mut log, 0, "a", lever(Span::from_secs(1))).unwrap();
        append(&mut log, 1, "b", lever(Span::FOREVER)).unwrap();
        append(&mut log, 2, "c", Action::ReleaseLever { lever: 0 }).unwrap();
        assert_eq!(settled(log.actions(), Time::from_unix_secs(9)), [true, false, false]);
        append(&mut log, 3, "b", Action::ReleaseLever { lever: 0 }).unwrap();
        assert_eq!(settled(log.actions(), Time::from_unix_secs(9)), [true; 4]);
    }

    #[test]
    fn events_from_outside_are_kept_by_their_bytes() {
        let mut log = RunLog::default();
        let data = serde_json::Value::String("x".repeat(60_000));
        for sequence in 0..1_000 {
            let (name, source) = ("go".into(), "api".into());
            let (data, time) = (data.clone(), Time::from_unix_secs(1));
            log.append_event(Arc::new(Event { name, source, data, time, sequence, hops: 0 }));
            let kept: usize = log.events().iter().map(|event| event.bytes()).sum();
            assert!(kept <= LOGGED_EVENT_BYTES_MAX, "{kept}");
        }
        assert_eq!(log.events().last().unwrap().sequence, 999);
        assert!(log.events().len() > 200);
    }
}
