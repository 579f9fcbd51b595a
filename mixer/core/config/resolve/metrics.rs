//! A host's metrics: their fields, order and families.

use std::sync::Arc;

use indexmap::IndexSet;

use super::cells::observed_default;
use super::labels::LabelNames;
use super::ranges::ends_of;
use super::resolver::Resolver;
use crate::config::template::MetricTemplate;
use crate::config::value::Scalar;
use crate::error::{SourceSpan, suggestion};
use crate::event::Subscription;
use crate::expression::{Formula, Value};
use crate::metric::{Aggregation, MetricType, Rounding, StateIndexes};
use crate::plan::{Action, HostShape, Listener, MetricPlan, ObservationDistribution, Schedule};
use crate::scenario::{MetricContext, ScenarioPlan};
use crate::series::LabelBlock;
use crate::time::Span;

pub(super) const DEFAULT_UPDATE_INTERVAL: Span = Span::from_secs(10);

/// A metric that is not yet in a shape.
pub(super) struct Draft<'a> {
    pub(super) template: &'a MetricTemplate,
    pub(super) plan: MetricPlan,
    /// Its layer; a metric of a later layer replaces one of an earlier layer.
    pub(super) layer: Layer,
    /// Names of the metrics that its formulas read.
    pub(super) links: IndexSet<String>,
    listens: IndexSet<Subscription>,
    uses_dt: bool,
}

/// The templates of the metrics of a host or pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct MetricSource<'a> {
    pub(super) span: SourceSpan,
    /// Names of metric sets.
    pub(super) sets: &'a [Scalar<String>],
    pub(super) metrics: &'a [MetricTemplate],
    /// Metrics of an override, which replace others of the same name and labels.
    pub(super) overrides: &'a [MetricTemplate],
}

/// The place in a config where a metric comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Layer {
    Set,
    Own,
    Override,
}

