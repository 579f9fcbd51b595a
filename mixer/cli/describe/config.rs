//! The description of one config: its arguments, and what its plan has.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use promemu_core::config::{ClassSummary, ConfigFile};
use promemu_core::error::Error;
use promemu_core::event::{LIFECYCLE, MIXER_SOURCE, Subscription};
use promemu_core::plan::{HostPlan, ModelPlan, Plan, RunFault};
use promemu_core::plural::plural;
use promemu_core::time::Span;
use serde::Serialize;

use crate::table::{cut, paragraph, prose, spare, table, whole};

/// Number of names of a list that are shown.
const NAMES_SHOWN_MAX: usize = 4;
/// Number of groups of hosts that are shown.
const GROUPS_SHOWN_MAX: usize = 40;
/// Blanks before a table.
const INDENT: u16 = 2;

/// A config as its author and its plan describe it.
#[expect(clippy::struct_field_names, reason = "they are the names in the JSON")]
#[derive(Debug, Serialize)]
pub(super) struct Description {
    name: String,
    class: String,
    description: String,
    arguments: Vec<Argument>,
    series: usize,
    hosts: Vec<HostGroup>,
    metrics: Vec<Metric>,
    levers: Vec<Lever>,
    faults: Vec<Fault>,
    events: Vec<Event>,
}

#[derive(Debug, Serialize)]
struct Argument {
    name: String,
    takes: String,
    default: String,
    help: String,
}

/// Neighbouring hosts of one shape and job.
#[derive(Debug, Serialize)]
struct HostGroup {
    first: String,
    last: String,
    count: usize,
    job: String,
    ttl: String,
    labels: Vec<String>,
    metrics: usize,
    series: usize,
}

#[expect(clippy::struct_field_names, reason = "they are the names in the JSON")]
#[derive(Debug, Serialize)]
struct Metric {
    name: String,
    metric_type: &'static str,
    /// Names of the labels that it has beside its host's.
    labels: Vec<String>,
    help: String,
}

#[derive(Debug, Serialize)]
struct Lever {
    name: String,
    default: f64,
}

#[derive(Debug, Serialize)]
struct Fault {
    id: String,
    at: String,
    lasts: String,
    every: Option<String>,
    hosts: String,
    levers: Vec<String>,
    /// Its moves of levers and the kind that its hosts show, as in `load = 5` and `host_down`.
    effects: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
struct Event {
    name: String,
    /// The hosts that emit it, by the first of each group; `promemu` for the run's own.
    emitted_by: IndexSet<String>,
    heard_by: IndexSet<String>,
}

impl Description {
    /// The description of the class that the plan is of.
    pub(super) fn of(file: &ConfigFile, class: Option<&str>, plan: &Plan) -> Result<Self, Error> {
        let classes = file.classes()?;
        let summary = chosen(classes, class);
        let groups: Vec<&[Arc<HostPlan>]> = plan
            .hosts
            .chunk_by(|a, b| a.job == b.job && Arc::ptr_eq(&a.shape, &b.shape) && a.ttl == b.ttl)
            .collect();
        let arguments = summary.arguments.into_iter().map(|argument| Argument {
            takes: if argument.choices.is_empty() {
                argument.takes.to_owned()
            } else {
                argument.choices.join(", ")
            },
            name: argument.name,
            default: argument.default,
            help: argument.help,
        });
        Ok(Self {
            name: plan.config.clone(),
            class: summary.name,
            description: summary.description,
            arguments: arguments.collect(),
            series: plan.series_count(),
            hosts: groups.iter().filter_map(|hosts| HostGroup::of(plan, hosts)).collect(),
            metrics: metrics(plan, &groups),
            levers: plan
                .levers
                .iter()
                .map(|lever| Lever { name: lever.name.to_string(), default: lever.default })
                .collect(),
            faults: faults(plan),
            events: events(plan, &groups),
        })
    }

