//! `promemu describe`: a config from its plan, a playlist, or the language of configs and of the command line as data.

mod config;
mod language;
mod playlist;

use promemu_core::error::Error;
use promemu_run::clock::wall_now;
use serde_json::Value;

use crate::args::DescribeArgs;
use crate::settings::Settings;
use crate::{config as configs, stdout, table};
use config::Description;
use playlist::PlaylistDescription;

/// Prints the description of a config, or with `--json` alone that of the language.
pub(crate) fn describe(settings: &Settings, args: &DescribeArgs) -> Result<(), Error> {
    let Some(name) = &args.name else {
        if args.json {
            return print_json(&language::language());
        }
        return Err(Error::Usage(
            "no config given; write promemu describe NAME, or promemu describe --json for all fields, scenarios and flags"
                .to_owned(),
        ));
    };
    let file = configs::open(settings, name)?;
    if file.is_playlist() {
        let description = PlaylistDescription::of(settings, &file)?;
        if args.json {
            return print_json(&description.json());
        }
        return stdout::print(description.text(table::width()).as_bytes());
    }
    let plan = configs::load(settings, &file, wall_now())?.plan;
    let description = Description::of(&file, settings.cli().class.as_deref(), &plan)?;
    if args.json {
        return print_json(&serde_json::to_value(&description).unwrap_or_default());
    }
    stdout::print(description.text(table::width()).as_bytes())
}

fn print_json(value: &Value) -> Result<(), Error> {
    stdout::print_for_programs(format!("{value:#}\n").as_bytes())
}
