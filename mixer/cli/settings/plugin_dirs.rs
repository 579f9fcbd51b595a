//! The folders that plugins are loaded from.

use std::path::PathBuf;

use indexmap::IndexMap;
use promemu_core::error::Error;

/// `--plugins-dir`, `./plugins`, the `plugins` beside the program, and those of a package of the system. A folder with two
/// names is listed once.
pub(crate) fn plugin_dirs(plugins_dir: Option<&PathBuf>) -> Result<Vec<PathBuf>, Error> {
    if let Some(dir) = plugins_dir.filter(|dir| !dir.is_dir()) {
        let dir = dir.display();
        return Err(Error::Usage(format!("--plugins-dir or PME_PLUGINS_DIR: {dir} is not a folder")));
    }
    let exe = std::env::current_exe().ok();
    let beside = exe.as_ref().and_then(|exe| Some(exe.parent()?.join("plugins")));
    let packaged = exe.as_ref().and_then(|exe| Some(exe.parent()?.parent()?.join("lib/promemu/plugins")));
    let folders = plugins_dir.cloned().into_iter().chain([PathBuf::from("plugins")]);
    let folders = folders.chain(beside).chain(packaged.filter(|dir| dir.is_dir()));
    let by_place: IndexMap<PathBuf, PathBuf> = folders
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .map(|folder| (folder.canonicalize().unwrap_or_else(|_| folder.clone()), folder))
        .collect();
    Ok(by_place.into_values().rev().collect())
}
