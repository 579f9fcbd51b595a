//! The ground truth of a run: its phases and faults with their times, in order of begin.

use serde_json::json;

use crate::fault::Windows;
use crate::plan::{Plan, Truth};
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
    /// What a monitoring system should say of it.
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

/// The records of a run.
#[derive(Debug)]
pub struct TruthRecords<'a> {
    plan: &'a Plan,
    run_start: Time,
    /// The next begin of each phase, then of each fault.
    next: Vec<Time>,
}

impl<'a> TruthRecords<'a> {
    /// The records of a run that started then, without an end.
    #[must_use]
    pub fn new(plan: &'a Plan, run_start: Time) -> Self {
        let before = run_start.before(Span::from_nanos(1));
        let phases = plan.timeline.phases.iter().map(|phase| &phase.times);
        let times = phases.chain(plan.faults.iter().map(|fault| &fault.times));
        let next = times.map(|times| times.next_begin(run_start, before)).collect();
        Self { plan, run_start, next }
    }

    fn record(&self, index: usize) -> (TruthRecord<'a>, &'a Windows) {
        let plan = self.plan;
        let (subject, id, kind, target, times, truth) = match index.checked_sub(plan.timeline.phases.len()) {
            None => {
                let phase = &plan.timeline.phases[index];
                (TruthSubject::Phase, &*phase.name, "", String::new(), &phase.times, &phase.truth)
            }
            Some(index) => {
                let fault = &plan.faults[index];
                (
                    TruthSubject::Fault,
                    &*fault.id,
                    fault.kind_name(),
                    fault.target(),
                    &fault.times,
                    &fault.truth,
                )
            }
        };
        let begin = self.next[index];
        let end = times.last_window(self.run_start, begin).map_or(begin, |(_, end)| end);
        (TruthRecord { subject, id, kind, target, begin, end, truth }, times)
    }
}

impl<'a> Iterator for TruthRecords<'a> {
    type Item = TruthRecord<'a>;

    fn next(&mut self) -> Option<TruthRecord<'a>> {
        let (index, begin) = self.next.iter().copied().enumerate().min_by_key(|(_, begin)| *begin)?;
        if begin == Time::NEVER {
            return None;
        }
        let (record, times) = self.record(index);
        self.next[index] = times.next_begin(self.run_start, begin);
        Some(record)
    }
}
