//! Faults that a host shows on purpose (`dirt` in configs).

use std::sync::Arc;

use crate::time::Span;

/// Maximum number of late reports of a host in transit. A config that needs more is refused; events may still
/// cause any number of reports.
pub const HELD_REPORTS_MAX: usize = 1_000;

/// A fault and its times. One period of it is an episode; episodes happen in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultPlan {
    /// The kind of fault.
    pub kind: FaultKind,
    /// Opens a window.
    pub trigger: FaultTrigger,
    /// Length of a window.
    pub window: Span,
    /// The episodes in a window; one as long as the window if `None`.
    pub pulses: Option<Pulses>,
    /// Probability: of [`FaultKind::Nan`] for each sample, of [`FaultKind::Late`] and [`FaultKind::OutOfOrder`]
    /// for each report, of the others for each episode.
    pub probability: f64,
    /// The affected metrics, as indices into the shape's.
    pub metrics: Vec<usize>,
    /// Events emitted at the start and at the end of an episode. A fault without a duration emits no second one.
    pub events: [Arc<str>; 2],
    /// Name of its random stream; no metric of the host has it.
    pub stream: String,
}

/// The kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The host is down: it reports nothing and has no series.
    Down,
    /// Some metrics have no sample.
    Gap,
    /// Counters, histograms and summaries restart at 0.
    CounterReset,
    /// Samples are NaN.
    Nan,
    /// The host's clock is wrong by the difference of both.
    ClockSkew {
        /// Time by which it is ahead.
        ahead: Span,
        /// Time by which it is behind.
        behind: Span,
    },
    /// Reports arrive later by this, and later ones wait for them.
    Late(Span),
    /// Reports arrive later by this, after newer ones.
    OutOfOrder(Span),
}

/// The trigger of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultTrigger {
    /// Opens once, this long after the host's start.
    At(Span),
    /// Opens on an event; see [`super::Action::OpenFault`].
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
    pub duration: Span,
}

impl FaultKind {
    /// The kind's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Gap => "gap",
            Self::CounterReset => "counter_reset",
            Self::Nan => "nan",
            Self::ClockSkew { .. } => "clock_skew",
            Self::Late(_) => "late",
            Self::OutOfOrder(_) => "out_of_order",
        }
    }

    /// `true` if it gives the host's samples timestamps of their own.
    #[must_use]
    pub const fn stamps(self) -> bool {
        matches!(self, Self::ClockSkew { .. } | Self::Late(_) | Self::OutOfOrder(_))
    }
}
