//! The config that a command works on: found, loaded, and its warnings logged.

use promemu_core::config::{ConfigFile, LoadedConfig};
use promemu_core::error::{ConfigError, Error};
use promemu_core::time::Time;
use promemu_core::user_file::is_stdin;
use tracing::warn;

use crate::settings::{Settings, Variant};

/// The config of `--config`.
pub(crate) fn open_main(settings: &Settings) -> Result<ConfigFile, Error> {
    Ok(open(settings, settings.config()?)?)
}

/// The config of this name; `-` and `/dev/stdin` are standard input.
pub(crate) fn open(settings: &Settings, name: &str) -> Result<ConfigFile, ConfigError> {
    let dirs = settings.config_dirs();
    if is_stdin(name.as_ref()) { Ok(ConfigFile::read_stdin()?.within(&dirs)) } else { dirs.open(name) }
}

/// The config of this name, loaded as by [`load`].
pub(crate) fn load_named(settings: &Settings, name: &str, started_at: Time) -> Result<LoadedConfig, Error> {
    let file = open(settings, name)?;
    Ok(load(settings, &file, started_at)?)
}

/// The plan of a config's file; its warnings are logged.
pub(crate) fn load(
    settings: &Settings,
    file: &ConfigFile,
    started_at: Time,
) -> Result<LoadedConfig, ConfigError> {
    logged(settings.load(file, started_at))
}

/// As [`load`], of a variant.
pub(crate) fn load_variant(
    settings: &Settings,
    file: &ConfigFile,
    variant: &Variant,
    started_at: Time,
) -> Result<LoadedConfig, ConfigError> {
    logged(settings.load_variant(file, variant, settings.cli().no_faults, started_at))
}

fn logged(loaded: Result<LoadedConfig, ConfigError>) -> Result<LoadedConfig, ConfigError> {
    for warning in loaded.iter().flat_map(|loaded| &loaded.warnings) {
        warn!("{warning}");
    }
    loaded
}
