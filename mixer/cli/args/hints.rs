//! Sentences for words that a command line does not have: each names the word that is meant.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use promemu_core::error::nearest;

use super::flag_advice::{self, LISTEN_ADDRESSES};
use super::named_config::{NamedConfig, is_config_verb};
use super::parse::{command_at, usage_error};
use super::typed::{value_of, words_behind};
use super::usage::{CONFIG_VERBS, Path, uses};
use super::words::is_argument;
use super::{extra_words, refused_values};

/// Flags as they are called elsewhere, and those of ours that do it; the first one that the command has is meant.
const FLAG_SYNONYMS: [(&[&str], &[&str]); 15] = [
    (&["args", "arg", "set", "var", "param", "argument", "arguments"], &["config-args"]),
    (&["gateway", "gateway-url", "push-url", "pushgateway", "push-gateway-url"], &["pushgateway-url"]),
    (&["url", "endpoint", "target"], &["pushgateway-url", "output"]),
    (&["remote-write", "remote-write-url", "otlp", "scrape", "dest", "destination", "sink"], &["output"]),
    (&LISTEN_ADDRESSES, &["listen"]),
    (&["interval", "scrape-interval", "period", "every", "push-every"], &["push-interval", "step"]),
    (&["verbose", "v", "trace", "log-level", "loglevel"], &["debug"]),
    (&["output", "file", "outfile", "out-file", "to-file", "o"], &["out", "output"]),
    (&["out"], &["out", "output"]),
    (&["start", "begin", "since", "at", "from"], &["from", "at", "history"]),
    (&["end", "until", "stop"], &["to", "for", "duration"]),
    (&["duration", "length", "span", "time", "for", "ttl", "timeout"], &["for", "duration"]),
    (&["hours", "minutes", "days", "seconds"], &["for", "duration", "lasting"]),
    (&["resolution", "step", "granularity"], &["step", "push-interval"]),
    (&["reload", "follow"], &["watch"]),
];

/// Commands as they are called elsewhere, and the command line that does it.
const COMMAND_SYNONYMS: [(&[&str], &str); 11] = [
    (&["version"], "--version"),
    (&["tsdb", "block", "blocks"], "export NAME --out data/"),
    (&["rule", "rules", "alert", "alerts"], "test NAME --rules RULES.yml"),
    (&["list", "ls", "configs", "list-configs"], "--list-configs"),
    (&["start", "exec", "serve", "up", "emulate", "simulate"], "run"),
    (&["lint", "verify", "test-config"], "check"),
    (&["init", "create", "generate", "scaffold", "template"], "new"),
    (&["graph", "chart", "draw", "show"], "plot"),
    (&["backfill", "dump", "history", "write"], "export"),
    (&["grafana", "dashboards"], "dashboard"),
    (&["scenario"], "scenarios"),
];

/// The error with a sentence in place of clap's, if a word is unknown and another one is meant.
pub(super) fn explain(
    error: clap::Error,
    definition: &Command,
    path: Path<'_>,
    typed: &[OsString],
) -> clap::Error {
    let of_kind = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        _ => None,
    };
    let why = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            of_kind(ContextKind::InvalidSubcommand).map(|word| of_command(definition, path, &word, typed))
        }
        ErrorKind::UnknownArgument => of_kind(ContextKind::InvalidArg).and_then(|word| {
            let flag = word.trim_start_matches('-').split('=').next().unwrap_or_default().to_owned();
            let is_flag = word.starts_with('-') && !flag.is_empty();
            if is_flag {
                Some(of_flag(definition, path, &flag, typed))
            } else {
                extra_words::explain(definition, path, &word, typed)
            }
        }),
        ErrorKind::MissingRequiredArgument => {
            missing_name(path).or_else(|| refused_values::missing_words(path, &error, typed))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            lever_first(path, typed).or_else(|| refused_values::explain(&error, definition, path))
        }
        _ => None,
    };
    why.map_or(error, |why| usage_error(&why))
}

