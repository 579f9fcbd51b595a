//! The `PME_*` variables: one for each flag, older names of some, and those that have no flag.

use std::ffi::OsStr;

use clap::builder::Resettable;
use clap::{Arg, CommandFactory};
use promemu_core::error::nearest;

use super::cli::Cli;

/// Prefix of variables that set arguments of the config: `PME_ARG_HOSTS_COUNT`.
pub(crate) const ARGUMENT_PREFIX: &str = "PME_ARG_";

/// The token that the API's clients must send. It has no flag, as all users of a machine can read flags.
pub(crate) const TOKEN_VARIABLE: &str = "PME_API_TOKEN";

/// Variables and their older names, which are read where the variable is not set.
pub(crate) const OLDER_NAMES: [(&str, &str); 8] = [
    ("PME_PUSH_INTERVAL", "PME_PUSHGATEWAY_PUSH_INTERVAL"),
    ("PME_PUSH_TIMEOUT", "PME_PUSHGATEWAY_PUSH_TIMEOUT"),
    ("PME_PUSH_FORMAT", "PME_PUSHGATEWAY_FORMAT"),
    ("PME_CLEANUP_ON_START", "PME_PUSHGATEWAY_CLEANUP_ON_START"),
    ("PME_CLEANUP_ON_FINISH", "PME_PUSHGATEWAY_CLEANUP_ON_FINISH"),
    ("PME_STATUS_INTERVAL", "PME_SHOW_STATUS_INTERVAL_SEC"),
    ("PME_DEBUG", "PME_DEBUG_MODE"),
    ("PME_TRUTH", "PME_EXPORT_TRUTH"),
];

/// The flag with the variable that is to be read for it: its own, or an older one that is set. An empty variable counts as
/// not set.
pub(super) fn with_set_variable(arg: Arg) -> Arg {
    let Some(name) = arg.get_env().map(OsStr::to_owned) else { return arg };
    let value = std::env::var_os(&name);
    if value.as_ref().is_some_and(|value| !value.is_empty()) {
        return arg;
    }
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match OLDER_NAMES.iter().find(|(new, older)| *new == name && is_set(older)) {
        Some((_, older)) => arg.env(*older),
        None if value.is_some() => arg.env(Resettable::Reset),
        None => arg,
    }
}

/// The names of all `PME_*` variables.
pub(crate) fn known_variables() -> Vec<String> {
    let mut known = vec![TOKEN_VARIABLE.to_owned()];
    known.extend(OLDER_NAMES.iter().map(|(_, older)| (*older).to_owned()));
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        let of_flags = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str());
        known.extend(of_flags.map(str::to_owned));
        commands.extend(command.get_subcommands().cloned());
    }
    known
}

/// The `PME_*` variables that are set but not known: the name, and the known one that it may stand for.
pub(crate) fn unknown_variables() -> Vec<(String, Option<String>)> {
    let known = known_variables();
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = set.filter(|name| {
        name.starts_with("PME_") && !name.starts_with(ARGUMENT_PREFIX) && !known.contains(name)
    });
    unknown.map(|name| (nearest_variable(&name, &known), name)).map(|(near, name)| (name, near)).collect()
}

/// The known variable that a name is closest to: by its letters, or else by its words.
fn nearest_variable(name: &str, known: &[String]) -> Option<String> {
    let words = |name: &str| -> Vec<String> { name.split('_').skip(1).map(str::to_owned).collect() };
    let wanted = words(name);
    let shared = |other: &String| {
        let other = words(other);
        let shared = wanted.iter().filter(|word| other.contains(word)).count();
        (shared, usize::MAX - other.len())
    };
    let by_words = || known.iter().filter(|other| shared(other).0 > 0).max_by_key(|other| shared(other));
    let near = nearest(name, known).or_else(|| by_words().map(String::as_str))?;
    let newer = OLDER_NAMES.iter().find(|(_, older)| *older == near);
    Some(newer.map_or(near, |(newer, _)| newer).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_variable_gets_the_nearest_one() {
        let known = known_variables();
        let near = |name: &str| nearest_variable(name, &known);
        for (typed, meant) in [
            ("PME_PUSH_INTERVALL", "PME_PUSH_INTERVAL"),
            ("PME_INTERVAL", "PME_PUSH_INTERVAL"),
            ("PME_GATEWAY_URL", "PME_PUSHGATEWAY_URL"),
            ("PME_CONFIGS", "PME_CONFIG"),
            ("PME_LOG", "PME_LOG_FORMAT"),
            ("PME_PUSHGATEWAY_INTERVAL", "PME_PUSH_INTERVAL"),
        ] {
            assert_eq!(near(typed).as_deref(), Some(meant), "{typed}");
        }
        assert_eq!(near("PME_ZZZZZZZZ"), None);
    }

    #[test]
    fn every_flag_of_a_run_has_its_name_in_its_variable() {
        for arg in Cli::command().get_arguments() {
            let (Some(long), Some(variable)) = (arg.get_long(), arg.get_env()) else { continue };
            assert_eq!(*variable, *format!("PME_{}", long.replace('-', "_").to_uppercase()));
        }
    }
}
