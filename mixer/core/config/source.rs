//! Config files, and the folders in which they are found.
//!
//! A text is found and read here; its meaning is elsewhere ([`super::loading`]).

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::classes::Classes;
use super::shipped;
use super::tree::{self, INCLUDE};
use crate::error::{ConfigError, SourceSpan};
use crate::plugin::{self, ConfigDecl};
use crate::{text_file, user_file};

/// The author of a text or of a value. Only an operator has files read by their paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Author {
    /// The operator, who starts promemu and keeps its configs.
    #[default]
    Operator,
    /// A client of a running promemu. It names files of the configs' folders only.
    Client,
}

/// The folders that are searched for configs, in order; after them come the built-in configs and those of plugins.
#[derive(Clone, Debug)]
pub struct ConfigDirs(Vec<PathBuf>);

impl ConfigDirs {
    /// The given folder, `./configs`, and `configs` beside the program.
    #[must_use]
    pub fn new(given: Option<PathBuf>) -> Self {
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("configs")));
        Self(given.into_iter().chain([PathBuf::from("configs")]).chain(beside).collect())
    }

    /// The folder of the variable `PME_CONFIGS_DIR`, `./configs`, and `configs` beside the program.
    #[must_use]
    pub fn usual() -> Self {
        Self::new(std::env::var_os("PME_CONFIGS_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from))
    }

    /// The config of this name; `name` may also be the path of a `.ron` file.
    pub fn open(&self, name: &str) -> Result<ConfigFile, ConfigError> {
        self.find(name).unwrap_or_else(|| {
            self.refuse_others(name)?;
            Err(self.not_found(name, self.configs()))
        })
    }

    /// As [`Self::open`], of a file of a folder with so many bytes at most.
    pub(super) fn open_within(&self, name: &str, bytes_max: u64) -> Result<ConfigFile, ConfigError> {
        let found = self.find_by_name(name, bytes_max);
        found.unwrap_or_else(|| Err(self.not_found(name, Vec::new())))
    }

    /// An error for a name that is no regular file's: a pipe, a device, a folder.
    fn refuse_others(&self, name: &str) -> Result<(), ConfigError> {
        let in_dirs =
            self.0.iter().filter(|_| is_plain_name(name)).map(|dir| dir.join(format!("{name}.ron")));
        for path in in_dirs.chain([PathBuf::from(name)]) {
            if !path.exists() || path.is_file() {
                continue;
            }
            if let Err(source) = user_file::open(&path) {
                return Err(ConfigError::Unreadable { path, source });
            }
        }
        Ok(())
    }

    /// As [`Self::open`], for an included file: the error also names the files for includes only.
    pub(super) fn open_to_include(&self, name: &str) -> Result<ConfigFile, ConfigError> {
        self.find(name).unwrap_or_else(|| Err(self.not_found(name, self.names())))
    }

    /// The config of this name, for an author who may give no path.
    pub(super) fn open_by_name(&self, name: &str) -> Result<ConfigFile, ConfigError> {
        if !is_plain_name(name) {
            return Err(ConfigError::PathOfClient { path: name.to_owned() });
        }
        self.find_by_name(name, user_file::CONFIG_BYTES_MAX)
            .unwrap_or_else(|| Err(self.not_found(name, self.names())))
    }

    /// The file of this name, with its ending, in the first folder that has one.
    pub(super) fn file(&self, name: &str) -> Option<PathBuf> {
        self.0.iter().map(|dir| dir.join(name)).find(|path| path.is_file())
    }

    fn find(&self, name: &str) -> Option<Result<ConfigFile, ConfigError>> {
        let path = Path::new(name);
        let is_file = || path.is_file() || !is_plain_name(name);
        if path.extension().is_some_and(|extension| extension == "ron") && is_file() {
            return Some(ConfigFile::read(path).map(|file| file.within(self)));
        }
        self.find_by_name(name, user_file::CONFIG_BYTES_MAX)
    }

    fn find_by_name(&self, name: &str, bytes_max: u64) -> Option<Result<ConfigFile, ConfigError>> {
        if let Some(path) = is_plain_name(name).then(|| self.file(&format!("{name}.ron"))).flatten() {
            return Some(ConfigFile::read_within(&path, bytes_max).map(|file| file.within(self)));
        }
        let file = shipped::find(name).map(|text| ConfigFile::from_text(name, text));
        let file = file.or_else(|| plugin::config(name).map(ConfigFile::made_by));
        file.map(|file| Ok(file.within(self)))
    }

    fn not_found(&self, name: &str, known: Vec<String>) -> ConfigError {
        // A folder that cannot be read may well have the config.
        let unreadable = self.0.iter().find_map(|dir| match std::fs::read_dir(dir) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Some((dir.clone(), source)),
            _ => None,
        });
        if let Some((dir, source)) = unreadable {
            return ConfigError::UnreadableDir { name: name.to_owned(), dir, source };
        }
        // The path of a file without its ending.
        let file = format!("{name}.ron");
        let known = if Path::new(&file).is_file() { vec![file] } else { known };
        let looked_in: Vec<String> = self.0.iter().map(|dir| dir.display().to_string()).collect();
        let (name, looked_in) = (name.to_owned(), looked_in.join(", "));
        ConfigError::NotFound { name, looked_in, known }
    }

    /// Names of all files, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = self.0.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
        let files =
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "ron"));
        let files = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
        let shipped = shipped::SHIPPED.iter().map(|(name, _)| (*name).to_owned());
        let made = plugin::configs().into_iter().map(|config| config.name.clone());
        let mut names: Vec<String> =
            files.chain(shipped).chain(made).filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Names of all configs, sorted, without files for includes only.
    #[must_use]
    pub fn configs(&self) -> Vec<String> {
        let is_include = |file: Result<ConfigFile, _>| file.is_ok_and(|file| file.is_include());
        let is_config = |name: &String| !self.find(name).is_some_and(is_include);
        self.names().into_iter().filter(is_config).collect()
    }
}

