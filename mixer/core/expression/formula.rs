//! Formulas and scripts: expressions that run with every update.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use rhai::{AST, Dynamic, Scope};

use super::compiled::Expression;
use super::context::{EvalContext, EventRef};
use super::engine::{self, CallContext, from_json, text_of, with_call};
use super::host_storage::{VARIABLE, WRITTEN};
use super::lower::{Node, lower};
use super::names::Names;
use super::storage::Owner;
use super::value::{Value, finite};
use crate::interrupt::is_interrupted;

/// An expression or a script that runs with every update. Cheap to share.
#[derive(Clone, Debug)]
pub struct Formula {
    /// Source, bound values and links: formulas with equal keys behave equally.
    key: Arc<str>,
    body: Body,
    is_steady: bool,
    uses_dt: bool,
    reads_levers: bool,
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
    /// Config-time values that it reads.
    scope: Scope<'static>,
    range: Option<(f64, f64)>,
    /// Linked metrics, and their indices in the context's links.
    links: Vec<(String, usize)>,
    /// Levers that it reads, and their indices in the context's levers.
    levers: Vec<(String, usize)>,
    uses_event: bool,
    storage: UsedStorage,
    is_script: bool,
}

/// The storage that a formula reads or writes.
#[derive(Clone, Copy, Debug)]
struct UsedStorage {
    own: bool,
    hosts: bool,
    may_change: bool,
}

impl Formula {
    /// Names that a formula knows in addition to the config's.
    pub const NAMES: [&str; 8] = ["value", "t", "dt", "now", "event", "links", "storage", "run"];

    /// The result as a finite number; `true` is 1. Errors are text for the log.
    pub fn evaluate(&self, context: &mut EvalContext<'_>) -> Result<f64, String> {
        self.number(context).and_then(finite)
    }

    /// As [`Self::evaluate`], but the number may be infinite or NaN, as a trial with other numbers may give.
    pub fn number(&self, context: &mut EvalContext<'_>) -> Result<f64, String> {
        match &self.body {
            Body::Lowered(node) => Ok(node.evaluate(context)),
            Body::Interpreted(body) => number_of(body.run(context, &mut Vec::new())?),
        }
    }

    /// `true` if the result is `true` or a number other than 0.
    pub fn holds(&self, context: &mut EvalContext<'_>) -> Result<bool, String> {
        self.evaluate(context).map(|number| number != 0.0)
    }

    /// Runs as a script; `None` keeps the metric's value. Emitted events are added to `emitted`.
    pub fn run(
        &self,
        context: &mut EvalContext<'_>,
        emitted: &mut Vec<(Arc<str>, serde_json::Value)>,
    ) -> Result<Option<f64>, String> {
        match &self.body {
            Body::Lowered(node) => finite(node.evaluate(context)).map(Some),
            Body::Interpreted(body) => {
                let result = body.run(context, emitted)?;
                if result.is_unit() {
                    return Ok(None);
                }
                number_of(result).and_then(finite).map(Some)
            }
        }
    }

    /// `true` if it reads neither an event nor storage, so that one trial shows if it works.
    #[must_use]
    pub const fn is_steady(&self) -> bool {
        self.is_steady
    }

    /// `true` if it is one calculation with numbers, which costs next to nothing.
    #[must_use]
    pub const fn is_calculation(&self) -> bool {
        matches!(self.body, Body::Lowered(_))
    }

    /// `true` if it reads `dt`, the time since the last update.
    #[must_use]
    pub const fn uses_dt(&self) -> bool {
        self.uses_dt
    }

    /// `true` if it reads a lever.
    #[must_use]
    pub const fn reads_levers(&self) -> bool {
        self.reads_levers
    }

    #[cfg(test)]
    pub(super) const fn is_lowered(&self) -> bool {
        matches!(self.body, Body::Lowered(_))
    }
}

impl Interpreted {
    fn run(
        &self,
        context: &mut EvalContext<'_>,
        emitted: &mut Vec<(Arc<str>, serde_json::Value)>,
    ) -> Result<Dynamic, String> {
        if is_interrupted() {
            return Err("the run has ended".to_owned());
        }
        let mut scope = self.scope.clone();
        let inputs = [context.value, context.t_secs, context.dt_secs, context.now_secs];
        for (name, value) in Formula::NAMES.iter().zip(inputs) {
            scope.push_constant(*name, value);
        }
        if self.uses_event {
            scope.push_constant_dynamic("event", event_map(context.event));
        }
        if !self.links.is_empty() {
            let links = self.links.iter().map(|(name, at)| (name.as_str().into(), context.links[*at].into()));
            scope.push_constant_dynamic("links", links.collect::<rhai::Map>().into());
        }
        if !self.levers.is_empty() {
            let levers =
                self.levers.iter().map(|(name, at)| (name.as_str().into(), context.levers[*at].into()));
            scope.push_constant_dynamic("run", levers.collect::<rhai::Map>().into());
        }
        let storage_at = scope.len();
        let stored = self.push_storage(&mut scope, context);
        let call = CallContext {
            rng: context.rng.clone(),
            range: self.range,
            emitted: self.is_script.then(|| std::mem::take(emitted)),
            sequence: None,
        };
        let (result, call) = with_call(call, || engine::evaluate(&mut scope, &self.ast));
        if let Some(call) = call {
            *context.rng = call.rng;
            *emitted = call.emitted.unwrap_or_default();
        }
        scope.rewind(storage_at + usize::from(self.storage.own) + usize::from(self.storage.hosts));
        self.put_back(&mut scope, context, stored)?;
        result.map_err(text_of)
    }

