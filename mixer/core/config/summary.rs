//! Descriptions of configs, for lists.

use super::arguments::Argument;

/// A config file and its classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigSummary {
    /// The config's name.
    pub name: String,
    /// Its classes; or the error in the file.
    pub classes: Result<Vec<ClassSummary>, String>,
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
