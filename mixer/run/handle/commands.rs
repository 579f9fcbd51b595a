//! What a run can be asked to do, and why it refuses.

use std::sync::Arc;

use super::series::metric_of;
use super::{Posted, RunHandle};
use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;
use promemu_core::error::suggestion;
use promemu_core::event::{HostId, LIFECYCLE, MIXER_SOURCE};
use promemu_core::host::HostCommand;
use promemu_core::metric::{Aggregation, Kind, is_absent};
use promemu_core::naming::{is_label_name, made_up_address, made_up_host};
use promemu_core::plan::{HostPlan, MetricPlan};
use promemu_core::series::LabelBlock;
use promemu_core::time::{Span, Time};

/// Names that are longer than this are nobody's.
const NAME_BYTES_MAX: usize = 200;
/// A host has so many labels more than its template at most.
const LABELS_MAX: usize = 50;
/// A label's value has so many bytes at most.
const VALUE_BYTES_MAX: usize = 1_000;
/// The labels that say who a host is.
const IDENTITY: [&str; 3] = ["name", "host", "address"];

/// Why a run does not do what it is asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// There is no such host.
    #[error("{0}")]
    UnknownHost(String),
    /// The host has no such metric.
    #[error("{0}")]
    UnknownMetric(String),
    /// What is asked cannot be.
    #[error("{0}")]
    InvalidValue(String),
    /// A counter would fall.
    #[error("{0}")]
    CounterFalls(String),
    /// Something else is in the way.
    #[error("{0}")]
    Conflict(String),
    /// There would be too many.
    #[error("{0}")]
    TooMany(String),
    /// The run is over.
    #[error("the run is over; start another one")]
    RunOver,
}

/// A host that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewHost {
    /// Its name.
    pub name: String,
    /// The host that it is like.
    pub template: String,
    /// Labels beside, or in place of, the template's.
    pub labels: Vec<(String, String)>,
    /// How long it lives, if not as long as the template.
    pub ttl: Option<Span>,
    /// The run may not have more series.
    pub series_max: usize,
}

/// What a metric is to show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Override {
    /// The value.
    pub value: f64,
    /// For how much emulated time; without it, until it is released.
    pub span: Option<Span>,
    /// Whether a counter may fall to it.
    pub may_fall: bool,
}

#[derive(Debug)]
pub(crate) enum Command {
    Stop(String),
    Start(String),
    Add(NewHost),
    Remove(String),
    Show(String, String, Override),
    Release(String, String),
    Emit(String, String, serde_json::Value),
}

/// How many hosts heard it, and when it was, for an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome(usize, Time);

impl RunHandle {
    /// Ends a host; it may be started again.
    pub async fn stop_host(&self, name: &str) -> Result<(), CommandError> {
        self.ask(Command::Stop(name.to_owned())).await.map(drop)
    }

    /// Starts a host anew that was stopped or is over.
    pub async fn start_host(&self, name: &str) -> Result<(), CommandError> {
        self.ask(Command::Start(name.to_owned())).await.map(drop)
    }

    /// Adds a host.
    pub async fn add_host(&self, host: NewHost) -> Result<(), CommandError> {
        self.ask(Command::Add(host)).await.map(drop)
    }

    /// Removes a host.
    pub async fn remove_host(&self, name: &str) -> Result<(), CommandError> {
        self.ask(Command::Remove(name.to_owned())).await.map(drop)
    }

    /// Lets a metric show a value.
    pub async fn show(&self, host: &str, metric: &str, order: Override) -> Result<(), CommandError> {
        self.ask(Command::Show(host.to_owned(), metric.to_owned(), order)).await.map(drop)
    }

    /// Lets a metric show again what its scenario says.
    pub async fn release(&self, host: &str, metric: &str) -> Result<(), CommandError> {
        self.ask(Command::Release(host.to_owned(), metric.to_owned())).await.map(drop)
    }

