//! A metric's scenario: the values of its parameters, formulas and scripts.

use indexmap::IndexSet;

use super::resolver::Resolver;
use crate::config::template::{CaseTemplate, FormulaTemplate, ParamTemplate, ScenarioTemplate};
use crate::config::value::Scalar;
use crate::error::suggestion;
use crate::event::Subscription;
use crate::expression::{EvalContext, Formula, Storage, finite};
use crate::rng::Seed;
use crate::scenario::{
    Argument, Arguments, Case, MetricContext, NestedScenario, Param, ParamKind, ScenarioPlan, Script,
};

const PERCENT_OF_RANGE: &str = "percent_of_range";

impl Resolver<'_> {
    /// The scenario of a metric.
    pub(super) fn scenario(
        &mut self,
        template: &ScenarioTemplate,
        metric: MetricContext,
    ) -> Option<ScenarioPlan> {
        let mut arguments = self.arguments(&template.params, metric)?;
        let built = match (template.kind.build)(&mut arguments) {
            Ok(built) => built,
            Err(error) => {
                let (name, span, refusals) = (template.kind.name, template.span, arguments.take_refusals());
                if refusals.is_empty() {
                    self.problems.error(span, format!("{name}: {error}"));
                }
                self.refuse_params(name, span, &template.params, &refusals);
                return None;
            }
        };
        self.events.note(&built, template.span);
        // A plugin reads levers by names that only it knows.
        self.reads_levers |= matches!(built, ScenarioPlan::Plugin(_)) && !self.levers.is_empty();
        Some(built)
    }

    /// The values of parameters; all of them are tried, so that all errors are reported.
    pub(super) fn arguments(
        &mut self,
        params: &[(&'static Param, ParamTemplate)],
        metric: MetricContext,
    ) -> Option<Arguments> {
        let mut arguments = Arguments::new(metric);
        let mut is_complete = true;
        for (param, value) in params {
            match self.argument(param, value, metric) {
                Some(argument) => arguments.set(param.name, argument),
                None => is_complete = false,
            }
        }
        is_complete.then_some(arguments)
    }

    pub(super) fn argument(
        &mut self,
        param: &Param,
        value: &ParamTemplate,
        metric: MetricContext,
    ) -> Option<Argument> {
        Some(match value {
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
            ParamTemplate::Texts(scalars) => {
                let texts = scalars.iter().map(|scalar| self.value(param.name, scalar));
                Argument::Texts(texts.collect::<Option<_>>()?)
            }
            ParamTemplate::Formula(formula) => Argument::Formula(self.formula(formula)?),
            ParamTemplate::Formulas(formulas) => {
                let bound = formulas.iter().map(|(event, formula)| {
                    let subscription = Subscription::parse(&self.value("event", event)?);
                    self.events.subscribe(&subscription, event.span);
                    Some((subscription, self.formula(formula)?))
                });
                let bound: Vec<(Subscription, Formula)> = bound.collect::<Option<_>>()?;
                let keys = formulas.iter().map(|(event, _)| event);
                self.warn_of_unreachable(
                    keys.zip(bound.iter().map(|(subscription, _)| (subscription, true))),
                );
                Argument::Formulas(bound)
            }
            ParamTemplate::Cases(cases) => {
                let bound =
                    cases.iter().map(|case| self.case(case, metric)).collect::<Option<Vec<Case>>>()?;
                let ways = bound.iter().map(|case| (&case.subscription, case.when.is_none()));
                self.warn_of_unreachable(cases.iter().map(|case| &case.event).zip(ways));
                Argument::Cases(bound)
            }
            ParamTemplate::Structured(structured) => Argument::Structured(self.structured(structured)?),
            ParamTemplate::Script(script) => Argument::Script(self.script(script)?),
            ParamTemplate::Scenario(scenario) => Argument::Scenario(self.nested(scenario, metric)?),
            ParamTemplate::Scenarios(scenarios) => {
                let scenarios = scenarios.iter().map(|scenario| self.nested(scenario, metric));
                Argument::Scenarios(scenarios.collect::<Option<_>>()?)
            }
        })
    }

    /// Warns of entries for an event that an earlier entry, which is always taken, is for, too.
    fn warn_of_unreachable<'s>(
        &mut self,
        entries: impl Iterator<Item = (&'s Scalar<String>, (&'s Subscription, bool))>,
    ) {
        let mut always_taken: IndexSet<&Subscription> = IndexSet::new();
        for (key, (subscription, is_always_taken)) in entries {
            if always_taken.contains(subscription) {
                let event = &subscription.event;
                let message =
                    format!("this entry is never reached: one above it is for event {event:?}, too");
                self.problems.warning(key.span, message);
            } else if is_always_taken {
                always_taken.insert(subscription);
            }
        }
    }

    /// A scenario inside another one.
    fn nested(&mut self, template: &ScenarioTemplate, metric: MetricContext) -> Option<NestedScenario> {
        self.scenario(template, metric).map(Into::into)
    }

    fn case(&mut self, template: &CaseTemplate, metric: MetricContext) -> Option<Case> {
        let subscription = Subscription::parse(&self.value("event", &template.event)?);
        self.events.subscribe(&subscription, template.event.span);
        let scenario = match &template.scenario {
            Some(scenario) => Some(self.nested(scenario, metric)?),
            None => None,
        };
        let duration = match &template.duration {
            Some(duration) => Some(self.value("duration", duration)?),
            None => None,
        };
        let when = match &template.when {
            Some(when) => Some(self.formula(when)?),
            None => None,
        };
        Some(Case { subscription, scenario, duration, when })
    }

    /// A formula, tried once if its result depends on numbers only.
    pub(super) fn formula(&mut self, template: &FormulaTemplate) -> Option<Formula> {
        let expression = &template.expression;
        self.know_names(template)?;
        if !expression.emits().is_empty() {
            self.problems.error(
                template.span,
                "emit works in scripts only; to emit after an event, use an action of the host",
            );
            return None;
        }
        let formula = expression.bind(&self.names, &mut self.links);
        self.reads_levers |= formula.reads_levers();
        if formula.is_steady() {
            let is_constant = !expression.reads_the_run() && !expression.draws();
            let number = try_out(&formula, self.links.len(), &self.lever_defaults);
            let number = if is_constant { number.and_then(finite) } else { number };
            if let Err(error) = number {
                self.problems.error(template.span, format!("the expression does not give a number: {error}"));
                return None;
            }
        }
        Some(formula)
    }

    fn script(&mut self, template: &FormulaTemplate) -> Option<Script> {
        let expression = &template.expression;
        self.know_names(template)?;
        let emits = expression.emits().iter().map(|event| event.as_deref().map(Into::into)).collect();
        let formula = expression.bind_script(&self.names, &mut self.links);
        self.reads_levers |= formula.reads_levers();
        if template.has_power_sign()
            && let Err(error) = try_out(&formula, self.links.len(), &self.lever_defaults)
            && error.starts_with("there is no operator ^ ")
        {
            self.problems.error(template.span_of("^"), error);
            return None;
        }
        Some(Script { formula, emits })
    }

    fn know_names(&mut self, template: &FormulaTemplate) -> Option<()> {
        let expression = &template.expression;
        self.note_names(expression.names().iter().map(String::as_str));
        self.stored.note(template);
        if let Some((name, message)) = expression.unknown_name(&self.names, &Formula::NAMES) {
            self.problems.error(template.span_of(&name), message);
            return None;
        }
        if !self.names.has_range() && expression.place_of(PERCENT_OF_RANGE).is_some() {
            let message = "percent_of_range needs the metric's value_range, as in (0, 100)";
            self.problems.error(template.span_of(PERCENT_OF_RANGE), message);
            return None;
        }
        let call = expression.unknown_call();
        if let Some((at, name, message)) = call.or_else(|| expression.refused_write()) {
            self.problems.error(template.span_at(at, name), message);
            return None;
        }
        Some(())
    }
}

