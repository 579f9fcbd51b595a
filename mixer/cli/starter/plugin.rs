//! A folder to write a plugin in: a package with one scenario, what it is built on, and a config that has it.
//!
//! It needs nothing but Rust: what plugins are built on is in the folder, as this promemu has it.

use std::fs;
use std::io;
use std::path::Path;

use promemu_core::scenario::KINDS;

/// What plugins are built on.
const SDK: [(&str, &str); 9] = [
    ("sdk/src/lib.rs", include_str!("../../../plugins/api/src/lib.rs")),
    ("sdk/src/abi.rs", include_str!("../../../plugins/api/src/abi.rs")),
    ("sdk/src/config.rs", include_str!("../../../plugins/api/src/config.rs")),
    ("sdk/src/export.rs", include_str!("../../../plugins/api/src/export.rs")),
    ("sdk/src/param.rs", include_str!("../../../plugins/api/src/param.rs")),
    ("sdk/src/scenario.rs", include_str!("../../../plugins/api/src/scenario.rs")),
    ("sdk/src/tick.rs", include_str!("../../../plugins/api/src/tick.rs")),
    ("sdk/src/workload.rs", include_str!("../../../plugins/api/src/workload.rs")),
    ("sdk/promemu_plugin.h", include_str!("../../../plugins/api/promemu_plugin.h")),
];

/// What is filled in: the package's name, its scenario's, and promemu's version.
const TEMPLATES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("../../../plugins/template/package.toml")),
    ("src/lib.rs", include_str!("../../../plugins/template/lib.rs")),
    ("example.ron", include_str!("../../../plugins/template/example.ron")),
    ("sdk/Cargo.toml", include_str!("../../../plugins/template/sdk.toml")),
];

/// The name of the scenario that a plugin of this name has; or why it cannot be called so.
pub(crate) fn scenario_name(plugin: &str) -> Result<String, String> {
    let name = plugin.replace('-', "_").to_ascii_lowercase();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(format!("plugin name {plugin:?} is not allowed; begin it with a letter"));
    }
    if KINDS.iter().any(|kind| kind.name == name) {
        return Err(format!("plugin name {plugin:?} is not allowed, as a built-in scenario is called so"));
    }
    Ok(name)
}

/// Writes the folder's files.
pub(crate) fn write(folder: &Path, plugin: &str, scenario: &str) -> io::Result<()> {
    let filled = TEMPLATES.map(|(file, text)| {
        let text = text.replace("PACKAGE", plugin).replace("SCENARIO", scenario);
        (file, text.replace("VERSION", env!("CARGO_PKG_VERSION")))
    });
    let all = SDK.iter().map(|(file, text)| (*file, *text));
    for (file, text) in all.chain(filled.iter().map(|(file, text)| (*file, text.as_str()))) {
        let path = folder.join(file);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text)?;
    }
    fs::write(folder.join(".gitignore"), "/target\n")
}
