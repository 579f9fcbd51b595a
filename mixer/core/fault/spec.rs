//! The trait of a fault: how it changes a report, or what it does for real.

use std::fmt::Debug;
use std::sync::Arc;

use super::effect::Effect;
use crate::metric::Cells;
use crate::time::{Span, Time};

/// The checked parameters of a fault, and what it does while it is on. The defaults do nothing.
pub trait FaultSpec: Debug + Send + Sync {
    /// `true` if a metric of these cells can have it.
    fn affects(&self, _cells: &Cells) -> bool {
        true
    }

    /// A word for the metrics that can have it.
    fn metric_word(&self) -> &'static str {
        "metric"
    }

    /// `true` if it is about metrics: all that it can affect, unless some are named.
    fn is_about_metrics(&self) -> bool {
        false
    }

    /// `true` if each sample or report is drawn with its probability, not each episode.
    fn is_drawn_each(&self) -> bool {
        false
    }

    /// `true` if its begin and end show at once, not with the host's next report.
    fn shows_at_once(&self) -> bool {
        false
    }

    /// Presence of the host as a whole, unless some metrics are named.
    fn presence(&self) -> Presence {
        Presence::Up
    }

    /// `true` if its metrics begin anew.
    fn resets(&self) -> bool {
        false
    }

    /// The times at which it is on within its window, if they are its own.
    fn cycle(&self) -> Option<Cycle> {
        None
    }

    /// The delay of a report.
    fn delay(&self) -> Option<ReportDelay> {
        None
    }

    /// The time that the host's clock shows at this one; `None` if the clock is right.
    fn own_time(&self, _now: Time) -> Option<Time> {
        None
    }

    /// Changes the cells of one affected metric in a report. `draws` is true with the fault's probability.
    fn corrupt(&self, _of: &Cells, _cells: &mut [f64], _draws: &mut dyn FnMut() -> bool) {}

    /// The event that the host's own models get at the begin of an episode, which lasts so long.
    fn emits(&self, _lasts: Span) -> Option<FaultEvent> {
        None
    }

    /// The event that the host's own models get at the end of an episode, also at an early one.
    fn emits_at_end(&self) -> Option<FaultEvent> {
        None
    }

    /// The model that its host needs.
    fn model(&self) -> Option<NeededModel> {
        None
    }

    /// Its real work outside of the run; `None` for a fault that hosts show.
    fn effect(&self) -> Option<&Effect> {
        None
    }

    /// Its parameters in words; empty if it has none.
    fn describe(&self) -> String {
        String::new()
    }
}

/// A host's presence, as outputs see it; the later ones outweigh the earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// It reports.
    #[default]
    Up,
    /// It reports nothing: its series vanish everywhere.
    Silent,
    /// It is down: scrapes of it fail, and it does not push, so what it has pushed stays on a Pushgateway.
    Down,
}

/// Times of a fault that comes and goes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Time for which it is off.
    pub off: Span,
    /// Time for which it is on.
    pub on: Span,
}

/// A model that a fault needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeededModel {
    /// A word for what it has.
    pub of: &'static str,
    /// The workload that brings it.
    pub workload: &'static str,
}

/// An event to a model of the host.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultEvent {
    /// Its name.
    pub name: Arc<str>,
    /// Its data.
    pub data: serde_json::Value,
}

/// The delay of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportDelay {
    /// Time by which a report arrives later.
    pub by: Span,
    /// `true` if later reports wait for it; else they overtake it.
    pub keeps_order: bool,
}
