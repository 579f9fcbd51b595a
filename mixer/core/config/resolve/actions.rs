//! Actions of a host after an event: their metrics, values and conditions.

use super::relays::ByName;
use super::resolver::Resolver;
use crate::config::template::ActionTemplate;
use crate::config::value::Scalar;
use crate::error::suggestion;
use crate::number::Shown;
use crate::plan::{Action, Condition, HostShape};
use crate::time::Span;

/// The metrics of a host that actions name.
#[derive(Clone, Copy)]
pub(super) struct Metrics<'m> {
    pub(super) shape: &'m HostShape,
    pub(super) by_name: &'m ByName<'m>,
}

impl Resolver<'_> {
    /// The resolved actions of a template, one for each metric of the given name, and their condition.
    pub(super) fn actions(
        &mut self,
        shape: &Metrics<'_>,
        template: &ActionTemplate,
    ) -> Option<(Vec<Action>, Option<Condition>)> {
        let actions = match template {
            ActionTemplate::Emit(event) => {
                let event = self.name("event", event)?.into();
                self.events.emit(&event);
                vec![Action::Emit(event)]
            }
            ActionTemplate::StartMetric(name) => {
                self.metric_indices(shape, name)?.into_iter().map(Action::StartMetric).collect()
            }
            ActionTemplate::StopMetric(name) => {
                self.metric_indices(shape, name)?.into_iter().map(Action::StopMetric).collect()
            }
            ActionTemplate::Override(name, value, lasts) => {
                self.overrides(shape, name, value, lasts.as_ref())?
            }
            ActionTemplate::Release(name) => {
                let metrics = self.metric_indices(shape, name)?.into_iter();
                metrics.map(|metric| Action::Release { metric }).collect()
            }
            ActionTemplate::Lever(name, value, lasts) => {
                let lever = self.value("lever", name)?;
                let lever = self.lever_index(&lever, name.span)?;
                let (value, lasts) = (self.finite("value", value)?, self.lasts(lasts.as_ref())?);
                vec![Action::Lever { lever, value, lasts }]
            }
            ActionTemplate::ReleaseLever(name) => {
                let lever = self.value("lever", name)?;
                vec![Action::ReleaseLever { lever: self.lever_index(&lever, name.span)? }]
            }
            ActionTemplate::Down(lasts) => vec![Action::Down { lasts: self.lasts(lasts.as_ref())? }],
            ActionTemplate::Up => vec![Action::Up],
            ActionTemplate::Stop => vec![Action::Stop],
            ActionTemplate::When(condition, action) => {
                self.links.clear();
                self.refuse_storage(condition, "an action's condition")?;
                let formula = self.formula(condition)?;
                let links = std::mem::take(&mut self.links);
                let links = self.linked(&links, shape.by_name, condition.span)?;
                let (actions, inner) = self.actions(shape, action)?;
                if inner.is_some() {
                    self.problems
                        .error(condition.span, "when cannot contain another when; join the conditions by &&");
                    return None;
                }
                return Some((actions, Some(Condition { formula, links })));
            }
        };
        Some((actions, None))
    }

    fn overrides(
        &mut self,
        of: &Metrics<'_>,
        name: &Scalar<String>,
        value: &Scalar<f64>,
        lasts: Option<&Scalar<Span>>,
    ) -> Option<Vec<Action>> {
        let metrics = self.metric_indices(of, name)?;
        let number = self.value("value", value)?;
        let lasts = self.lasts(lasts)?;
        for metric in metrics.iter().map(|metric| &of.shape.metrics[*metric]) {
            if let Err(accepts) = metric.accepts(number) {
                let message =
                    format!("metric {:?} {accepts}, but the value is {}", metric.name, Shown(number));
                self.problems.error(value.span, message);
                return None;
            }
        }
        let action = |metric| Action::Override { metric, value: number, lasts, may_fall: false };
        Some(metrics.into_iter().map(action).collect())
    }

    /// The time for which an action holds; forever if it is not given.
    fn lasts(&mut self, given: Option<&Scalar<Span>>) -> Option<Span> {
        let lasts = self.optional("the duration", given, Span::FOREVER)?;
        if let (Span::ZERO, Some(given)) = (lasts, given) {
            self.problems.error(given.span, "the duration of an action must be longer than 0");
            return None;
        }
        Some(lasts)
    }

    fn metric_indices(&mut self, of: &Metrics<'_>, name: &Scalar<String>) -> Option<Vec<usize>> {
        let wanted = self.value("metric", name)?;
        let indices: Vec<usize> = of.by_name.all(&wanted).collect();
        if indices.is_empty() {
            let known = of.by_name.names();
            let hint = suggestion(&wanted, &known);
            self.problems.error(name.span, format!("the host has no metric {wanted:?}{hint}"));
            return None;
        }
        Some(indices)
    }
}
