//! Where plugins are found, and which of them are taken.
//!
//! There is one registry in a process, as libraries are the process's. Nothing is loaded until somebody asks for what
//! no built-in has. A file is looked at before it is loaded: only a library that says to be a plugin, and that
//! is whole and that nobody else can have changed, gets that far. It is copied to a path of its own first, as the system takes the
//! same path, or a file that is overwritten, for the library that it knows already.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use promemu_plugin::abi::{ABI_MAJOR, SYMBOL, SYMBOL_PREFIX};
use tempfile::TempDir;
use tracing::{info, warn};

use super::{Declared, DeclaredConfig, DeclaredScenario, DeclaredWorkload, boundary, elf};

/// A larger file is no plugin.
const FILE_BYTES_MAX: u64 = 1 << 30;

static SHELF: Mutex<PluginRegistry> = Mutex::new(PluginRegistry::new(Vec::new(), Vec::new()));

/// The files in the folders.
#[derive(Debug)]
pub(super) struct PluginRegistry {
    folders: Vec<PathBuf>,
    /// Names that no scenario may have.
    built_ins: Vec<&'static str>,
    /// In the order in which they are asked; none before the first look.
    files: Option<IndexMap<PathBuf, PluginFile>>,
}

/// A file, as it was when it was looked at last.
#[derive(Clone, Debug)]
pub(super) struct PluginFile {
    stamp: Option<Stamp>,
    content: Content,
    /// The library that is taken: the last one that was good.
    taken: Option<&'static Declared>,
    /// Why the file as it is now is not taken.
    refused: Option<String>,
}

/// What is in a file.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Nothing of it has run; why.
    Untouched(String),
    /// It was loaded, which is not done twice, as its constructors run and its memory stays; what it declares, or what
    /// is wrong with that.
    Loaded(Result<&'static Declared, String>),
}

/// What changes when a file does.
type Stamp = (u64, u64, i64, i64);

/// A file that was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Where it is.
    pub path: PathBuf,
    /// What it brings.
    pub taken: Option<&'static Declared>,
    /// Why it is refused; if something is taken all the same, that is what it was before.
    pub refused: Option<String>,
}

fn registry() -> MutexGuard<'static, PluginRegistry> {
    SHELF.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says where plugins are: the folders, in the order in which they are asked; and which names of scenarios are the
/// built-ins'. Without this there are none.
pub fn look_in(folders: Vec<PathBuf>, built_ins: Vec<&'static str>) {
    *registry() = PluginRegistry::new(folders, built_ins);
}

/// The folders that plugins are in.
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    registry().folders.clone()
}

/// Looks whether files have come, gone or changed since the last look, and takes them as they are now; gives whether
/// what there is has changed. Before the first look nobody has asked, and nothing is done.
#[must_use]
pub fn look() -> bool {
    let mut registry = registry();
    registry.files.is_some() && registry.look(true)
}

/// What was found. What is refused is in there, and is not logged.
#[must_use]
pub fn reports() -> Vec<Report> {
    let mut registry = registry();
    if registry.files.is_none() {
        registry.look(false);
    }
    let files = registry.files().iter();
    files
        .map(|(path, PluginFile { taken, refused, .. })| Report {
            path: path.clone(),
            taken: *taken,
            refused: refused.clone(),
        })
        .collect()
}

/// The scenarios of all plugins.
#[must_use]
pub fn scenarios() -> Vec<&'static DeclaredScenario> {
    registry().taken().flat_map(|plugin| &plugin.scenarios).collect()
}

/// The scenario of this name.
#[must_use]
pub fn scenario(name: &str) -> Option<&'static DeclaredScenario> {
    registry().taken().flat_map(|plugin| &plugin.scenarios).find(|scenario| scenario.name == name)
}

/// The workloads of all plugins.
#[must_use]
pub fn workloads() -> Vec<&'static DeclaredWorkload> {
    registry().taken().flat_map(|plugin| &plugin.workloads).collect()
}

/// The workload of this name.
#[must_use]
pub fn workload(name: &str) -> Option<&'static DeclaredWorkload> {
    registry().taken().flat_map(|plugin| &plugin.workloads).find(|workload| workload.name == name)
}

/// The configs of all plugins.
#[must_use]
pub fn configs() -> Vec<&'static DeclaredConfig> {
    registry().taken().flat_map(|plugin| &plugin.configs).collect()
}

