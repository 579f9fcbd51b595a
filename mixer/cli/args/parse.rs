//! The command line's definition as clap has it, and its reading.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches};
use promemu_core::time::Span;
use promemu_core::user_file::{STDIN, is_stdin};

use super::cli::{Cli, Command};
use super::ctl::CtlAction;
use super::hints;
use super::modes::is_of_other_mode;
use super::switch::as_switch;
use super::usage::{OF_LIVE_TESTS, Path, reads_variable, uses};
use super::variables::with_set_variable;
use super::words::{is_argument, take_arguments};

/// The command line's definition. A command's help lists only the program flags that it uses.
pub(crate) fn command() -> clap::Command {
    let mut command =
        each_command(Cli::command(), &mut Vec::new(), &|command, _| command.mut_args(as_switch));
    // Global flags come to the commands by this.
    command.build();
    each_command(command, &mut Vec::new(), &|command, path| {
        command.mut_args(|arg| {
            let is_hidden = arg.is_global_set() && !uses(path, arg.get_id().as_str());
            if is_hidden { arg.hide(true) } else { arg }
        })
    })
}

type Change<'a> = &'a dyn Fn(clap::Command, Path<'_>) -> clap::Command;

/// Changes a command and all below it, each with the names that lead to it.
fn each_command(command: clap::Command, path: &mut Vec<String>, change: Change<'_>) -> clap::Command {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    change(command, &names).mut_subcommands(|sub| {
        path.push(sub.get_name().to_owned());
        let sub = each_command(sub, path, change);
        path.pop();
        sub
    })
}

/// Reads the command line and the environment. An empty variable counts as not set, and one of a flag that the command does
/// not use, or not for what it is to do, is not read.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let typed: Vec<OsString> = args.into_iter().collect();
    let definition = command();
    let named = named_commands(&definition, &typed);
    let path: Vec<&str> = named.iter().map(String::as_str).collect();
    let with_variables = each_command(definition.clone(), &mut Vec::new(), &|command, _| {
        command.mut_args(|arg: Arg| {
            let is_unused = (arg.is_global_set() && !reads_variable(&path, arg.get_id().as_str()))
                || is_of_other_mode(&path, &arg, &typed);
            if is_unused { arg.env(Resettable::Reset) } else { with_set_variable(arg) }
        })
    });
    let matches = with_variables.try_get_matches_from(&typed);
    let matches = matches.map_err(|error| hints::explain(error, &definition, &path, &typed))?;
    let innermost = innermost(&matches);
    if let Some(unused) = unused_flag(&definition, &path, innermost) {
        let unused = as_typed(&definition, &path, unused, &typed);
        return Err(usage_error(&hints::of_flag(&definition, &path, &unused, &typed)));
    }
    if let Some(flag) = live_flag(&definition, &path, innermost) {
        return Err(usage_error(&format!("--{flag} is for a live test; add --live, or leave it out")));
    }
    let is_url_typed = innermost.value_source("pushgateway_url") == Some(ValueSource::CommandLine);
    let mut cli = Cli { is_url_typed, ..Cli::from_arg_matches(&matches)? };
    move_words(&mut cli, &hints::flags(&definition, &path)).map_err(|why| usage_error(&why))?;
    Ok(cli)
}

/// An error of the command line, in a sentence.
pub(super) fn usage_error(why: &str) -> clap::Error {
    clap::Error::raw(ErrorKind::UnknownArgument, format!("{why}\n"))
}

