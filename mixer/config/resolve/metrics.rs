//! A host's metrics: their values, their order, their families.

use std::sync::Arc;

use indexmap::IndexSet;

use super::names::{RESERVED_LABELS, RESERVED_METRICS, is_metric_name};
use super::{KnownFamily, Resolver};
use crate::clock::Span;
use crate::config::template::{HostTemplate, MetricTemplate, RangeTemplate};
use crate::error::{SourceSpan, suggestion};
use crate::event::Subscription;
use crate::metric::{Accumulate, Cells, DEFAULT_BUCKETS, MetricType, Rounding};
use crate::plan::{HostShape, Listener, MetricPlan, Reaction, Schedule};
use crate::scenario::ScenarioPlan;
use crate::series::{Family, LabelBlock};

const DEFAULT_UPDATE_INTERVAL: Span = Span::from_secs(10);
const DEFAULT_DECIMALS: i64 = 2;
const OBSERVATIONS_MAX: i64 = 1_000_000;
const ACCUMULATE: [&str; 2] = ["per_update", "per_second"];
/// A metric on its way into a shape.
pub(super) struct Draft<'a> {
    pub(super) template: &'a MetricTemplate,
    pub(super) plan: MetricPlan,
    listens: Vec<Subscription>,
}

impl<'a> Resolver<'a> {
    /// The shape with its metrics; what else the host listens to is added later.
    pub(super) fn metrics(&mut self, host: &'a HostTemplate, host_labels: &[&str]) -> Option<HostShape> {
        let mut templates: Vec<&'a MetricTemplate> = Vec::new();
        for set in &host.metric_sets {
            let name = self.value("metric set", set)?;
            let config = self.template;
            if let Some(metrics) = config.metric_sets.get(&name) {
                templates.extend(metrics);
            } else {
                let known: Vec<&String> = config.metric_sets.keys().collect();
                let hint = suggestion(&name, &known);
                self.problems.error(set.span, format!("unknown metric set {name:?}{hint}"));
            }
        }
        templates.extend(&host.metrics);
        if templates.is_empty() {
            self.problems.warning(host.span, "the host has no metrics, so it will not be seen");
        }
        let mut schedules = IndexSet::new();
        let drafts: Vec<_> =
            templates.into_iter().map(|metric| self.draft(metric, host_labels, &mut schedules)).collect();
        let drafts = self.without_duplicates(drafts.into_iter().collect::<Option<_>>()?);
        let drafts = self.in_order(drafts)?;
        let mut shape = HostShape { schedules: schedules.into_iter().collect(), ..HostShape::default() };
        let mut counters = 0;
        for (index, mut draft) in drafts.into_iter().enumerate() {
            draft.plan.offset = shape.width;
            if let Cells::Counter { index, .. } = &mut draft.plan.cells {
                *index = counters;
                counters += 1;
            }
            shape.width += draft.plan.cells.width();
            shape.series += draft.plan.cells.series();
            let listeners = draft
                .listens
                .into_iter()
                .map(|subscription| Listener { subscription, reaction: Reaction::Update(index) });
            shape.listeners.extend(listeners);
            shape.metrics.push(draft.plan);
        }
        Some(shape)
    }

