//! Names in scope: the values that expressions see while a plan is made.
//!
//! A name is found at the same cost however many there are.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use rhai::Dynamic;

use super::value::Value;
use crate::error::NAMES_COMPARED_MAX;

/// Names and their values while a plan is made; a scope that grows and is rewound.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Each name that was ever set, with the places of its values: the last one counts.
    places: IndexMap<Arc<str>, Vec<usize>>,
    /// The values, each with the index of its name.
    values: Vec<(usize, Dynamic)>,
    pub(super) range: Option<(f64, f64)>,
    /// Names of the run's levers, in their order.
    pub(super) levers: Arc<IndexSet<Arc<str>>>,
}

impl Names {
    /// Sets a name; a later value hides an earlier one.
    pub fn set(&mut self, name: &str, value: Value) {
        self.push(name, value.into());
    }

    /// Sets a name with fields, as in `name.field`.
    pub fn set_fields<'a>(&mut self, name: &str, fields: impl IntoIterator<Item = (&'a str, Value)>) {
        let map: rhai::Map = fields.into_iter().map(|(field, value)| (field.into(), value.into())).collect();
        self.push(name, map.into());
    }

    fn push(&mut self, name: &str, value: Dynamic) {
        let place = self.values.len();
        let index = match self.places.get_full_mut(name) {
            Some((index, _, places)) => {
                places.push(place);
                index
            }
            None => self.places.insert_full(name.into(), vec![place]).0,
        };
        self.values.push((index, value));
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Dynamic> {
        let place = *self.places.get(name)?.last()?;
        Some(&self.values[place].1)
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
    pub fn set_levers(&mut self, levers: impl IntoIterator<Item = Arc<str>>) {
        self.levers = Arc::new(levers.into_iter().collect());
    }

    /// The index of a lever.
    #[must_use]
    pub fn lever(&self, name: &str) -> Option<usize> {
        self.levers.get_index_of(name)
    }

    /// A mark to [`Self::rewind`] to.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.values.len()
    }

    /// Removes the names set since the mark.
    pub fn rewind(&mut self, mark: usize) {
        for (index, _) in self.values.drain(mark..) {
            self.places[index].pop();
        }
    }

    /// `true` if the name is set.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All names, sorted, each once; only some if there are too many to suggest one of them.
    #[must_use]
    pub fn known(&self) -> Vec<String> {
        let set = self.places.iter().filter(|(_, places)| !places.is_empty());
        let mut names: Vec<String> =
            set.map(|(name, _)| name.to_string()).take(NAMES_COMPARED_MAX + 1).collect();
        names.sort();
        names
    }
}
