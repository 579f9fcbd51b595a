//! The folder of a new plugin: a package with one scenario, the SDK of this promemu, and a config that uses the scenario.

use std::fs;
use std::io;
use std::path::Path;

use promemu_core::scenario::KINDS;

/// The files of the SDK.
const SDK: [(&str, &str); 12] = [
    ("sdk/src/lib.rs", include_str!("sdk/lib.rs")),
    ("sdk/src/abi.rs", include_str!("sdk/abi.rs")),
    ("sdk/src/config.rs", include_str!("sdk/config.rs")),
    ("sdk/src/export.rs", include_str!("sdk/export.rs")),
    ("sdk/src/family.rs", include_str!("sdk/family.rs")),
    ("sdk/src/model.rs", include_str!("sdk/model.rs")),
    ("sdk/src/param.rs", include_str!("sdk/param.rs")),
    ("sdk/src/refused.rs", include_str!("sdk/refused.rs")),
    ("sdk/src/scenario.rs", include_str!("sdk/scenario.rs")),
    ("sdk/src/tables.rs", include_str!("sdk/tables.rs")),
    ("sdk/src/tick.rs", include_str!("sdk/tick.rs")),
    ("sdk/promemu_plugin.h", include_str!("promemu_plugin.h")),
];

/// Files in which the names of the package and the scenario, and promemu's version, are filled in.
const TEMPLATES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("../../../plugins/template/package.toml")),
    ("src/lib.rs", include_str!("../../../plugins/template/lib.rs")),
    ("example.ron", include_str!("../../../plugins/template/example.ron")),
    ("sdk/Cargo.toml", include_str!("../../../plugins/template/sdk.toml")),
];

/// The scenario's name in a plugin of this name, or the reason for refusing the name.
pub(super) fn scenario_name(plugin: &str) -> Result<String, String> {
    let name = plugin.replace('-', "_").to_ascii_lowercase();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(format!("plugin name {plugin:?} is not allowed; begin it with a letter"));
    }
    if KINDS.iter().any(|kind| kind.name == name) {
        return Err(format!("plugin name {plugin:?} is the name of a built-in scenario; choose another"));
    }
    Ok(name)
}

/// Writes the folder's files.
pub(super) fn write(folder: &Path, plugin: &str, scenario: &str) -> io::Result<()> {
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