    /// Emits an event. A source that is a host's name makes it this host's event.
    pub async fn emit(
        &self,
        name: &str,
        source: &str,
        data: serde_json::Value,
    ) -> Result<Posted, CommandError> {
        for text in [name, source] {
            if text.is_empty() || text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) {
                return Err(CommandError::InvalidValue(format!(
                    "an event's name and source have 1 to {NAME_BYTES_MAX} bytes without control characters"
                )));
            }
        }
        if LIFECYCLE.contains(&name) || source == MIXER_SOURCE {
            return Err(CommandError::InvalidValue(format!(
                "event {name:?} of source {source:?} is promemu's own; choose another name or source"
            )));
        }
        let act = Command::Emit(name.to_owned(), source.to_owned(), data);
        let Outcome(hearers, time) = self.ask(act).await?;
        Ok(Posted {
            name: name.to_owned(),
            source: source.to_owned(),
            time: time.rfc3339(),
            time_unix: time.unix_millis_secs(),
            hearers,
        })
    }
}

impl Command {
    pub(crate) async fn carry_out(self, generation: &mut FleetRunner) -> Result<Outcome, CommandError> {
        let fleet = Arc::clone(generation.fleet());
        match self {
            Self::Stop(name) => {
                let id = known(&fleet, &name)?;
                if fleet.has_ended(id) || fleet.is_stopped(id) {
                    return Err(CommandError::Conflict(format!("host {name:?} does not run")));
                }
                fleet.stop_host(id);
            }
            Self::Start(name) => {
                let id = known(&fleet, &name)?;
                if !fleet.has_ended(id) {
                    let state =
                        if fleet.is_stopped(id) { "is still stopping; try again" } else { "runs already" };
                    return Err(CommandError::Conflict(format!("host {name:?} {state}")));
                }
                generation.start_again(id);
            }
            Self::Add(host) => {
                let (host, template) = made(&fleet, &host)?;
                let plan = fleet.plan().with_host(host, template);
                generation.replace(plan).await;
            }
            Self::Remove(name) => {
                let id = known(&fleet, &name)?;
                if fleet.plan().hosts.len() == 1 {
                    return Err(CommandError::Conflict(format!(
                        "host {name:?} is the last one; stop the run instead"
                    )));
                }
                generation.replace(fleet.plan().without_host(id)).await;
            }
            Self::Show(host, metric, order) => {
                let id = known(&fleet, &host)?;
                let (index, plan) = metric_of(&fleet.plan().hosts[id as usize], &metric)?;
                check(plan, &order)?;
                refuse_fall(&fleet, id, plan, &order)?;
                let until = order.span.map_or(Time::NEVER, |span| fleet.clock().now() + span);
                let Override { value, may_fall, .. } = order;
                fleet.give_to(id, HostCommand::Show { metric: index, value, until, may_fall });
            }
            Self::Release(host, metric) => {
                let id = known(&fleet, &host)?;
                let (index, _) = metric_of(&fleet.plan().hosts[id as usize], &metric)?;
                fleet.give_to(id, HostCommand::Release { metric: index });
            }
            Self::Emit(name, source, data) => {
                let (hearers, time) = fleet.publish_for(&name, &source, data);
                return Ok(Outcome(hearers, time));
            }
        }
        Ok(Outcome(0, fleet.clock().now()))
    }
}

/// The host called so.
pub(crate) fn known(fleet: &Fleet, name: &str) -> Result<HostId, CommandError> {
    fleet.id_of(name).ok_or_else(|| {
        // Names of a large fleet are too many to compare.
        let names: Vec<&str> = fleet.plan().hosts.iter().take(1_000).map(|host| &*host.name).collect();
        let hint = if names.len() < 1_000 { suggestion(name, &names) } else { String::new() };
        let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
        CommandError::UnknownHost(format!("there is no host {shown:?}{hint}"))
    })
}

