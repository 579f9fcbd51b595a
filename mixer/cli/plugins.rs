//! `promemu plugins`: the plugins, what each provides, and the refused files.

use promemu_core::error::Error;
use promemu_core::plugin::{self, ParamDecl, PluginDecl, PluginStatus};

use crate::stdout;
use crate::table::{self, paragraph, prose, table, whole};

/// Blanks before the entries of a plugin.
const INDENT: u16 = 4;

/// Prints the list of plugins.
pub(crate) fn plugins() -> Result<(), Error> {
    stdout::print(text(&plugin::statuses(), table::width()).as_bytes())
}

fn text(statuses: &[PluginStatus], width: Option<u16>) -> String {
    let active = statuses.iter().filter_map(|status| Some((status, status.active?)));
    let active = active.map(|(status, plugin)| entry(status, plugin, width));
    // Not wrapped, so that paths can be copied.
    let refused = statuses.iter().filter_map(|status| {
        let reason = status.refusal.as_ref()?;
        Some(format!("{} is refused:\n{:2$}{reason}\n", status.path.display(), "", usize::from(INDENT)))
    });
    let entries: Vec<String> = active.chain(refused).collect();
    if entries.is_empty() {
        let folders: Vec<String> = plugin::folders().iter().map(|dir| dir.display().to_string()).collect();
        return format!("no plugins in {}; choose another folder with --plugins-dir\n", folders.join(", "));
    }
    entries.join("\n")
}

fn entry(status: &PluginStatus, plugin: &PluginDecl, width: Option<u16>) -> String {
    let PluginDecl { name, version, summary, scenarios, models, configs } = plugin;
    let about = if summary.is_empty() { String::new() } else { format!(": {summary}") };
    let heading = paragraph(&format!("{name} {version}{about}"), 0, width);
    let mut entry = format!("{heading}{:1$}from {2}\n", "", usize::from(INDENT), status.path.display());
    for scenario in scenarios {
        entry += &part("scenario", &scenario.name, &scenario.summary, &scenario.params, width);
    }
    for model in models {
        let kind = if model.is_generator() { "generator" } else { "model" };
        entry += &part(kind, &model.name, &model.summary, &model.params, width);
    }
    for config in configs {
        entry += &part("config", &config.name, &config.summary, &config.args, width);
    }
    entry
}

fn part(kind: &str, name: &str, summary: &str, params: &[ParamDecl], width: Option<u16>) -> String {
    let heading = paragraph(&format!("{kind} {name}: {summary}"), INDENT, width);
    if params.is_empty() {
        return format!("\n{heading}");
    }
    let rows = params.iter().map(|param| {
        let default = if param.default.is_some() { &param.default_text } else { "must be given" };
        [param.name.clone(), param.param_type.describe(), default.to_owned(), param.help.clone()]
    });
    let headings = if kind == "config" {
        [whole("ARGUMENT"), prose("TYPE"), prose("DEFAULT"), prose("HELP")]
    } else {
        [whole("PARAMETER"), prose("TYPE"), prose("DEFAULT"), prose("HELP")]
    };
    format!("\n{heading}{}", table(headings, rows, 2 * INDENT, width))
}