/// The commands of a command line, the outermost first, whatever else is wrong with it.
fn named_commands(definition: &clap::Command, typed: &[OsString]) -> Vec<String> {
    let without_variables = each_command(definition.clone(), &mut Vec::new(), &|command, _| {
        command.mut_args(|arg| arg.env(Resettable::Reset).required(false))
    });
    let matches = without_variables.ignore_errors(true).try_get_matches_from(typed);
    let mut names = Vec::new();
    let mut at = matches.ok();
    while let Some((name, inner)) = at.and_then(|mut matches| matches.remove_subcommand()) {
        names.push(name);
        at = Some(inner);
    }
    // A wrong flag behind an action hides the action.
    if let [group] = names.as_slice() {
        let actions = definition.find_subcommand(group);
        let mut behind = typed.iter().skip_while(|word| **word != **group).skip(1);
        let action = behind.find_map(|word| actions?.find_subcommand(word));
        names.extend(action.map(|action| action.get_name().to_owned()));
    }
    names
}

/// The matches of the innermost command. A flag of the program is in the matches of every command.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    let mut innermost = matches;
    while let Some((_, inner)) = innermost.subcommand() {
        innermost = inner;
    }
    innermost
}

/// The command at the end of a path.
pub(super) fn command_at<'a>(definition: &'a clap::Command, path: Path<'_>) -> &'a clap::Command {
    path.iter().fold(definition, |command, name| command.find_subcommand(name).unwrap_or(command))
}

/// A flag of the program that was typed, and that the command does not use: its long name.
fn unused_flag(definition: &clap::Command, path: Path<'_>, innermost: &ArgMatches) -> Option<String> {
    let is_unused = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        arg.is_global_set() && !uses(path, id) && innermost.value_source(id) == Some(ValueSource::CommandLine)
    };
    command_at(definition, path).get_arguments().find(is_unused)?.get_long().map(str::to_owned)
}

/// A flag that was typed for a test, and that only a live one has: its long name.
fn live_flag(definition: &clap::Command, path: Path<'_>, innermost: &ArgMatches) -> Option<String> {
    if path.first() != Some(&"test") || innermost.get_flag("live") {
        return None;
    }
    let is_typed = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        OF_LIVE_TESTS.contains(&id) && innermost.value_source(id) == Some(ValueSource::CommandLine)
    };
    command_at(definition, path).get_arguments().find(is_typed)?.get_long().map(str::to_owned)
}

/// A flag by that of its names that was typed.
fn as_typed(definition: &clap::Command, path: Path<'_>, flag: String, typed: &[OsString]) -> String {
    let is_typed = |name: &str| {
        let flag = format!("--{name}");
        let words = typed.iter().filter_map(|word| word.to_str());
        words.map(|word| word.split('=').next().unwrap_or_default()).any(|word| word == flag)
    };
    let mut args = command_at(definition, path).get_arguments();
    let aliases = args.find(|arg| arg.get_long() == Some(&flag)).and_then(Arg::get_visible_aliases);
    let alias = aliases.unwrap_or_default().into_iter().find(|alias| is_typed(alias));
    alias.map_or(flag, str::to_owned)
}

/// Flags of the length of a run or of a past; a command has one of them at most.
const LENGTHS: [&str; 3] = ["for", "duration", "lasting"];

/// The sentence for a word that is no argument of a config, for a command with these flags.
fn meant_word(flags: &[String], word: &str) -> String {
    let argument = word.split_once('=').map(|(name, value)| format!("{}={value}", name.replace('-', "_")));
    if let Some(argument) = argument.filter(|argument| is_argument(argument)) {
        return format!("did you mean {argument}?");
    }
    let length = flags.iter().find(|flag| LENGTHS.contains(&flag.as_str()));
    if let Some(flag) = length
        && word.ends_with(char::is_alphabetic)
        && Span::parse(word).is_ok()
    {
        return format!("for a length of time write --{flag} {word}");
    }
    "write ARGUMENT=VALUE behind the one config's name, as in hosts=5".to_owned()
}

