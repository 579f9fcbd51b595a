//! The plugins of this process: where their files are, and which of them are active.
//!
//! There is one registry per process, as libraries belong to the process. Nothing is loaded until a name is looked up
//! that no built-in has. A file that gets worse leaves the last good library active.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use tracing::{info, warn};

use super::declaration::{ConfigDecl, ModelDecl, PluginDecl, ScenarioDecl};
use super::file::{FileVersion, LoadState, libraries, load};

static REGISTRY: Mutex<PluginRegistry> = Mutex::new(PluginRegistry::new(Vec::new(), Vec::new()));

/// A file that was found.
#[derive(Clone, Debug)]
pub struct PluginStatus {
    /// Path of the file.
    pub path: PathBuf,
    /// Active library.
    pub active: Option<&'static PluginDecl>,
    /// Reason to refuse the file; if there is an active library too, that is an earlier version of the file.
    pub refusal: Option<String>,
}

/// Sets the folders of plugins, in their order of precedence, and the names of built-in scenarios. Before that there are
/// no plugins.
pub fn set_folders(folders: Vec<PathBuf>, built_ins: Vec<&'static str>) {
    *registry() = PluginRegistry::new(folders, built_ins);
}

/// The folders of plugins.
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    registry().folders.clone()
}

/// Loads files that are new or have changed; `true` if the active plugins differ. Does nothing before the first lookup.
#[must_use]
pub fn refresh() -> bool {
    let mut registry = registry();
    registry.files.is_some() && registry.refresh(true)
}

/// All files, refused ones too; refusals are not logged.
#[must_use]
pub fn statuses() -> Vec<PluginStatus> {
    let mut registry = registry();
    if registry.files.is_none() {
        registry.refresh(false);
    }
    let files = registry.files().iter();
    files
        .map(|(path, PluginFile { active, refusal, .. })| PluginStatus {
            path: path.clone(),
            active: *active,
            refusal: refusal.clone(),
        })
        .collect()
}

/// The scenarios of all plugins.
#[must_use]
pub fn scenarios() -> Vec<&'static ScenarioDecl> {
    registry().active().flat_map(|plugin| &plugin.scenarios).collect()
}

/// The scenario of this name.
#[must_use]
pub fn scenario(name: &str) -> Option<&'static ScenarioDecl> {
    registry().active().flat_map(|plugin| &plugin.scenarios).find(|scenario| scenario.name == name)
}

/// The models and generators of all plugins.
#[must_use]
pub fn models() -> Vec<&'static ModelDecl> {
    registry().active().flat_map(|plugin| &plugin.models).collect()
}

/// The model or generator of this name.
#[must_use]
pub fn model(name: &str) -> Option<&'static ModelDecl> {
    registry().active().flat_map(|plugin| &plugin.models).find(|model| model.name == name)
}

/// The configs of all plugins.
#[must_use]
pub fn configs() -> Vec<&'static ConfigDecl> {
    registry().active().flat_map(|plugin| &plugin.configs).collect()
}

/// The config of this name.
#[must_use]
pub fn config(name: &str) -> Option<&'static ConfigDecl> {
    registry().active().flat_map(|plugin| &plugin.configs).find(|config| config.name == name)
}

fn registry() -> MutexGuard<'static, PluginRegistry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The files in the folders.
#[derive(Debug)]
pub(super) struct PluginRegistry {
    folders: Vec<PathBuf>,
    /// Names that scenarios of plugins must not have.
    built_ins: Vec<&'static str>,
    /// In their order of precedence; `None` before the first lookup.
    files: Option<IndexMap<PathBuf, PluginFile>>,
}

/// A file at the last refresh.
#[derive(Clone, Debug)]
struct PluginFile {
    version: Option<FileVersion>,
    state: LoadState,
    /// Last library that was good.
    active: Option<&'static PluginDecl>,
    /// Reason to refuse the current version.
    refusal: Option<String>,
}

impl PluginRegistry {
    pub(super) const fn new(folders: Vec<PathBuf>, built_ins: Vec<&'static str>) -> Self {
        Self { folders, built_ins, files: None }
    }

    fn files(&mut self) -> &IndexMap<PathBuf, PluginFile> {
        if self.files.is_none() {
            self.refresh(true);
        }
        self.files.get_or_insert_default()
    }

