//! A host's metrics: their values, their order, their families.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::names::{RESERVED_LABELS, RESERVED_METRICS, is_metric_name};
use super::{KnownFamily, Resolver};
use crate::clock::Span;
use crate::config::template::{
    CaseTemplate, ConfigTemplate, FormulaTemplate, HostTemplate, MetricTemplate, ParamTemplate,
    RangeTemplate, ScenarioTemplate,
};
use crate::config::value::Scalar;
use crate::error::{SourceSpan, suggestion};
use crate::event::Subscription;
use crate::expression::{Formula, INPUTS};
use crate::metric::{Accumulate, Cells, DEFAULT_BUCKETS, MetricType, Rounding};
use crate::plan::{HostShape, Listener, MetricPlan, Reaction, Schedule};
use crate::scenario::{Argument, Arguments, Case, ParamKind, ScenarioPlan};
use crate::series::{Family, LabelBlock};

const DEFAULT_UPDATE_INTERVAL: Span = Span::from_secs(10);
const DEFAULT_DECIMALS: i64 = 2;
const OBSERVATIONS_MAX: i64 = 1_000_000;
const ACCUMULATE: [&str; 2] = ["per_update", "per_second"];

/// The names that the host's metrics need.
pub(super) fn names<'a>(config: &'a ConfigTemplate, host: &'a HostTemplate) -> impl Iterator<Item = &'a str> {
    let sets = config.metric_sets.values().flatten();
    let actions = host.listen_events.iter().flat_map(|(event, action)| {
        use crate::config::template::ActionTemplate::{Emit, StartMetric, StopMetric};
        let (Emit(target) | StartMetric(target) | StopMetric(target)) = action;
        event.names().chain(target.names())
    });
    let choice = host.metric_sets.iter().flat_map(Scalar::names);
    host.metrics.iter().chain(sets).flat_map(metric_names).chain(actions).chain(choice)
}

fn metric_names(metric: &MetricTemplate) -> Vec<&str> {
    let mut names: Vec<&str> = metric.name.names().collect();
    names.extend(
        metric
            .metric_type
            .iter()
            .chain(&metric.description)
            .chain(&metric.accumulate)
            .flat_map(Scalar::names),
    );
    names.extend(metric.value_range.iter().flat_map(|range| range.low.names().chain(range.high.names())));
    names.extend(metric.default_value.iter().flat_map(Scalar::names));
    let spans = metric.start_time.iter().chain(&metric.duration).chain(&metric.update_interval);
    names.extend(spans.flat_map(Scalar::names));
    names.extend(metric.listen_events.iter().chain(&metric.linked_metrics).flat_map(Scalar::names));
    names.extend(metric.labels.iter().flat_map(|label| label.value.names()));
    names.extend(metric.decimals.iter().chain(&metric.observations).flat_map(Scalar::names));
    names.extend(metric.buckets.iter().flat_map(|(_, bounds)| bounds).flat_map(Scalar::names));
    names.extend(metric.scenario.iter().flat_map(scenario_names));
    names
}

fn scenario_names(scenario: &ScenarioTemplate) -> Vec<&str> {
    let mut names = Vec::new();
    for (_, param) in &scenario.params {
        match param {
            ParamTemplate::Number(scalar) => names.extend(scalar.names()),
            ParamTemplate::Span(scalar) => names.extend(scalar.names()),
            ParamTemplate::Text(scalar) => names.extend(scalar.names()),
            ParamTemplate::Range(range) => names.extend(range.low.names().chain(range.high.names())),
            ParamTemplate::Numbers(scalars) => {
                names.extend(scalars.iter().flat_map(Scalar::names));
            }
            ParamTemplate::Formula(formula) => names.extend(formula_names(formula)),
            ParamTemplate::Formulas(formulas) => {
                names.extend(formulas.iter().flat_map(|(event, f)| event.names().chain(formula_names(f))));
            }
            ParamTemplate::Cases(cases) => names.extend(cases.iter().flat_map(|case| {
                let duration = case.duration.iter().flat_map(Scalar::names);
                let scenario = case.scenario.iter().flat_map(scenario_names);
                case.event.names().chain(duration).chain(scenario)
            })),
            ParamTemplate::Scenario(scenario) => names.extend(scenario_names(scenario)),
        }
    }
    names
}