/// Gives the words of a command with these flags their places: the config's name, and its arguments.
fn move_words(cli: &mut Cli, flags: &[String]) -> Result<(), String> {
    let (name, arguments) = match &mut cli.command {
        Some(Command::Check { names, .. }) => (None, take_arguments(names)),
        Some(Command::Run(args)) => {
            if let Some(name) = args.name.take() {
                if is_argument(&name) && cli.config.is_some() {
                    args.words.arguments.insert(0, name);
                } else {
                    cli.config = Some(name);
                }
            }
            (cli.config.clone(), args.words.take())
        }
        Some(Command::Plot(args)) => (Some(args.name.clone()), args.words.take()),
        Some(Command::Export(args)) => (Some(args.name.clone()), args.words.take()),
        Some(Command::Truth(args)) => (Some(args.name.clone()), args.words.take()),
        Some(Command::Test(args)) => (Some(args.name.clone()), args.words.take()),
        Some(Command::Describe(args)) => (args.name.clone(), args.words.take()),
        Some(Command::Dashboard(args)) => (args.name.clone(), args.words.take()),
        Some(Command::Ctl(args)) => match &mut args.action {
            CtlAction::Check { config, words } | CtlAction::Create { config, words, .. } => {
                (Some(config.clone()), words.take())
            }
            _ => (None, Vec::new()),
        },
        _ => (None, Vec::new()),
    };
    if let Some(word) = name.filter(|name| is_argument(name)) {
        return Err(format!("no config given before {word}; write its name first, as in NAME {word}"));
    }
    if let Some(word) = arguments.iter().find(|word| !is_argument(word)) {
        return Err(format!("{word:?} is no argument of the config; {}", meant_word(flags, word)));
    }
    cli.arguments = arguments;
    if cli.config.as_deref().is_some_and(|name| is_stdin(name.as_ref())) {
        cli.config = Some(STDIN.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::variables::known_variables;
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
    fn a_name_and_its_arguments_come_to_the_same_places_as_flags() {
        let cli = |line: &[&str]| parse(["promemu"].iter().chain(line).map(Into::into));
        let run = cli(&["run", "shop", "hosts=5", "--seed", "7", "ttl=1h"]).unwrap();
        assert_eq!((run.config.as_deref(), run.seed), (Some("shop"), Some(7)));
        assert_eq!(run.arguments, ["hosts=5", "ttl=1h"]);
        assert!(run.is_run() && !cli(&["run", "shop", "--once"]).unwrap().is_run());
        let check = cli(&["check", "shop", "a=1", "till"]).unwrap();
        assert!(matches!(&check.command, Some(Command::Check { names, .. }) if names == &["shop", "till"]));
        assert_eq!(check.arguments, ["a=1"]);
        assert_eq!(cli(&["--seed", "7", "run", "shop"]).unwrap().seed, Some(7), "before the command");
        assert_eq!(cli(&["run", "/dev/stdin"]).unwrap().config.as_deref(), Some("-"));
    }

    #[test]
    fn a_length_of_time_behind_a_name_gets_the_flag_that_the_command_has() {
        for (line, flag) in [
            (&["run"][..], "--duration 15m"),
            (&["truth"], "--for 15m"),
            (&["export"], "--for 15m"),
            (&["ctl", "create"], "--lasting 15m"),
            (&["ctl", "check"], "as in hosts=5"),
            (&["describe"], "as in hosts=5"),
        ] {
            let typed = ["promemu"].iter().chain(line).chain(&["shop", "15m"]).map(Into::into);
            let error = parse(typed).unwrap_err().to_string();
            assert!(error.trim_end().ends_with(flag), "{line:?}: {error}");
        }
    }

    #[test]
    fn a_flag_of_an_action_may_be_called_as_one_of_the_program() {
        let line = ["promemu", "ctl", "create", "shop", "--history", "1h", "--watch"];
        let cli = parse(line.iter().map(Into::into)).unwrap();
        let Some(Command::Ctl(ctl)) = cli.command else { unreachable!("it is ctl") };
        let CtlAction::Create { history, watch, .. } = ctl.action else { unreachable!() };
        assert_eq!((history.as_deref(), watch), (Some("1h"), true));
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
