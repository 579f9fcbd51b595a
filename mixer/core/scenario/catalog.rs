//! All kinds of scenarios by name: the built-ins, and those of loaded plugins.

use std::sync::{Arc, Mutex, PoisonError};

use super::arguments::Arguments;
use super::built_in::{AnyKind, KINDS, ScenarioPlan};
use super::plugin::{params, plan};
use crate::plugin::{self, ScenarioDecl};

/// The kinds of declared scenarios. They are leaked: a library is never unloaded, so neither is its declaration.
static PLUGIN_KINDS: Mutex<Vec<(&ScenarioDecl, &AnyKind)>> = Mutex::new(Vec::new());

/// The kind of this name: a built-in, or a plugin's.
#[must_use]
pub fn kind(name: &str) -> Option<&'static AnyKind> {
    KINDS.iter().find(|kind| kind.name == name).or_else(|| plugin::scenario(name).map(plugin_kind))
}

/// All kinds: the built-ins, then those of plugins.
#[must_use]
pub fn kinds() -> Vec<&'static AnyKind> {
    KINDS.iter().chain(plugin::scenarios().into_iter().map(plugin_kind)).collect()
}

fn plugin_kind(declared: &'static ScenarioDecl) -> &'static AnyKind {
    let mut kinds = PLUGIN_KINDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, kind)) = kinds.iter().find(|(of, _)| std::ptr::eq(*of, declared)) {
        return kind;
    }
    let build = move |arguments: &mut Arguments| {
        plan(declared, arguments).map(|plan| ScenarioPlan::Plugin(Arc::new(plan)))
    };
    let kind: &'static AnyKind = Box::leak(Box::new(AnyKind {
        name: &declared.name,
        summary: &declared.summary,
        params: params(&declared.params),
        build: Box::leak(Box::new(build)),
    }));
    kinds.push((declared, kind));
    kind
}