/// The sentence for a command without the name that it needs.
fn missing_name(path: Path<'_>) -> Option<String> {
    match path {
        ["new"] => Some(
            "no name given for the new config; write promemu new NAME, as in promemu new shop".to_owned(),
        ),
        [verb] if CONFIG_VERBS.contains(verb) => Some(format!(
            "no config given; write promemu {verb} NAME (promemu --list-configs shows the names)"
        )),
        _ => None,
    }
}

/// The sentence for a lever behind its value.
fn lever_first(path: Path<'_>, typed: &[OsString]) -> Option<String> {
    let words = words_behind("lever", typed);
    let (["ctl", "lever"], [value, lever, ..]) = (path, words.as_slice()) else { return None };
    let is_swapped = value.parse::<f64>().is_ok() && lever.parse::<f64>().is_err();
    is_swapped
        .then(|| format!("the lever's name comes before its value; write promemu ctl lever {lever} {value}"))
}

/// The sentence for a flag, without its dashes, that the command does not have or use.
pub(super) fn of_flag(definition: &Command, path: Path<'_>, flag: &str, typed: &[OsString]) -> String {
    let name = if path.is_empty() { "promemu".to_owned() } else { format!("promemu {}", path.join(" ")) };
    let dashes = if flag.chars().count() == 1 { "-" } else { "--" };
    let has_none = format!("{name} has no flag {dashes}{flag}");
    let value = value_of(flag, typed);
    if let Some(sentence) = flag_advice::negative_value(flag, typed) {
        return sentence;
    }
    if let Some(advice) = flag_advice::advice(path, &name, flag, value.as_deref()) {
        return format!("{has_none}; {advice}");
    }
    let spelled = flag.replace('_', "-").to_lowercase();
    if flags(definition, path).contains(&spelled) && spelled == flag {
        return format!("--{flag} stands too early; write it at the end, behind {name}");
    }
    let config = if is_config_verb(path) { NamedConfig::of(path, typed) } else { None };
    let run = if path.is_empty() { "promemu run" } else { name.as_str() };
    let argument = config.as_ref().and_then(|config| config.line(run, flag, value.as_deref()));
    if let Some(line) = argument {
        return format!("{has_none}; write an argument of the config without dashes, as in {line}");
    }
    if let Some(meant) = meant_flag(definition, path, &spelled) {
        let length = value.as_deref().and_then(|value| flag_advice::with_unit(&spelled, value));
        return match length {
            Some(length) => format!("{has_none}; write --{meant} {length}"),
            None => format!("{has_none}; did you mean --{meant}?"),
        };
    }
    let argument = config.as_ref().and_then(|config| config.near_line(run, flag, value.as_deref()));
    if let Some(line) = argument {
        return format!("{has_none}; for the config's argument write {line}");
    }
    let owners = owners(definition, path, &spelled);
    if !owners.is_empty() {
        return format!("{has_none}; --{spelled} is a flag of {}", owners.join(", "));
    }
    let argument = format!("{}={}", flag.replace('-', "_"), value.as_deref().unwrap_or_default());
    if config.is_none() && value.is_some() && is_config_verb(path) && is_argument(&argument) {
        return format!(
            "{has_none}; write an argument of the config without dashes, as in {run} NAME {argument}"
        );
    }
    let arguments = config.map_or(String::new(), |config| format!(", {}", config.where_listed()));
    format!("{has_none}; {name} --help lists its flags{arguments}")
}

