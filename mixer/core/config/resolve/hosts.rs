//! Hosts: their values, and the shapes that they share.

use std::sync::Arc;

use super::actions::Metrics;
use super::labels::LabelNames;
use super::metrics::MetricSource;
use super::relays::ByName;
use super::resolver::{Resolver, SHORTEST_INTERVAL};
use crate::config::template::{ActionTemplate, HostTemplate, MetricTemplate};
use crate::config::value::{Scalar, SpanRange};
use crate::error::{SourceSpan, suggestion};
use crate::event::Subscription;
use crate::expression::{Storage, Value};
use crate::naming::{made_up_address, made_up_host};
use crate::plan::{Action, HostPlan, HostSetup, HostShape, Listener};
use crate::series::LabelBlock;
use crate::time::Span;

const DEFAULT_JOB_NAME: &str = "promemu_{started_at}";
const DEFAULT_REPORT_INTERVAL: Span = Span::from_secs(10);

impl<'a> Resolver<'a> {
    /// Adds all hosts of one template. The first host with an error ends the repetition: the others would repeat
    /// the same errors.
    pub(super) fn host(&mut self, template: &'a HostTemplate) {
        let Some(count) = self.count(&template.repeat) else { return };
        let metrics = self.metric_count(template);
        let series = self.series.saturating_add(count.saturating_mul(metrics.max(1)));
        if series > self.series_max {
            self.refuse_series(template.span, series);
            return;
        }
        self.host_vars = template.repeat.iter().map(|repeat| repeat.var.clone()).collect();
        let mut shared: Option<Arc<HostShape>> = None;
        let mut found = vec![false; template.overrides.len()];
        let outcome = self.repeated(&template.repeat, &mut |this| {
            if this.problems.is_over() {
                return None;
            }
            let (errors, mark) = (this.problems.error_count(), this.names.mark());
            let made = this.one_host(template, &mut found, &mut shared);
            this.names.rewind(mark);
            made.filter(|()| this.problems.error_count() == errors)
        });
        if outcome.is_none() {
            return;
        }
        for ((name, host), _) in template.overrides.iter().zip(&found).filter(|(_, found)| !**found) {
            if self.problems.is_over() {
                return;
            }
            let known: Vec<&str> = self.host_names.iter().map(|name| &**name).collect();
            let hint = suggestion(name, &known);
            self.problems
                .error(host.span, format!("override {name:?} is for a host that does not exist{hint}"));
        }
    }

    /// Adds an error about too many series; `count` is a lower bound of their number.
    pub(super) fn refuse_series(&mut self, span: SourceSpan, count: usize) {
        let max = self.series_max;
        let message = format!(
            "the config makes {count} series so far, more than {max}; lower a count, or raise --max-series"
        );
        self.problems.error(span, message);
    }

    /// `false`, and an error, if the config takes too much memory together with these bytes.
    pub(super) fn has_memory(&mut self, span: SourceSpan, bytes: usize) -> bool {
        if self.memory.saturating_add(bytes) <= self.memory_max {
            return true;
        }
        let max = self.memory_max >> 20;
        let message = format!(
            "the config takes more than {max} MiB of memory so far; lower a count, or raise --max-memory"
        );
        self.problems.error(span, message);
        false
    }

    /// A lower bound of the number of metrics of a host. A repetition that depends on the host counts once.
    fn metric_count(&mut self, template: &HostTemplate) -> usize {
        let config = self.template;
        let sets = template.metric_sets.iter().filter_map(|name| name.evaluate(&self.names).ok());
        let of_sets = sets.filter_map(|name| config.metric_sets.get(&name)).flatten();
        let metrics: Vec<&MetricTemplate> = of_sets.chain(&template.metrics).collect();
        let counts = metrics.into_iter().map(|metric| self.certain_count(&metric.repeat));
        counts.fold(0, usize::saturating_add)
    }

    fn one_host(
        &mut self,
        template: &'a HostTemplate,
        found: &mut [bool],
        shared: &mut Option<Arc<HostShape>>,
    ) -> Option<()> {
        let name: Arc<str> = self.name("name", &template.name)?.into();
        if name.is_empty() {
            self.problems.error(template.name.span, "a host's name must not be empty");
        }
        if !self.host_names.insert(Arc::clone(&name)) {
            self.problems.error(
                template.name.span,
                format!("two hosts are called {name:?}; a host's name must be unique"),
            );
        }
        let Some((at, _, host)) = template.overrides.get_full(&*name) else {
            return self.named_host(template, name, shared);
        };
        found[at] = true;
        self.named_host(host, name, &mut None)
    }

    fn named_host(
        &mut self,
        template: &'a HostTemplate,
        name: Arc<str>,
        shared: &mut Option<Arc<HostShape>>,
    ) -> Option<()> {
        self.names.set("name", Value::Text(name.to_string()));
        let host = match &template.host {
            Some(host) => self.name("host", host)?,
            None => made_up_host(&name),
        };
        self.names.set("host", Value::Text(host.clone()));
        let address = made_up_address(&name);
        self.names.set("address", Value::Text(address.clone()));

        let ttl = self.ttl(template);
        let interval = self.report_interval(template);
        let start_time = self.optional("start_time", template.start_time.as_ref(), Span::ZERO);
        let job = self.job(template);
        let identity = [("name", &*name), ("host", host.as_str()), ("address", address.as_str())];
        let labels = self.host_labels(template, identity)?;
        let shape = self.shared_shape(template, shared)?;
        let (ttl, interval, start_time, job) = (ttl?, interval?, start_time?, job?);
        self.refuse_faults(template, &shape, interval.0);
        self.series += shape.series;
        if self.series > self.series_max {
            self.refuse_series(template.span, self.series);
            return None;
        }
        let id = u32::try_from(self.hosts.len()).ok()?;
        self.jobs[job].push(id);
        if !self.has_identity {
            self.bare_hosts.push((id, template.span));
        }
        let growth_max = usize::MAX;
        let setup = HostSetup { job, interval, growth_max, run: None, event_share: None, shape };
        let setup = Arc::new(setup).shared_with(self.hosts.last().map(|host| &**host));
        let host = HostPlan { name, labels, start_time, ttl, setup };
        let bytes = host.host_bytes();
        if !self.has_memory(template.span, bytes) {
            return None;
        }
        self.memory += bytes;
        self.hosts.push(Arc::new(host));
        Some(())
    }

