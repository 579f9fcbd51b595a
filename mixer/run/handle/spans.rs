//! All that happened to a run lately and happens to it now: its phases, faults, events, and what people did.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use promemu_core::plan::{HostShape, Plan, RunPart, TRUTH_HOST};
use promemu_core::time::{Span, Time};

use super::run_handle::RunHandle;
use crate::event_marks::EventMark;
use crate::fleet::{Fleet, Stretch, StretchKind};

/// The most spans, and the most marks, the newest of them.
const LISTED_MAX: usize = 200;
/// The hosts of a fault that are named.
const EXAMPLES_MAX: usize = 4;

/// Spans and marks of a time that ends now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SpansView {
    /// The emulated time of its begin, in seconds since 1970; not before the begin of the run.
    pub from_unix: f64,
    /// The emulated time now.
    pub now_unix: f64,
    /// The spans that reach into it, in order of begin.
    pub spans: Vec<SpanView>,
    /// The number of older spans that are not listed.
    pub spans_not_listed: usize,
    /// The fault that begins next by plan; null if none does.
    pub next_fault: Option<NextFaultView>,
    /// The moments of events in their order, without lifecycle events and those that come all the time.
    pub marks: Vec<MarkView>,
    /// The number of older marks that are not listed.
    pub marks_not_listed: usize,
}

/// A stretch of time in which something holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SpanView {
    /// `phase`, `fault`, `down` or `stopped` for hosts that a client took down or stopped, `override`, `lever`, or `edit` for a
    /// change of the config, of the course of the timeline, or of the list of hosts.
    pub kind: &'static str,
    /// The name of a phase, a metric or a lever, the id of a fault, or the edit in words; empty for hosts.
    pub name: String,
    /// The kind of a fault, or the value of a metric or a lever.
    pub detail: String,
    /// The pattern of the hosts that it concerns; empty for a phase.
    pub target: String,
    /// The number of hosts that a fault concerns: those that show it, or read a lever that it moves. 0 for other spans.
    pub hosts: usize,
    /// The names of the first of them.
    pub examples: Vec<String>,
    /// The root cause that a truth states.
    pub root: String,
    /// The alerts that should fire.
    pub alerts: Vec<String>,
    /// `true` if it holds now.
    pub is_on: bool,
    /// The emulated time of its begin, in seconds since 1970.
    pub begin_unix: f64,
    /// The same of its end, which may be to come; null without one.
    pub end_unix: Option<f64>,
}

/// A fault that is yet to come.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NextFaultView {
    /// Its id.
    pub name: String,
    /// The emulated time of its begin, in seconds since 1970.
    pub begin_unix: f64,
}

/// A moment at which events of one name came.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MarkView {
    /// Their name.
    pub name: String,
    /// The source of the first one.
    pub source: String,
    /// The number of those within a second.
    pub count: u32,
    /// The emulated time of the first one, in seconds since 1970.
    pub time_unix: f64,
}

impl RunHandle {
    /// The spans and marks of this last emulated time.
    #[must_use]
    pub fn spans(&self, last: Span) -> SpansView {
        let fleet = self.fleet();
        let now = fleet.clock().now();
        let from = now.before(last).max(fleet.run_start()).min(now);
        let stretches = fleet.stretches(from, now);
        let marks = fleet.event_tap().marks(from, now);
        let (mut spans, spans_not_listed) = newest(stretches, |stretch| span_view(stretch, now));
        let mut known: IndexMap<String, (usize, Vec<String>)> = IndexMap::new();
        for span in spans.iter_mut().filter(|span| span.kind == "fault") {
            let concerned = known.entry(span.name.clone());
            let concerned = concerned.or_insert_with_key(|id| concerned_hosts(fleet.plan(), id));
            (span.hosts, span.examples) = concerned.clone();
        }
        let next_fault = next_fault(&fleet, now);
        let (marks, marks_not_listed) = newest(marks, |mark| mark_view(&mark));
        let (from_unix, now_unix) = (from.unix_millis_secs(), now.unix_millis_secs());
        SpansView { from_unix, now_unix, spans, spans_not_listed, next_fault, marks, marks_not_listed }
    }
}

/// The last of the items as views, and the number of the others.
fn newest<T, V>(items: Vec<T>, view: impl Fn(T) -> V) -> (Vec<V>, usize) {
    let not_listed = items.len().saturating_sub(LISTED_MAX);
    (items.into_iter().skip(not_listed).map(view).collect(), not_listed)
}

/// The number of hosts that a fault concerns, and the names of some: of the largest group of hosts that are alike first. Hosts
/// with equal parts of the run share one.
fn concerned_hosts(plan: &Plan, id: &str) -> (usize, Vec<String>) {
    let mut alike: IndexMap<*const HostShape, (usize, Vec<String>)> = IndexMap::new();
    let mut last: Option<(&Arc<RunPart>, bool)> = None;
    // The host of the ground truth reads all levers, but is not what a fault is about.
    for host in plan.hosts.iter().filter(|host| *host.name != *TRUTH_HOST) {
        let Some(part) = &host.run else { continue };
        let is_concerned = match last {
            Some((known, is_concerned)) if Arc::ptr_eq(known, part) => is_concerned,
            _ => {
                let moves = part.faults.iter().any(|fault| *fault.id == *id && !fault.changes.is_empty());
                moves || part.shown.iter().any(|shown| shown.id_in_run().is_some_and(|own| *own == *id))
            }
        };
        last = Some((part, is_concerned));
        if is_concerned {
            let (count, examples) = alike.entry(Arc::as_ptr(&host.shape)).or_default();
            *count += 1;
            if examples.len() < EXAMPLES_MAX {
                examples.push(host.name.to_string());
            }
        }
    }
    alike.sort_by(|_, (a, _), _, (b, _)| b.cmp(a));
    let count = alike.values().map(|(count, _)| count).sum();
    (count, alike.into_values().flat_map(|(_, examples)| examples).take(EXAMPLES_MAX).collect())
}

fn next_fault(fleet: &Fleet, now: Time) -> Option<NextFaultView> {
    let course = fleet.course();
    let begins = fleet.plan().faults.iter().map(|fault| (course.next_begin(fault.timed(), now), fault));
    let (begin, fault) = begins.min_by_key(|(begin, _)| *begin)?;
    let begin_unix = begin.unix_millis_secs();
    (begin != Time::NEVER).then(|| NextFaultView { name: fault.id.to_string(), begin_unix })
}

fn span_view(stretch: Stretch, now: Time) -> SpanView {
    let kind = match stretch.kind {
        StretchKind::Phase => "phase",
        StretchKind::Fault => "fault",
        StretchKind::Down => "down",
        StretchKind::Stopped => "stopped",
        StretchKind::Override => "override",
        StretchKind::Lever => "lever",
        StretchKind::Edit => "edit",
    };
    let Stretch { kind: _, name, detail, target, root, alerts, begin, end } = stretch;
    SpanView {
        kind,
        name,
        detail,
        target,
        root,
        alerts,
        hosts: 0,
        examples: Vec::new(),
        is_on: begin <= now && now < end,
        begin_unix: begin.unix_millis_secs(),
        end_unix: (end != Time::NEVER).then(|| end.unix_millis_secs()),
    }
}

fn mark_view(mark: &EventMark) -> MarkView {
    MarkView {
        name: mark.name.to_string(),
        source: mark.source.to_string(),
        count: mark.count,
        time_unix: mark.time.unix_millis_secs(),
    }
}