impl<'a> Resolver<'a> {
    /// A shape with metrics, and listeners of metrics only.
    pub(super) fn metrics(
        &mut self,
        host: &MetricSource<'a>,
        host_labels: &LabelNames<'_>,
    ) -> Option<HostShape> {
        let mut templates: Vec<(&'a MetricTemplate, Layer)> = Vec::new();
        for set in host.sets {
            let name = self.value("metric set", set)?;
            let config = self.template;
            if let Some(metrics) = config.metric_sets.get(&name) {
                templates.extend(metrics.iter().map(|metric| (metric, Layer::Set)));
            } else {
                let known: Vec<&String> = config.metric_sets.keys().collect();
                let hint = suggestion(&name, &known);
                self.problems.error(set.span, format!("unknown metric set {name:?}{hint}"));
            }
        }
        templates.extend(host.metrics.iter().map(|metric| (metric, Layer::Own)));
        templates.extend(host.overrides.iter().map(|metric| (metric, Layer::Override)));
        self.note_ranges(&templates);
        let mut schedules = IndexSet::new();
        let drafts = self.drafts(host.span, &templates, host_labels, &mut schedules)?;
        for draft in &drafts {
            self.warn_of_no_growth(draft);
        }
        let drafts = self.without_duplicates(drafts);
        let drafts = self.in_order(drafts)?;
        let mut shape = HostShape {
            scheduled: vec![Vec::new(); schedules.len()],
            schedules: schedules.into_iter().collect(),
            ..HostShape::default()
        };
        let mut indexes = StateIndexes::default();
        for (index, mut draft) in drafts.into_iter().enumerate() {
            draft.plan.offset = shape.width;
            draft.plan.cells.assign_index(&mut indexes);
            shape.keeps_update_times |= draft.uses_dt;
            shape.width += draft.plan.cells.width();
            shape.series += draft.plan.cells.series();
            let listeners = draft.listens.into_iter().map(|subscription| Listener {
                subscription,
                action: Action::Update(index),
                when: None,
            });
            shape.listeners.extend(listeners);
            shape.plain.push(draft.plan.is_plain());
            shape.scheduled[draft.plan.schedule].push(index);
            shape.metrics.push(draft.plan);
        }
        Some(shape)
    }

    /// All metrics of a host, with their repetitions. After an error the others are still read, so that all errors
    /// are reported.
    fn drafts(
        &mut self,
        span: SourceSpan,
        templates: &[(&'a MetricTemplate, Layer)],
        host_labels: &LabelNames<'_>,
        schedules: &mut IndexSet<Schedule>,
    ) -> Option<Vec<Draft<'a>>> {
        let mut drafts = Vec::with_capacity(templates.len());
        let (mut are_good, mut bytes) = (true, 0);
        for (template, layer) in templates {
            let count = self.count(&template.repeat)?;
            let series = self.series.saturating_add(drafts.len()).saturating_add(count);
            if series > self.series_max {
                self.refuse_series(span, series);
                return None;
            }
            let outcome = self.repeated(&template.repeat, &mut |this| {
                if this.problems.is_over() {
                    return None;
                }
                let mark = this.names.mark();
                let draft = this.draft(template, *layer, host_labels, schedules);
                this.names.rewind(mark);
                this.names.set_range(None);
                let draft = draft?;
                bytes += draft.plan.plan_bytes() + draft.plan.state_bytes();
                drafts.push(draft);
                if !this.has_memory(span, bytes) {
                    return None;
                }
                Some(())
            });
            are_good &= outcome.is_some();
        }
        are_good.then_some(drafts)
    }

    fn draft(
        &mut self,
        template: &'a MetricTemplate,
        layer: Layer,
        host_labels: &LabelNames<'_>,
        schedules: &mut IndexSet<Schedule>,
    ) -> Option<Draft<'a>> {
        self.forget_uses();
        let name: Arc<str> = self.value("name", &template.name)?.into();
        let metric_type = self.metric_type(template)?;
        let family = self.family(&name, metric_type, template)?;
        let given_range = self.given_range(template, metric_type)?;
        let value_range = given_range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        let default_value = self.default_value(template, metric_type, value_range)?;
        let finite_range = given_range.filter(|(low, high)| low.is_finite() && high.is_finite());
        self.names.set_range(finite_range);
        let schedule = self.schedule(template)?;
        self.name_fields(&name, value_range, default_value, schedule);
        let reserved = self.reserved_beside(template, &name, metric_type, host_labels);
        let labels = self.labels(&template.labels, &reserved, host_labels)?;
        let metric_context = MetricContext {
            range: given_range,
            default_value,
            shows_value: matches!(metric_type, MetricType::Gauge | MetricType::StateSet),
        };
        let scenario = self.own_scenario(template, metric_type, metric_context)?;
        let listens = self.subscriptions(template, &scenario)?;
        let values = given_range.or_else(|| scenario.value_range()).unwrap_or((default_value, default_value));
        let rounding = self.rounding(template, metric_type, (value_range, values))?;
        let (value_range, default_value) = shown(rounding, metric_type, value_range, default_value);
        let cells = self.cells(template, metric_type, &scenario, value_range)?;
        self.note_created(family, cells.layout().has_created);
        let when = match &template.when {
            Some(when) => Some(self.formula(when)?),
            None => None,
        };
        let observations = match &template.cells.observations {
            Some(observations) => Some(self.observations(observations)?),
            None => None,
        };
        let spread = match &template.cells.spread {
            Some(spread) => Some(self.spread(spread)?),
            None => observed_default(&scenario, &cells),
        };
        self.check_storage();
        let mut uses_dt =
            scenario.uses_dt() || [&when, &observations].into_iter().flatten().any(Formula::uses_dt);
        uses_dt |= spread.as_ref().is_some_and(ObservationDistribution::uses_dt);
        let plan = MetricPlan {
            family,
            cells,
            offset: 0,
            value_range,
            default_value,
            rounding,
            schedule: schedules.insert_full(schedule).0,
            labels: LabelBlock::new(labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
            scenario,
            source: None,
            links: Vec::new(),
            when,
            observations,
            spread,
            name,
        };
        let links = std::mem::take(&mut self.links);
        Some(Draft { template, plan, layer, links, listens, uses_dt })
    }

    /// Warns of a counter that stays where it begins.
    fn warn_of_no_growth(&mut self, Draft { template, plan, .. }: &Draft<'_>) {
        if !matches!(plan.cells.aggregation(), Aggregation::Counter { .. }) {
            return;
        }
        let (begin, (_, high), scenario) = (plan.default_value, plan.value_range, &plan.scenario);
        if template.scenario.is_none() && begin > 0.0 {
            let place = template.default_value.as_ref().map_or(template.name.span, |value| value.span);
            let message = format!(
                "the counter stays at {begin}, since it has no scenario; if each update is to add {begin}, write \
                 scenario: random_in_range(value_range: ({begin}, {begin}))"
            );
            self.problems.warning(place, message);
        } else if template.scenario.is_some() && !scenario.gives_totals() && high <= 0.0 {
            let place = template.value_range.as_ref().map_or(template.name.span, |range| range.span);
            let message = format!(
                "the counter stays at {begin}: value_range limits what an update adds, and here that is nothing; \
                 raise its high end"
            );
            self.problems.warning(place, message);
        }
    }

    /// The events that update the metric, each once: those of its scenario, then its own.
    fn subscriptions(
        &mut self,
        template: &MetricTemplate,
        scenario: &ScenarioPlan,
    ) -> Option<IndexSet<Subscription>> {
        let mut subscriptions: IndexSet<Subscription> = scenario.subscriptions().into_iter().collect();
        for event in &template.listen_events {
            let subscription = Subscription::parse(&self.value("event", event)?);
            self.events.subscribe(&subscription, event.span);
            subscriptions.insert(subscription);
        }
        Some(subscriptions)
    }

    fn own_scenario(
        &mut self,
        template: &MetricTemplate,
        metric_type: MetricType,
        metric: MetricContext,
    ) -> Option<ScenarioPlan> {
        let Some(scenario) = &template.scenario else { return Some(ScenarioPlan::default()) };
        self.name_source(scenario);
        if metric_type == MetricType::Info {
            self.problems.error(scenario.span, "an info has no scenario: its value is always 1");
            return None;
        }
        self.scenario(scenario, metric)
    }

    fn schedule(&mut self, template: &MetricTemplate) -> Option<Schedule> {
        let update_interval =
            self.interval("update_interval", template.update_interval.as_ref(), DEFAULT_UPDATE_INTERVAL)?;
        Some(Schedule {
            start_time: self.optional("start_time", template.start_time.as_ref(), Span::ZERO)?,
            duration: self.optional("duration", template.duration.as_ref(), Span::FOREVER)?,
            update_interval,
        })
    }

    /// Sets `metric.name` and the other fields for its expressions.
    fn name_fields(&mut self, name: &str, range: (f64, f64), default_value: f64, schedule: Schedule) {
        let fields = [
            ("name", Value::Text(name.to_owned())),
            ("default_value", Value::Float(default_value)),
            ("update_interval", Value::Float(schedule.update_interval.as_secs_f64())),
        ];
        self.names.set_fields("metric", fields.into_iter().chain(ends_of(range)));
    }

    /// The value before the first update. A counter starts at it, and its range bounds the increments only.
    fn default_value(
        &mut self,
        template: &MetricTemplate,
        metric_type: MetricType,
        range: (f64, f64),
    ) -> Option<f64> {
        let is_bounded = metric_type != MetricType::Counter;
        let Some(scalar) = &template.default_value else {
            return Some(if is_bounded { 0.0f64.max(range.0).min(range.1) } else { 0.0 });
        };
        let value = self.value("default_value", scalar)?;
        if is_bounded && !(range.0..=range.1).contains(&value) {
            let (low, high) = range;
            self.problems.error(
                scalar.span,
                format!("default_value {value} is outside of value_range ({low}, {high})"),
            );
        }
        if !is_bounded && !(0.0..).contains(&value) {
            self.problems.error(scalar.span, format!("a counter begins at 0 or above, not at {value}"));
        }
        Some(value)
    }

    fn metric_type(&mut self, template: &MetricTemplate) -> Option<MetricType> {
        let Some(scalar) = &template.metric_type else { return Some(MetricType::Gauge) };
        let name = self.value("metric_type", scalar)?;
        let found = MetricType::from_name(&name);
        if found.is_none() {
            let hint = suggestion(&name, &MetricType::ALL.map(MetricType::name));
            self.problems.error(scalar.span, format!("unknown metric_type {name:?}{hint}"));
        }
        found
    }

    fn rounding(
        &mut self,
        template: &MetricTemplate,
        metric_type: MetricType,
        (range, values): ((f64, f64), (f64, f64)),
    ) -> Option<Rounding> {
        let Some(scalar) = &template.decimals else {
            let is_total = metric_type == MetricType::Counter;
            return Some(if is_total {
                Rounding::for_growth(values.1)
            } else {
                Rounding::for_values(values)
            });
        };
        let decimals = self.value("decimals", scalar)?;
        let Some(decimals) =
            u8::try_from(decimals).ok().filter(|decimals| *decimals <= Rounding::MAX_DECIMALS)
        else {
            let max = Rounding::MAX_DECIMALS;
            self.problems.error(scalar.span, format!("decimals must be from 0 to {max}, but is {decimals}"));
            return None;
        };
        let rounding = Rounding::to_decimals(decimals);
        if metric_type == MetricType::Gauge && rounding.fixed_within(range).is_none() {
            let (low, high) = range;
            let message = format!(
                "no number of value_range ({low}, {high}) has {decimals} decimals or fewer; give the metric more"
            );
            self.problems.error(scalar.span, message);
            return None;
        }
        if metric_type == MetricType::Gauge && rounding.hides(range) {
            let place = template.value_range.as_ref().map_or(template.name.span, |range| range.span);
            self.problems
                .warning(place, "all of value_range is rounded to one value; give the metric more decimals");
        }
        Some(rounding)
    }
}

/// The range and the value before the first update, both as they are shown: a gauge's are rounded within the range.
fn shown(
    rounding: Rounding,
    metric_type: MetricType,
    range: (f64, f64),
    default_value: f64,
) -> ((f64, f64), f64) {
    match rounding.fixed_within(range).filter(|_| metric_type == MetricType::Gauge) {
        Some((low, high)) => ((low, high), default_value.max(low).min(high)),
        None => (range, default_value),
    }
}
