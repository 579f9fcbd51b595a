//! What becomes of a metric's values, by its type.

use super::Resolver;
use crate::config::template::MetricTemplate;
use crate::error::{SourceSpan, suggestion};
use crate::metric::{Accumulate, Cells, DEFAULT_BUCKETS, Filling, Layout, MetricType};
use crate::scenario::ScenarioPlan;

const ACCUMULATE: [&str; 2] = ["per_update", "per_second"];

impl Resolver<'_> {
    pub(super) fn cells(
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
        Some(match metric_type {
            MetricType::Gauge => Cells::new(Layout::value(), Filling::Gauge),
            MetricType::Counter => {
                let accumulate = self.accumulate(template, scenario)?;
                Cells::new(Layout::value(), Filling::Counter { accumulate, index: 0 })
            }
            _ => Cells::new(Layout::histogram(self.bounds(template)?.into()), Filling::Observations),
        })
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