/// The config of this name.
#[must_use]
pub fn config(name: &str) -> Option<&'static DeclaredConfig> {
    registry().taken().flat_map(|plugin| &plugin.configs).find(|config| config.name == name)
}

impl PluginRegistry {
    pub(super) const fn new(folders: Vec<PathBuf>, built_ins: Vec<&'static str>) -> Self {
        Self { folders, built_ins, files: None }
    }

    fn files(&mut self) -> &IndexMap<PathBuf, PluginFile> {
        if self.files.is_none() {
            self.look(true);
        }
        self.files.get_or_insert_default()
    }

    pub(super) fn taken(&mut self) -> impl Iterator<Item = &'static Declared> {
        self.files().values().filter_map(|volume| volume.taken)
    }

    pub(super) fn look(&mut self, tells: bool) -> bool {
        let found = self.folders.iter().flat_map(|folder| libraries(folder));
        let found: Vec<(PathBuf, Option<Stamp>)> = found
            .map(|path| {
                let stamp = fs::metadata(&path).ok().map(|file| stamp(&file));
                (path, stamp)
            })
            .collect();
        let before = self.files.take().unwrap_or_default();
        if before
            .iter()
            .map(|(path, volume)| (path, &volume.stamp))
            .eq(found.iter().map(|(path, stamp)| (path, stamp)))
        {
            self.files = Some(before);
            return false;
        }
        let mut files = IndexMap::new();
        for (path, stamp) in found {
            let volume = match before.get(&path) {
                Some(earlier) if earlier.stamp == stamp && earlier.refused.is_none() => earlier.clone(),
                // What was refused is looked at again: what was in its way may be gone.
                earlier => self.volume(&path, stamp, earlier, &files, tells),
            };
            files.insert(path, volume);
        }
        let taken = |files: &IndexMap<PathBuf, PluginFile>| -> Vec<*const Declared> {
            files.values().filter_map(|volume| volume.taken).map(std::ptr::from_ref).collect()
        };
        let is_changed = taken(&before) != taken(&files);
        self.files = Some(files);
        is_changed
    }

    /// A file that is new, has changed or was refused. If it is no good, what it was earlier stays.
    fn volume(
        &self,
        path: &Path,
        stamp: Option<Stamp>,
        earlier: Option<&PluginFile>,
        others: &IndexMap<PathBuf, PluginFile>,
        tells: bool,
    ) -> PluginFile {
        let content = match earlier {
            Some(PluginFile { stamp: of, content: content @ Content::Loaded(_), .. }) if *of == stamp => {
                content.clone()
            }
            _ => load(path),
        };
        let outcome = match &content {
            Content::Loaded(Ok(plugin)) => {
                self.refuse_built_ins(plugin).and_then(|()| refuse_rivals(plugin, others)).map(|()| *plugin)
            }
            Content::Untouched(why) | Content::Loaded(Err(why)) => Err(why.clone()),
        };
        let refused = outcome.as_ref().err().cloned();
        let is_told = earlier.is_some_and(|earlier| earlier.stamp == stamp && earlier.refused == refused);
        let earlier = earlier.and_then(|earlier| earlier.taken);
        match &outcome {
            Err(why) if tells && !is_told => warn!("plugin {} is refused: {why}", path.display()),
            Ok(plugin) if earlier.is_some() => {
                info!("plugin {} is taken anew from {}", plugin.name, path.display());
            }
            _ => {}
        }
        PluginFile { stamp, content, taken: outcome.ok().or(earlier), refused }
    }

    pub(super) fn refuse_built_ins(&self, plugin: &Declared) -> Result<(), String> {
        match plugin.scenarios.iter().find(|scenario| self.built_ins.contains(&scenario.name.as_str())) {
            Some(scenario) => {
                Err(format!("the name of its scenario {} is that of a built-in", scenario.name))
            }
            None => Ok(()),
        }
    }
}

fn stamp(file: &Metadata) -> Stamp {
    (file.ino(), file.len(), file.mtime(), file.mtime_nsec())
}

/// The files in a folder that are called like libraries, sorted.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).ok().into_iter().flatten().flatten();
    let is_library = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION)
            && path.is_file()
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_library).collect();
    paths.sort();
    paths
}

