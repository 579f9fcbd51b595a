//! A plugin's scenario or model with the values of its parameters. `boundary` makes them, as it has the plugin check
//! the values.

use std::sync::OnceLock;

use super::{ModelDecl, ParamValue, ScenarioDecl, TableDecl};

/// A scenario with the values of its parameters.
#[derive(Debug)]
pub struct ConfiguredScenario {
    pub(super) scenario: &'static ScenarioDecl,
    /// One for each parameter, in their order.
    pub(super) params: Box<[ParamValue]>,
    pub(super) range: (f64, f64),
    /// First failure to create a state. The values were checked, but a plugin may refuse them later.
    pub(super) create_error: OnceLock<String>,
}

/// Equal if the same library has the same values; a rebuilt library differs.
impl PartialEq for ConfiguredScenario {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.scenario, other.scenario)
            && self.params == other.params
            && self.range.0.to_bits() == other.range.0.to_bits()
            && self.range.1.to_bits() == other.range.1.to_bits()
    }
}

/// A model with the values of its parameters, and the tables that it describes.
#[derive(Debug)]
pub struct ConfiguredModel {
    pub(super) model: &'static ModelDecl,
    /// One for each parameter, in their order.
    pub(super) params: Box<[ParamValue]>,
    pub(super) tables: Box<[TableDecl]>,
}

/// Equal if the same library has the same values; a rebuilt library differs.
impl PartialEq for ConfiguredModel {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.model, other.model) && self.params == other.params && self.tables == other.tables
    }
}

impl ConfiguredScenario {
    /// Its declaration.
    #[must_use]
    pub const fn scenario(&self) -> &'static ScenarioDecl {
        self.scenario
    }

    /// The metric's range.
    #[must_use]
    pub const fn range(&self) -> (f64, f64) {
        self.range
    }

    /// Reason for having no state. A panic was reported when it happened.
    pub(super) fn missing_state(&self) -> String {
        match self.create_error.get() {
            Some(error) => format!("create failed: {error}"),
            None => "no longer called after its panic".to_owned(),
        }
    }

    pub(super) fn attribute(&self, error: &str) -> String {
        format!("{} of plugin {}: {error}", self.scenario.name, self.scenario.plugin())
    }
}

impl ConfiguredModel {
    /// Its declaration.
    #[must_use]
    pub const fn model(&self) -> &'static ModelDecl {
        self.model
    }

    /// Its tables.
    #[must_use]
    pub const fn tables(&self) -> &[TableDecl] {
        &self.tables
    }

    pub(super) fn attribute(&self, error: &str) -> String {
        format!("{} of plugin {}: {error}", self.model.name, self.model.plugin())
    }
}
