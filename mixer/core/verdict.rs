//! The judgement of a run: its verdicts against what monitoring made of it.
//!
//! Nothing of PromQL is evaluated here, and nothing is asked: an [`Observation`] has the answers of whoever evaluated rules and
//! queries at the moments of a grid. The same plan and the same observation have the same judgements.

mod alert_series;
mod alert_states;
mod dashboard;
mod detections;
mod expected_alerts;
mod judge;
mod label_template;
mod observation;
mod observed;
#[cfg(test)]
mod tests;

pub use alert_series::{AlertSeries, Firing};
pub use alert_states::{AlertRule, AlertStates, ResultSeries};
pub use dashboard::{DashboardPart, PartKind, PartProblem};
pub use detections::Detections;
pub use expected_alerts::{truth_of, verdicts_of_truth};
pub use judge::{Judgement, Outcome, judge};
pub use label_template::LabelTemplate;
pub use observation::{
    Answer, ComparedValues, Element, Notification, Notifications, Observation, QueryTimes,
};
pub use observed::verdicts_of;
