//! Sentences for a word that an action of `promemu ctl` does not take, and for an action that it does not have.

use std::ffi::OsString;

use clap::Command;
use promemu_core::error::nearest;
use promemu_core::time::Span;

use super::hints::flags;
use super::typed::words_behind;
use super::usage::Path;

/// Actions as they are called elsewhere, and those of ours that do it.
const ACTION_SYNONYMS: [(&[&str], &str); 6] = [
    (&["kill", "pause", "disable", "fail"], "down"),
    (&["resume", "unpause", "enable"], "up"),
    (&["trigger", "fire", "send", "event"], "emit"),
    (&["unset", "reset"], "release"),
    (&["list", "ls"], "hosts"),
    (&["levers"], "lever"),
];

/// Words for what several actions do together, or none does, and the advice.
const ADVICE: [(&[&str], &str); 5] = [
    (
        &["faults", "incident", "inject", "chaos"],
        "promemu ctl fault begin ID begins a fault of the config; others are made with promemu ctl lever, override and down",
    ),
    (
        &["set", "put", "force"],
        "write promemu ctl override HOST METRIC VALUE, or promemu ctl lever LEVER VALUE",
    ),
    (&["phase", "phases", "skip"], "write promemu ctl timeline skip PHASE"),
    (&["restart", "reboot"], "write promemu ctl stop HOSTS, then promemu ctl start HOSTS"),
    (&["reload"], "a run reads its config again at SIGHUP, or at each change with promemu run NAME --watch"),
];

/// The action that is meant by an unknown one.
pub(super) fn meant_action(word: &str, names: &[String], typed: &[OsString]) -> String {
    if word == "help" {
        let action =
            typed.iter().filter_map(|word| word.to_str()).find(|word| names.iter().any(|name| name == word));
        return format!(
            "write promemu ctl {}--help",
            action.map_or(String::new(), |action| format!("{action} "))
        );
    }
    if let Some((_, advice)) = ADVICE.iter().find(|(words, _)| words.contains(&word)) {
        let behind = words_behind(word, typed);
        return behind.first().map_or((*advice).to_owned(), |hosts| advice.replace("HOSTS", hosts));
    }
    let synonym = ACTION_SYNONYMS.iter().find(|(words, _)| words.contains(&word)).map(|(_, meant)| *meant);
    if let Some(meant) = synonym.or_else(|| nearest(word, names)) {
        return format!("did you mean promemu ctl {meant}?");
    }
    // As events, levers and metrics are called.
    if word.contains('_') {
        return format!(
            "for an event of this name write promemu ctl emit {word}, for a lever promemu ctl lever {word}; promemu ctl \
             --help lists the actions"
        );
    }
    "promemu ctl --help lists them".to_owned()
}

/// The sentence for one word too many behind an action.
pub(super) fn explain(
    definition: &Command,
    path: Path<'_>,
    word: &str,
    typed: &[OsString],
) -> Option<String> {
    let ["ctl", action] = path else { return None };
    let begin = format!("{word:?} is one word too many for promemu ctl {action}");
    let behind = typed.iter().skip_while(|typed| **typed != *word).nth(1).and_then(|next| next.to_str());
    let span = if word == "for" { behind.unwrap_or("2m") } else { word };
    let is_span = word == "for" || Span::parse(word).is_ok();
    if is_span && flags(definition, path).iter().any(|flag| flag == "for") {
        return Some(format!("{begin}; write --for {span}"));
    }
    let advice = match *action {
        "emit" => "an event reaches all hosts that listen to it",
        "metrics" => "promemu ctl host NAME lists the metrics of one host",
        "host" | "down" | "up" | "stop" | "start" | "remove" | "release" | "override" => {
            "several hosts are one pattern, as in 'worker-*' or 'web-0[12]'"
        }
        _ => return Some(format!("{begin}; promemu ctl {action} --help shows what it takes")),
    };
    Some(format!("{begin}; {advice}"))
}