    /// The labels of all series of a host; its expressions may read those that the template gives.
    fn host_labels(&mut self, template: &HostTemplate, identity: [(&str, &str); 3]) -> Option<LabelBlock> {
        let has_identity = template.identity_labels.as_ref().or(self.template.identity_labels.as_ref());
        self.has_identity = self.optional("identity_labels", has_identity, true)?;
        let reserved = self.reserved_labels(true);
        let labels = self.labels(&template.labels, &reserved, &LabelNames::new())?;
        self.names.set_fields("labels", labels.iter().map(|(n, v)| (n.as_str(), Value::Text(v.clone()))));
        let given = labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let own = identity.into_iter().filter(|_| self.has_identity);
        Some(LabelBlock::new(own.chain(given)))
    }

    fn ttl(&mut self, template: &HostTemplate) -> Option<Span> {
        let ttl = self.optional("ttl", template.ttl.as_ref(), Span::FOREVER);
        if ttl == Some(Span::ZERO) {
            let place = template.ttl.as_ref().map_or(template.span, |ttl| ttl.span);
            self.problems.error(place, "ttl must be longer than 0; write \"inf\" for a host without an end");
        }
        ttl
    }

    /// The shape of the template's hosts before this one, if they can share it, or else a new one.
    fn shared_shape(
        &mut self,
        template: &'a HostTemplate,
        shared: &mut Option<Arc<HostShape>>,
    ) -> Option<Arc<HostShape>> {
        if let Some(shape) = shared {
            return Some(Arc::clone(shape));
        }
        let host_labels: LabelNames<'_> = template.labels.iter().map(|label| label.name.as_str()).collect();
        let shape = Arc::new(self.shape(template, &host_labels)?);
        self.memory = self.memory.saturating_add(shape.shape_bytes());
        *shared = (!self.shape_varies).then(|| Arc::clone(&shape));
        Some(shape)
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
            Some(name) => self.name("job_name", name)?,
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

    /// The shape: all that the host has in common with others of the template.
    fn shape(&mut self, template: &'a HostTemplate, host_labels: &LabelNames<'_>) -> Option<HostShape> {
        (self.shape_varies, self.reads_levers) = (false, false);
        self.host_keys = template.storage.iter().map(|(name, _)| name.as_str()).collect();
        let source = MetricSource {
            span: template.span,
            sets: &template.metric_sets,
            metrics: &template.metrics,
            overrides: &template.override_metrics,
        };
        let mut shape = self.metrics(&source, host_labels)?;
        let is_bare = shape.metrics.is_empty() && template.pools.is_empty();
        // Wrong metrics are missing here, and have errors.
        if is_bare && self.problems.error_count() == 0 {
            self.problems.warning(template.span, "the host has no metrics, so it reports nothing");
        }
        self.listeners(template, &mut shape);
        let faults = self.faults(template, &mut shape);
        if self.no_faults {
            shape.faults.clear();
            let is_of_fault =
                |action: &Action| matches!(action, Action::OpenFault(_) | Action::CloseFault(_));
            shape.listeners.retain(|listener| !is_of_fault(&listener.action));
        }
        for (name, value) in &template.storage {
            let Some(value) = self.value(&format!("storage {name:?}"), value) else { continue };
            shape.storage.push((name.clone(), value));
        }
        let stored = shape.storage.iter().map(|(name, value)| (name.as_str(), value.clone()));
        if let Err(error) = Storage::check(stored) {
            let place = template.storage.first().map_or(template.span, |(_, value)| value.span);
            self.problems.error(place, error);
        }
        self.pools(template, host_labels, &mut shape)?;
        faults?;
        let has_model = shape.pools.iter().any(|pool| pool.model.is_some());
        shape.reads_levers = self.reads_levers || (has_model && !self.levers.is_empty());
        Some(shape)
    }

    /// Adds the listeners that carry out actions after events.
    fn listeners(&mut self, template: &HostTemplate, shape: &mut HostShape) {
        if template.listen_events.is_empty() {
            return;
        }
        let names: Vec<Arc<str>> = shape.metrics.iter().map(|metric| Arc::clone(&metric.name)).collect();
        let by_name = ByName::of(names.iter().map(|name| &**name));
        for (event, action) in &template.listen_events {
            if self.problems.is_over() {
                return;
            }
            let listeners = self.action_listeners(&Metrics { shape, by_name: &by_name }, event, action);
            shape.listeners.extend(listeners.unwrap_or_default());
        }
    }

    /// The listeners that carry out an action after an event.
    fn action_listeners(
        &mut self,
        metrics: &Metrics<'_>,
        event: &Scalar<String>,
        action: &ActionTemplate,
    ) -> Option<Vec<Listener>> {
        let subscription = Subscription::parse(&self.value("event", event)?);
        self.events.subscribe(&subscription, event.span);
        let (actions, when) = self.actions(metrics, action)?;
        let listener = |action| Listener { subscription: subscription.clone(), action, when: when.clone() };
        Some(actions.into_iter().map(listener).collect())
    }
}
