//! The chronicle of a live run: what clients did to it, and the phases and faults of plans that it had before.
//!
//! It is for people who look back, and no host reads it. The oldest entries make room.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use promemu_core::plan::Plan;
use promemu_core::time::Time;
use promemu_core::timeline::{TruthRecord, TruthSubject, records_between};

use super::live_fleet::Fleet;

/// The most entries that are kept.
const ENTRIES_MAX: usize = 512;
/// The most times of one phase or fault.
const OF_ONE_MAX: usize = 64;
/// An entry about more hosts than this does not know them by name.
const NAMED_MAX: usize = 100;

/// The subject of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StretchKind {
    Phase,
    Fault,
    /// Hosts that a client has taken down.
    Down,
    /// Hosts that a client has stopped.
    Stopped,
    Override,
    Lever,
    /// A change of the config, of the timeline's course, or of the list of hosts.
    Edit,
}

/// A stretch of time in which something holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub(crate) kind: StretchKind,
    /// The name of a phase, a metric or a lever, the id of a fault, or the edit in words; empty for hosts.
    pub(crate) name: String,
    /// The kind of a fault, or the value of a metric or lever.
    pub(crate) detail: String,
    /// The pattern of the hosts; empty for a phase.
    pub(crate) target: String,
    pub(crate) root: String,
    pub(crate) alerts: Vec<String>,
    pub(crate) begin: Time,
    /// [`Time::NEVER`] without an end.
    pub(crate) end: Time,
}

impl Stretch {
    fn of(record: &TruthRecord<'_>) -> Self {
        Self {
            kind: match record.subject {
                TruthSubject::Phase => StretchKind::Phase,
                TruthSubject::Fault => StretchKind::Fault,
            },
            name: record.id.to_owned(),
            detail: record.kind.to_owned(),
            target: record.target.clone(),
            root: record.truth.root.clone(),
            alerts: record.truth.alerts.clone(),
            begin: record.begin,
            end: record.end,
        }
    }
}

/// The entries of one run.
#[derive(Debug, Default)]
pub(crate) struct Chronicle {
    /// In order of their coming, each with the names of its hosts.
    entries: VecDeque<(Stretch, Vec<Arc<str>>)>,
    /// The moment since which the run has its present plan; `None` for its first one.
    plan_since: Option<Time>,
}

impl Chronicle {
    /// Notes what has begun. It ends what it replaces.
    pub(crate) fn begin(&mut self, stretch: Stretch, hosts: &[Arc<str>]) {
        self.end(&stretch, hosts);
        let names = if hosts.len() > NAMED_MAX { Vec::new() } else { hosts.to_vec() };
        self.add(stretch, names);
    }

    /// Ends what has the kind and the name of this stretch, and the same hosts or some of these, at its begin.
    pub(crate) fn end(&mut self, by: &Stretch, hosts: &[Arc<str>]) {
        let hosts: BTreeSet<&Arc<str>> = hosts.iter().collect();
        for (stretch, names) in &mut self.entries {
            let is_same = stretch.kind == by.kind && stretch.name == by.name && stretch.end > by.begin;
            let has_all = !names.is_empty() && names.iter().all(|name| hosts.contains(name));
            if is_same && (stretch.target == by.target || has_all) {
                stretch.end = by.begin;
            }
        }
    }

    fn add(&mut self, stretch: Stretch, names: Vec<Arc<str>>) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back((stretch, names));
    }
}