/// Loads a copy of a file, if it is good.
pub(super) fn load(path: &Path) -> Content {
    match copy(path) {
        // What is mapped stays when the file is gone, so the copy is removed at once.
        Ok((_folder, copy)) => {
            Content::Loaded(boundary::open(&copy).map(|declared| &*Box::leak(Box::new(declared))))
        }
        Err(why) => Content::Untouched(why),
    }
}

/// A copy of a file, with the folder that goes with it; the error says why nothing of it may run.
fn copy(path: &Path) -> Result<(TempDir, PathBuf), String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let folder = path.parent().unwrap_or(Path::new("."));
    let copies = tempfile::tempdir().map_err(|error| format!("no copy of it can be made: {error}"))?;
    let own = fs::metadata(copies.path()).map_err(unreadable)?.uid();
    let mut file = File::open(path).map_err(unreadable)?;
    refuse_strangers(&fs::metadata(folder).map_err(unreadable)?, own, "its folder")?;
    let before = file.metadata().map_err(unreadable)?;
    refuse_strangers(&before, own, "it")?;
    let mut bytes = Vec::new();
    (&mut file).take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    if stamp(&before) != stamp(&file.metadata().map_err(unreadable)?) {
        return Err("it is incomplete: it changed while it was read; wait until it is written".to_owned());
    }
    elf::refuse_incomplete(&bytes)?;
    refuse_others(&bytes)?;
    let copy = copies.path().join(path.file_name().unwrap_or_default());
    fs::write(&copy, &bytes).map_err(|error| format!("no copy of it can be made: {error}"))?;
    Ok((copies, copy))
}

/// Refuses what others than the user and root can change. A group of the user's own counts as the user.
fn refuse_strangers(file: &Metadata, own: u32, what: &str) -> Result<(), String> {
    let (mode, owner, group) = (file.mode(), file.uid(), file.gid());
    if owner != own && owner != 0 {
        return Err(format!("{what} belongs to another user, {owner}; make it your own"));
    }
    // In a folder with the sticky bit, nobody replaces the files of others.
    let is_sticky = file.is_dir() && mode & 0o1000 != 0;
    if !is_sticky && (mode & 0o002 != 0 || (mode & 0o020 != 0 && group != owner)) {
        return Err(format!("{what} is writable by others; take that away with chmod go-w"));
    }
    Ok(())
}

/// Refuses what is no plugin, before any of its code runs.
fn refuse_others(bytes: &[u8]) -> Result<(), String> {
    let prefix = SYMBOL_PREFIX.as_bytes();
    let begins = bytes.iter().enumerate().filter(|(_, byte)| **byte == prefix[0]);
    let mut symbols = begins.filter_map(|(at, _)| bytes[at..].strip_prefix(prefix)).peekable();
    if symbols.peek().is_none() {
        return Err(format!("it is no plugin: it has no function {SYMBOL}"));
    }
    let own = ABI_MAJOR.to_string();
    let is_own = |after: &[u8]| {
        after.strip_prefix(own.as_bytes()).is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_digit))
    };
    if !symbols.any(is_own) {
        return Err(format!(
            "it is built for another version of the plugin interface than {own}, which this promemu has; build it anew"
        ));
    }
    Ok(())
}

/// Refuses a plugin that has a name in common with one that is taken.
fn refuse_rivals(declared: &Declared, others: &IndexMap<PathBuf, PluginFile>) -> Result<(), String> {
    for (path, other) in others.iter().filter_map(|(path, volume)| Some((path, volume.taken?))) {
        let path = path.display();
        if other.name == declared.name {
            return Err(format!("a plugin called {} is taken already, from {path}", other.name));
        }
        let has = |name: &str| other.scenarios.iter().any(|scenario| scenario.name == name);
        if let Some(scenario) = declared.scenarios.iter().find(|scenario| has(&scenario.name)) {
            return Err(format!("the name of its scenario {} is taken already, by {path}", scenario.name));
        }
        let has = |name: &str| other.workloads.iter().any(|workload| workload.name == name);
        if let Some(workload) = declared.workloads.iter().find(|workload| has(&workload.name)) {
            return Err(format!("the name of its workload {} is taken already, by {path}", workload.name));
        }
        let has = |name: &str| other.configs.iter().any(|config| config.name == name);
        if let Some(config) = declared.configs.iter().find(|config| has(&config.name)) {
            return Err(format!("the name of its config {} is taken already, by {path}", config.name));
        }
    }
    Ok(())
}
