//! A metric's scenario: its parameters' values, and what the kind makes of them.

use super::Resolver;
use crate::config::template::{CaseTemplate, FormulaTemplate, ParamTemplate, ScenarioTemplate};
use crate::error::suggestion;
use crate::event::Subscription;
use crate::expression::{Formula, INPUTS};
use crate::scenario::{Argument, Arguments, Case, ParamKind, ScenarioPlan};

impl Resolver<'_> {
    /// The scenario of a metric with this value range.
    pub(super) fn scenario(
        &mut self,
        template: &ScenarioTemplate,
        range: Option<(f64, f64)>,
    ) -> Option<ScenarioPlan> {
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
        self.note_names(expression.names().iter().map(String::as_str));
        let formula = expression.bind(&self.names);
        if let Err(error) = formula.evaluate(&[1.0, 1.0]) {
            self.problems.error(template.span, format!("the expression does not give a number: {error}"));
            return None;
        }
        Some(formula)
    }
}
