//! The list of configs.

use promemu::config::{ClassSummary, ConfigDirs};
use promemu::error::Error;

use crate::output;

/// Prints what there is; a broken file with its error.
pub(crate) fn print(dirs: &ConfigDirs) -> Result<(), Error> {
    let mut lines = Vec::new();
    for config in dirs.list() {
        match config.classes {
            Ok(classes) => classes.iter().for_each(|class| describe(&config.name, class, &mut lines)),
            Err(error) => {
                lines.push(format!("{}  cannot be used:", config.name));
                lines.extend(error.lines().map(|line| format!("    {line}")));
            }
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    output::print(text.as_bytes())
}

fn describe(config: &str, class: &ClassSummary, lines: &mut Vec<String>) {
    let class_name = if class.name.is_empty() { String::new() } else { format!(" --class {}", class.name) };
    lines.push(format!("{config}{class_name}  {}", class.description));
    let name_width = class.arguments.iter().map(|arg| arg.name.len()).max().unwrap_or(0);
    let default_width = class.arguments.iter().map(|arg| arg.default.len()).max().unwrap_or(0);
    for arg in &class.arguments {
        let help = if arg.help.is_empty() { String::new() } else { format!("{} ", arg.help) };
        let (name, default, takes) = (&arg.name, &arg.default, arg.takes);
        lines.push(format!("    {name:name_width$} = {default:default_width$}  {help}({takes})"));
    }
}
