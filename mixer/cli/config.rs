//! The config that a command works on: found, loaded, and its warnings logged.

use promemu_core::config::{ConfigFile, LoadedConfig};
use promemu_core::error::{ConfigError, Error};
use promemu_core::time::Time;
use tracing::warn;

use crate::settings::Settings;

/// The config of `--config`.
pub(crate) fn open_main(settings: &Settings) -> Result<ConfigFile, Error> {
    Ok(settings.config_dirs().open(settings.config()?)?)
}

/// The config of this name, loaded as by [`load`].
pub(crate) fn load_named(settings: &Settings, name: &str, started_at: Time) -> Result<LoadedConfig, Error> {
    let file = settings.config_dirs().open(name)?;
    Ok(load(settings, &file, started_at)?)
}

/// The plan of a config's file; its warnings are logged.
pub(crate) fn load(
    settings: &Settings,
    file: &ConfigFile,
    started_at: Time,
) -> Result<LoadedConfig, ConfigError> {
    let loaded = settings.load(file, started_at)?;
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    Ok(loaded)
}
