//! Formulas and scripts: expressions that run with every update.

use std::sync::Arc;

use rhai::{AST, Dynamic, Scope};

use super::engine::{Context, ENGINE, from_json, text_of, with_context};
use super::lower::{Node, lower};
use super::{Expression, Names, Value};
use crate::rng::Rng;

/// What a host's scripts keep, and its formulas read. Every host has one, and most are empty.
#[derive(Clone, Debug, Default)]
pub struct Storage(Option<Box<rhai::Map>>);

impl Storage {
    /// Storage with these values.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let mut storage = Self::default();
        storage.put(values.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        storage
    }

    fn take(&mut self) -> rhai::Map {
        self.0.take().map_or_else(rhai::Map::new, |map| *map)
    }

    fn put(&mut self, map: rhai::Map) {
        self.0 = (!map.is_empty()).then(|| Box::new(map));
    }
}

/// An event, as expressions see it.
#[derive(Clone, Copy, Debug)]
pub struct EventRef<'a> {
    /// Its name.
    pub name: &'a str,
    /// Who emitted it.
    pub source: &'a str,
    /// What it carries.
    pub data: &'a serde_json::Value,
}

/// What a formula or a script sees when it runs.
#[derive(Debug)]
pub struct EvalContext<'a> {
    /// The metric's own value, or its source's for a relay.
    pub value: f64,
    /// Seconds since the metric's start.
    pub t_secs: f64,
    /// Seconds since the metric's last update; 0 at the first.
    pub dt_secs: f64,
    /// The emulated time, in seconds since 1970.
    pub now_secs: f64,
    /// The event that asks for the value, if one does.
    pub event: Option<EventRef<'a>>,
    /// What the metrics show that are read by `links.NAME`, in the order in which they were bound.
    pub links: &'a [f64],
    /// The metric's random stream.
    pub rng: &'a mut Rng,
    /// The host's storage.
    pub storage: &'a mut Storage,
}

/// An expression or a script that runs with every update. Cheap to share.
#[derive(Clone, Debug)]
pub struct Formula {
    /// What it is made of: two formulas with the same one do the same.
    key: Arc<str>,
    body: Body,
    is_steady: bool,
    uses_dt: bool,
}

impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

#[derive(Clone, Debug)]
enum Body {
    Lowered(Arc<Node>),
    Interpreted(Arc<Interpreted>),
}

#[derive(Debug)]
struct Interpreted {
    ast: Arc<AST>,
    /// The config-time names that are used.
    scope: Scope<'static>,
    range: Option<(f64, f64)>,
    /// The metrics that are read, and their places among the moment's links.
    links: Vec<(String, usize)>,
    uses_event: bool,
    uses_storage: bool,
    is_script: bool,
}

impl Formula {
    /// The names that a formula has beside the config's.
    pub const NAMES: [&str; 7] = ["value", "t", "dt", "now", "event", "links", "storage"];

    /// The number it gives; true is 1. An error says what went wrong.
    pub fn evaluate(&self, moment: &mut EvalContext<'_>) -> Result<f64, String> {
        match &self.body {
            Body::Lowered(node) => Ok(node.evaluate(moment)),
            Body::Interpreted(body) => number_of(body.run(moment, &mut Vec::new())?),
        }
    }

    /// Whether it gives true, or a number that is not 0.
    pub fn holds(&self, moment: &mut EvalContext<'_>) -> Result<bool, String> {
        self.evaluate(moment).map(|number| number != 0.0)
    }

    /// Runs as a script: gives a number, or nothing to keep the value. Events that it emits go to `emitted`.
    pub fn run(
        &self,
        moment: &mut EvalContext<'_>,
        emitted: &mut Vec<(Arc<str>, serde_json::Value)>,
    ) -> Result<Option<f64>, String> {
        match &self.body {
            Body::Lowered(node) => Ok(Some(node.evaluate(moment))),
            Body::Interpreted(body) => {
                let result = body.run(moment, emitted)?;
                if result.is_unit() {
                    return Ok(None);
                }
                number_of(result).map(Some)
            }
        }
    }

    /// Whether what it gives depends on numbers only, so that a trial tells whether it works.
    #[must_use]
    pub const fn is_steady(&self) -> bool {
        self.is_steady
    }

    /// Whether it asks for the time since the last update.
    #[must_use]
    pub const fn uses_dt(&self) -> bool {
        self.uses_dt
    }

    #[cfg(test)]
    pub(super) const fn is_lowered(&self) -> bool {
        matches!(self.body, Body::Lowered(_))
    }
}