/// `true` for a name that leads to no other folder.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(std::path::is_separator)
}

/// The place of problems in standard input.
const SHOWN_STDIN: &str = "standard input";

/// The classes of a text, or its first error.
type Parsed = Result<Classes, (SourceSpan, String)>;

/// A config's text, or the plugin that makes it.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    pub(super) name: String,
    pub(super) shown_path: String,
    pub(super) text: Arc<str>,
    /// The text's tree, parsed once. Places are those of a text that comes first in the sources.
    parsed: Arc<OnceLock<Parsed>>,
    pub(super) path: Option<PathBuf>,
    /// Folders of the files that it includes.
    pub(super) dirs: ConfigDirs,
    /// The author of its text.
    pub(super) author: Author,
    /// The plugin's config that makes the text; then `text` is empty.
    pub(super) maker: Option<&'static ConfigDecl>,
}

impl ConfigFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::read_within(path, user_file::CONFIG_BYTES_MAX)
    }

    /// Reads standard input as a config.
    pub fn read_stdin() -> Result<Self, ConfigError> {
        let Self { text, .. } = Self::read(Path::new(user_file::STDIN))?;
        Ok(Self { shown_path: SHOWN_STDIN.to_owned(), ..Self::from_text("stdin", &text) })
    }

    /// Reads a file of at most as many bytes.
    pub(super) fn read_within(path: &Path, bytes_max: u64) -> Result<Self, ConfigError> {
        let text = text_file::read(path, bytes_max);
        let text = text.map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let dirs = ConfigDirs(Vec::new());
        let (shown_path, path) = (path.display().to_string(), Some(path.to_owned()));
        let (text, parsed) = (text.into(), Arc::default());
        Ok(Self { name, shown_path, text, parsed, path, dirs, author: Author::Operator, maker: None })
    }

    /// A config from a text in memory.
    #[must_use]
    pub fn from_text(name: &str, text: &str) -> Self {
        let dirs = ConfigDirs(Vec::new());
        Self {
            name: name.to_owned(),
            shown_path: format!("{name}.ron"),
            text: text_file::without_mark(text).unwrap_or(text).into(),
            parsed: Arc::default(),
            path: None,
            dirs,
            author: Author::Operator,
            maker: None,
        }
    }

    /// The file as the text of this author.
    #[must_use]
    pub fn by(self, author: Author) -> Self {
        Self { author, ..self }
    }

    /// A config made by a plugin.
    pub(super) fn made_by(config: &'static ConfigDecl) -> Self {
        let shown_path = format!("{} of plugin {}", config.name, config.plugin());
        Self { shown_path, maker: Some(config), ..Self::from_text(&config.name, "") }
    }

    /// Another text in place of the one that a plugin makes.
    pub(super) fn with_text(&self, text: String) -> Self {
        Self { text: text.into(), parsed: Arc::default(), maker: None, ..self.clone() }
    }

    /// The classes of the text.
    pub(super) fn parsed(&self) -> &Parsed {
        self.parsed.get_or_init(|| tree::parse(&self.text).map(Classes::of))
    }

    /// The file with these folders for its includes.
    #[must_use]
    pub fn within(self, dirs: &ConfigDirs) -> Self {
        Self { dirs: dirs.clone(), ..self }
    }

    /// Its name: that of a file without folder and ending.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its text; `None` for a plugin's config.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.maker.is_none().then_some(&*self.text)
    }

    /// Its path and text; `None` if it is not from a file.
    #[must_use]
    pub fn source(&self) -> Option<(&Path, &str)> {
        self.path.as_deref().map(|path| (path, &*self.text))
    }

    /// `true` for a config from standard input.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        self.shown_path == SHOWN_STDIN
    }

    /// The name of a plugin's config; `None` for others.
    #[must_use]
    pub fn name_if_made(&self) -> Option<&str> {
        self.maker.map(|maker| maker.name.as_str())
    }

    /// `true` for a file for includes only: `Include(…)`.
    #[must_use]
    pub fn is_include(&self) -> bool {
        // Only a few texts that are none have the word.
        self.text.contains(INCLUDE) && tree::parse(&self.text).is_ok_and(|root| root.kind.is_include())
    }
}
