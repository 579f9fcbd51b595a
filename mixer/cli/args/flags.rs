//! The flags of all commands as data, for descriptions and for the reference in the docs.

use clap::Arg;
use serde::Serialize;

use super::parse::command;
use super::usage::uses;
use super::variables::OLDER_NAMES;

/// One flag of the program or of a command.
#[expect(clippy::struct_field_names, reason = "they are the names in the JSON")]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Flag {
    /// The commands in front of it, as in `ctl emit`; empty for one of the program, which is one of `run` as well.
    pub(crate) command: String,
    pub(crate) flag: String,
    /// Another name of it.
    pub(crate) alias: Option<String>,
    /// The placeholder of its value; `None` for a switch.
    pub(crate) value: Option<String>,
    pub(crate) variable: Option<String>,
    pub(crate) older_variable: Option<&'static str>,
    pub(crate) default: Option<String>,
    pub(crate) help: String,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct CommandLine {
    /// The command, as in `ctl emit`; empty for a call without one.
    pub(crate) command: String,
    pub(crate) help: String,
    pub(crate) usage: String,
    /// The program's flags that it uses, beside its own.
    pub(crate) program_flags: Vec<String>,
}

/// The flags of the program first, then each command's own.
pub(crate) fn flags() -> Vec<Flag> {
    let mut found = Vec::new();
    each(&command(), None, &mut Vec::new(), &mut |command, above, path| {
        let own = command.get_arguments().filter(|arg| !is_inherited(arg, above));
        found.extend(own.filter_map(|arg| flag(arg, &path.join(" "))));
    });
    found
}

/// The commands, a call without one first.
pub(crate) fn commands() -> Vec<CommandLine> {
    let mut found = Vec::new();
    each(&command(), None, &mut Vec::new(), &mut |command, _, path| {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let globals = command.get_arguments().filter(|arg| arg.is_global_set());
        let used = globals.filter(|arg| uses(&names, arg.get_id().as_str()));
        let usage = command.clone().render_usage().to_string();
        found.push(CommandLine {
            command: path.join(" "),
            help: command.get_about().map(ToString::to_string).unwrap_or_default(),
            usage: usage.trim_start_matches("Usage: ").to_owned(),
            program_flags: used.filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect(),
        });
    });
    found
}

/// Visits a command and all below it, each with the command above it.
fn each(
    command: &clap::Command,
    above: Option<&clap::Command>,
    path: &mut Vec<String>,
    visit: &mut impl FnMut(&clap::Command, Option<&clap::Command>, &[String]),
) {
    visit(command, above, path);
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        path.push(sub.get_name().to_owned());
        each(sub, Some(command), path, visit);
        path.pop();
    }
}

/// `true` for a flag that a command has from the one above it.
fn is_inherited(arg: &Arg, above: Option<&clap::Command>) -> bool {
    let is_there = |above: &clap::Command| above.get_arguments().any(|other| other.get_id() == arg.get_id());
    arg.is_global_set() && above.is_some_and(is_there)
}

fn flag(arg: &Arg, command: &str) -> Option<Flag> {
    let long = arg.get_long().filter(|long| !["help", "version"].contains(long))?;
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (help, in_help) = match help.rsplit_once(" [default: ") {
        Some((help, default)) => (help.to_owned(), default.strip_suffix(']').map(str::to_owned)),
        None => (help, None),
    };
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let is_switch =
        arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.as_str() == "BOOL"));
    let names = arg.get_value_names().unwrap_or_default();
    let takes_value = arg.get_action().takes_values() && !is_switch;
    let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned());
    let older = OLDER_NAMES.iter().find(|(new, _)| variable.as_deref() == Some(new));
    Some(Flag {
        command: command.to_owned(),
        flag: format!("--{long}"),
        alias: arg.get_visible_aliases().and_then(|names| names.first().map(|name| format!("--{name}"))),
        value: takes_value.then(|| names.first().map_or_else(|| "VALUE".to_owned(), ToString::to_string)),
        variable,
        older_variable: older.map(|(_, older)| *older),
        default: in_help.or_else(|| (!defaults.is_empty()).then(|| defaults.join(" "))),
        help,
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::Path;

    use super::super::variables::{ARGUMENT_PREFIX, TOKEN_VARIABLE};
    use super::*;

    fn cell(text: &str) -> String {
        text.replace('|', "\\|")
    }

    /// The table of flags and variables of the docs.
    fn page() -> String {
        let mut rows = String::from("| flag | variable | default | meaning |\n| --- | --- | --- | --- |\n");
        for flag in flags() {
            let before = if flag.command.is_empty() { String::new() } else { format!("{} ", flag.command) };
            let value = flag.value.map(|value| format!(" {value}")).unwrap_or_default();
            let alias = flag.alias.map(|alias| format!(", `{alias}`")).unwrap_or_default();
            let older = flag.older_variable.map(|older| format!(", `{older}`")).unwrap_or_default();
            let variable = flag.variable.map(|name| format!("`{name}`{older}")).unwrap_or_default();
            let default = flag.default.unwrap_or_default();
            let default =
                if default.contains(' ') || default.is_empty() { default } else { format!("`{default}`") };
            let cells = [format!("`{before}{}{value}`{alias}", flag.flag), variable, default, flag.help];
            let row = cells.map(|text| cell(&text)).join(" | ").replace("|  |", "| |");
            writeln!(rows, "| {row} |").unwrap();
        }
        writeln!(rows, "| | `{ARGUMENT_PREFIX}NAME` | | The config's argument `name`, in capitals or not; words and --config-args override it |").unwrap();
        writeln!(rows, "| | `{TOKEN_VARIABLE}` | | The token that the API's clients must send; it has no flag, as others on the machine could read that |").unwrap();
        rows
    }

    #[test]
    fn the_table_of_flags_in_the_docs_is_made_of_the_definition() {
        const HINT: &str = "run it once with PROMEMU_UPDATE_DOCS=1 to write the table anew";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/flags-and-variables.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once("<!-- flags: begin -->\n").unwrap();
        let (section, after) = rest.split_once("<!-- flags: end -->").unwrap();
        if std::env::var_os("PROMEMU_UPDATE_DOCS").is_some() {
            let text = format!("{before}<!-- flags: begin -->\n{}<!-- flags: end -->{after}", page());
            std::fs::write(&path, text).unwrap();
        } else {
            let page = page();
            let changed: Vec<&str> =
                page.lines().filter(|row| !section.lines().any(|old| old == *row)).collect();
            assert!(changed.is_empty() && section == page, "{HINT}: {changed:#?}");
        }
    }

    #[test]
    fn every_flag_has_a_help_and_a_variable() {
        for flag in flags() {
            assert!(!flag.help.is_empty() && flag.variable.is_some(), "{flag:?}");
        }
    }
}