    fn draft(
        &mut self,
        template: &'a MetricTemplate,
        host_labels: &[&str],
        schedules: &mut IndexSet<Schedule>,
    ) -> Option<Draft<'a>> {
        let name: Arc<str> = self.value("name", &template.name)?.into();
        let metric_type = self.metric_type(template)?;
        let family = self.family(&name, metric_type, template)?;
        let given_range = match &template.value_range {
            Some(range) => Some(self.range("value_range", range)?),
            None => None,
        };
        let value_range = given_range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        let default_value = self.default_value(template, metric_type, value_range)?;
        let rounding = self.rounding(template)?;
        if metric_type == MetricType::Gauge && rounding.hides(value_range) {
            let place = template.value_range.as_ref().map_or(template.name.span, |range| range.span);
            self.problems
                .warning(place, "all of value_range is rounded to one value; give the metric more decimals");
        }
        let schedule = Schedule {
            start_time: self.optional("start_time", template.start_time.as_ref(), Span::ZERO)?,
            duration: self.optional("duration", template.duration.as_ref(), Span::FOREVER)?,
            update_interval: self.interval(
                "update_interval",
                template.update_interval.as_ref(),
                DEFAULT_UPDATE_INTERVAL,
            )?,
        };
        let reserved: &[&str] = if metric_type == MetricType::Histogram {
            &["job", "name", "host", "address", "le"]
        } else {
            &RESERVED_LABELS
        };
        let labels = self.labels(&template.labels, reserved, host_labels)?;
        let scenario = match &template.scenario {
            Some(scenario) => self.scenario(scenario, given_range)?,
            None => ScenarioPlan::DoNothing,
        };
        let mut listens = scenario.subscriptions();
        for event in &template.listen_events {
            listens.push(Subscription::parse(&self.value("event", event)?));
        }
        let unique: IndexSet<Subscription> = listens.into_iter().collect();
        let plan = MetricPlan {
            family,
            cells: self.cells(template, metric_type, &scenario)?,
            offset: 0,
            value_range,
            default_value,
            rounding,
            schedule: schedules.insert_full(schedule).0,
            labels: LabelBlock::new(labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
            scenario,
            source: None,
            name,
        };
        Some(Draft { template, plan, listens: unique.into_iter().collect() })
    }

