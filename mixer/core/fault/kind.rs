//! A kind of fault: its name, its parameters, and the way from them to a fault.

use crate::scenario::{Arguments, Param};
use crate::time::Span;

/// A kind of fault whose checked parameters are an `F`.
pub struct FaultKind<F: 'static> {
    /// The name in configs.
    pub name: &'static str,
    /// One line for the reference.
    pub summary: &'static str,
    /// The fields that give its times.
    pub schedule: FaultSchedule,
    /// `true` if it may be about some metrics of the host.
    pub takes_metrics: bool,
    /// The error of a fault that is given no time; `None` if such a fault is on from the host's start to its end.
    pub untimed_error: Option<&'static str>,
    /// Its parameters beside the times.
    pub params: &'static [Param],
    /// Builds the fault.
    pub build: &'static FaultBuild<F>,
}

/// Builds a fault from its parameters.
pub type FaultBuild<F> = dyn Fn(&mut Arguments) -> Result<F, FaultError> + Sync;

impl<F: 'static> std::fmt::Debug for FaultKind<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultKind").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A parameter that does not fit.
#[derive(Debug)]
pub struct FaultError {
    /// Its name; `None` if the parameters together are wrong.
    pub param: Option<&'static str>,
    /// The whole message.
    pub message: String,
}

/// The fields that give the times of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultSchedule {
    /// Episodes that last for a while.
    Episodes,
    /// Moments: each episode is over when it has begun.
    Instants,
    /// Episodes whose period and length are parameters of the kind.
    Cycle,
    /// The times of a fault of the run: it is done for real, and no host can have it.
    OfRun,
}

impl FaultSchedule {
    /// The names of the fields, in the order of the reference.
    #[must_use]
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Episodes => &["at", "every", "jitter", "lasts", "on", "until", "probability"],
            Self::Instants => &["at", "every", "jitter", "on", "probability"],
            Self::Cycle => &["at", "jitter", "lasts", "on", "until", "probability"],
            Self::OfRun => &[],
        }
    }
}

/// Takes a length of time: 1 ms or longer and not endless; `None` if it is not given.
pub(super) fn length(arguments: &mut Arguments, param: &'static str) -> Result<Option<Span>, FaultError> {
    let span = arguments.span(param);
    match span.filter(|span| !(Span::from_nanos(1_000_000)..Span::FOREVER).contains(span)) {
        None => Ok(span),
        Some(wrong) => {
            let message = format!("{param} must be 1ms or longer and not endless, but is {wrong}");
            Err(FaultError { param: Some(param), message })
        }
    }
}

/// Takes a length of time that must be given.
pub(super) fn needed_length(arguments: &mut Arguments, param: &'static str) -> Result<Span, FaultError> {
    let missing = || FaultError { param: None, message: format!("{param} must be given") };
    length(arguments, param)?.ok_or_else(missing)
}