impl Resolver<'_> {
    /// A number below 0 that a calculation gives with typical numbers, if it gives only such, whatever the time.
    pub(super) fn falling(&self, formula: &Formula, links: usize) -> Option<f64> {
        let times = [0.0, 1.0, 100.0, 10_000.0].iter().filter(|_| formula.is_calculation());
        let numbers = times.map(|t_secs| try_out_at(*t_secs, formula, links, &self.lever_defaults));
        let numbers: Vec<f64> = numbers.collect::<Result<_, _>>().ok()?;
        numbers
            .iter()
            .all(|number| *number <= 0.0)
            .then(|| numbers.into_iter().find(|number| *number < 0.0))?
    }
}

/// Evaluates a formula with typical numbers.
fn try_out(formula: &Formula, links: usize, levers: &[f64]) -> Result<f64, String> {
    try_out_at(1.0, formula, links, levers)
}

/// Evaluates a formula with typical numbers, so many seconds after the start.
fn try_out_at(t_secs: f64, formula: &Formula, links: usize, levers: &[f64]) -> Result<f64, String> {
    let (mut rng, mut storage) = (Seed::new(1).rng(), Storage::default());
    let links = vec![1.0; links];
    formula.number(&mut EvalContext {
        value: 1.0,
        t_secs,
        dt_secs: 1.0,
        now_secs: 1e9,
        event: None,
        links: &links,
        levers,
        metric: None,
        rng: &mut rng,
        storage: &mut storage,
    })
}
