//! Levers of the run, and their changes by faults.

use std::sync::Arc;

use super::resolver::Resolver;
use crate::config::arguments::is_name;
use crate::config::template::{CurveKind, CurveTemplate, LeverChangeTemplate};
use crate::config::value::Scalar;
use crate::error::{SourceSpan, suggestion};
use crate::naming::NAME_BYTES_MAX;
use crate::number::Shown;
use crate::plan::{Curve, LeverChange, LeverPlan};
use crate::time::Span;

impl Resolver<'_> {
    /// The levers, which all formulas know from now on.
    pub(super) fn levers(&mut self) {
        let template = self.template;
        for (name, lever) in &template.levers {
            if name.len() > NAME_BYTES_MAX {
                self.problems.error(lever.span, format!("a lever's name has {NAME_BYTES_MAX} bytes at most"));
            } else if !is_name(name) {
                let message =
                    format!("a lever cannot be called {name:?}; choose a name of letters and digits");
                self.problems.error(lever.span, message);
            }
            // A lever with a wrong value is still known, so that what reads it has no error.
            let default = lever.default.as_ref().and_then(|default| self.finite(name, default));
            self.levers.push(LeverPlan { name: name.as_str().into(), default: default.unwrap_or_default() });
        }
        self.lever_defaults = self.levers.iter().map(|lever| lever.default).collect();
        self.names.set_levers(self.levers.iter().map(|lever| Arc::clone(&lever.name)));
    }

    /// The index of a lever by its name.
    pub(super) fn lever_index(&mut self, name: &str, span: SourceSpan) -> Option<usize> {
        let index = self.names.lever(name);
        if index.is_none() {
            let known: Vec<&str> = self.levers.iter().map(|lever| &*lever.name).collect();
            self.problems.error(span, format!("unknown lever {name:?}{}", suggestion(name, &known)));
        }
        index
    }

    /// A change of a lever by a fault of the run.
    pub(super) fn lever_change(&mut self, template: &LeverChangeTemplate) -> Option<LeverChange> {
        let lever = self.lever_index(&template.lever, template.span);
        let curve = self.curve(&template.lever, &template.curve);
        Some(LeverChange { lever: lever?, by: template.by, curve: curve? })
    }

    pub(super) fn curve(&mut self, lever: &str, template: &CurveTemplate) -> Option<Curve> {
        Some(match &template.kind {
            CurveKind::Constant(value) => Curve::Constant(self.finite(lever, value)?),
            CurveKind::Ramp { to, over } => {
                let (to, over) = (self.finite("to", to)?, self.value("over", over)?);
                Curve::Ramp { to, over }
            }
            CurveKind::Points(points) => {
                let points = points
                    .iter()
                    .map(|(at, value)| Some((self.value("the time", at)?, self.finite("the value", value)?)));
                let points: Vec<(Span, f64)> = points.collect::<Option<_>>()?;
                if !points.is_sorted_by(|a, b| a.0 < b.0) {
                    self.problems.error(template.span, "the times of a curve must grow from point to point");
                    return None;
                }
                Curve::Points(points)
            }
            CurveKind::Sine { period, amplitude, offset } => Curve::Sine {
                period: self.interval("period", Some(period), Span::ZERO)?,
                amplitude: self.finite("amplitude", amplitude)?,
                offset: match offset {
                    Some(offset) => Some(self.finite("offset", offset)?),
                    None => None,
                },
            },
        })
    }

    pub(super) fn finite(&mut self, field: &str, scalar: &Scalar<f64>) -> Option<f64> {
        let value = self.value(field, scalar)?;
        if !value.is_finite() {
            self.problems
                .error(scalar.span, format!("{field} must be a finite number, but is {}", Shown(value)));
            return None;
        }
        Some(value)
    }
}