    /// The description as tables, for a terminal of this width or a pipe.
    pub(super) fn text(&self, width: Option<u16>) -> String {
        let class = if self.class.is_empty() { String::new() } else { format!(" --class {}", self.class) };
        let about =
            if self.description.is_empty() { String::new() } else { format!(": {}", self.description) };
        let heading = format!("{}{class}{about}", self.name);
        let mut parts = vec![paragraph(&heading, 0, width)];
        let arguments = self.arguments.iter().map(|it| {
            [it.name.clone(), type_name(&it.takes).to_owned(), it.default.clone(), it.help.clone()]
        });
        parts.extend(section(
            "Arguments",
            &table(
                [whole("ARGUMENT"), prose("TYPE"), prose("DEFAULT"), prose("HELP")],
                arguments,
                INDENT,
                width,
            ),
            self.arguments.len(),
        ));
        parts.push(self.hosts_text(width));
        // A terminal's lines break between words; a pipe has one word for each column.
        let comma = if width.is_some() { ", " } else { "," };
        let metrics = self
            .metrics
            .iter()
            .map(|it| [it.name.clone(), it.metric_type.to_owned(), it.labels.join(comma), it.help.clone()]);
        parts.extend(section(
            "Metrics",
            &table([whole("METRIC"), whole("TYPE"), prose("LABELS"), prose("HELP")], metrics, INDENT, width),
            self.metrics.len(),
        ));
        let levers = self.levers.iter().map(|it| [it.name.clone(), it.default.to_string()]);
        parts.extend(section(
            "Levers",
            &table([whole("LEVER"), whole("DEFAULT")], levers, INDENT, width),
            self.levers.len(),
        ));
        let faults = self.faults.iter().map(|it| {
            let every = it.every.clone().unwrap_or_else(|| "once".to_owned());
            let [at, lasts, hosts] = [&it.at, &it.lasts, &it.hosts].map(String::clone);
            [it.id.clone(), at, lasts, every, hosts, it.effects.join(", ")]
        });
        let columns =
            [whole("FAULT"), whole("AT"), whole("LASTS"), whole("EVERY"), prose("HOSTS"), prose("EFFECT")];
        parts.extend(section("Faults", &table(columns, faults, INDENT, width), self.faults.len()));
        let events = self.events.iter().map(|it| {
            let from = if it.emitted_by.is_empty() { "clients".to_owned() } else { names(&it.emitted_by) };
            [it.name.clone(), from, names(&it.heard_by)]
        });
        parts.extend(section(
            "Events",
            &table([whole("EVENT"), prose("EMITTED BY"), prose("HEARD BY")], events, INDENT, width),
            self.events.len(),
        ));
        parts.join("\n")
    }

