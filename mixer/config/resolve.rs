//! Template to plan: the values of all fields, and every check that needs them.

mod metrics;
mod names;
mod relays;
mod scenarios;

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::arguments;
use super::template::{ActionTemplate, ConfigTemplate, HostTemplate, RepeatTemplate};
use super::value::{FromValue, Scalar, SpanRange};
use crate::clock::{Span, Time};
use crate::error::{Problems, SourceSpan, suggestion};
use crate::event::Subscription;
use crate::expression::{Names, Value};
use crate::plan::{HostPlan, HostShape, JobPlan, Listener, Plan, Reaction, RunDefaults};
use crate::series::{Family, LabelBlock};

pub(super) use names::{made_up_address, made_up_host};

const DEFAULT_JOB_NAME: &str = "promemu_{started_at}";
const DEFAULT_REPORT_INTERVAL: Span = Span::from_secs(10);
const SHORTEST_INTERVAL: Span = Span::from_nanos(1_000_000);

/// More series than this are refused: a slip of the keyboard should not fill the memory.
const SERIES_MAX: usize = 5_000_000;

/// Makes the plan of one class; what is wrong goes to `problems`, and then the plan is not to be used.
pub(super) fn resolve(
    config: &str,
    template: &ConfigTemplate,
    given: &IndexMap<String, String>,
    started_at: Time,
    problems: &mut Problems,
) -> Plan {
    let mut names = arguments::bind(&template.args, given, problems);
    names.set("started_at", Value::Text(started_at.compact()));
    let mut resolver = Resolver {
        template,
        names,
        problems,
        families: IndexMap::new(),
        jobs: IndexMap::new(),
        hosts: Vec::new(),
        host_names: IndexSet::new(),
        series: 0,
        repeat_var: None,
        shape_varies: false,
    };
    let defaults = resolver.defaults();
    if template.hosts.is_empty() && resolver.problems.error_count() == 0 {
        resolver.problems.error_anywhere("the config has no hosts; add a Host(…) to hosts");
    }
    for host in &template.hosts {
        resolver.host(host);
    }
    resolver.refuse_suffix_clashes();
    if !template.hosts.is_empty() && resolver.hosts.is_empty() && resolver.problems.error_count() == 0 {
        resolver.problems.error_anywhere("the config makes no hosts with these arguments; raise a count");
    }
    let Resolver { families, jobs, hosts, .. } = resolver;
    let jobs = jobs.into_iter().map(|(name, hosts)| JobPlan { name, hosts }).collect();
    let mut plan = Plan {
        config: config.to_owned(),
        families: families.into_values().map(|known| known.family).collect(),
        jobs,
        hosts,
        defaults,
    };
    group_by_shape(&mut plan);
    plan
}

/// Makes neighbours of the hosts of one shape in each job.
fn group_by_shape(plan: &mut Plan) {
    let mut order: IndexMap<*const HostShape, usize> = IndexMap::new();
    for host in &plan.hosts {
        let next = order.len();
        order.entry(Arc::as_ptr(&host.shape)).or_insert(next);
    }
    for job in &mut plan.jobs {
        job.hosts.sort_by_key(|host| order[&Arc::as_ptr(&plan.hosts[*host as usize].shape)]);
    }
}

/// A family, and where it was first seen.
struct KnownFamily {
    family: Family,
    is_described: bool,
    span: SourceSpan,
}

struct Resolver<'a> {
    template: &'a ConfigTemplate,
    names: Names,
    problems: &'a mut Problems,
    families: IndexMap<Arc<str>, KnownFamily>,
    jobs: IndexMap<Arc<str>, Vec<u32>>,
    hosts: Vec<Arc<HostPlan>>,
    host_names: IndexSet<Arc<str>>,
    series: usize,
    repeat_var: Option<String>,
    /// Set where a value depends on its host; a shape with such a value cannot be shared with other hosts.
    shape_varies: bool,
}

