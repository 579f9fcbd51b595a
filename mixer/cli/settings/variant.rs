//! Variants of one config: its classes, other values of its arguments, and the items of a playlist.

use indexmap::IndexMap;
use promemu_core::config::{MAIN_RUN, PlaylistItem};
use promemu_core::expression::Value;

/// A variant of a config.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// The class; `None` for the default one.
    pub(crate) class: Option<String>,
    /// Arguments, which override those of flags and variables.
    pub(crate) arguments: IndexMap<String, Value>,
    /// `false` if flags and variables set no arguments of it.
    pub(crate) takes_flags: bool,
    /// The id of its run.
    pub(crate) run_id: String,
}

impl Variant {
    /// A class with the arguments of flags and variables alone.
    pub(crate) fn of_class(class: Option<String>) -> Self {
        Self { class, arguments: IndexMap::new(), takes_flags: true, run_id: MAIN_RUN.to_owned() }
    }

    /// An item of a playlist: flags and variables set the arguments of the playlist.
    pub(crate) fn of_item(item: &PlaylistItem) -> Self {
        Self {
            class: item.class.clone(),
            arguments: item.arguments.clone(),
            takes_flags: false,
            run_id: item.name.replace(' ', "-"),
        }
    }
}