/// The sentence for an unknown command.
fn of_command(definition: &Command, path: Path<'_>, word: &str, typed: &[OsString]) -> String {
    let lower = word.to_lowercase();
    let names = subcommands(command_at(definition, path));
    if let (["ctl", action], Some(usual)) = (path, names.first()) {
        let meant = nearest(&lower, &names).unwrap_or(usual);
        let behind = Some(words_behind(word, typed).join(" ")).filter(|behind| !behind.is_empty());
        let behind = behind.unwrap_or_else(|| word.to_owned());
        return format!(
            "promemu ctl {action} has no action {word:?}; write promemu ctl {action} {meant} {behind}"
        );
    }
    if let ["ctl", ..] = path {
        let names = actions(definition);
        return format!("unknown action {word:?}; {}", extra_words::meant_action(&lower, &names, typed));
    }
    let words: Vec<String> = typed.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let behind = words.iter().position(|other| other == word).unwrap_or_default();
    let behind = words[behind..].join(" ");
    if is_argument(word) {
        let config = value_of("config", typed).unwrap_or_else(|| "NAME".to_owned());
        return format!("unknown command {word:?}; write promemu run {config} {behind}");
    }
    if let Some(meant) = meant_command(definition, &lower) {
        return format!("unknown command {word:?}; did you mean promemu {meant}?");
    }
    format!("unknown command {word:?}; to run a config, write promemu run {behind}")
}

/// The command that is meant by another word.
fn meant_command(definition: &Command, word: &str) -> Option<String> {
    let of_synonym = |word: &str| {
        let synonym = COMMAND_SYNONYMS.iter().find(|(words, _)| words.contains(&word));
        synonym.map(|(_, meant)| (*meant).to_owned())
    };
    let names = subcommands(definition);
    if let Some(meant) = of_synonym(word).or_else(|| nearest(word, &names).map(str::to_owned)) {
        return Some(meant);
    }
    let actions = actions(definition);
    if actions.iter().any(|action| action == word) {
        return Some(format!("ctl {word}"));
    }
    let synonyms: Vec<&str> = COMMAND_SYNONYMS.iter().flat_map(|(words, _)| words.iter().copied()).collect();
    nearest(word, &synonyms).and_then(of_synonym)
}

/// The names of the actions of `ctl`.
fn actions(definition: &Command) -> Vec<String> {
    subcommands(command_at(definition, &["ctl"]))
}

fn subcommands(command: &Command) -> Vec<String> {
    command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect()
}

/// The flag of this command that is meant by another word.
fn meant_flag(definition: &Command, path: Path<'_>, flag: &str) -> Option<String> {
    let own = flags(definition, path);
    if own.iter().any(|known| known == flag) {
        return Some(flag.to_owned());
    }
    let synonyms = FLAG_SYNONYMS.iter().filter(|(words, _)| words.contains(&flag));
    let mut meant =
        synonyms.flat_map(|(_, flags)| flags.iter()).filter(|meant| own.iter().any(|known| known == *meant));
    if let Some(meant) = meant.next() {
        return Some((*meant).to_owned());
    }
    nearest(flag, &own).map(str::to_owned)
}

/// The long names of the flags that a command has and uses.
pub(super) fn flags(definition: &Command, path: Path<'_>) -> Vec<String> {
    let all = command_at(definition, path).get_arguments();
    let used = all.filter(|arg| !arg.is_global_set() || uses(path, arg.get_id().as_str()));
    used.filter_map(|arg| arg.get_long().map(str::to_owned)).collect()
}

/// The commands that have and use a flag of this name; for an action of `ctl`, its other actions.
fn owners(definition: &Command, path: Path<'_>, flag: &str) -> Vec<String> {
    let has = |path: Path<'_>| flags(definition, path).iter().any(|known| known == flag);
    let names = subcommands(definition);
    let mut owners: Vec<String> =
        names.iter().filter(|name| has(&[name.as_str()])).map(|name| format!("promemu {name}")).collect();
    if owners.is_empty() && has(&[]) {
        owners.push("promemu".to_owned());
    }
    let is_verb = path.first().is_some_and(|verb| CONFIG_VERBS.contains(verb));
    if is_verb {
        // It describes a new config, as do the arguments of one that there is.
        owners.retain(|owner| owner != "promemu new");
    } else if path.first() == Some(&"ctl") {
        owners.clear();
    }
    if owners.is_empty() && !is_verb {
        let actions = actions(definition);
        let actions = actions.iter().filter(|action| has(&["ctl", action.as_str()]));
        owners.extend(actions.map(|action| format!("promemu ctl {action}")));
    }
    owners
}
