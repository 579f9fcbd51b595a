//! `promemu --list-configs`: the configs and their classes, a line each.

use promemu_core::config::{ClassSummary, ConfigDirs, ConfigSummary};
use promemu_core::error::Error;

use crate::stdout;
use crate::table::{self, cut, paragraph, table, whole};

/// Blanks before the error of a broken config.
const INDENT: usize = 4;

/// Prints all configs; a broken one below them, with its error.
pub(crate) fn list(dirs: &ConfigDirs) -> Result<(), Error> {
    stdout::print(text(dirs.list(), table::width()).as_bytes())
}

fn text(configs: Vec<ConfigSummary>, width: Option<u16>) -> String {
    let (mut rows, mut broken) = (Vec::new(), String::new());
    for ConfigSummary { name, classes, is_playlist } in configs {
        match classes {
            Ok(classes) => rows.extend(classes.into_iter().map(|class| row(&name, class, is_playlist))),
            Err(error) => {
                broken += format!("\n{name} cannot be used:\n").as_str();
                // Not wrapped, so that paths can be copied.
                error.lines().for_each(|line| broken += format!("{:INDENT$}{line}\n", "").as_str());
            }
        }
    }
    let hint = "promemu describe NAME shows a config's arguments, hosts and metrics.";
    let hint = if width.is_some() { format!("\n{}", paragraph(hint, 0, width)) } else { String::new() };
    format!("{}{broken}{hint}", table([whole("CONFIG"), cut("DESCRIPTION")], rows, 0, width))
}

/// A config with its class, if it names one, and the description; that of a playlist says so.
fn row(config: &str, class: ClassSummary, is_playlist: bool) -> [String; 2] {
    let name = if class.name.is_empty() { config.to_owned() } else { format!("{config} {}", class.name) };
    let description = match (is_playlist, class.description.as_str()) {
        (true, "") => "playlist".to_owned(),
        (true, description) => format!("playlist: {description}"),
        (false, _) => class.description,
    };
    [name, description]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_a_line_and_a_broken_config_its_error() {
        let class = |name: &str, description: &str| ClassSummary {
            name: name.into(),
            description: description.into(),
            arguments: Vec::new(),
        };
        let summary = |name: &str, classes: Result<Vec<ClassSummary>, String>| ConfigSummary {
            name: name.into(),
            classes,
            is_playlist: false,
        };
        let large =
            class("LargeConfig", "a shop whose web servers are busy during a sale, and whose till is not");
        let configs = || {
            vec![
                summary("shop", Ok(vec![large.clone(), class("SmallConfig", "a till")])),
                summary("odd", Err("odd.ron:1:5: no".into())),
                summary("plain", Ok(vec![class("", "")])),
                ConfigSummary {
                    is_playlist: true,
                    ..summary("week", Ok(vec![class("", "a sale, and the day after")]))
                },
            ]
        };
        insta::assert_snapshot!(text(configs(), Some(80)), @"
        CONFIG            DESCRIPTION
        shop LargeConfig  a shop whose web servers are busy during a sale, and whose ti…
        shop SmallConfig  a till
        plain
        week              playlist: a sale, and the day after

        odd cannot be used:
            odd.ron:1:5: no

        promemu describe NAME shows a config's arguments, hosts and metrics.
        ");
        insta::assert_snapshot!(text(configs(), None), @"
        CONFIG            DESCRIPTION
        shop LargeConfig  a shop whose web servers are busy during a sale, and whose till is not
        shop SmallConfig  a till
        plain
        week              playlist: a sale, and the day after

        odd cannot be used:
            odd.ron:1:5: no
        ");
    }
}
