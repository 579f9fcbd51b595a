//! A host's metrics: their layers, order and families.

use std::sync::Arc;

use indexmap::IndexSet;

use super::labels::LabelNames;
use super::metric_fields::{UpdateFormulas, shown};
use super::resolver::Resolver;
use crate::config::template::MetricTemplate;
use crate::config::value::Scalar;
use crate::error::{SourceSpan, suggestion};
use crate::event::Subscription;
use crate::metric::{Aggregation, MetricType, StateIndexes};
use crate::number::Shown;
use crate::plan::{Action, HostShape, Listener, MetricPlan, Schedule};
use crate::scenario::{MetricContext, ScenarioPlan};
use crate::series::LabelBlock;

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
        for (index, draft) in drafts.into_iter().enumerate() {
            shape.keeps_update_times |= draft.uses_dt;
            let listeners = draft.listens.into_iter().map(|subscription| Listener {
                subscription,
                action: Action::Update(index),
                when: None,
            });
            shape.listeners.extend(listeners);
            shape.push(draft.plan, &mut indexes);
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
        let name: Arc<str> = self.name("name", &template.name)?.into();
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
            update_interval: schedule.update_interval,
        };
        let scenario = self.own_scenario(template, metric_type, metric_context)?;
        let listens = self.subscriptions(template, &scenario)?;
        let values = given_range.or_else(|| scenario.value_range()).unwrap_or((default_value, default_value));
        let rounding = self.rounding(template, metric_type, (value_range, values))?;
        let (value_range, default_value) = shown(rounding, metric_type, value_range, default_value);
        let cells = self.cells(template, metric_type, &scenario, value_range)?;
        self.note_created(family, cells.layout().has_created);
        let formulas = self.update_formulas(template, &scenario, &cells)?;
        self.check_storage();
        let uses_dt = scenario.uses_dt() || formulas.uses_dt();
        let UpdateFormulas { when, observations, spread } = formulas;
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
    fn warn_of_no_growth(&mut self, Draft { template, plan, links, .. }: &Draft<'_>) {
        if !matches!(plan.cells.aggregation(), Aggregation::Counter { .. }) {
            return;
        }
        let (begin, (_, high), scenario) = (Shown(plan.default_value), plan.value_range, &plan.scenario);
        if template.scenario.is_none() && plan.default_value > 0.0 {
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
        } else if let ScenarioPlan::Script(script) = scenario
            && let Some(given) = self.falling(script.formula(), links.len())
        {
            let place = template.scenario.as_ref().map_or(template.name.span, |scenario| scenario.span);
            let message = format!(
                "the counter stays at {begin}: its script gives {}, and a counter adds nothing below 0",
                Shown(given)
            );
            self.problems.warning(place, message);
        }
    }
}
