//! Cells of a metric: buckets, quantiles, states and distributions, by its type.

use std::sync::Arc;

use indexmap::IndexSet;

use super::resolver::Resolver;
use crate::config::template::{
    CellsTemplate, FormulaTemplate, Listed, MetricTemplate, ObservationDistributionTemplate,
};
use crate::config::value::Scalar;
use crate::error::{SourceSpan, suggestion};
use crate::expression::Formula;
use crate::metric::{
    Accumulate, Aggregation, Cells, DEFAULT_BUCKETS, Kind, Layout, MetricType, NativeLayout,
    OBSERVATIONS_MAX, SCHEMAS,
};
use crate::number::Shown;
use crate::plan::{DistributionKind, ObservationDistribution};
use crate::scenario::ScenarioPlan;
use crate::time::Span;

const ACCUMULATE: [&str; 2] = ["per_update", "per_second"];
const DEFAULT_QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];
/// As in `client_golang`.
const DEFAULT_WINDOW: Span = Span::from_secs(600);
const DEFAULT_SCHEMA: i64 = 3;
/// 2^-128, as in `client_golang`.
const DEFAULT_ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;
/// As in OpenTelemetry's exponential histograms.
const DEFAULT_MAX_BUCKETS: i64 = 160;
const MAX_BUCKETS: std::ops::RangeInclusive<i64> = 4..=10_000;
/// Chosen so that no usual quantile is on the edge between the two humps, where it would jump.
const DEFAULT_SHARE: f64 = 0.05;
const SHARES: std::ops::RangeInclusive<f64> = 0.02..=0.4;