impl<'a> Resolver<'a> {
    /// Notes whether one of these names differs from host to host of one template.
    fn note_names<'n>(&mut self, mut names: impl Iterator<Item = &'n str>) {
        let var = self.repeat_var.as_deref();
        self.shape_varies |=
            names.any(|name| Some(name) == var || matches!(name, "name" | "host" | "address"));
    }

    /// A field's value; an error goes to the problems and gives `None`.
    fn value<T: FromValue>(&mut self, field: &str, scalar: &Scalar<T>) -> Option<T> {
        self.note_names(scalar.names());
        let outcome = scalar.evaluate(&self.names);
        outcome.map_err(|error| self.problems.error(scalar.span, format!("{field}: {error}"))).ok()
    }

    fn optional<T: FromValue>(&mut self, field: &str, scalar: Option<&Scalar<T>>, default: T) -> Option<T> {
        match scalar {
            Some(scalar) => self.value(field, scalar),
            None => Some(default),
        }
    }

    /// An interval that something is done at: not so short that it would keep a core busy, and not endless.
    fn interval(&mut self, field: &str, scalar: Option<&Scalar<Span>>, default: Span) -> Option<Span> {
        let span = self.optional(field, scalar, default)?;
        if (SHORTEST_INTERVAL..Span::FOREVER).contains(&span) {
            return Some(span);
        }
        let place = scalar.map_or_else(SourceSpan::default, |scalar| scalar.span);
        self.problems.error(place, format!("{field} must be 1ms or longer and not endless, but is {span}"));
        None
    }

    fn defaults(&mut self) -> RunDefaults {
        let template = self.template;
        let push_interval = template.push_interval.as_ref();
        RunDefaults {
            pushgateway_url: template.pushgateway_url.as_ref().and_then(|s| self.value("pushgateway_url", s)),
            push_interval: push_interval.and_then(|s| self.interval("push_interval", Some(s), Span::ZERO)),
            cleanup_on_start: template
                .cleanup_on_start
                .as_ref()
                .and_then(|s| self.value("cleanup_on_start", s)),
            cleanup_on_finish: template
                .cleanup_on_finish
                .as_ref()
                .and_then(|s| self.value("cleanup_on_finish", s)),
        }
    }

    /// All hosts of one template. The first one with an error ends the template's repetition: the others
    /// would only say the same again.
    fn host(&mut self, template: &'a HostTemplate) {
        let Some((var, from, to)) = self.repetition(template.repeat.as_ref()) else { return };
        let metrics = template.metrics.len() + self.set_metrics(template);
        let count = usize::try_from(to.saturating_sub(from).saturating_add(1)).unwrap_or(0);
        let series = self.series.saturating_add(count.saturating_mul(metrics.max(1)));
        if series > SERIES_MAX {
            self.problems.error(
                template.span,
                format!("the config makes {series} series so far, more than {SERIES_MAX}; lower a count"),
            );
            return;
        }
        self.repeat_var.clone_from(&var);
        let mut shared: Option<Arc<HostShape>> = None;
        let outer = self.names.mark();
        for i in from..=to {
            if let Some(var) = &var {
                self.names.set(var, Value::Int(i));
            }
            let errors_before = self.problems.error_count();
            let made = self.one_host(template, &mut shared);
            self.names.rewind(outer);
            if made.is_none() || self.problems.error_count() > errors_before {
                return;
            }
        }
    }

    fn repetition(&mut self, repeat: Option<&RepeatTemplate>) -> Option<(Option<String>, i64, i64)> {
        let Some(repeat) = repeat else { return Some((None, 1, 1)) };
        let (from, to) = (self.value("from", &repeat.from)?, self.value("to", &repeat.to)?);
        if !arguments::is_name(&repeat.var)
            || arguments::RESERVED.contains(&repeat.var.as_str())
            || self.names.contains(&repeat.var)
        {
            self.problems.error(
                repeat.from.span,
                format!("repeat cannot use {:?} as its var; choose another name", repeat.var),
            );
            return None;
        }
        Some((Some(repeat.var.clone()), from, to))
    }

    fn set_metrics(&self, template: &HostTemplate) -> usize {
        let sets = template.metric_sets.iter().filter_map(|name| name.evaluate(&self.names).ok());
        sets.filter_map(|name| self.template.metric_sets.get(&name)).map(Vec::len).sum()
    }

    fn one_host(&mut self, template: &'a HostTemplate, shared: &mut Option<Arc<HostShape>>) -> Option<()> {
        let name: Arc<str> = self.value("name", &template.name)?.into();
        if name.is_empty() {
            self.problems.error(template.name.span, "a host's name must not be empty");
        }
        if !self.host_names.insert(Arc::clone(&name)) {
            self.problems.error(
                template.name.span,
                format!("two hosts are called {name:?}; a host's name must be unique"),
            );
        }
        self.names.set("name", Value::Text(name.to_string()));
        let host = match &template.host {
            Some(host) => self.value("host", host)?,
            None => made_up_host(&name),
        };
        self.names.set("host", Value::Text(host.clone()));
        let address = made_up_address(&name);
        self.names.set("address", Value::Text(address.clone()));

        let ttl = self.optional("ttl", template.ttl.as_ref(), Span::FOREVER)?;
        if ttl == Span::ZERO {
            let place = template.ttl.as_ref().map_or(template.span, |ttl| ttl.span);
            self.problems.error(place, "ttl must be longer than 0; write \"inf\" for a host without an end");
        }
        let interval = self.report_interval(template)?;
        let start_time = self.optional("start_time", template.start_time.as_ref(), Span::ZERO)?;
        let job = self.job(template)?;
        let labels = self.labels(&template.labels, &["job", "name", "host", "address", "le"], &[])?;
        let own = [("name", &*name), ("host", host.as_str()), ("address", address.as_str())];
        let labels =
            LabelBlock::new(own.into_iter().chain(labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))));
        let shape = if let Some(shape) = shared {
            Arc::clone(shape)
        } else {
            let host_labels: Vec<&str> = template.labels.iter().map(|label| label.name.as_str()).collect();
            let shape = Arc::new(self.shape(template, &host_labels)?);
            *shared = (!self.shape_varies).then(|| Arc::clone(&shape));
            shape
        };
        self.series += shape.series;
        if self.series > SERIES_MAX {
            let message = format!("the config makes more than {SERIES_MAX} series; lower a count");
            self.problems.error(template.span, message);
            return None;
        }
        let id = u32::try_from(self.hosts.len()).ok()?;
        self.jobs[job].push(id);
        self.hosts.push(Arc::new(HostPlan { name, job, ttl, interval, start_time, labels, shape }));
        Some(())
    }

    fn report_interval(&mut self, template: &HostTemplate) -> Option<(Span, Span)> {
        let default = SpanRange(DEFAULT_REPORT_INTERVAL, DEFAULT_REPORT_INTERVAL);
        let SpanRange(low, high) = self.optional("interval", template.interval.as_ref(), default)?;
        if low < SHORTEST_INTERVAL || high == Span::FOREVER {
            let place = template.interval.as_ref().map_or(template.span, |interval| interval.span);
            self.problems.error(
                place,
                format!("interval must be 1ms or longer and not endless, but is {low}..{high}"),
            );
        }
        Some((low, high))
    }

    fn job(&mut self, template: &HostTemplate) -> Option<usize> {
        let own = template.job_name.as_ref().or(self.template.default_job_name.as_ref());
        let name = match own {
            Some(name) => self.value("job_name", name)?,
            None => {
                Scalar::<String>::text(DEFAULT_JOB_NAME).and_then(|name| name.evaluate(&self.names)).ok()?
            }
        };
        if name.is_empty() {
            let place = own.map_or(template.span, |name| name.span);
            self.problems.error(place, "a job's name must not be empty: the Pushgateway refuses it");
        }
        let entry = self.jobs.entry(name.into());
        let index = entry.index();
        entry.or_default();
        Some(index)
    }

    /// What the host and its metrics have in common with others of the template.
    fn shape(&mut self, template: &'a HostTemplate, host_labels: &[&str]) -> Option<HostShape> {
        self.shape_varies = false;
        let mut shape = self.metrics(template, host_labels)?;
        for (event, action) in &template.listen_events {
            let subscription = Subscription::parse(&self.value("event", event)?);
            let reaction = match action {
                ActionTemplate::Emit(event) => Reaction::Emit(self.value("event", event)?.into()),
                ActionTemplate::StartMetric(name) => Reaction::StartMetric(self.metric_index(&shape, name)?),
                ActionTemplate::StopMetric(name) => Reaction::StopMetric(self.metric_index(&shape, name)?),
            };
            shape.listeners.push(Listener { subscription, reaction });
        }
        Some(shape)
    }

    fn metric_index(&mut self, shape: &HostShape, name: &Scalar<String>) -> Option<usize> {
        let wanted = self.value("metric", name)?;
        let index = shape.metrics.iter().position(|metric| *metric.name == *wanted);
        if index.is_none() {
            let known: Vec<&str> = shape.metrics.iter().map(|metric| &*metric.name).collect();
            let hint = suggestion(&wanted, &known);
            self.problems.error(name.span, format!("the host has no metric {wanted:?}{hint}"));
        }
        index
    }
}