    /// The value before the first update. A counter begins there, and its range is that of what is added.
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
        Some(value)
    }

    fn metric_type(&mut self, template: &MetricTemplate) -> Option<MetricType> {
        let Some(scalar) = &template.metric_type else { return Some(MetricType::Gauge) };
        let name = self.value("metric_type", scalar)?;
        let found = MetricType::from_name(&name);
        if found.is_none() {
            let hint = suggestion(&name, &MetricType::NAMES);
            self.problems.error(scalar.span, format!("unknown metric_type {name:?}{hint}"));
        }
        found
    }

    /// Registers the family: one name has one type and one HELP in the whole run.
    fn family(
        &mut self,
        name: &Arc<str>,
        metric_type: MetricType,
        template: &MetricTemplate,
    ) -> Option<usize> {
        let span = template.name.span;
        if !is_metric_name(name) {
            self.problems.error(span, format!("metric name {name:?} is not allowed; use letters, digits, _ and :, not beginning with a digit"));
        } else if RESERVED_METRICS.contains(&&**name) {
            self.problems.error(
                span,
                format!("metric name {name:?} is used by the Pushgateway or promemu; choose another"),
            );
        } else if metric_type == MetricType::Counter && !name.ends_with("_total") {
            self.problems
                .warning(span, format!("counter {name:?} does not end in _total, as counters should"));
        }
        let described = match &template.description {
            Some(text) => Some(self.value("description", text)?),
            None => None,
        };
        let help = described.as_deref().unwrap_or("an emulated metric");
        let Some(known) = self.families.get_mut(name) else {
            let family = Family { name: Arc::clone(name), help: help.into(), metric_type };
            let entry = self.families.insert_full(
                Arc::clone(name),
                KnownFamily { family, is_described: described.is_some(), span },
            );
            return Some(entry.0);
        };
        if known.family.metric_type != metric_type {
            let (other, this) = (known.family.metric_type.name(), metric_type.name());
            self.problems.error(
                span,
                format!(
                    "metric {name:?} is a {this} here and a {other} elsewhere; give one of them another name"
                ),
            );
        }
        if described.is_some() && known.is_described && *known.family.help != *help {
            let elsewhere = &known.family.help;
            self.problems.error(span, format!("metric {name:?} has the description {help:?} here and {elsewhere:?} elsewhere; a name has one"));
        } else if described.is_some() {
            (known.family.help, known.is_described, known.span) = (help.into(), true, span);
        }
        self.families.get_index_of(name)
    }

    /// A histogram's series end in these; another family must not be called like one of them.
    pub(super) fn refuse_suffix_clashes(&mut self) {
        for suffix in ["_bucket", "_sum", "_count"] {
            for (name, known) in &self.families {
                let Some(stem) = name.strip_suffix(suffix) else { continue };
                if self
                    .families
                    .get(stem)
                    .is_some_and(|other| other.family.metric_type == MetricType::Histogram)
                {
                    self.problems.error(
                        known.span,
                        format!("metric {name:?} is a series of the histogram {stem:?}; give one of them another name"),
                    );
                }
            }
        }
    }

    pub(super) fn range(&mut self, field: &str, range: &RangeTemplate) -> Option<(f64, f64)> {
        let (low, high) = (self.value(field, &range.low)?, self.value(field, &range.high)?);
        if low > high {
            self.problems
                .error(range.span, format!("{field} ({low}, {high}) is upside down; write ({high}, {low})"));
            return None;
        }
        if !(high - low).is_finite() {
            self.problems.error(range.span, format!("{field} ({low}, {high}) is too wide"));
            return None;
        }
        Some((low, high))
    }

    fn rounding(&mut self, template: &MetricTemplate) -> Option<Rounding> {
        let decimals = self.optional("decimals", template.decimals.as_ref(), DEFAULT_DECIMALS)?;
        match u8::try_from(decimals) {
            Ok(decimals) if decimals <= Rounding::MAX_DECIMALS => Some(Rounding::to_decimals(decimals)),
            _ => {
                let place = template.decimals.as_ref().map_or(template.name.span, |scalar| scalar.span);
                let max = Rounding::MAX_DECIMALS;
                self.problems.error(place, format!("decimals must be from 0 to {max}, but is {decimals}"));
                None
            }
        }
    }

    fn cells(
        &mut self,
        template: &MetricTemplate,
        metric_type: MetricType,
        scenario: &ScenarioPlan,
    ) -> Option<Cells> {
        let only_for = |place: SourceSpan, field: &str, wanted: &str, this: &mut Self| {
            this.problems
                .error(place, format!("{field} is for a {wanted}, but this is a {}", metric_type.name()));
        };
        if let Some(accumulate) = template.accumulate.as_ref().filter(|_| metric_type != MetricType::Counter)
        {
            only_for(accumulate.span, "accumulate", "counter", self);
        }
        if metric_type != MetricType::Histogram {
            if let Some((place, _)) = &template.buckets {
                only_for(*place, "buckets", "histogram", self);
            }
            if let Some(observations) = &template.observations {
                only_for(observations.span, "observations", "histogram", self);
            }
        }
        match metric_type {
            MetricType::Gauge => Some(Cells::Gauge),
            MetricType::Counter => {
                Some(Cells::Counter { accumulate: self.accumulate(template, scenario)?, index: 0 })
            }
            MetricType::Histogram => {
                let bounds = self.bounds(template)?;
                let observations = self.optional("observations", template.observations.as_ref(), 1)?;
                if !(0..=OBSERVATIONS_MAX).contains(&observations) {
                    let place =
                        template.observations.as_ref().map_or(template.name.span, |scalar| scalar.span);
                    self.problems.error(
                        place,
                        format!("observations must be from 0 to {OBSERVATIONS_MAX}, but is {observations}"),
                    );
                }
                Some(Cells::Histogram {
                    bounds: bounds.into(),
                    observations: u32::try_from(observations).unwrap_or(0),
                })
            }
        }
    }

    fn accumulate(&mut self, template: &MetricTemplate, scenario: &ScenarioPlan) -> Option<Accumulate> {
        let Some(scalar) = &template.accumulate else {
            return Some(if scenario.gives_totals() { Accumulate::Total } else { Accumulate::PerUpdate });
        };
        match self.value("accumulate", scalar)?.as_str() {
            "per_update" => Some(Accumulate::PerUpdate),
            "per_second" => Some(Accumulate::PerSecond),
            other => {
                let hint = suggestion(other, &ACCUMULATE);
                self.problems.error(scalar.span, format!("unknown accumulate {other:?}{hint}"));
                None
            }
        }
    }

    fn bounds(&mut self, template: &MetricTemplate) -> Option<Vec<f64>> {
        let Some((place, scalars)) = &template.buckets else { return Some(DEFAULT_BUCKETS.to_vec()) };
        let bounds =
            scalars.iter().map(|scalar| self.value("buckets", scalar)).collect::<Option<Vec<f64>>>()?;
        if bounds.is_empty() || bounds.windows(2).any(|pair| pair[0] >= pair[1]) {
            self.problems.error(
                *place,
                "buckets must be one or more bounds, each above the one before; +Inf is added",
            );
            return None;
        }
        Some(bounds)
    }
}
