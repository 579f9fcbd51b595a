//! Value ranges of metrics: read, checked, and known to relays that ask for their source's.

use super::metrics::Layer;
use super::resolver::Resolver;
use crate::config::template::{MetricTemplate, RangeTemplate, ScenarioTemplate};
use crate::config::value::Bound;
use crate::expression::Value;
use crate::metric::MetricType;
use crate::number::Shown;

/// The parameter of a relay that names its source.
const SOURCE_METRIC: &str = "source_metric_name";

impl<'a> Resolver<'a> {
    /// The `value_range`, or the range of a stateset; the inner `None` is a metric without bounds.
    #[expect(clippy::option_option, reason = "the outer None is an error that is reported already")]
    pub(super) fn given_range(
        &mut self,
        template: &MetricTemplate,
        metric_type: MetricType,
    ) -> Option<Option<(f64, f64)>> {
        Some(match (&template.value_range, metric_type) {
            _ if template.has_bad_range => return None,
            (Some(range), _) => Some(self.range_of_values(range)?),
            (None, MetricType::StateSet) => Some((0.0, number(self.states(template)?.len() - 1))),
            (None, _) => None,
        })
    }

    /// A range with two finite ends.
    pub(super) fn range(&mut self, field: &str, range: &RangeTemplate) -> Option<(f64, f64)> {
        let (low, high) = self.ends(field, range)?;
        if !(high - low).is_finite() {
            self.problems
                .error(range.span, format!("{field} is too wide; its width must be a finite number"));
            return None;
        }
        Some((low, high))
    }

    /// A range that may be without an end, as in (0, inf).
    fn range_of_values(&mut self, range: &RangeTemplate) -> Option<(f64, f64)> {
        let (low, high) = self.ends("value_range", range)?;
        if low.is_finite() && high.is_finite() {
            return self.range("value_range", range);
        }
        if low.total_cmp(&high).is_eq() {
            self.problems.error(
                range.span,
                format!("value_range ({}, {}) has no number; write (0, inf)", Shown(low), Shown(high)),
            );
            return None;
        }
        Some((low, high))
    }

    fn ends(&mut self, field: &str, range: &RangeTemplate) -> Option<(f64, f64)> {
        let (Bound(low), Bound(high)) = (self.value(field, &range.low)?, self.value(field, &range.high)?);
        if low > high {
            let (low, high) = (Shown(low), Shown(high));
            self.problems.error(
                range.span,
                format!("{field} ({low}, {high}) has low above high; write ({high}, {low})"),
            );
            return None;
        }
        Some((low, high))
    }

    /// Notes the value ranges of the metrics, if one of them is a relay that asks for its source's.
    pub(super) fn note_ranges(&mut self, templates: &[(&'a MetricTemplate, Layer)]) {
        self.ranges.clear();
        if !templates.iter().any(|(template, _)| template.scenario.as_ref().is_some_and(asks_for_range)) {
            return;
        }
        for (template, _) in templates {
            // A wrong value is reported when the metric itself is read.
            let _outcome = self.repeated(&template.repeat, &mut |this| {
                let name = template.name.evaluate(&this.names).ok()?;
                if template.has_bad_range {
                    // The config is refused already, so any range does; without one its relays would be refused, too.
                    this.ranges.insert(name, (0.0, 1.0));
                    return Some(());
                }
                let Some(range) = &template.value_range else {
                    this.ranges.swap_remove(&name);
                    return Some(());
                };
                let (Bound(low), Bound(high)) =
                    (range.low.evaluate(&this.names).ok()?, range.high.evaluate(&this.names).ok()?);
                this.ranges.insert(name, (low, high));
                Some(())
            });
        }
    }

    /// Sets `source.low` and `source.high` for a relay's formula.
    pub(super) fn name_source(&mut self, scenario: &ScenarioTemplate) {
        if asks_for_range(scenario)
            && let Some(name) = scenario.text(SOURCE_METRIC).and_then(|name| name.evaluate(&self.names).ok())
        {
            let range = self.ranges.get(&name).copied().unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            self.names.set_fields("source", ends_of(range));
        }
    }
}

/// `true` for a relay whose formula reads `source.low` or `source.high`.
fn asks_for_range(scenario: &ScenarioTemplate) -> bool {
    scenario.text(SOURCE_METRIC).is_some()
        && scenario.formulas().any(|formula| formula.expression.names().iter().any(|name| name == "source"))
}

/// The finite ends of a range, as fields of a metric.
pub(super) fn ends_of((low, high): (f64, f64)) -> impl Iterator<Item = (&'static str, Value)> {
    let ends = [("low", low), ("high", high)].into_iter();
    ends.filter(|(_, end)| end.is_finite()).map(|(field, end)| (field, Value::Float(end)))
}

#[expect(clippy::cast_precision_loss, reason = "a count of names in a file")]
const fn number(count: usize) -> f64 {
    count as f64
}
