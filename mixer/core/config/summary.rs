//! Descriptions of configs, for lists.

use super::arguments::Argument;

/// What a config file holds, for lists.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigSummary {
    /// The config's name.
    pub name: String,
    /// Its classes; or why the file cannot be used.
    pub classes: Result<Vec<ClassSummary>, String>,
}

/// One class of a config, for lists.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSummary {
    /// The class's name; empty in a file that holds one config.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
}
