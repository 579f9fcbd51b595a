//! The truth about the faults of an episode, and how they were met.

use crate::faults::DrawnFault;

/// A fault of an episode, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRecord {
    /// The fault as drawn.
    pub drawn: DrawnFault,
    /// The step at which a person was told of it, or an action ended it.
    pub noticed: Option<u32>,
    /// The step at which an action ended it.
    pub mended: Option<u32>,
}

impl FaultRecord {
    /// A fault that nobody has noticed.
    #[must_use]
    pub const fn new(drawn: DrawnFault) -> Self {
        Self { drawn, noticed: None, mended: None }
    }

    /// `true` if it is on in the step after this number of steps.
    #[must_use]
    pub const fn is_on(&self, step: u32) -> bool {
        self.drawn.begin <= step && step < self.drawn.end && self.mended.is_none()
    }
}

/// The outcome of an episode so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Steps.
    pub steps: u32,
    /// The sum of rewards.
    pub reward: f64,
    /// Faults that have begun.
    pub faults: u32,
    /// Those of them that were noticed, by a page or by their remedy.
    pub noticed: u32,
    /// The sum of the seconds from their begins until then.
    pub notice_secs: f64,
    /// Faults that an action ended.
    pub mended: u32,
    /// The sum of the seconds from their begins until then.
    pub mend_secs: f64,
    /// Faults that ended by themselves before they were noticed.
    pub missed: u32,
    /// Pages.
    pub pages: u32,
    /// Those of them that told nothing new.
    pub false_pages: u32,
    /// Actions other than noop.
    pub actions: u32,
    /// The sum of the shares of violated objectives in all steps.
    pub violated: f64,
}

impl Outcome {
    /// The mean share of violated objectives.
    #[must_use]
    pub fn violated_share(&self) -> f64 {
        self.violated / f64::from(self.steps.max(1))
    }
}
