//! The floors of `mixer/lib.rs`: a file imports only from floors below its own.

use std::path::{Path, PathBuf};

/// Module and floor, as the table in `lib.rs` has them.
fn floors(lib: &str) -> Vec<(String, usize)> {
    let rows = lib.lines().filter_map(|line| line.strip_prefix("//! | "));
    let floor = |row: &str| {
        let (floor, modules) = row.trim_end_matches(" |").split_once(" | ")?;
        let floor: usize = floor.parse().ok()?;
        let modules = modules.split(':').next()?.split(", ");
        Some(modules.map(|module| (module.trim().trim_matches('`').to_owned(), floor)).collect::<Vec<_>>())
    };
    rows.filter_map(floor).flatten().collect()
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn files_import_only_from_lower_floors() {
    let mixer = Path::new(env!("CARGO_MANIFEST_DIR")).join("mixer");
    let floors = floors(&std::fs::read_to_string(mixer.join("lib.rs")).unwrap());
    let floor_of = |module: &str| floors.iter().find(|(name, _)| name == module).map(|(_, floor)| *floor);
    let mut checked = 0;
    for file in rust_files(&mixer) {
        let relative = file.strip_prefix(&mixer).unwrap().with_extension("");
        let module = relative.components().next().unwrap().as_os_str().to_str().unwrap().to_owned();
        if file.ends_with("tests.rs")
            || matches!(
                module.as_str(),
                "lib"
                    | "main"
                    | "cli"
                    | "daemon"
                    | "ctl"
                    | "settings"
                    | "watch"
                    | "save"
                    | "past"
                    | "check"
                    | "output"
                    | "list"
                    | "logs"
                    | "diagnostics"
                    | "new"
                    | "starter"
                    | "questions"
                    | "scenarios"
                    | "packaging"
                    | "plot"
                    | "dashboard"
                    | "plugins"
                    | "table"
            )
        {
            continue;
        }
        let own = floor_of(&module).unwrap_or_else(|| panic!("{module} has a floor in lib.rs"));
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for import in code.split("crate::").skip(1) {
            let target: String = import.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let Some(floor) = floor_of(&target).filter(|_| target != module) else { continue };
            assert!(floor < own, "{} (floor {own}) uses {target} (floor {floor})", file.display());
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} imports were found");
}

#[test]
fn unsafe_code_is_where_plugins_are_called() {
    let mixer = Path::new(env!("CARGO_MANIFEST_DIR")).join("mixer");
    let is_unsafe = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| line.contains("unsafe"))
    };
    let files: Vec<PathBuf> = rust_files(&mixer).into_iter().filter(is_unsafe).collect();
    let boundary = mixer.join("plugin/boundary");
    assert!(files.iter().all(|file| file.with_extension("").starts_with(&boundary)), "{files:?}");
}

#[test]
fn only_the_mixer_and_the_sinks_know_tokio() {
    let mixer = Path::new(env!("CARGO_MANIFEST_DIR")).join("mixer");
    let knows = |file: &PathBuf| std::fs::read_to_string(file).unwrap().contains("tokio::");
    let mut knowing: Vec<String> = rust_files(&mixer)
        .into_iter()
        .filter(knows)
        .map(|file| file.strip_prefix(&mixer).unwrap().display().to_string())
        .collect();
    knowing.sort();
    let allowed = |file: &String| {
        file.starts_with("mixer")
            || file.starts_with("sink")
            || file.starts_with("api")
            || file == "main.rs"
            || file == "watch.rs"
    };
    assert!(knowing.iter().all(allowed), "{knowing:?}");
}
