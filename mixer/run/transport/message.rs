//! Messages between shards: an event, or an action, as JSON.
//!
//! All shards have the same plan, so metrics, pools and faults of a host are named by their indices; levers by their names,
//! which an edit of the config does not move. Times are nanoseconds since the Unix epoch, values their 64 bits: JSON has no NaN.

use std::sync::Arc;

use promemu_core::event::Event;
use promemu_core::plan::{Action, HostSelection, Plan};
use promemu_core::time::{Span, Time};
use promemu_core::timeline::{SentAction, Targets};
use serde::{Deserialize, Serialize};

/// A message of one shard to all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// The process that sent it, which needs it no more.
    pub(super) instance: u64,
    /// Its contents.
    pub(crate) payload: Payload,
}

/// The contents of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Payload {
    /// An event.
    Event(WireEvent),
    /// An action, and its hosts.
    Action(WireTargets, WireAction),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WireEvent {
    name: String,
    source: String,
    data: serde_json::Value,
    time: u64,
    sequence: u64,
    hops: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum WireTargets {
    All,
    Selected(Vec<String>),
    Named(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WireAction {
    act: WireAct,
    time: u64,
    source: String,
    sequence: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum WireAct {
    Update(usize),
    Emit(String),
    StartMetric(usize),
    StopMetric(usize),
    Override { metric: usize, value: u64, lasts: u64, may_fall: bool },
    Release(usize),
    OpenFault(usize),
    CloseFault(usize),
    ReplaceMembers(usize),
    NotifyMembers(usize),
    Lever { lever: String, value: u64, lasts: u64 },
    ReleaseLever(String),
    BeginFault { fault: String, lasts: u64 },
    EndFault(String),
    SkipTo { phase: String, origin: u64 },
    Down { lasts: u64 },
    Up,
    Stop,
}

const fn nanos(time: Time) -> u64 {
    time.since(Time::from_unix_nanos(0)).as_nanos()
}

impl Payload {
    pub(crate) fn of_event(event: &Event) -> Self {
        let Event { name, source, data, time, sequence, hops } = event;
        Self::Event(WireEvent {
            name: name.to_string(),
            source: source.to_string(),
            data: data.clone(),
            time: nanos(*time),
            sequence: *sequence,
            hops: *hops,
        })
    }

    /// The moment at which it was sent.
    pub(crate) const fn time(&self) -> Time {
        let (Self::Event(WireEvent { time, .. }) | Self::Action(_, WireAction { time, .. })) = self;
        Time::from_unix_nanos(*time)
    }

    /// Its source, and its place in the order of what this sends.
    pub(crate) fn order(&self) -> (&str, (u64, u64)) {
        let (Self::Event(WireEvent { source, time, sequence, .. })
        | Self::Action(_, WireAction { source, time, sequence, .. })) = self;
        (source, (*time, *sequence))
    }

    /// `None` for a lever that the plan does not have.
    pub(crate) fn of_action(targets: &Targets, sent: &SentAction, plan: &Plan) -> Option<Self> {
        let targets = match targets {
            Targets::All => WireTargets::All,
            Targets::Selected(hosts) => {
                WireTargets::Selected(hosts.patterns().map(ToOwned::to_owned).collect())
            }
            Targets::Named(names) => WireTargets::Named(names.iter().map(ToString::to_string).collect()),
        };
        let SentAction { action, time, source, sequence } = sent;
        let act = WireAct::of(action, plan)?;
        let (time, source, sequence) = (nanos(*time), source.to_string(), *sequence);
        Some(Self::Action(targets, WireAction { act, time, source, sequence }))
    }
}

impl WireEvent {
    pub(crate) fn event(self) -> Event {
        let Self { name, source, data, time, sequence, hops } = self;
        let (name, source, time) = (name.into(), source.into(), Time::from_unix_nanos(time));
        Event { name, source, data, time, sequence, hops }
    }
}

impl WireTargets {
    /// `None` for a pattern that is none.
    pub(crate) fn targets(self) -> Option<Targets> {
        Some(match self {
            Self::All => Targets::All,
            Self::Selected(patterns) => {
                Targets::Selected(HostSelection::any_of(patterns.iter().map(String::as_str)).ok()?)
            }
            Self::Named(names) => Targets::hosts(names.into_iter().map(Arc::from)),
        })
    }
}

impl WireAction {
    /// `None` for a lever that the plan does not have.
    pub(crate) fn sent(self, plan: &Plan) -> Option<SentAction> {
        let Self { act, time, source, sequence } = self;
        Some(SentAction {
            action: act.action(plan)?,
            time: Time::from_unix_nanos(time),
            source: source.into(),
            sequence,
        })
    }
}

impl WireAct {
    fn of(action: &Action, plan: &Plan) -> Option<Self> {
        let lever_name = |index: &usize| Some(plan.levers.get(*index)?.name.to_string());
        Some(match action {
            Action::Update(metric) => Self::Update(*metric),
            Action::Emit(event) => Self::Emit(event.to_string()),
            Action::StartMetric(metric) => Self::StartMetric(*metric),
            Action::StopMetric(metric) => Self::StopMetric(*metric),
            Action::Override { metric, value, lasts, may_fall } => Self::Override {
                metric: *metric,
                value: value.to_bits(),
                lasts: lasts.as_nanos(),
                may_fall: *may_fall,
            },
            Action::Release { metric } => Self::Release(*metric),
            Action::OpenFault(fault) => Self::OpenFault(*fault),
            Action::CloseFault(fault) => Self::CloseFault(*fault),
            Action::ReplaceMembers(pool) => Self::ReplaceMembers(*pool),
            Action::NotifyMembers(pool) => Self::NotifyMembers(*pool),
            Action::Lever { lever, value, lasts } => {
                Self::Lever { lever: lever_name(lever)?, value: value.to_bits(), lasts: lasts.as_nanos() }
            }
            Action::ReleaseLever { lever } => Self::ReleaseLever(lever_name(lever)?),
            Action::BeginFault { fault, lasts } => {
                Self::BeginFault { fault: fault.to_string(), lasts: lasts.as_nanos() }
            }
            Action::EndFault { fault } => Self::EndFault(fault.to_string()),
            Action::SkipTo { phase, origin } => {
                Self::SkipTo { phase: phase.to_string(), origin: nanos(*origin) }
            }
            Action::Down { lasts } => Self::Down { lasts: lasts.as_nanos() },
            Action::Up => Self::Up,
            Action::Stop => Self::Stop,
        })
    }

    fn action(self, plan: &Plan) -> Option<Action> {
        let lever_index = |name: &str| plan.levers.iter().position(|lever| *lever.name == *name);
        let span = Span::from_nanos;
        Some(match self {
            Self::Update(metric) => Action::Update(metric),
            Self::Emit(event) => Action::Emit(event.into()),
            Self::StartMetric(metric) => Action::StartMetric(metric),
            Self::StopMetric(metric) => Action::StopMetric(metric),
            Self::Override { metric, value, lasts, may_fall } => {
                Action::Override { metric, value: f64::from_bits(value), lasts: span(lasts), may_fall }
            }
            Self::Release(metric) => Action::Release { metric },
            Self::OpenFault(fault) => Action::OpenFault(fault),
            Self::CloseFault(fault) => Action::CloseFault(fault),
            Self::ReplaceMembers(pool) => Action::ReplaceMembers(pool),
            Self::NotifyMembers(pool) => Action::NotifyMembers(pool),
            Self::Lever { lever, value, lasts } => Action::Lever {
                lever: lever_index(&lever)?,
                value: f64::from_bits(value),
                lasts: span(lasts),
            },
            Self::ReleaseLever(lever) => Action::ReleaseLever { lever: lever_index(&lever)? },
            Self::BeginFault { fault, lasts } => {
                Action::BeginFault { fault: fault.into(), lasts: span(lasts) }
            }
            Self::EndFault(fault) => Action::EndFault { fault: fault.into() },
            Self::SkipTo { phase, origin } => {
                Action::SkipTo { phase: phase.into(), origin: Time::from_unix_nanos(origin) }
            }
            Self::Down { lasts } => Action::Down { lasts: span(lasts) },
            Self::Up => Action::Up,
            Self::Stop => Action::Stop,
        })
    }
}
