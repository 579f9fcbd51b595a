//! Configs: RON files to plans.
//!
//! A text becomes a tree with places ([`tree`]), the tree a typed template ([`template`], which reads
//! each record through [`fields`]: an unknown field is found there), and the template, with arguments, a [`Plan`](crate::plan::Plan) ([`resolve`]). Only this module knows RON's shape. All problems of a
//! config are reported at once, each with its place. It knows nothing of running hosts.

mod arguments;
mod classes;
mod extension;
mod fields;
mod include;
mod interpolation;
mod loading;
mod number_hint;
mod options;
mod param_files;
mod playlist;
mod plugin_config;
mod reading;
pub mod reference;
mod resolve;
mod shipped;
mod source;
mod summary;
mod template;
mod tree;
mod value;
mod verdict_edit;

use std::path::Path;

use indexmap::IndexMap;

pub use arguments::{Argument, is_free_name};
pub use loading::LoadedConfig;
pub use options::{DEFAULT_SERIES_MAX, LoadOptions, MAIN_RUN};
pub use playlist::{Playlist, PlaylistItem};
pub use source::{Author, ConfigDirs, ConfigFile};
pub use summary::{ClassSummary, ConfigSummary};

use crate::error::{ConfigError, SourceSpan};
use crate::expression::Value;
use crate::user_file;
use reading::Reading;

/// Loads a config by name, as `promemu --config` does: from the folder of `PME_CONFIGS_DIR`, `./configs`,
/// `configs` beside the program, or the built-in configs.
pub fn load_config(name: &str, options: &LoadOptions) -> Result<LoadedConfig, ConfigError> {
    ConfigDirs::usual().load(name, options)
}

/// The configs that [`load_config`] finds; a broken file has its error in place of classes.
#[must_use]
pub fn list_available_configs() -> Vec<ConfigSummary> {
    ConfigDirs::usual().list()
}

/// Arguments from a file with a map in RON or JSON: `{ "hosts_count": 5 }`.
pub fn read_arguments(path: &Path) -> Result<IndexMap<String, Value>, ConfigError> {
    let mut reading = Reading::default();
    let file = ConfigFile::read_within(path, user_file::SMALL_BYTES_MAX)?;
    let root = reading.root(&file, SourceSpan::default());
    let arguments = root.map(|root| template::read_arguments(root, &mut reading.problems));
    reading.finish()?;
    Ok(arguments.unwrap_or_default())
}

/// A size in bytes, as in `1.5GiB`, `100MB` or `4096`.
#[must_use]
pub fn parse_size(text: &str) -> Option<f64> {
    value::FromValue::from_value(&Value::from(text)).ok()
}

/// Names of a config's classes; one empty name for a file with a single config.
pub fn config_classes(name: &str) -> Result<Vec<String>, ConfigError> {
    ConfigDirs::usual().open(name)?.class_names()
}

#[cfg(test)]
mod tests;
