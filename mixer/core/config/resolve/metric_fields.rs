//! The fields of one metric: its type, schedule, first value, rounding, scenario, events and formulas.

use indexmap::IndexSet;

use super::cells::observed_default;
use super::ranges::ends_of;
use super::resolver::Resolver;
use crate::config::template::MetricTemplate;
use crate::error::suggestion;
use crate::event::Subscription;
use crate::expression::{Formula, Value};
use crate::metric::{Cells, MetricType, Rounding};
use crate::number::Shown;
use crate::plan::{ObservationDistribution, Schedule};
use crate::scenario::{MetricContext, ScenarioPlan};
use crate::time::Span;

pub(super) const DEFAULT_UPDATE_INTERVAL: Span = Span::from_secs(10);

/// The formulas of an update beside its scenario.
pub(super) struct UpdateFormulas {
    pub(super) when: Option<Formula>,
    pub(super) observations: Option<Formula>,
    pub(super) spread: Option<ObservationDistribution>,
}

impl UpdateFormulas {
    /// `true` if one of them reads `dt`.
    pub(super) fn uses_dt(&self) -> bool {
        [&self.when, &self.observations].into_iter().flatten().any(Formula::uses_dt)
            || self.spread.as_ref().is_some_and(ObservationDistribution::uses_dt)
    }
}

impl Resolver<'_> {
    /// The condition of an update, the number of its observations, and their distribution.
    pub(super) fn update_formulas(
        &mut self,
        template: &MetricTemplate,
        scenario: &ScenarioPlan,
        cells: &Cells,
    ) -> Option<UpdateFormulas> {
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
            None => observed_default(scenario, cells),
        };
        Some(UpdateFormulas { when, observations, spread })
    }

    /// The events that update the metric, each once: those of its scenario, then its own.
    pub(super) fn subscriptions(
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

    pub(super) fn own_scenario(
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

    pub(super) fn schedule(&mut self, template: &MetricTemplate) -> Option<Schedule> {
        let update_interval =
            self.interval("update_interval", template.update_interval.as_ref(), DEFAULT_UPDATE_INTERVAL)?;
        Some(Schedule {
            start_time: self.optional("start_time", template.start_time.as_ref(), Span::ZERO)?,
            duration: self.optional("duration", template.duration.as_ref(), Span::FOREVER)?,
            update_interval,
        })
    }

    /// Sets `metric.name` and the other fields for its expressions.
    pub(super) fn name_fields(
        &mut self,
        name: &str,
        range: (f64, f64),
        default_value: f64,
        schedule: Schedule,
    ) {
        let fields = [
            ("name", Value::Text(name.to_owned())),
            ("default_value", Value::Float(default_value)),
            ("update_interval", Value::Float(schedule.update_interval.as_secs_f64())),
        ];
        self.names.set_fields("metric", fields.into_iter().chain(ends_of(range)));
    }

    /// The value before the first update. A counter starts at it, and its range bounds the increments only.
    pub(super) fn default_value(
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
            let (value, low, high) = (Shown(value), Shown(range.0), Shown(range.1));
            self.problems.error(
                scalar.span,
                format!("default_value {value} is outside of value_range ({low}, {high})"),
            );
        }
        if !is_bounded && !(0.0..).contains(&value) {
            self.problems
                .error(scalar.span, format!("a counter begins at 0 or above, not at {}", Shown(value)));
        }
        Some(value)
    }

    pub(super) fn metric_type(&mut self, template: &MetricTemplate) -> Option<MetricType> {
        let Some(scalar) = &template.metric_type else { return Some(MetricType::Gauge) };
        let name = self.value("metric_type", scalar)?;
        let found = MetricType::from_name(&name);
        if found.is_none() {
            let hint = suggestion(&name, &MetricType::ALL.map(MetricType::name));
            self.problems.error(scalar.span, format!("unknown metric_type {name:?}{hint}"));
        }
        found
    }

    pub(super) fn rounding(
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
            let (low, high) = (Shown(range.0), Shown(range.1));
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
pub(super) fn shown(
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