impl Fleet {
    /// Notes that the run goes on with this fleet's plan instead of the `old` one. `edit` is the change in words.
    pub(crate) fn note_edit(&self, old: &Plan, edit: String, now: Time) {
        self.mark_changed();
        let mut chronicle = self.counters.chronicle();
        let since = chronicle.plan_since.replace(now).unwrap_or_else(|| self.run_start());
        for record in records_between(old, &self.course(), (since, now), OF_ONE_MAX) {
            let stretch = Stretch::of(&record);
            let (begin, end) = (stretch.begin.max(since), stretch.end.min(now));
            chronicle.add(Stretch { begin, end, ..stretch }, Vec::new());
        }
        let (detail, target, root) = (String::new(), String::new(), String::new());
        let (kind, alerts) = (StretchKind::Edit, Vec::new());
        let stretch = Stretch { kind, name: edit, detail, target, root, alerts, begin: now, end: now };
        chronicle.add(stretch, Vec::new());
    }

    /// Notes that the run differs from its plan and its seed from now on.
    pub(crate) fn mark_changed(&self) {
        self.counters.is_changed.store(true, Ordering::Release);
    }

    /// `true` if the run may differ from its plan and its seed: something was done to it, or hosts did not keep up.
    pub(crate) fn may_differ_from_plan(&self) -> bool {
        // Scenarios fail alike each time.
        let lost = |(name, count): (&str, u64)| name != "scenario_errors" && count > 0;
        let has_skipped = || self.counters().into_iter().any(lost);
        self.counters.is_changed.load(Ordering::Acquire) || has_skipped()
    }

    /// Applies a change to the chronicle.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Chronicle)) {
        change(&mut self.counters.chronicle());
    }

    /// All that holds at some moment from `from` to `now`, in order of begin.
    pub(crate) fn stretches(&self, from: Time, now: Time) -> Vec<Stretch> {
        let chronicle = self.counters.chronicle();
        let since = chronicle.plan_since.unwrap_or_else(|| self.run_start());
        let known = chronicle.entries.iter().map(|(stretch, _)| stretch);
        let mut found: Vec<Stretch> = known.filter(|known| known.end >= from).cloned().collect();
        drop(chronicle);
        for record in records_between(&self.plan, &self.course(), (from.max(since), now), OF_ONE_MAX) {
            let stretch = Stretch::of(&record);
            // One that was on when the plan was replaced goes on.
            let is_same = |known: &&mut Stretch| {
                known.kind == stretch.kind && known.name == stretch.name && known.end == since
            };
            match found.iter_mut().find(is_same).filter(|_| stretch.begin < since) {
                Some(known) => known.end = stretch.end,
                None => found.push(Stretch { begin: stretch.begin.max(since), ..stretch }),
            }
        }
        found.sort_by_key(|stretch| stretch.begin);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(target: &str, begin: u64, end: u64) -> Stretch {
        Stretch {
            kind: StretchKind::Down,
            name: String::new(),
            detail: String::new(),
            target: target.to_owned(),
            root: String::new(),
            alerts: Vec::new(),
            begin: Time::from_unix_secs(begin),
            end: Time::from_unix_secs(end),
        }
    }

    #[test]
    fn what_is_ended_or_replaced_ends_then_and_the_oldest_makes_room() {
        let names = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>();
        let mut chronicle = Chronicle::default();
        chronicle.begin(down("a", 10, 90), &names(&["a"]));
        chronicle.begin(down("b", 10, 90), &names(&["b"]));
        chronicle.begin(down("a", 20, 90), &names(&["a"]));
        chronicle.end(&down("*", 30, 30), &names(&["b", "c"]));
        let secs = |time: Time| time.since(Time::from_unix_secs(0)).as_nanos() / 1_000_000_000;
        let ends = |chronicle: &Chronicle| -> Vec<_> {
            chronicle.entries.iter().map(|(stretch, _)| secs(stretch.end)).collect()
        };
        assert_eq!(ends(&chronicle), [20, 30, 90], "of a, which goes down again; of b, which comes up");
        for n in 0..ENTRIES_MAX {
            chronicle.begin(down(&format!("h{n}"), 40, 90), &[]);
        }
        assert_eq!(chronicle.entries.len(), ENTRIES_MAX);
        assert!(ends(&chronicle).iter().all(|end| *end == 90));
    }
}