/// Whether the metric can show such a value.
fn check(metric: &MetricPlan, order: &Override) -> Result<(), CommandError> {
    let (name, value, (low, high)) = (&metric.name, order.value, metric.value_range);
    let refused = |why: String| {
        Err(CommandError::InvalidValue(format!("metric {name:?} {why}, but the value is {value}")))
    };
    if !value.is_finite() {
        return refused("takes a finite number".to_owned());
    }
    match metric.cells.aggregation() {
        Aggregation::Info => refused("is an info, which always shows 1".to_owned()),
        Aggregation::Counter { .. } if value < 0.0 => refused("is a counter and takes 0 or more".to_owned()),
        Aggregation::Observations { .. } if value < low || value > high => {
            refused(format!("observes values from {low} to {high}"))
        }
        Aggregation::State => {
            let Kind::StateSet { states } = &metric.cells.layout().kind else { return Ok(()) };
            let is_state = libm::trunc(value).to_bits() == value.to_bits()
                && (0..states.len())
                    .any(|n| u32::try_from(n).is_ok_and(|n| f64::from(n).to_bits() == value.to_bits()));
            if is_state {
                Ok(())
            } else {
                refused(format!("takes the number of a state, 0 to {}", states.len() - 1))
            }
        }
        _ => Ok(()),
    }
}

/// A counter does not fall, unless that is wanted.
fn refuse_fall(fleet: &Fleet, id: HostId, metric: &MetricPlan, order: &Override) -> Result<(), CommandError> {
    if order.may_fall || !matches!(metric.cells.aggregation(), Aggregation::Counter { .. }) {
        return Ok(());
    }
    let shown = fleet.cells_of(id, metric)[0];
    if is_absent(shown) || order.value >= shown {
        return Ok(());
    }
    Err(CommandError::CounterFalls(format!(
        "counter {:?} shows {shown} and would fall to {}; allow_reset lets it",
        metric.name, order.value
    )))
}

/// The new host's plan, and its template.
fn made(fleet: &Fleet, wanted: &NewHost) -> Result<(HostPlan, HostId), CommandError> {
    let NewHost { name, template, labels, ttl, series_max } = wanted;
    let invalid = |why: String| Err(CommandError::InvalidValue(why));
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return invalid(format!("a host's name has 1 to {NAME_BYTES_MAX} bytes without control characters"));
    }
    if fleet.id_of(name).is_some() {
        return Err(CommandError::Conflict(format!("there is a host {name:?} already; choose another name")));
    }
    let id = known(fleet, template)?;
    let template = &fleet.plan().hosts[id as usize];
    if template.labels.get("name") != Some(&template.name) {
        return invalid(format!(
            "host {:?} has no label with its name, so a copy would have its series",
            template.name
        ));
    }
    if labels.len() > LABELS_MAX {
        return invalid(format!("a host gets at most {LABELS_MAX} labels"));
    }
    for (label, value) in labels {
        let is_metrics = template.shape.all_metrics().any(|metric| metric.labels.get(label).is_some())
            || template.shape.pools.iter().any(|pools| pools.labels.iter().any(|(name, _)| name == label));
        if !is_label_name(label)
            || IDENTITY.contains(&label.as_str())
            || is_metrics
            || ["job", "instance", "le", "quantile"].contains(&label.as_str())
        {
            return invalid(format!(
                "label {label:?} is not allowed, or is set already by promemu or a metric"
            ));
        }
        if value.len() > VALUE_BYTES_MAX {
            return invalid(format!("label {label:?} has more than {VALUE_BYTES_MAX} bytes"));
        }
    }
    let growth = template.shape.growth_max().min(template.growth_max);
    let series = fleet.plan().series_count().saturating_add(template.shape.series).saturating_add(growth);
    if series > *series_max {
        return Err(CommandError::TooMany(format!(
            "the run would have {series} series; --max-series allows {series_max}"
        )));
    }
    let host = HostPlan {
        name: name.as_str().into(),
        ttl: ttl.unwrap_or(template.ttl),
        start_time: Span::ZERO,
        labels: merged(&template.labels, name, labels),
        ..HostPlan::clone(template)
    };
    Ok((host, id))
}

/// The template's labels as they are for a host of this name, and those that are given.
fn merged(template: &LabelBlock, name: &str, given: &[(String, String)]) -> LabelBlock {
    let (host, address) = (made_up_host(name), made_up_address(name));
    let mut labels: indexmap::IndexMap<&str, &str> = template.iter().collect();
    for (label, value) in [("name", name), ("host", &host), ("address", &address)] {
        if let Some(known) = labels.get_mut(label) {
            *known = value;
        }
    }
    labels.extend(given.iter().map(|(label, value)| (label.as_str(), value.as_str())));
    LabelBlock::new(labels)
}
