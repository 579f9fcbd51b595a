//! Scenarios of plugins: the bridge from declared kinds and instances to the built-ins' types.

use std::sync::{Arc, Mutex, PoisonError};

use super::arguments::{Arguments, Param, ParamKind, Structured};
use super::context::{EmittedEvent, UpdateContext};
use super::spec::{EventDecl, ScenarioSpec};
use super::try_clone::TryClone;
use crate::event::Subscription;
use crate::plugin::{
    ConfiguredModel, ConfiguredScenario, HostContext, LeverTimes, ModelDecl, ParamDecl, ParamType,
    ParamValue, PluginEvent, PluginTick, ScenarioDecl, ScenarioInstance,
};
use crate::rng::Rng;
use crate::time::{Span, Time};

/// The shortest time to the next update that a scenario can ask for.
const WAIT_MIN: Span = Span::from_nanos(1_000_000);

/// The parameters of declared models. They are leaked: a library is never unloaded, so neither is its declaration.
static MODELS: Mutex<Vec<(&ModelDecl, &[Param])>> = Mutex::new(Vec::new());

/// The parameters of a model, in the form of a scenario's.
pub(super) fn model_params(model: &'static ModelDecl) -> &'static [Param] {
    let mut known = MODELS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, params)) = known.iter().find(|(of, _)| std::ptr::eq(*of, model)) {
        return params;
    }
    let params = params(&model.params);
    known.push((model, params));
    params
}

/// A model with its arguments. The error names the wrong argument and the reason.
pub(super) fn prepare_model(
    model: &'static ModelDecl,
    arguments: &mut Arguments,
) -> Result<ConfiguredModel, String> {
    let values = values(&model.params, arguments)?;
    ConfiguredModel::new(model, values).map_err(|refusals| arguments.refuse(refusals))
}

/// Parameters in the form of a built-in's. They are leaked.
pub(super) fn params(declared: &'static [ParamDecl]) -> &'static [Param] {
    declared.iter().map(param).collect::<Vec<_>>().leak()
}

fn param(declared: &'static ParamDecl) -> Param {
    let kind = match &declared.param_type {
        ParamType::Number => ParamKind::Number,
        ParamType::Duration => ParamKind::Span,
        ParamType::Range => ParamKind::Range,
        ParamType::Text => ParamKind::Text,
        ParamType::Choice(words) => {
            ParamKind::Choice(words.iter().map(String::as_str).collect::<Vec<&str>>().leak())
        }
        ParamType::Numbers => ParamKind::Numbers,
        ParamType::WordRange(_) | ParamType::List(_) | ParamType::Map(_) | ParamType::Record(_) => {
            ParamKind::Structured(Structured(declared))
        }
    };
    Param { name: &declared.name, kind, default: &declared.default_text, help: &declared.help }
}

/// The plan of a declared scenario. The error names the wrong parameter and the reason.
pub(super) fn plan(declared: &'static ScenarioDecl, arguments: &mut Arguments) -> Result<Plan, String> {
    let values = values(&declared.params, arguments)?;
    let configured =
        ConfiguredScenario::new(declared, values, arguments.metric_range(), arguments.default_value());
    let configured = configured.map_err(|refusals| arguments.refuse(refusals))?;
    Ok(Plan(Arc::new(configured)))
}

/// The value of each parameter, in order.
fn values(params: &[ParamDecl], arguments: &mut Arguments) -> Result<Vec<ParamValue>, String> {
    let mut values = Vec::with_capacity(params.len());
    for param in params {
        let name = &param.name;
        let value = match param.param_type {
            ParamType::Number => arguments.number(name).map(ParamValue::Number),
            ParamType::Duration => arguments.span(name).map(ParamValue::Duration),
            ParamType::Range => arguments.range(name).map(ParamValue::Range),
            ParamType::Text | ParamType::Choice(_) => arguments.text(name).map(ParamValue::Text),
            ParamType::Numbers => arguments.numbers(name).map(ParamValue::Numbers),
            ParamType::WordRange(_) | ParamType::List(_) | ParamType::Map(_) | ParamType::Record(_) => {
                arguments.structured(name)
            }
        };
        let value = value.or_else(|| param.default.clone());
        values.push(value.ok_or_else(|| format!("{name} must be given"))?);
    }
    Ok(values)
}

/// A plugin's scenario with its parameters.
#[derive(Debug, PartialEq)]
pub struct Plan(Arc<ConfiguredScenario>);

impl ScenarioSpec for Plan {
    type State = Box<ScenarioInstance>;

    fn start(&self, value: f64) -> Box<ScenarioInstance> {
        Box::new(ScenarioInstance::start(&self.0, value))
    }

    #[inline]
    fn update(
        &self,
        instance: &mut Box<ScenarioInstance>,
        context: &mut UpdateContext<'_>,
    ) -> Result<Option<f64>, String> {
        let data = context.event.filter(|event| !event.data.is_null()).map(|event| event.data.to_string());
        let data = data.as_deref().unwrap_or_default();
        let event = context.event.map(|event| PluginEvent { name: &event.name, source: &event.source, data });
        let UpdateContext { now, t_secs, dt_secs, value, host_name, .. } = *context;
        let tick = PluginTick { now, t_secs, dt_secs, value, host_name, event, is_live: false };
        instance.next_value(&tick, context)
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        self.0.scenario().listens.iter().map(|event| Subscription::parse(event)).collect()
    }

    fn emits(&self) -> Vec<EventDecl> {
        let emits = self.0.scenario().emits.iter();
        emits.map(|event| EventDecl { event: Some(Arc::clone(event)), source: None }).collect()
    }

    fn gives_totals(&self) -> bool {
        self.0.scenario().gives_totals
    }

    fn uses_dt(&self) -> bool {
        self.0.scenario().uses_dt
    }
}

impl TryClone for Box<ScenarioInstance> {
    fn try_clone(&self) -> Result<Self, String> {
        self.copied().map(Self::new)
    }
}

impl HostContext for UpdateContext<'_> {
    fn rng(&mut self) -> &mut Rng {
        self.rng
    }

    fn emit(&mut self, event: &Arc<str>, data: serde_json::Value) {
        self.effects.emitted.push(EmittedEvent { event: Arc::clone(event), source: None, data });
    }

    fn wake(&mut self, at: Time) {
        // A scenario that always asks for the present moment would stop time.
        self.effects.wakes.push(at.max(self.now + WAIT_MIN));
    }

    fn levers(&self) -> Option<&dyn LeverTimes> {
        self.lever_times
    }
}
