//! Names in scope: the values that expressions see while a plan is made.

use std::sync::Arc;

use rhai::Scope;

use super::value::Value;

/// Names and their values while a plan is made; a scope that grows and is rewound.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub(super) scope: Scope<'static>,
    pub(super) range: Option<(f64, f64)>,
    /// Names of the run's levers, in their order.
    pub(super) levers: Arc<[Arc<str>]>,
}

impl Names {
    /// Sets a name; a later value hides an earlier one.
    pub fn set(&mut self, name: &str, value: Value) {
        self.scope.push_constant_dynamic(name, value.into());
    }

    /// Sets a name with fields, as in `name.field`.
    pub fn set_fields<'a>(&mut self, name: &str, fields: impl IntoIterator<Item = (&'a str, Value)>) {
        let map: rhai::Map = fields.into_iter().map(|(field, value)| (field.into(), value.into())).collect();
        self.scope.push_constant_dynamic(name, map.into());
    }

    /// Sets the range of `percent_of_range`.
    pub const fn set_range(&mut self, range: Option<(f64, f64)>) {
        self.range = range;
    }

    /// `true` if `percent_of_range` has a range.
    #[must_use]
    pub const fn has_range(&self) -> bool {
        self.range.is_some()
    }

    /// Sets the names of the run's levers, in their order.
    pub fn set_levers(&mut self, levers: Arc<[Arc<str>]>) {
        self.levers = levers;
    }

    /// A mark to [`Self::rewind`] to.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.scope.len()
    }

    /// Removes the names set since the mark.
    pub fn rewind(&mut self, mark: usize) {
        self.scope.rewind(mark);
    }

    /// `true` if the name is set.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.scope.contains(name)
    }

    /// All names, sorted, each once.
    #[must_use]
    pub fn known(&self) -> Vec<String> {
        let mut names: Vec<String> = self.scope.iter().map(|(name, _, _)| name.to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }
}
