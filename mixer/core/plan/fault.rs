//! Dirt: what a host does wrong on purpose.

use std::sync::Arc;

use crate::time::Span;

/// So many late reports of a host wait at most. A config that needs more is refused, but events may bring any
/// number of reports.
pub const HELD_MAX: usize = 1_000;

/// One thing that a host does wrong, and when. A time in which it does is an episode.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultPlan {
    /// What goes wrong.
    pub kind: FaultKind,
    /// What opens a window for episodes.
    pub opening: Opening,
    /// How long a window is open.
    pub window: Span,
    /// The episodes in a window; one that is as long as the window if not given.
    pub pulses: Option<Pulses>,
    /// How likely each occasion is taken: of a [`FaultKind::Nan`] each sample, of [`FaultKind::Late`] and
    /// [`FaultKind::OutOfOrder`] each report, of the others each episode.
    pub probability: f64,
    /// The metrics that it is about, as indices into the shape's.
    pub metrics: Vec<usize>,
    /// Emitted when an episode begins and when it ends. The second is never emitted for what takes no time.
    pub events: [Arc<str>; 2],
    /// The name of its random stream, beside those of the host's metrics.
    pub stream: String,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The host is not there.
    Down,
    /// Some metrics have no sample.
    Gap,
    /// Counters and histograms begin anew.
    CounterReset,
    /// Samples are not numbers.
    Nan,
    /// The host's clock is wrong by both together.
    ClockSkew {
        /// So much too late.
        ahead: Span,
        /// So much too early.
        behind: Span,
    },
    /// Reports arrive so much later, and those after them wait for them.
    Late(Span),
    /// Reports arrive so much later, after those that were made meanwhile.
    OutOfOrder(Span),
}

/// What opens a window for episodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// So long after the host's start it opens, once.
    At(Span),
    /// An event opens it; see [`super::Reaction::BeginDirt`].
    OnEvent,
}

/// Episodes in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulses {
    /// How long after the window has opened the first one begins.
    pub first: Span,
    /// From the beginning of one to that of the next.
    pub every: Span,
    /// Each begins later by a random part of this.
    pub jitter: Span,
    /// How long each is.
    pub duration: Span,
}

impl FaultKind {
    /// What it is, in a word.
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

    /// Whether samples of such a host have times of their own.
    #[must_use]
    pub const fn stamps(self) -> bool {
        matches!(self, Self::ClockSkew { .. } | Self::Late(_) | Self::OutOfOrder(_))
    }
}
