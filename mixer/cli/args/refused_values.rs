//! Sentences for a value that a flag or a word does not take, and for one that is missing.

use std::borrow::Cow;
use std::error::Error as _;
use std::ffi::OsString;
use std::num::{IntErrorKind, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use promemu_core::error::suggestion;

use super::parse::command_at;
use super::usage::Path;

/// Values as they are called elsewhere, and those of ours.
const VALUE_SYNONYMS: [(&[&str], &str); 4] = [
    (&["promtool", "test", "unit-test", "rule-test", "rule"], "rules"),
    (&["om", "prom", "prometheus", "text"], "openmetrics"),
    (&["tsdb", "block"], "blocks"),
    (&["pb", "proto", "binary"], "protobuf"),
];

/// The sentence for a refused value.
pub(super) fn explain(error: &clap::Error, definition: &Command, path: Path<'_>) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (shown, value) = (text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?);
    let arg = command_at(definition, path).get_arguments().find(|arg| arg.to_string() == shown)?;
    if value.is_empty() && arg.get_long().is_some() {
        return Some(format!("{} needs a value; write {}", name(arg), shown.replace(['<', '>'], "")));
    }
    let why = match (error.kind(), error.get(ContextKind::ValidValue)) {
        (ErrorKind::InvalidValue, Some(ContextValue::Strings(valid))) => {
            format!("unknown value {value:?}{}", meant_value(&value, valid))
        }
        _ if takes_address(arg) => format!(
            "{value:?} is neither true nor false; write --embedded alone, and its address with --pushgateway-url, as in \
             http://127.0.0.1:9091"
        ),
        _ => refused(&value, error.source()?),
    };
    Some(format!("{}: {why}", name(arg)))
}

/// The value that is meant, or those that there are.
fn meant_value(value: &str, valid: &[String]) -> String {
    let lower = value.to_lowercase();
    let synonym = VALUE_SYNONYMS.iter().find(|(words, _)| words.contains(&&*lower));
    let synonym = synonym.filter(|(_, meant)| valid.iter().any(|valid| valid == meant));
    synonym.map_or_else(|| suggestion(&lower, valid), |(_, meant)| format!("; did you mean {meant:?}?"))
}

/// `true` for the switch that people give an address.
fn takes_address(arg: &Arg) -> bool {
    arg.get_id() == "embedded"
}

/// The value, and the reason in the words of its parser.
fn refused(value: &str, source: &(dyn std::error::Error + 'static)) -> String {
    if let Some(error) = source.downcast_ref::<ParseIntError>() {
        return match error.kind() {
            IntErrorKind::PosOverflow => format!("{value:?} is too large"),
            _ => format!("{value:?} is not a whole number, as in 5"),
        };
    }
    match source.to_string().as_str() {
        "value was not a boolean" => format!("{value:?} is neither true nor false"),
        // A parser of this program says what the value is not.
        text if text.starts_with("is ") => format!("{value:?} {text}"),
        text => text.to_owned(),
    }
}

/// The flag with its variable; the placeholder of a word.
fn name(arg: &Arg) -> String {
    match (arg.get_long(), arg.get_env()) {
        (Some(long), Some(variable)) => format!("--{long} or {}", variable.to_string_lossy()),
        (Some(long), None) => format!("--{long}"),
        (None, _) => {
            arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default()
        }
    }
}

/// The sentence for an action of `ctl` without all its words.
pub(super) fn missing_words(path: Path<'_>, error: &clap::Error, typed: &[OsString]) -> Option<String> {
    let ["ctl", .., action] = path else { return None };
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return None };
    let missing: Vec<String> = missing.iter().map(|word| word.replace(['<', '>'], "")).collect();
    let behind = typed.iter().map(|word| word.to_string_lossy()).skip_while(|word| word != action).skip(1);
    let words: Vec<String> = behind.map(Cow::into_owned).chain(missing.iter().cloned()).collect();
    let list = match missing.first().map(String::as_str) {
        Some("ID" | "PHASE") if path.len() > 2 => " (promemu ctl timeline lists phases and faults)",
        Some("ID") => " (promemu ctl runs lists the runs)",
        Some("HOSTS" | "HOST") => " (promemu ctl hosts lists the hosts)",
        Some("METRIC") => " (promemu ctl metrics lists the metrics)",
        Some("EVENT") => " (promemu ctl events lists the events)",
        Some("CONFIG") => " (promemu ctl configs lists the configs)",
        _ => "",
    };
    let (missing, words) = (missing.join(" and no "), words.join(" "));
    Some(format!("no {missing} given; write promemu {} {words}{list}", path.join(" ")))
}