    /// Puts the storage that it uses into the scope. A script may replace it by something else, or write too much, so copies
    /// are returned.
    fn push_storage(
        &self,
        scope: &mut Scope<'static>,
        context: &mut EvalContext<'_>,
    ) -> [Option<rhai::Map>; 2] {
        let mut push = |name: &'static str, map: rhai::Map| {
            let copy = self.storage.may_change.then(|| map.clone());
            scope.push_dynamic(name, map.into());
            copy
        };
        let metric = context.metric.filter(|_| self.storage.own);
        let own = metric.map(|metric| context.storage.take(Owner::Metric(metric))).unwrap_or_default();
        [
            self.storage.own.then(|| push("storage", own)).flatten(),
            self.storage.hosts.then(|| push(VARIABLE, context.storage.take(Owner::Host))).flatten(),
        ]
    }

    /// Takes the storage out of the scope.
    fn put_back(
        &self,
        scope: &mut Scope<'static>,
        context: &mut EvalContext<'_>,
        [own_before, hosts_before]: [Option<rhai::Map>; 2],
    ) -> Result<(), String> {
        let mut put = |owner, (name, written), before: Option<rhai::Map>| match (
            scope.remove::<rhai::Map>(name),
            before,
        ) {
            (Some(map), Some(before)) => context.storage.change(owner, map, before),
            (Some(map), None) => {
                context.storage.put(owner, map);
                Ok(())
            }
            (None, before) => {
                context.storage.put(owner, before.unwrap_or_default());
                Err(format!("{written} is a map; write {written}.name = value"))
            }
        };
        let own = match context.metric.filter(|_| self.storage.own) {
            Some(metric) => put(Owner::Metric(metric), ("storage", "storage"), own_before),
            None => Ok(()),
        };
        let hosts =
            if self.storage.hosts { put(Owner::Host, (VARIABLE, WRITTEN), hosts_before) } else { Ok(()) };
        own.and(hosts)
    }
}

/// A result as a number; `true` is 1.
fn number_of(result: Dynamic) -> Result<f64, String> {
    match Value::from_dynamic(result)? {
        Value::Bool(bool) => Ok(f64::from(u8::from(bool))),
        other => {
            other.number().ok_or_else(|| format!("gives the text {:?}, not a number", other.to_string()))
        }
    }
}

/// The event as a map; without an event, one with an empty name and source.
fn event_map(event: Option<EventRef<'_>>) -> Dynamic {
    let (name, source) = event.map_or(("", ""), |event| (event.name, event.source));
    let data = event.map_or(Dynamic::UNIT, |event| from_json(event.data));
    let fields = [("name", name.into()), ("source", source.into()), ("data", data)];
    fields.into_iter().map(|(field, value)| (field.into(), value)).collect::<rhai::Map>().into()
}

impl Expression {
    /// Binds the config-time names; only [`Formula::NAMES`] stay open. Linked metrics are added to `links`.
    #[must_use]
    pub fn bind(&self, names: &Names, links: &mut IndexSet<String>) -> Formula {
        self.bind_as(names, links, false)
    }

    /// Binds a script, which may emit events.
    #[must_use]
    pub fn bind_script(&self, names: &Names, links: &mut IndexSet<String>) -> Formula {
        self.bind_as(names, links, true)
    }

    fn bind_as(&self, names: &Names, links: &mut IndexSet<String>, is_script: bool) -> Formula {
        let linked: IndexMap<String, usize> =
            self.links().map(|name| (name.to_owned(), links.insert_full(name.to_owned()).0)).collect();
        let levers: IndexMap<String, usize> =
            self.levers().filter_map(|name| Some((name.to_owned(), names.lever(name)?))).collect();
        let uses = |wanted: &str| self.all_names.iter().any(|name| name == wanted);
        let scope = self.scope(names);
        let key = format!("{}\0{scope:?}\0{:?}\0{linked:?}\0{levers:?}", self.source, names.range);
        let reads_levers = !levers.is_empty();
        // A script of one calculation costs as little as a formula.
        let lowered = lower(&self.ast, names, &linked, &levers);
        let body = lowered.map_or_else(
            || {
                Body::Interpreted(Arc::new(Interpreted {
                    ast: Arc::clone(&self.ast),
                    scope,
                    range: names.range,
                    links: linked.into_iter().collect(),
                    levers: levers.into_iter().collect(),
                    uses_event: uses("event"),
                    storage: UsedStorage {
                        own: uses("storage"),
                        hosts: self.reads_host_storage,
                        may_change: is_script || self.calls_on_storage,
                    },
                    is_script,
                }))
            },
            |node| Body::Lowered(Arc::new(node)),
        );
        let is_steady = !uses("event") && !uses("storage") && !self.reads_host_storage && !is_script;
        Formula { key: key.into(), body, is_steady, uses_dt: uses("dt"), reads_levers }
    }
}
