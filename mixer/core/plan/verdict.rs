//! Verdicts: the expectations of a run, each of which is judged after it.

use std::fmt;
use std::sync::Arc;

use crate::metric::promql::printable;
use crate::time::Span;

/// Number of times that a query is asked, if nothing else is said.
pub const QUERY_RUNS: u32 = 20;

/// An expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictPlan {
    /// The expectation itself.
    pub verdict: Verdict,
    /// The part of the run that it is about.
    pub scope: Scope,
}

/// The part of a run that a verdict is about: all windows of a phase or a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole run.
    #[default]
    Run,
    /// A phase, by its name.
    Phase(Arc<str>),
    /// A fault, by its id.
    Fault(Arc<str>),
}

/// The kinds of expectations.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// An alert begins to fire.
    Fires {
        /// The alert.
        alert: AlertSelection,
        /// The longest time after the begin.
        within: Option<Span>,
        /// Number of times that each of its label sets fires at most.
        times: u32,
    },
    /// An alert that fired has ended.
    Resolves {
        /// The alert.
        alert: AlertSelection,
        /// The longest time after the end.
        within: Span,
    },
    /// No alert fires that nothing else expects, and none without the faults.
    NoOtherAlerts {
        /// Names of alerts that may fire.
        except: Vec<String>,
    },
    /// A condition of PromQL that is true at each step.
    Holds {
        /// The condition.
        query: String,
    },
    /// The first step at which a condition of PromQL is true.
    First {
        /// The condition.
        query: String,
        /// The times between which it must come, since the begin; it is only reported if `None`.
        between: Option<(Span, Span)>,
    },
    /// A budget of series.
    Series {
        /// Maximum number of all series.
        total: Option<u64>,
        /// Maximum number of series of one name.
        each: Option<u64>,
    },
    /// Each query of a Grafana dashboard returns data.
    Panels {
        /// The dashboard's file, relative to the config's.
        dashboard: String,
        /// Titles of panels, and names of annotations and variables, that need no data.
        may_be_empty: Vec<String>,
    },
    /// A query is quick enough.
    QueryTime {
        /// The query.
        query: String,
        /// The longest time of 95 % of its runs.
        p95: Span,
        /// Number of times that it is asked.
        runs: u32,
    },
    /// An alert reaches a receiver of an Alertmanager.
    Notifies {
        /// The receiver's name there.
        receiver: String,
        /// The alert.
        alert: AlertSelection,
        /// The longest time after the begin.
        within: Option<Span>,
    },
}

/// Alerts of a name, with certain labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSelection {
    /// The name.
    pub name: String,
    /// Labels that they have among others.
    pub labels: Vec<(String, String)>,
}

impl fmt::Display for AlertSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        let labels = self.labels.iter().map(|(name, value)| format!("{name}={value:?}"));
        write!(f, "{{{}}}", labels.collect::<Vec<_>>().join(", "))
    }
}

impl Verdict {
    /// The name of its kind in configs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fires { .. } => "fires",
            Self::Resolves { .. } => "resolves",
            Self::NoOtherAlerts { .. } => "no_other_alerts",
            Self::Holds { .. } => "holds",
            Self::First { .. } => "first",
            Self::Series { .. } => "series",
            Self::Panels { .. } => "panels",
            Self::QueryTime { .. } => "query",
            Self::Notifies { .. } => "notifies",
        }
    }

    /// The condition of PromQL, if it has one.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        match self {
            Self::Holds { query } | Self::First { query, .. } => Some(query),
            _ => None,
        }
    }
}

/// As it is written in a config.
impl fmt::Display for VerdictPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields: Vec<String> = Vec::new();
        match &self.verdict {
            Verdict::Fires { alert, within, times } => {
                alert.put_fields(&mut fields);
                fields.extend(within.map(|within| format!("within: \"{within}\"")));
                fields.extend((*times != 1).then(|| format!("times: {times}")));
            }
            Verdict::Resolves { alert, within } => {
                alert.put_fields(&mut fields);
                fields.push(format!("within: \"{within}\""));
            }
            Verdict::NoOtherAlerts { except } => {
                fields.extend(list_field("except", except));
            }
            Verdict::Holds { query } => fields.push(format!("query: {}", quoted(query))),
            Verdict::First { query, between } => {
                fields.push(format!("query: {}", quoted(query)));
                fields.extend(between.map(|(from, to)| format!("between: (\"{from}\", \"{to}\")")));
            }
            Verdict::Series { total, each } => {
                fields.extend(total.map(|total| format!("total: {total}")));
                fields.extend(each.map(|each| format!("each: {each}")));
            }
            Verdict::Panels { dashboard, may_be_empty } => {
                fields.push(format!("dashboard: {}", quoted(dashboard)));
                fields.extend(list_field("may_be_empty", may_be_empty));
            }
            Verdict::QueryTime { query, p95, runs } => {
                fields.push(format!("query: {}", quoted(query)));
                fields.push(format!("p95: \"{p95}\""));
                fields.extend((*runs != QUERY_RUNS).then(|| format!("runs: {runs}")));
            }
            Verdict::Notifies { receiver, alert, within } => {
                fields.push(format!("receiver: {}", quoted(receiver)));
                alert.put_fields(&mut fields);
                fields.extend(within.map(|within| format!("within: \"{within}\"")));
            }
        }
        match &self.scope {
            Scope::Run => {}
            Scope::Phase(name) => fields.push(format!("during: {}", quoted(name))),
            Scope::Fault(id) => fields.push(format!("of: {}", quoted(id))),
        }
        write!(f, "{}({})", self.verdict.name(), fields.join(", "))
    }
}

fn quoted(text: &str) -> String {
    format!("{:?}", printable(text))
}

/// A field of a list of names; `None` if it is empty.
fn list_field(name: &str, texts: &[String]) -> Option<String> {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    (!texts.is_empty()).then(|| format!("{name}: [{}]", texts.join(", ")))
}

impl AlertSelection {
    fn put_fields(&self, fields: &mut Vec<String>) {
        fields.push(format!("alert: {:?}", self.name));
        if !self.labels.is_empty() {
            let labels = self.labels.iter().map(|(name, value)| format!("{name:?}: {value:?}"));
            fields.push(format!("labels: {{ {} }}", labels.collect::<Vec<_>>().join(", ")));
        }
    }
}
