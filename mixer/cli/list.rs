//! `promemu --list-configs`: the configs, their classes and arguments.

use promemu_core::config::{ClassSummary, ConfigDirs, ConfigSummary};
use promemu_core::error::Error;

use crate::stdout;
use crate::table::{self, paragraph, prose, table, whole};

/// Blanks before the entries of a config.
const INDENT: u16 = 4;

/// Prints all configs; a broken one with its error.
pub(crate) fn list(dirs: &ConfigDirs) -> Result<(), Error> {
    let width = table::width();
    let entries = dirs.list().into_iter().flat_map(|config| entries(config, width));
    stdout::print(entries.collect::<Vec<_>>().join("\n").as_bytes())
}

/// An entry for each class, or one with the error of a broken file.
fn entries(config: ConfigSummary, width: Option<u16>) -> Vec<String> {
    let name = &config.name;
    match config.classes {
        Ok(classes) => classes.iter().map(|class| entry(name, class, width)).collect(),
        Err(error) => {
            // Not wrapped, so that paths can be copied.
            let lines = error.lines().map(|line| format!("{:1$}{line}\n", "", usize::from(INDENT)));
            vec![format!("{name} cannot be used:\n{}", lines.collect::<String>())]
        }
    }
}

fn entry(config: &str, class: &ClassSummary, width: Option<u16>) -> String {
    let class_name = if class.name.is_empty() { String::new() } else { format!(" --class {}", class.name) };
    let about = if class.description.is_empty() { String::new() } else { format!(": {}", class.description) };
    let heading =
        paragraph(&format!("{config}{class_name}{about}"), 0, width.unwrap_or(table::DEFAULT_WIDTH));
    if class.arguments.is_empty() {
        return format!(
            "{heading}{}",
            paragraph("no arguments", INDENT, width.unwrap_or(table::DEFAULT_WIDTH))
        );
    }
    let rows = class.arguments.iter().map(|argument| {
        let type_name = if argument.choices.is_empty() {
            type_name(argument.takes).to_owned()
        } else {
            argument.choices.join(", ")
        };
        [argument.name.clone(), type_name, argument.default.clone(), argument.help.clone()]
    });
    format!(
        "{heading}{}",
        table([whole("ARGUMENT"), prose("TYPE"), prose("DEFAULT"), prose("HELP")], rows, INDENT, width)
    )
}

/// The type of an argument without its example, as the default is one.
fn type_name(takes: &str) -> &str {
    let name = takes.split(", as in ").next().unwrap_or(takes);
    name.strip_prefix("a ").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use promemu_core::config::Argument;

    use super::*;

    fn argument(name: &str, takes: &'static str, default: &str, help: &str) -> Argument {
        Argument { name: name.into(), takes, choices: Vec::new(), default: default.into(), help: help.into() }
    }

    #[test]
    fn a_class_has_a_heading_and_a_table_of_its_arguments() {
        let class = ClassSummary {
            name: "LargeConfig".into(),
            description: "a shop whose web servers are busy during a sale, and whose till is not".into(),
            arguments: vec![
                argument("servers", "a whole number", "3", "number of web servers"),
                argument(
                    "reporting_interval",
                    "a duration or a range, as in 14s..16s",
                    "14s..16s",
                    "how often a web server reports what it has",
                ),
            ],
        };
        insta::assert_snapshot!(entry("shop", &class, Some(80)), @"
        shop --class LargeConfig: a shop whose web servers are busy during a sale, and
        whose till is not
            ARGUMENT            TYPE                 DEFAULT   HELP
            servers             whole number         3         number of web servers
            reporting_interval  duration or a range  14s..16s  how often a web server
                                                               reports what it has
        ");
        let bare = ClassSummary { name: String::new(), description: String::new(), arguments: Vec::new() };
        insta::assert_snapshot!(entry("shop", &bare, Some(80)), @"
        shop
            no arguments
        ");
    }
}
