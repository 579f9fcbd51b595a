//! `promemu check`: the size of configs, or their errors and warnings.

use promemu_core::error::{ConfigError, Error};
use promemu_core::estimate::Estimate;
use promemu_core::preview::first_failures;
use promemu_run::clock::wall_now;

use crate::settings::Settings;
use crate::{config, diagnostics, stdout};

/// A scenario that fails does so with any seed.
const SEED: u64 = 1;

/// Checks these configs, or all; `true` if all are good.
pub(crate) fn check(settings: &Settings, names: &[String], all: bool) -> Result<bool, Error> {
    if names.is_empty() && !all {
        return Err(Error::Usage(
            "no config given; write promemu check NAME, or check all with --all".to_owned(),
        ));
    }
    let names = if all { settings.config_dirs().configs() } else { names.to_vec() };
    let mut is_good = true;
    for name in &names {
        match estimates(settings, name) {
            Ok(lines) => stdout::print((lines.join("\n") + "\n").as_bytes())?,
            // Shipped configs of plugins are no errors where the plugins have not been built.
            Err(error) if all && error.needs_plugin() => {
                stdout::print(format!("{name}: skipped: {error}\n").as_bytes())?;
            }
            Err(error) => {
                diagnostics::print(&Error::Config(error), settings.cli().log_format);
                is_good = false;
            }
        }
    }
    Ok(is_good)
}

/// A line for each class, or for that of `--class`, after its warnings.
fn estimates(settings: &Settings, name: &str) -> Result<Vec<String>, ConfigError> {
    let file = config::open(settings, name)?;
    let classes = match &settings.cli().class {
        Some(class) => vec![class.clone()],
        None => file.class_names()?,
    };
    let mut lines = Vec::new();
    for class in classes {
        let (options, unknown) = settings.load_options(&file, Some(&class), wall_now());
        let loaded = file.plan(&options)?;
        let unknown = unknown.into_iter().map(|name| {
            format!("variable {name} names no argument of the config; promemu --list-configs shows them")
        });
        let failures = first_failures(&loaded.plan, SEED, options.started_at);
        let warnings = loaded.warnings.into_iter().chain(unknown).chain(failures);
        lines.extend(warnings.map(|warning| format!("warning: {warning}")));
        let estimate = Estimate::of(&loaded.plan, settings.push_interval(&loaded.plan.defaults));
        let class = if class.is_empty() { String::new() } else { format!(" {class}") };
        lines.push(format!("{name}{class}: {estimate}"));
    }
    Ok(lines)
}
