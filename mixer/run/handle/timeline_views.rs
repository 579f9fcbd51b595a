//! The JSON that the API returns about a timeline and faults. Field names are part of the API.

use serde::Serialize;
use utoipa::ToSchema;

/// The timeline of a run, and its faults.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineView {
    /// The config's name, the value of the label `scenario`.
    pub config: String,
    /// The number of the present turn, from 1; null without phases.
    pub turn: Option<u64>,
    /// The number of all turns; null if they never end, and without phases.
    pub turns: Option<u64>,
    /// The phases, in their order; none for a config without a timeline.
    pub phases: Vec<PhaseView>,
    /// The phase that begins next; null if none does.
    pub next: Option<NextPhaseView>,
    /// The faults of the run, in the config's order.
    pub faults: Vec<FaultView>,
}

/// A phase that is yet to come.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NextPhaseView {
    /// Its name.
    pub name: String,
    /// The emulated time of its begin.
    pub begin: String,
    /// The same in seconds since 1970.
    pub begin_unix: f64,
    /// The emulated seconds until then.
    pub in_seconds: f64,
}

/// A phase of the timeline.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PhaseView {
    /// Its name.
    pub name: String,
    /// Its planned length in emulated seconds; null for one without an end.
    pub lasts_seconds: Option<f64>,
    /// The present time of it.
    #[serde(flatten)]
    pub present: PresentView,
    /// The alerts that should fire in it.
    pub alerts: Vec<String>,
}

/// A fault of the run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FaultView {
    /// Its id.
    pub id: String,
    /// Its kind; `lever` if it only moves levers.
    pub kind: String,
    /// The pattern of the hosts that it concerns; `*` for all.
    pub target: String,
    /// The root cause that its truth states.
    pub root: String,
    /// The alerts that should fire.
    pub alerts: Vec<String>,
    /// The present time of it.
    #[serde(flatten)]
    pub present: PresentView,
    /// The emulated time of its next begin; null if none is planned.
    pub next: Option<String>,
    /// The same in seconds since 1970.
    pub next_unix: Option<f64>,
}

/// The present time of a phase or a fault.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PresentView {
    /// `true` if it is on.
    pub is_on: bool,
    /// The emulated time of its begin, if it is on.
    pub begin: Option<String>,
    /// The same in seconds since 1970.
    pub begin_unix: Option<f64>,
    /// The emulated time of its end, if it is on and has one.
    pub end: Option<String>,
    /// The same in seconds since 1970.
    pub end_unix: Option<f64>,
    /// The emulated seconds until its end.
    pub left_seconds: Option<f64>,
}
