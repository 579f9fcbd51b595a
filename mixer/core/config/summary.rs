//! Descriptions of configs, for lists.

use super::arguments::Argument;

/// A config file and its classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigSummary {
    /// The config's name.
    pub name: String,
    /// Its classes; or the error in the file. A playlist has one without a name.
    pub classes: Result<Vec<ClassSummary>, String>,
    /// `true` for a playlist.
    pub is_playlist: bool,
}

/// One class of a config.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSummary {
    /// The class's name; empty in a file with a single config.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
}
