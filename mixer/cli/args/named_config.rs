//! The config that a wrong command line names, as far as it can be told: a flag may stand for one of its arguments.

use std::ffi::OsString;
use std::path::PathBuf;

use promemu_core::config::ConfigDirs;
use promemu_core::error::nearest;

use super::typed::value_of;
use super::usage::{CONFIG_VERBS, Path};
use super::words::is_argument;

/// A config, and the names of its arguments.
#[derive(Debug)]
pub(super) struct NamedConfig {
    name: String,
    arguments: Vec<String>,
}

impl NamedConfig {
    /// The first word behind a command's name, or the value of `--config`, that is a config's name.
    pub(super) fn of(path: Path<'_>, typed: &[OsString]) -> Option<Self> {
        let dirs = value_of("configs-dir", typed)
            .map(OsString::from)
            .or_else(|| std::env::var_os("PME_CONFIGS_DIR"));
        let dirs = ConfigDirs::new(dirs.filter(|dir| !dir.is_empty()).map(PathBuf::from));
        let class = value_of("class", typed);
        let named = |name: &str| {
            let file = dirs.open(name).ok()?;
            let arguments = file.argument_names(class.as_deref()).ok()?;
            Some(Self { name: name.to_owned(), arguments })
        };
        let Some(verb) = path.first() else { return named(&value_of("config", typed)?) };
        let behind = typed.iter().filter_map(|word| word.to_str()).skip_while(|word| word != verb).skip(1);
        let is_name = |word: &&str| !word.is_empty() && !word.starts_with('-') && !is_argument(word);
        behind.filter(is_name).find_map(named)
    }

    /// The line that gives an argument exactly of the flag's name.
    pub(super) fn line(&self, command: &str, flag: &str, value: Option<&str>) -> Option<String> {
        let argument = flag.replace('-', "_");
        self.arguments.contains(&argument).then(|| self.with_argument(command, &argument, value))
    }

    /// As [`Self::line`], for the argument whose name is closest.
    pub(super) fn near_line(&self, command: &str, flag: &str, value: Option<&str>) -> Option<String> {
        let argument = nearest(&flag.replace('-', "_"), &self.arguments)?;
        Some(self.with_argument(command, argument, value))
    }

    /// The command that lists the arguments.
    pub(super) fn where_listed(&self) -> String {
        format!("and promemu describe {} the config's arguments", self.name)
    }

    fn with_argument(&self, command: &str, argument: &str, value: Option<&str>) -> String {
        let value = value.filter(|value| *value != self.name).unwrap_or("VALUE");
        format!("{command} {} {argument}={value}", self.name)
    }
}

/// `true` for a command that takes a config's name first, and for a call without one, which takes it with `--config`.
pub(super) fn is_config_verb(path: Path<'_>) -> bool {
    path.first().is_none_or(|verb| CONFIG_VERBS.contains(verb))
}
