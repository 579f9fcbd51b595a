//! The observation of a run by a monitoring system.

use indexmap::IndexMap;

use super::alert_series::AlertSeries;
use super::dashboard::DashboardPart;
use crate::backfill::Grid;
use crate::fault::Course;
use crate::time::{Span, Time};

/// The observation of a run.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The moments at which rules and queries were evaluated.
    pub grid: Grid,
    /// The times of the run's phases and faults.
    pub course: Course,
    /// The alerts that were pending or fired.
    pub alerts: Vec<AlertSeries>,
    /// Those of the run without its faults; `None` if there was none.
    pub twin: Option<Vec<AlertSeries>>,
    /// Names of alerts of which it could not be found out when they fired, each with the reason.
    pub undecided_alerts: IndexMap<String, String>,
    /// The answers to queries, or why there are none.
    pub answers: IndexMap<String, Result<Answer, String>>,
    /// The values that the expressions of alerts compare with a number, by alert, as far as they were asked for.
    pub compared: IndexMap<String, ComparedValues>,
    /// Number of series by metric name, or why they were not counted.
    pub series: Result<IndexMap<String, u64>, String>,
    /// The parts of each dashboard that a verdict names, or why they were not asked for.
    pub dashboards: IndexMap<String, Result<Vec<DashboardPart>, String>>,
    /// The times of the queries that are to be quick, or why there are none.
    pub query_times: IndexMap<String, Result<QueryTimes, String>>,
    /// The notifications of an Alertmanager.
    pub notifications: Notifications,
}

/// The value that an alert's expression compares with a number.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedValues {
    /// The number.
    pub threshold: f64,
    /// `true` if the alert is on above it, `false` if below.
    pub is_above: bool,
    /// At each moment of the grid the value of all label sets that is farthest on that side; `None` if there is no data.
    pub values: Vec<Option<f64>>,
}

/// The times that a query took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryTimes {
    /// The time of each run.
    pub times: Vec<Span>,
    /// `true` if it returned data.
    pub has_data: bool,
}

/// The notifications that an Alertmanager sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notifications {
    /// Those that came, in their order.
    pub received: Vec<Notification>,
    /// The reason for which others may be missing; `None` if they are all.
    pub missing: Option<String>,
}

/// The notification of an alert that fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The receiver's name.
    pub receiver: String,
    /// The alert, without times.
    pub alert: AlertSeries,
    /// The time at which it came.
    pub at: Time,
}

impl Observation {
    /// Number of all series; 0 if they were not counted.
    #[must_use]
    pub fn series_count(&self) -> u64 {
        self.series.iter().flat_map(IndexMap::values).sum()
    }
}

/// The answer to a condition: its elements at each moment of the grid.
pub type Answer = Vec<Vec<Element>>;

/// An element of the result of a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Its labels, as in PromQL; empty if it has none.
    pub labels: String,
    /// 0 if the condition is false, anything else if it is true.
    pub value: f64,
}