    fn hosts_text(&self, width: Option<u16>) -> String {
        let rows = self.hosts.iter().take(GROUPS_SHOWN_MAX).map(|group| {
            let name = if group.count == 1 {
                group.first.clone()
            } else {
                format!("{} … {}", group.first, group.last)
            };
            let numbers = [group.count, group.metrics, group.series].map(|number| number.to_string());
            let [count, metrics, series] = numbers;
            [name, count, group.ttl.clone(), metrics, series, group.job.clone()]
        });
        let columns =
            [whole("HOSTS"), whole("COUNT"), whole("TTL"), spare("METRICS"), whole("SERIES"), cut("JOB")];
        let table = table(columns, rows, INDENT, width);
        let left_out = self.hosts.len().saturating_sub(GROUPS_SHOWN_MAX);
        let more = if left_out == 0 { String::new() } else { format!("  … and {left_out} more groups\n") };
        let (hosts, series) = (self.hosts.iter().map(|group| group.count).sum(), self.series);
        let size = format!("{}, {}", plural(hosts, "host", "hosts"), plural(series, "series", "series"));
        format!("{size}\n{table}{more}")
    }
}

/// A part with its heading; `None` without rows.
fn section(heading: &str, table: &str, rows: usize) -> Option<String> {
    (rows > 0).then(|| format!("{heading}\n{table}"))
}

/// The first names of a list.
fn names(names: &IndexSet<String>) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_SHOWN_MAX).map(String::as_str).collect();
    let more = if names.len() > NAMES_SHOWN_MAX { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// The class of this name, or the one that promemu takes without a name.
fn chosen(mut classes: Vec<ClassSummary>, class: Option<&str>) -> ClassSummary {
    let wanted = match class {
        Some(name) => classes.iter().position(|summary| summary.name == name),
        None => classes.iter().position(|summary| summary.name.ends_with("Config")),
    };
    let at = wanted.unwrap_or(0);
    if at < classes.len() {
        return classes.swap_remove(at);
    }
    ClassSummary { name: String::new(), description: String::new(), arguments: Vec::new() }
}

impl HostGroup {
    fn of(plan: &Plan, hosts: &[Arc<HostPlan>]) -> Option<Self> {
        let (first, last) = (hosts.first()?, hosts.last()?);
        Some(Self {
            first: first.name.to_string(),
            last: last.name.to_string(),
            count: hosts.len(),
            job: plan.jobs.get(first.job)?.name.to_string(),
            ttl: span(first.ttl),
            labels: first.labels.iter().map(|(name, _)| name.to_owned()).collect(),
            metrics: first.shape.all_metrics().count(),
            series: hosts.iter().map(|host| host.series_count()).sum(),
        })
    }
}

/// The families, each with the labels of its metrics.
fn metrics(plan: &Plan, groups: &[&[Arc<HostPlan>]]) -> Vec<Metric> {
    let mut labels: Vec<IndexSet<String>> = vec![IndexSet::new(); plan.families.len()];
    for shape in groups.iter().filter_map(|hosts| hosts.first()).map(|host| &host.shape) {
        for metric in shape.all_metrics() {
            labels[metric.family].extend(metric.labels.iter().map(|(name, _)| name.to_owned()));
        }
        for pool in &shape.pools {
            for metric in &pool.shape.metrics {
                labels[metric.family].extend(pool.labels.iter().map(|(name, _)| name.clone()));
            }
        }
    }
    let families = plan.families.iter().zip(labels);
    families
        .map(|(family, labels)| Metric {
            name: family.name.to_string(),
            metric_type: family.metric_type.name(),
            labels: labels.into_iter().collect(),
            help: family.help.to_string(),
        })
        .collect()
}

fn faults(plan: &Plan) -> Vec<Fault> {
    let fault = |fault: &Arc<RunFault>| {
        let named =
            || fault.changes.iter().filter_map(|it| Some((plan.levers.get(it.lever)?.name.to_string(), it)));
        let moved: IndexSet<String> = named().map(|(lever, _)| lever).collect();
        let effects = named().map(|(lever, change)| format!("{lever} {change}"));
        Fault {
            id: fault.id.to_string(),
            at: when(fault),
            lasts: span(fault.times.lasts),
            every: fault.times.every.map(span),
            hosts: fault.target(),
            levers: moved.into_iter().collect(),
            effects: effects.chain(fault.kind.map(str::to_owned)).collect(),
        }
    };
    plan.faults.iter().map(fault).collect()
}

/// The time of a fault's begin, or its events.
fn when(fault: &RunFault) -> String {
    if fault.on.is_empty() {
        return span(fault.times.at);
    }
    format!("on {}", fault.on.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// The events that hosts emit or hear. Those that every run has are there only if a host hears them.
fn events(plan: &Plan, groups: &[&[Arc<HostPlan>]]) -> Vec<Event> {
    let mut found: IndexMap<String, Event> = IndexMap::new();
    for (name, host) in groups.iter().filter_map(|hosts| Some((group_name(hosts), hosts.first()?))) {
        let of_models = host.shape.pools.iter().filter_map(|pool| pool.model.as_ref());
        let of_models = of_models.flat_map(ModelPlan::subscriptions).collect::<Vec<Subscription>>();
        for subscription in host.shape.subscriptions().chain(&of_models) {
            let event = found.entry(subscription.event.to_string()).or_default();
            event.heard_by.insert(name.clone());
        }
        for event in host.emissions().flatten() {
            found.entry(event.to_string()).or_default().emitted_by.insert(name.clone());
        }
    }
    let is_own = |name: &str| LIFECYCLE.contains(&name);
    found.retain(|name, event| !is_own(name) || !event.heard_by.is_empty());
    found
        .into_iter()
        .map(|(name, event)| {
            let of_hosts = ["host_started", "host_stopped"].contains(&name.as_str());
            let emitted_by = if is_own(&name) && !of_hosts {
                std::iter::once(MIXER_SOURCE.to_owned()).collect()
            } else {
                event.emitted_by
            };
            Event { name, emitted_by, ..event }
        })
        .filter(|_| !plan.hosts.is_empty())
        .collect()
}

/// The name of a group of hosts in lists.
fn group_name(hosts: &[Arc<HostPlan>]) -> String {
    match hosts {
        [one] => one.name.to_string(),
        [first, .., last] => format!("{} … {}", first.name, last.name),
        [] => String::new(),
    }
}

fn span(span: Span) -> String {
    span.to_string()
}

/// The name of a type in a table, where the default is an example: `duration` for `a duration, as in 15m`.
fn type_name(takes: &str) -> &str {
    let name = takes.split_once(", as in").map_or(takes, |(name, _example)| name);
    name.strip_prefix("a ").unwrap_or(name)
}