impl Resolver<'_> {
    pub(super) fn cells(
        &mut self,
        template: &MetricTemplate,
        metric_type: MetricType,
        scenario: &ScenarioPlan,
        range: (f64, f64),
    ) -> Option<Cells> {
        self.refuse_strange_fields(template, metric_type);
        let cells = &template.cells;
        // Observations are finite.
        let range = (range.0.max(f64::MIN), range.1.min(f64::MAX));
        let observations = Aggregation::Observations { range, recent: None };
        let (kind, filling) = match metric_type {
            MetricType::Gauge => (Kind::Value, Aggregation::Gauge),
            MetricType::Info => (Kind::Value, Aggregation::Info),
            MetricType::Counter => {
                let accumulate = self.accumulate(cells, scenario)?;
                (Kind::Value, Aggregation::Counter { accumulate, index: 0 })
            }
            MetricType::Histogram => (Kind::Histogram { bounds: self.bounds(cells)?.into() }, observations),
            MetricType::NativeHistogram => {
                (Kind::NativeHistogram(self.native_layout(cells, range)?), observations)
            }
            MetricType::Summary => {
                let window = self.interval("window", cells.window.as_ref(), DEFAULT_WINDOW)?;
                let quantiles = self.quantiles(cells)?.into();
                (Kind::Summary { quantiles }, Aggregation::Observations { range, recent: Some((0, window)) })
            }
            MetricType::StateSet => {
                let states = self.states(template)?.into_iter().map(Arc::from).collect();
                (Kind::StateSet { states }, Aggregation::State)
            }
        };
        let has_exemplar = self.optional("exemplars", cells.exemplars.as_ref(), false)?;
        let has_created = self.optional("created", cells.created.as_ref(), false)?;
        Some(Cells::new(Layout { kind, has_exemplar, has_created }, filling))
    }

    /// Refuses fields of other types.
    fn refuse_strange_fields(&mut self, template: &MetricTemplate, metric_type: MetricType) {
        let own = metric_type.name();
        let article = if own.starts_with('i') { "an" } else { "a" };
        for (field, place, types) in template.cells.given().filter(|(_, _, types)| !types.contains(&own)) {
            let wanted = match types {
                [one] => format!("a {one}"),
                [first @ .., last] => format!("a {} or {last}", first.join(", ")),
                [] => String::new(),
            };
            self.problems.error(place, format!("{field} is for {wanted}, but this is {article} {own}"));
        }
    }

    fn accumulate(&mut self, template: &CellsTemplate, scenario: &ScenarioPlan) -> Option<Accumulate> {
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

    fn bounds(&mut self, template: &CellsTemplate) -> Option<Vec<f64>> {
        let given = self.rising("buckets", template.buckets.as_ref(), &DEFAULT_BUCKETS)?;
        if given.is_none() {
            let place = template.buckets.as_ref().map_or_else(SourceSpan::default, |(place, _)| *place);
            self.problems
                .error(place, "buckets must be one or more bounds, each above the one before; +Inf is added");
        }
        given
    }

    fn quantiles(&mut self, template: &CellsTemplate) -> Option<Vec<f64>> {
        let given = self.rising("quantiles", template.quantiles.as_ref(), &DEFAULT_QUANTILES)?;
        let given = given.filter(|given| given.iter().all(|quantile| (0.0..=1.0).contains(quantile)));
        if given.is_none() {
            let place = template.quantiles.as_ref().map_or_else(SourceSpan::default, |(place, _)| *place);
            self.problems.error(
                place,
                "quantiles must be one or more numbers from 0 to 1, each above the one before, as in [0.5, 0.99]",
            );
        }
        given
    }

    /// A list of rising finite numbers; the inner `None` is a list that does not rise.
    #[expect(clippy::option_option, reason = "the outer None is an error that is reported already")]
    fn rising(
        &mut self,
        field: &str,
        list: Option<&Listed<f64>>,
        default: &[f64],
    ) -> Option<Option<Vec<f64>>> {
        let Some((_, scalars)) = list else { return Some(Some(default.to_vec())) };
        let numbers = scalars.iter().map(|scalar| self.value(field, scalar)).collect::<Option<Vec<f64>>>()?;
        let is_rising = !numbers.is_empty() && numbers.windows(2).all(|pair| pair[0] < pair[1]);
        Some(Some(numbers).filter(|numbers| is_rising && numbers.iter().all(|number| number.is_finite())))
    }

    fn native_layout(&mut self, template: &CellsTemplate, range: (f64, f64)) -> Option<NativeLayout> {
        let schema = self.optional("schema", template.schema.as_ref(), DEFAULT_SCHEMA)?;
        let max_buckets = self.optional("max_buckets", template.max_buckets.as_ref(), DEFAULT_MAX_BUCKETS)?;
        let zero_threshold =
            self.optional("zero_threshold", template.zero_threshold.as_ref(), DEFAULT_ZERO_THRESHOLD)?;
        let place = |this: &mut Self, place: Option<SourceSpan>, what: String| {
            this.problems.error(place.unwrap_or_default(), what);
        };
        let known = i8::try_from(schema).ok().filter(|schema| (SCHEMAS.0..=SCHEMAS.1).contains(schema));
        if known.is_none() {
            let (low, high) = SCHEMAS;
            let at = template.schema.as_ref().map(|scalar| scalar.span);
            place(self, at, format!("schema must be from {low} to {high}, but is {schema}"));
        }
        let is_good = zero_threshold >= 0.0 && zero_threshold.is_finite();
        if !is_good {
            let at = template.zero_threshold.as_ref().map(|scalar| scalar.span);
            place(self, at, format!("zero_threshold must be 0 or above, but is {}", Shown(zero_threshold)));
        }
        let buckets = usize::try_from(max_buckets).ok().filter(|_| MAX_BUCKETS.contains(&max_buckets));
        if buckets.is_none() {
            let (low, high) = MAX_BUCKETS.into_inner();
            let at = template.max_buckets.as_ref().map(|scalar| scalar.span);
            place(self, at, format!("max_buckets must be from {low} to {high}, but is {max_buckets}"));
        }
        let (schema, buckets) = known.zip(buckets)?;
        is_good.then(|| NativeLayout::for_range(schema, zero_threshold, buckets, range))
    }

    /// The names of a stateset's states.
    pub(super) fn states(&mut self, template: &MetricTemplate) -> Option<Vec<String>> {
        let Some((place, scalars)) = &template.cells.states else {
            self.problems.error(template.name.span, "a stateset needs states, as in [\"on\", \"off\"]");
            return None;
        };
        let states: Option<IndexSet<String>> =
            scalars.iter().map(|scalar| self.value("states", scalar)).collect();
        let states = states?;
        if states.is_empty() || states.len() < scalars.len() || states.contains("") {
            self.problems.error(*place, "states must be a list of unique, non-empty names");
            return None;
        }
        Some(states.into_iter().collect())
    }

    /// The number of observations of an update.
    pub(super) fn observations(&mut self, template: &FormulaTemplate) -> Option<Formula> {
        let formula = self.formula(template)?;
        let expression = &template.expression;
        let is_steady = !expression.reads_the_run() && !expression.draws();
        if is_steady
            && let Some(count) = expression.evaluate(&self.names).ok().and_then(|count| count.number())
            && !(0.0..=OBSERVATIONS_MAX).contains(&count)
        {
            let what = format!("observations must be from 0 to {OBSERVATIONS_MAX}, but is {}", Shown(count));
            self.problems.error(template.span, what);
            return None;
        }
        Some(formula)
    }

    /// The distribution of an update's observations.
    pub(super) fn spread(
        &mut self,
        template: &ObservationDistributionTemplate,
    ) -> Option<ObservationDistribution> {
        let ObservationDistributionTemplate { span, name, median, p99, share } = template;
        let kind = match *name {
            "normal" => DistributionKind::Normal,
            "lognormal" => DistributionKind::LogNormal,
            "exponential" => DistributionKind::Exponential,
            _ => DistributionKind::Bimodal(self.share(share.as_ref())?),
        };
        let numbers = [median, p99].map(|formula| formula.as_ref().and_then(constant));
        if let [Some(median), Some(p99)] = numbers
            && (p99 <= median || !(p99 - median).is_finite())
        {
            self.problems.error(
                *span,
                format!("p99 must be above the median {}, but is {}", Shown(median), Shown(p99)),
            );
            return None;
        }
        if kind != DistributionKind::Normal
            && let Some(number) = numbers.into_iter().flatten().find(|number| *number <= 0.0)
        {
            self.problems.error(*span, format!("{name} takes numbers above 0, but has {}", Shown(number)));
            return None;
        }
        let mut formula = |template: &Option<FormulaTemplate>| match template {
            Some(template) => self.formula(template).map(Some),
            None => Some(None),
        };
        Some(ObservationDistribution { kind, median: formula(median)?, p99: formula(p99)? })
    }

    fn share(&mut self, share: Option<&Scalar<f64>>) -> Option<f64> {
        let given = self.optional("share", share, DEFAULT_SHARE)?;
        if SHARES.contains(&given) {
            return Some(given);
        }
        let place = share.map_or_else(SourceSpan::default, |share| share.span);
        let (low, high) = SHARES.into_inner();
        self.problems.error(place, format!("share must be from {low} to {high}, but is {}", Shown(given)));
        None
    }
}

/// Without a scenario, each observation is the default value: a distribution without width.
pub(super) fn observed_default(scenario: &ScenarioPlan, cells: &Cells) -> Option<ObservationDistribution> {
    let is_still = matches!(scenario, ScenarioPlan::DoNothing(_)) && !cells.shows_value();
    is_still.then_some(ObservationDistribution { kind: DistributionKind::Normal, median: None, p99: None })
}

/// The constant that a formula is; `None` for other formulas.
fn constant(template: &FormulaTemplate) -> Option<f64> {
    let expression = &template.expression;
    let is_plain = expression.names().is_empty();
    if is_plain { expression.evaluate(&crate::expression::Names::default()).ok()?.number() } else { None }
}