impl Interpreted {
    fn run(
        &self,
        moment: &mut EvalContext<'_>,
        emitted: &mut Vec<(Arc<str>, serde_json::Value)>,
    ) -> Result<Dynamic, String> {
        let mut scope = self.scope.clone();
        let inputs = [moment.value, moment.t_secs, moment.dt_secs, moment.now_secs];
        for (name, value) in Formula::NAMES.iter().zip(inputs) {
            scope.push_constant(*name, value);
        }
        if self.uses_event {
            scope.push_constant_dynamic("event", event_map(moment.event));
        }
        if !self.links.is_empty() {
            let links = self.links.iter().map(|(name, at)| (name.as_str().into(), moment.links[*at].into()));
            scope.push_constant_dynamic("links", links.collect::<rhai::Map>().into());
        }
        let storage_at = scope.len();
        let stored = self.is_script.then(|| moment.storage.clone());
        if self.uses_storage {
            scope.push_dynamic("storage", moment.storage.take().into());
        }
        let context = Context {
            rng: moment.rng.clone(),
            range: self.range,
            emitted: self.is_script.then(|| std::mem::take(emitted)),
            sequence: None,
        };
        let (result, context) =
            with_context(context, || ENGINE.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast));
        if let Some(context) = context {
            *moment.rng = context.rng;
            *emitted = context.emitted.unwrap_or_default();
        }
        if self.uses_storage {
            scope.rewind(storage_at + 1);
            let Some(storage) = scope.remove::<rhai::Map>("storage") else {
                *moment.storage = stored.unwrap_or_default();
                return Err("storage is a map; write storage.name = value".to_owned());
            };
            moment.storage.put(storage);
        }
        result.map_err(text_of)
    }
}

/// A result as a number; true is 1.
fn number_of(result: Dynamic) -> Result<f64, String> {
    match Value::from_dynamic(result)? {
        Value::Bool(bool) => Ok(f64::from(u8::from(bool))),
        other => {
            other.number().ok_or_else(|| format!("gives the text {:?}, not a number", other.to_string()))
        }
    }
}

/// Without an event all of its fields are there, and its name is empty.
fn event_map(event: Option<EventRef<'_>>) -> Dynamic {
    let (name, source) = event.map_or(("", ""), |event| (event.name, event.source));
    let data = event.map_or(Dynamic::UNIT, |event| from_json(event.data));
    let fields = [("name", name.into()), ("source", source.into()), ("data", data)];
    fields.into_iter().map(|(field, value)| (field.into(), value)).collect::<rhai::Map>().into()
}

impl Expression {
    /// Binds the config-time names; what is left are [`Formula::NAMES`]. Metrics that are linked get their
    /// places in `links`.
    #[must_use]
    pub fn bind(&self, names: &Names, links: &mut Vec<String>) -> Formula {
        self.bind_as(names, links, false)
    }

    /// Binds a script, which may emit events.
    #[must_use]
    pub fn bind_script(&self, names: &Names, links: &mut Vec<String>) -> Formula {
        self.bind_as(names, links, true)
    }

    fn bind_as(&self, names: &Names, links: &mut Vec<String>, is_script: bool) -> Formula {
        let linked: Vec<(String, usize)> =
            self.links().map(|name| (name.to_owned(), place(name, links))).collect();
        let uses = |wanted: &str| self.all_names.iter().any(|name| name == wanted);
        let mut scope = Scope::new();
        for name in &self.all_names {
            if let Some(value) = names.scope.get(name) {
                scope.push_constant_dynamic(name.as_str(), value.clone());
            }
        }
        let key = format!("{}\0{scope:?}\0{:?}\0{linked:?}", self.source, names.range);
        let lowered = if is_script { None } else { lower(&self.ast, names, &linked) };
        let body = lowered.map_or_else(
            || {
                Body::Interpreted(Arc::new(Interpreted {
                    ast: Arc::clone(&self.ast),
                    scope,
                    range: names.range,
                    links: linked,
                    uses_event: uses("event"),
                    uses_storage: uses("storage"),
                    is_script,
                }))
            },
            |node| Body::Lowered(Arc::new(node)),
        );
        let is_steady = !uses("event") && !uses("storage") && !is_script;
        Formula { key: key.into(), body, is_steady, uses_dt: uses("dt") }
    }
}

/// The place of a name in a list that it is added to if it is not there.
fn place(name: &str, list: &mut Vec<String>) -> usize {
    list.iter().position(|known| known == name).unwrap_or_else(|| {
        list.push(name.to_owned());
        list.len() - 1
    })
}