    pub(super) fn active(&mut self) -> impl Iterator<Item = &'static PluginDecl> {
        self.files().values().filter_map(|file| file.active)
    }

    pub(super) fn refresh(&mut self, logs_refusals: bool) -> bool {
        let paths = self.folders.iter().flat_map(|folder| libraries(folder));
        let found: Vec<(PathBuf, Option<FileVersion>)> = paths
            .map(|path| {
                let version = fs::metadata(&path).ok().map(|file| FileVersion::of(&file));
                (path, version)
            })
            .collect();
        let before = self.files.take().unwrap_or_default();
        let known = before.iter().map(|(path, file)| (path, &file.version));
        if known.eq(found.iter().map(|(path, version)| (path, version))) {
            self.files = Some(before);
            return false;
        }
        let mut files = IndexMap::new();
        for (path, version) in found {
            let file = match before.get(&path) {
                Some(earlier) if earlier.version == version && earlier.refusal.is_none() => earlier.clone(),
                // A refused file is checked again: the one that it collided with may be gone.
                earlier => self.check(&path, version, earlier, &files, logs_refusals),
            };
            files.insert(path, file);
        }
        let active = |files: &IndexMap<PathBuf, PluginFile>| -> Vec<*const PluginDecl> {
            files.values().filter_map(|file| file.active).map(std::ptr::from_ref).collect()
        };
        let has_changed = active(&before) != active(&files);
        self.files = Some(files);
        has_changed
    }

    /// A file that is new, has changed or was refused. If it is refused, its earlier library stays active.
    fn check(
        &self,
        path: &Path,
        version: Option<FileVersion>,
        earlier: Option<&PluginFile>,
        others: &IndexMap<PathBuf, PluginFile>,
        logs_refusals: bool,
    ) -> PluginFile {
        let state = match earlier {
            Some(PluginFile { version: of, state: state @ LoadState::Loaded(_), .. }) if *of == version => {
                state.clone()
            }
            _ => load(path),
        };
        let outcome = match &state {
            LoadState::Loaded(Ok(plugin)) => {
                self.check_built_ins(plugin).and_then(|()| check_rivals(plugin, others)).map(|()| *plugin)
            }
            LoadState::Skipped(reason) | LoadState::Loaded(Err(reason)) => Err(reason.clone()),
        };
        let refusal = outcome.as_ref().err().cloned();
        let is_logged =
            earlier.is_some_and(|earlier| earlier.version == version && earlier.refusal == refusal);
        let earlier = earlier.and_then(|earlier| earlier.active);
        match &outcome {
            Err(reason) if logs_refusals && !is_logged => {
                warn!(path = %path.display(), reason = %reason, "plugin refused");
            }
            Ok(plugin) if earlier.is_some() => {
                info!(plugin = %plugin.name, path = %path.display(), "plugin reloaded");
            }
            _ => {}
        }
        PluginFile { version, state, active: outcome.ok().or(earlier), refusal }
    }

    pub(super) fn check_built_ins(&self, plugin: &PluginDecl) -> Result<(), String> {
        match plugin.scenarios.iter().find(|scenario| self.built_ins.contains(&scenario.name.as_str())) {
            Some(scenario) => {
                Err(format!("scenario {} has the name of a built-in; rename it", scenario.name))
            }
            None => Ok(()),
        }
    }
}

/// Refuses a plugin that shares a name with an active one.
fn check_rivals(declared: &PluginDecl, others: &IndexMap<PathBuf, PluginFile>) -> Result<(), String> {
    for (path, other) in others.iter().filter_map(|(path, file)| Some((path, file.active?))) {
        let path = path.display();
        let taken = |what: &str, name: &str| {
            Err(format!("{what} {name} is already provided by {path}; rename or remove one of them"))
        };
        if other.name == declared.name {
            return taken("plugin", &other.name);
        }
        let has = |name: &str| other.scenarios.iter().any(|scenario| scenario.name == name);
        if let Some(scenario) = declared.scenarios.iter().find(|scenario| has(&scenario.name)) {
            return taken("scenario", &scenario.name);
        }
        let has = |name: &str| other.models.iter().any(|model| model.name == name);
        if let Some(model) = declared.models.iter().find(|model| has(&model.name)) {
            return taken("model", &model.name);
        }
        let has = |name: &str| other.configs.iter().any(|config| config.name == name);
        if let Some(config) = declared.configs.iter().find(|config| has(&config.name)) {
            return taken("config", &config.name);
        }
    }
    Ok(())
}
