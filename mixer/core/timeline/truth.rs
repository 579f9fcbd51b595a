//! The ground truth of a run: its phases and faults with their times, in order of begin.

use std::ops::Range;

use serde_json::json;

use crate::fault::{Course, Timed};
use crate::plan::{PhasePlan, Plan, Truth};
use crate::time::{Span, Time};

/// One time of a phase or a fault.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthRecord<'a> {
    /// A phase or a fault.
    pub subject: TruthSubject,
    /// The name of the phase, or the id of the fault.
    pub id: &'a str,
    /// The kind of the fault; empty for a phase.
    pub kind: &'a str,
    /// The pattern of the hosts that the fault concerns; empty for a phase.
    pub target: String,
    /// Its begin.
    pub begin: Time,
    /// Its end; [`Time::NEVER`] if it has none.
    pub end: Time,
    /// Its cause and its alerts.
    pub truth: &'a Truth,
}

/// The subject of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TruthSubject {
    /// A phase of the timeline.
    Phase,
    /// A fault of the run.
    Fault,
}

impl TruthSubject {
    /// The word for it in files and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Fault => "fault",
        }
    }
}

impl TruthRecord<'_> {
    /// One line of JSON, with a line feed. Times are in RFC 3339 and as Unix seconds; those of an end that never comes are
    /// null.
    #[must_use]
    pub fn json_line(&self) -> String {
        let end = Some(self.end).filter(|end| *end != Time::NEVER);
        let record = json!({
            "type": self.subject.name(),
            "id": self.id,
            "kind": self.kind,
            "target": self.target,
            "root": self.truth.root,
            "begin": self.begin.rfc3339(),
            "begin_unix": self.begin.unix_millis_secs(),
            "end": end.map(Time::rfc3339),
            "end_unix": end.map(Time::unix_millis_secs),
            "alerts": self.truth.alerts,
        });
        format!("{record}\n")
    }
}

/// The records of phases and faults that end at a moment, and of instant faults then.
pub fn records_ending_at<'a>(
    plan: &'a Plan,
    course: &'a Course,
    at: Time,
) -> impl Iterator<Item = TruthRecord<'a>> {
    let before = at.before(Span::from_nanos(1));
    records_of(plan, move |timed| {
        let instant = course.last_window(timed, at).filter(|(begin, end)| *begin == at && *end == at);
        instant.or_else(|| course.last_window(timed, before).filter(|(_, end)| *end == at))
    })
}

/// The records of phases and faults that are on at a moment, at which the run ends.
pub fn records_cut_at<'a>(
    plan: &'a Plan,
    course: &'a Course,
    at: Time,
) -> impl Iterator<Item = TruthRecord<'a>> {
    records_of(plan, move |timed| course.window(timed, at).map(|(begin, _)| (begin, at)))
}

/// The records of phases and faults that were on at a moment and that another plan, which the run goes on with since then, has
/// not on now.
pub fn records_replaced<'a>(
    [old, new]: [&'a Plan; 2],
    course: &'a Course,
    (then, now): (Time, Time),
) -> impl Iterator<Item = TruthRecord<'a>> {
    let before =
        records_of(old, move |timed| course.window(timed, then).map(|(begin, end)| (begin, end.min(now))));
    before.filter(move |record| {
        let is_same = |other: TruthRecord<'_>| other.subject == record.subject && other.id == record.id;
        !records_cut_at(new, course, now).any(is_same)
    })
}

/// The records of phases and faults that are on at some moment from `from` to `to`, in order of begin; of each of them at most the
/// `count_max` newest.
#[must_use]
pub fn records_between<'a>(
    plan: &'a Plan,
    course: &Course,
    (from, to): (Time, Time),
    count_max: usize,
) -> Vec<TruthRecord<'a>> {
    let mut records = Vec::new();
    for index in subjects(plan) {
        let (timed, mut until) = (timed_of(plan, index), to);
        for _ in 0..count_max {
            let Some((begin, end)) = course.last_window(timed, until) else { break };
            if end < from {
                break;
            }
            records.push(record_of(plan, index, (begin, end)));
            until = begin.before(Span::from_nanos(1));
            if until < from {
                break;
            }
        }
    }
    records.sort_by_key(|record| record.begin);
    records
}

/// A record of each phase and each fault that has a window.
fn records_of(
    plan: &Plan,
    window: impl Fn(Timed<'_>) -> Option<(Time, Time)>,
) -> impl Iterator<Item = TruthRecord<'_>> {
    subjects(plan).filter_map(move |index| {
        let window = window(timed_of(plan, index))?;
        Some(record_of(plan, index, window))
    })
}

/// The indices of all phases, and of the faults behind them.
fn subjects(plan: &Plan) -> Range<usize> {
    0..plan.timeline.phases.len() + plan.faults.len()
}

/// The times of a phase, or of a fault behind all phases.
fn timed_of(plan: &Plan, index: usize) -> Timed<'_> {
    match index.checked_sub(plan.timeline.phases.len()) {
        None => plan.timeline.phases[index].timed(),
        Some(fault) => plan.faults[fault].timed(),
    }
}

fn record_of(plan: &Plan, index: usize, (begin, end): (Time, Time)) -> TruthRecord<'_> {
    match index.checked_sub(plan.timeline.phases.len()) {
        None => {
            let PhasePlan { name: id, truth, .. } = &plan.timeline.phases[index];
            let (subject, target) = (TruthSubject::Phase, String::new());
            TruthRecord { subject, id, kind: "", target, begin, end, truth }
        }
        Some(fault) => {
            let fault = &plan.faults[fault];
            let (subject, target) = (TruthSubject::Fault, fault.target());
            let (id, kind, truth) = (&*fault.id, fault.kind_name(), &fault.truth);
            TruthRecord { subject, id, kind, target, begin, end, truth }
        }
    }
}

/// The records of a run.
#[derive(Debug)]
pub struct TruthRecords<'a> {
    plan: &'a Plan,
    course: Course,
    /// The next begin of each phase, then of each fault.
    next: Vec<Time>,
}

impl<'a> TruthRecords<'a> {
    /// The records of a run of this course, without an end.
    #[must_use]
    pub fn new(plan: &'a Plan, course: Course) -> Self {
        let before = course.run_start().before(Span::from_nanos(1));
        let next = subjects(plan).map(|index| course.next_begin(timed_of(plan, index), before)).collect();
        Self { plan, course, next }
    }
}

impl<'a> Iterator for TruthRecords<'a> {
    type Item = TruthRecord<'a>;

    fn next(&mut self) -> Option<TruthRecord<'a>> {
        let (index, begin) = self.next.iter().copied().enumerate().min_by_key(|(_, begin)| *begin)?;
        if begin == Time::NEVER {
            return None;
        }
        let timed = timed_of(self.plan, index);
        let end = self.course.last_window(timed, begin).map_or(begin, |(_, end)| end);
        let record = record_of(self.plan, index, (begin, end));
        self.next[index] = self.course.next_begin(timed, begin);
        Some(record)
    }
}
