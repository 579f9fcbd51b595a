//! `promemu plugins`: what was found, what each plugin brings, and what was refused; and where plugins are.

use std::path::PathBuf;

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::plugin::{self, ParamDecl, PluginDecl, PluginStatus};
use promemu_core::scenario::KINDS;

use crate::table::{self, paragraph, table};

/// Blanks before what belongs to a plugin.
const INDENT: u16 = 4;

/// Says where plugins are: the folder given, `./plugins`, and the `plugins` beside the program.
pub(crate) fn find(given: Option<&PathBuf>) -> Result<(), Error> {
    if let Some(dir) = given.filter(|dir| !dir.is_dir()) {
        let dir = dir.display();
        return Err(Error::Usage(format!("--plugins-dir or PME_PLUGINS_DIR: {dir} is not a folder")));
    }
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("plugins")));
    let folders = given.cloned().into_iter().chain([PathBuf::from("plugins")]).chain(beside);
    // Two names of one folder are one folder.
    let by_place: IndexMap<PathBuf, PathBuf> = folders
        .rev()
        .map(|folder| (folder.canonicalize().unwrap_or_else(|_| folder.clone()), folder))
        .collect();
    let built_ins = KINDS.iter().map(|kind| kind.name).collect();
    plugin::set_folders(by_place.into_values().rev().collect(), built_ins);
    Ok(())
}

/// The list of plugins.
pub(crate) fn list() -> String {
    page(&plugin::statuses(), table::width())
}

fn page(reports: &[PluginStatus], width: u16) -> String {
    let taken = reports.iter().filter_map(|report| Some((report, report.active?)));
    let taken = taken.map(|(report, plugin)| entry(report, plugin, width));
    // Not wrapped: paths are there to be copied.
    let refused = reports.iter().filter_map(|report| {
        let why = report.refusal.as_ref()?;
        Some(format!("{} is refused:\n{:2$}{why}\n", report.path.display(), "", usize::from(INDENT)))
    });
    let entries: Vec<String> = taken.chain(refused).collect();
    if entries.is_empty() {
        let folders: Vec<String> = plugin::folders().iter().map(|dir| dir.display().to_string()).collect();
        return format!(
            "there are no plugins in {}; choose another folder with --plugins-dir\n",
            folders.join(", ")
        );
    }
    entries.join("\n")
}

fn entry(report: &PluginStatus, plugin: &PluginDecl, width: u16) -> String {
    let PluginDecl { name, version, summary, scenarios, workloads, configs } = plugin;
    let about = if summary.is_empty() { String::new() } else { format!(": {summary}") };
    let heading = paragraph(&format!("{name} {version}{about}"), 0, width);
    let mut entry = format!("{heading}{:1$}from {2}\n", "", usize::from(INDENT), report.path.display());
    for scenario in scenarios {
        entry += &part("scenario", &scenario.name, &scenario.summary, &scenario.params, width);
    }
    for workload in workloads {
        entry += &part("workload", &workload.name, &workload.summary, &workload.params, width);
    }
    for config in configs {
        entry += &part("config", &config.name, &config.summary, &config.args, width);
    }
    entry
}

fn part(what: &str, name: &str, summary: &str, params: &[ParamDecl], width: u16) -> String {
    let heading = paragraph(&format!("{what} {name}: {summary}"), INDENT, width);
    if params.is_empty() {
        return format!("\n{heading}");
    }
    let rows = params.iter().map(|param| {
        let default = if param.default.is_some() { &param.default_text } else { "must be given" };
        [param.name.clone(), param.param_type.describe(), default.to_owned(), param.help.clone()]
    });
    let headings = if what == "config" {
        ["ARGUMENT", "TYPE", "DEFAULT", "HELP"]
    } else {
        ["PARAMETER", "TYPE", "DEFAULT", "HELP"]
    };
    format!("\n{heading}{}", table(headings, rows, 2 * INDENT, width))
}
