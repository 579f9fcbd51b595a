//! A fault of a host with its times, its metrics and its events.

use std::sync::Arc;

use super::course::Timed;
use super::list::{Fault, KINDS};
use super::spec::{FaultEvent, Presence};
use super::times::Windows;
use crate::time::Span;

/// Maximum number of late reports of a host in transit. A config that needs more is refused; events may still
/// cause any number of reports.
pub const HELD_REPORTS_MAX: usize = 1_000;

/// The begin of the names of the random streams of faults of the run.
const RUN_STREAM: &str = "fault ";

/// A fault and its times. One period of it is an episode; episodes happen in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultPlan {
    /// The fault.
    pub fault: Fault,
    /// Opens a window.
    pub trigger: FaultTrigger,
    /// Length of a window.
    pub window: Span,
    /// The episodes in a window; one as long as the window if `None`.
    pub pulses: Option<Pulses>,
    /// Probability of each episode, or of each sample or report: see [`super::FaultSpec::is_drawn_each`].
    pub probability: f64,
    /// The affected metrics, as indices into the shape's; empty for the host as a whole.
    pub metrics: Vec<usize>,
    /// Events emitted at the start and at the end of an episode. A fault without a duration emits no second one.
    pub events: [Arc<str>; 2],
    /// Name of its random stream; no metric of the host has it.
    pub stream: String,
}

/// The trigger of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultTrigger {
    /// Opens once, this long after the host's start.
    At(Span),
    /// Opens at the times of a fault of the run.
    OfRun(Windows),
    /// Opens on an event; see [`crate::plan::Action::OpenFault`].
    OnEvent,
}

/// Episodes in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulses {
    /// Time from the window's opening to the first episode.
    pub first: Span,
    /// Time from the begin of one to that of the next.
    pub every: Span,
    /// Maximum random delay of each.
    pub jitter: Span,
    /// Length of each.
    pub lasts: Span,
}

impl FaultPlan {
    /// The random stream of a fault of the run with this id.
    #[must_use]
    pub fn stream_of(id: &str) -> String {
        // No metric can have this name, so no metric has this stream.
        format!("{RUN_STREAM}{id}")
    }

    /// The id of the fault of the run that this is; `None` for a fault of the host.
    #[must_use]
    pub fn id_in_run(&self) -> Option<&str> {
        self.timed()?.fault
    }

    /// Its times and its id, to ask a course for; `None` for a fault of the host.
    #[must_use]
    pub fn timed(&self) -> Option<Timed<'_>> {
        let FaultTrigger::OfRun(times) = &self.trigger else { return None };
        Some(Timed { times, fault: self.stream.strip_prefix(RUN_STREAM) })
    }

    /// Presence of the host while it is on.
    #[must_use]
    pub fn presence(&self) -> Presence {
        if self.metrics.is_empty() { self.fault.presence() } else { Presence::Up }
    }

    /// The event to the host's models at the begin of an episode that ends after this time at the latest.
    #[must_use]
    pub fn model_event(&self, ends_in: Span) -> Option<FaultEvent> {
        let lasts = match (self.pulses, self.trigger) {
            (Some(pulses), _) => pulses.lasts,
            // One that is begun by hand has a length of its own.
            (None, FaultTrigger::OfRun(_)) => ends_in,
            (None, _) => self.window,
        };
        self.fault.emits(lasts.min(ends_in))
    }

    /// The fault with its parameters, length and probability, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = self.fault.name().to_owned();
        let parameters = self.fault.describe();
        if !parameters.is_empty() {
            text = format!("{text} {parameters}");
        }
        if self.window != Span::FOREVER {
            text = format!("{text} for {}", self.window);
        }
        if self.probability < 1.0 {
            text = format!("{text} with probability {}", self.probability);
        }
        text
    }
}

/// The events at the begin and the end of an episode. An instant fault emits the first one only.
#[must_use]
pub fn fault_events(fault: &Fault) -> [Arc<str>; 2] {
    let name = fault.name();
    if fault.is_instant() {
        return [(); 2].map(|()| format!("fault_{name}").into());
    }
    ["started", "finished"].map(|turn| format!("fault_{name}_{turn}").into())
}

/// The present name of an event that faults emitted under this name in the past.
#[must_use]
pub fn renamed_event(old: &str) -> Option<String> {
    let rest = old.strip_prefix("dirt_")?;
    let (name, turn) = match rest.rsplit_once('_') {
        Some((name, "started")) => (name, "_started"),
        Some((name, "ended")) => (name, "_finished"),
        _ => (rest, ""),
    };
    KINDS.iter().any(|kind| kind.name == name).then(|| format!("fault_{name}{turn}"))
}