fn formula_names(formula: &FormulaTemplate) -> impl Iterator<Item = &str> {
    formula.expression.names().iter().map(String::as_str)
}

/// What was wrong is among the problems.
struct Refused;

/// A metric on its way into a shape.
struct Draft<'a> {
    template: &'a MetricTemplate,
    plan: MetricPlan,
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
        let default_value = match &template.default_value {
            Some(value) => self.value("default_value", value)?,
            None => 0.0f64.max(value_range.0).min(value_range.1),
        };
        if !(value_range.0..=value_range.1).contains(&default_value) {
            let place = template.default_value.as_ref().map_or(template.name.span, |value| value.span);
            let (low, high) = value_range;
            self.problems.error(
                place,
                format!("default_value {default_value} is outside of value_range ({low}, {high})"),
            );
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
            rounding: self.rounding(template)?,
            schedule: schedules.insert_full(schedule).0,
            labels: LabelBlock::new(labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
            scenario,
            source: None,
            name,
        };
        Some(Draft { template, plan, listens: unique.into_iter().collect() })
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

    fn range(&mut self, field: &str, range: &RangeTemplate) -> Option<(f64, f64)> {
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

    fn scenario(&mut self, template: &ScenarioTemplate, range: Option<(f64, f64)>) -> Option<ScenarioPlan> {
        let mut arguments = Arguments::new(range);
        for (param, value) in &template.params {
            let argument = match value {
                ParamTemplate::Number(scalar) => Argument::Number(self.value(param.name, scalar)?),
                ParamTemplate::Span(scalar) => Argument::Span(self.value(param.name, scalar)?),
                ParamTemplate::Range(range) => Argument::Range(self.range(param.name, range)?),
                ParamTemplate::Numbers(scalars) => {
                    let numbers = scalars.iter().map(|scalar| self.value(param.name, scalar));
                    Argument::Numbers(numbers.collect::<Option<_>>()?)
                }
                ParamTemplate::Text(scalar) => {
                    let text = self.value(param.name, scalar)?;
                    if let ParamKind::Choice(words) = param.kind
                        && !words.contains(&text.as_str())
                    {
                        let hint = suggestion(&text, words);
                        self.problems.error(scalar.span, format!("unknown {} {text:?}{hint}", param.name));
                        return None;
                    }
                    Argument::Text(text)
                }
                ParamTemplate::Formula(formula) => Argument::Formula(self.formula(formula)?),
                ParamTemplate::Formulas(formulas) => {
                    let bound = formulas.iter().map(|(event, formula)| {
                        Some((Subscription::parse(&self.value("event", event)?), self.formula(formula)?))
                    });
                    Argument::Formulas(bound.collect::<Option<_>>()?)
                }
                ParamTemplate::Cases(cases) => {
                    let cases = cases.iter().map(|case| self.case(case, range));
                    Argument::Cases(cases.collect::<Option<_>>()?)
                }
                ParamTemplate::Scenario(scenario) => Argument::Scenario(self.scenario(scenario, range)?),
            };
            arguments.set(param.name, argument);
        }
        let built = (template.kind.build)(&mut arguments);
        built
            .map_err(|error| self.problems.error(template.span, format!("{}: {error}", template.kind.name)))
            .ok()
    }

    fn case(&mut self, template: &CaseTemplate, range: Option<(f64, f64)>) -> Option<Case> {
        let subscription = Subscription::parse(&self.value("event", &template.event)?);
        let scenario = match &template.scenario {
            Some(scenario) => Some(self.scenario(scenario, range)?),
            None => None,
        };
        let duration = match &template.duration {
            Some(duration) => Some(self.value("duration", duration)?),
            None => None,
        };
        Some(Case { subscription, scenario, duration })
    }

    fn formula(&mut self, template: &FormulaTemplate) -> Option<Formula> {
        let expression = &template.expression;
        let is_known = |name: &&String| INPUTS.contains(&name.as_str()) || self.names.contains(name);
        if let Some(unknown) = expression.names().iter().find(|name| !is_known(name)) {
            let known: Vec<String> =
                INPUTS.map(str::to_owned).into_iter().chain(self.names.known()).collect();
            let hint = suggestion(unknown, &known);
            self.problems.error(template.span, format!("unknown name {unknown:?} in an expression{hint}"));
            return None;
        }
        let formula = expression.bind(&self.names);
        if let Err(error) = formula.evaluate(&[1.0, 1.0]) {
            self.problems.error(template.span, format!("the expression does not give a number: {error}"));
            return None;
        }
        Some(formula)
    }

    /// Of two metrics with the same name and labels the later one wins.
    fn without_duplicates(&mut self, drafts: Vec<Draft<'a>>) -> Vec<Draft<'a>> {
        let mut last: IndexMap<(Arc<str>, LabelBlock), usize> = IndexMap::new();
        for (index, draft) in drafts.iter().enumerate() {
            let key = (Arc::clone(&draft.plan.name), draft.plan.labels.clone());
            if last.insert(key, index).is_some() {
                let name = &draft.plan.name;
                self.problems.warning(
                    draft.template.name.span,
                    format!("metric {name:?} comes twice on a host with the same labels; the later one wins"),
                );
            }
        }
        let kept: IndexSet<usize> = last.into_values().collect();
        drafts
            .into_iter()
            .enumerate()
            .filter(|(index, _)| kept.contains(index))
            .map(|(_, draft)| draft)
            .collect()
    }

    /// Links relays to their sources, and puts each metric behind its source.
    fn in_order(&mut self, drafts: Vec<Draft<'a>>) -> Option<Vec<Draft<'a>>> {
        let sources = drafts
            .iter()
            .map(|draft| self.source_of(draft, &drafts))
            .collect::<Result<Vec<_>, Refused>>()
            .ok()?;
        for draft in &drafts {
            self.check_linked(draft, &drafts)?;
        }
        let mut order: Vec<usize> = Vec::with_capacity(drafts.len());
        while order.len() < drafts.len() {
            let before = order.len();
            for (index, source) in sources.iter().enumerate() {
                if !order.contains(&index) && source.is_none_or(|source| order.contains(&source)) {
                    order.push(index);
                }
            }
            if order.len() == before {
                let stuck = (0..drafts.len()).find(|index| !order.contains(index))?;
                let (name, place) = (&drafts[stuck].plan.name, drafts[stuck].template.name.span);
                self.problems.error(
                    place,
                    format!("metric {name:?} is relayed from itself, through others; break the circle"),
                );
                return None;
            }
        }
        let place_of = |index: usize| order.iter().position(|at| *at == index);
        let mut drafts: Vec<Option<Draft<'a>>> = drafts.into_iter().map(Some).collect();
        let ordered = order.iter().filter_map(|index| {
            let mut draft = drafts[*index].take()?;
            draft.plan.source = sources[*index].and_then(place_of);
            Some(draft)
        });
        Some(ordered.collect())
    }

    fn source_of(&mut self, draft: &Draft<'_>, drafts: &[Draft<'_>]) -> Result<Option<usize>, Refused> {
        let Some(wanted) = draft.plan.scenario.source_metric() else { return Ok(None) };
        let place =
            draft.template.scenario.as_ref().map_or(draft.template.name.span, |scenario| scenario.span);
        let mut found = drafts.iter().enumerate().filter(|(_, other)| &*other.plan.name == wanted);
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Ok(Some(index)),
            (None, _) => {
                let known: Vec<&str> = drafts.iter().map(|other| &*other.plan.name).collect();
                let hint = suggestion(wanted, &known);
                self.problems.error(place, format!("the host has no metric {wanted:?} to relay{hint}"));
                Err(Refused)
            }
            (Some(_), Some(_)) => {
                self.problems.error(
                    place,
                    format!("the host has more than one metric {wanted:?}; relay one with a name of its own"),
                );
                Err(Refused)
            }
        }
    }

    /// `linked_metrics` follows from the relays; where it is written, it must say the same.
    fn check_linked(&mut self, draft: &Draft<'_>, drafts: &[Draft<'_>]) -> Option<()> {
        for linked in &draft.template.linked_metrics {
            let wanted = self.value("linked_metrics", linked)?;
            let is_relay = |other: &Draft<'_>| {
                *other.plan.name == *wanted && other.plan.scenario.source_metric() == Some(&draft.plan.name)
            };
            if !drafts.iter().any(is_relay) {
                let name = &draft.plan.name;
                self.problems.error(
                    linked.span,
                    format!("no metric {wanted:?} relays {name:?}; linked_metrics may be left out"),
                );
            }
        }
        Some(())
    }
}
