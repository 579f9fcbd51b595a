//! The command line's definition as clap has it, and its reading.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{Arg, CommandFactory, FromArgMatches};

use super::cli::Cli;
use super::switch::as_switch;

/// Prefix of variables that set arguments of the config: `PME_ARG_HOSTS_COUNT`.
pub(crate) const ARGUMENT_PREFIX: &str = "PME_ARG_";

/// The token that the API's clients must send. It has no flag, as all users of a machine can read flags.
pub(crate) const TOKEN_VARIABLE: &str = "PME_API_TOKEN";

/// The global flags of a command that loads a config.
const CONFIG_FLAGS: [&str; 7] =
    ["class", "config_args", "config_args_file", "max_series", "max_memory", "configs_dir", "plugins_dir"];

/// The command line's definition. A command's help lists only the program flags that it uses.
pub(crate) fn command() -> clap::Command {
    let mut command = each_command(Cli::command(), &|command| command.mut_args(as_switch));
    // Global flags come to the commands by this.
    command.build();
    command.mut_subcommands(|sub| {
        let used = used_flags(sub.get_name());
        let sub = with_flags(sub, &used);
        if sub.get_name() != "ctl" {
            return sub;
        }
        sub.mut_subcommands(|action| {
            let used = used_flags_of_action(action.get_name());
            with_flags(action, &used)
        })
    })
}

/// The global flags that a command uses, beside `--log-format`.
fn used_flags(command: &str) -> Vec<&'static str> {
    match command {
        "check" | "dashboard" => [&CONFIG_FLAGS[..], &["debug"]].concat(),
        "export" | "plot" => [&CONFIG_FLAGS[..], &["seed", "debug"]].concat(),
        "ctl" => vec!["api_token_file", "debug", "url", "json", "run"],
        "plugins" | "scenarios" => vec!["plugins_dir", "debug"],
        "new" => vec!["configs_dir", "debug"],
        "clean" => vec!["pushgateway_url", "output", "debug"],
        _ => Vec::new(),
    }
}

/// The global flags that an action of `ctl` uses, beside `--log-format`.
fn used_flags_of_action(action: &str) -> Vec<&'static str> {
    let own: &[&str] = match action {
        "check" => &["class", "config_args", "config_args_file"],
        "create" => &["class", "config_args", "config_args_file", "seed"],
        "configs" | "runs" | "show" | "end" | "delete" => &[],
        _ => &["run"],
    };
    [own, &["url", "json", "api_token_file", "debug"]].concat()
}

/// The command with a help that lists these global flags only.
fn with_flags(command: clap::Command, used: &[&str]) -> clap::Command {
    command.mut_args(|arg| {
        let name = arg.get_id().as_str();
        let is_hidden = arg.is_global_set() && name != "log_format" && !used.contains(&name);
        if is_hidden { arg.hide(true) } else { arg }
    })
}

/// Changes a command and all below it.
fn each_command(command: clap::Command, change: &dyn Fn(clap::Command) -> clap::Command) -> clap::Command {
    change(command).mut_subcommands(|sub| each_command(sub, change))
}

/// The names of all `PME_*` variables.
fn known_variables() -> Vec<String> {
    let mut known = vec![TOKEN_VARIABLE.to_owned()];
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        let of_flags = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str());
        known.extend(of_flags.map(str::to_owned));
        commands.extend(command.get_subcommands().cloned());
    }
    known
}

/// The `PME_*` variables that are set but not known: the name, and the known ones.
pub(crate) fn unknown_variables() -> Vec<(String, Vec<String>)> {
    let known = known_variables();
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = set.filter(|name| {
        name.starts_with("PME_") && !name.starts_with(ARGUMENT_PREFIX) && !known.contains(name)
    });
    unknown.map(|name| (name, known.clone())).collect()
}

/// Reads the command line and the environment. An empty variable counts as not set.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let is_empty = |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    let without_empty = |arg: Arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg };
    let command = each_command(command(), &|command| command.mut_args(without_empty));
    let matches = command.try_get_matches_from(args)?;
    // A global flag is in the matches of every command.
    let innermost = matches.subcommand().map_or(&matches, |(_, of_command)| of_command);
    let is_url_typed = innermost.value_source("pushgateway_url") == Some(ValueSource::CommandLine);
    Ok(Cli { is_url_typed, ..Cli::from_arg_matches(&matches)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_begins_with_all_ways_out() {
        let about = command().get_about().map(ToString::to_string).unwrap_or_default();
        for way in ["Pushgateway", "scrape", "remote write", "OTLP", "file"] {
            assert!(about.contains(way), "{way}: {about}");
        }
    }

    #[test]
    fn the_definition_is_sound_and_every_variable_is_in_the_docs() {
        command().debug_assert();
        let page = include_str!("../../../docs/flags-and-variables.md");
        for variable in known_variables() {
            assert!(page.contains(&format!("`{variable}`")), "{variable}");
        }
    }

    #[test]
    fn the_help_of_a_ctl_action_lists_its_own_flags_and_those_of_the_api() {
        let mut command = command();
        let ctl = command.find_subcommand_mut("ctl").unwrap();
        let emit = ctl.find_subcommand_mut("emit").unwrap().render_help().to_string();
        for shown in ["<EVENT>", "--data", "--source", "--url", "--json", "--run", "--api-token-file"] {
            assert!(emit.contains(shown), "{shown}: {emit}");
        }
        for hidden in ["--seed", "--config-args", "--limit", "--follow"] {
            assert!(!emit.contains(hidden), "{hidden}: {emit}");
        }
    }
}
