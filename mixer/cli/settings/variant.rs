//! Variants of one config: its classes, and other values of its arguments.

use indexmap::IndexMap;
use promemu_core::expression::Value;

/// A variant of a config.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// The class; `None` for the default one.
    pub(crate) class: Option<String>,
    /// Arguments, which override those of flags and variables.
    pub(crate) arguments: IndexMap<String, Value>,
}

impl Variant {
    /// A class with the arguments of flags and variables alone.
    pub(crate) fn of_class(class: Option<String>) -> Self {
        Self { class, arguments: IndexMap::new() }
    }
}
