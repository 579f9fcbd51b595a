//! A config as clients name it: by name or as a text, with a class and arguments.

use indexmap::IndexMap;
use serde::Deserialize;
use utoipa::ToSchema;

use promemu_core::config::{Author, ConfigDirs, ConfigFile, LoadOptions, LoadedConfig};
use promemu_core::expression::Value;
use promemu_core::passwords::without_passwords;
use promemu_core::stop::Stop;
use promemu_core::time::Time;

use crate::daemon::Daemon;
use crate::error::ApiError;

/// A config's name has at most this many bytes.
const NAME_BYTES_MAX: usize = 200;
/// Maximum memory of each run of a config that a client posts.
pub(crate) const POSTED_MEMORY_MAX: usize = 256 << 20;
/// A client's text is repeated in an error up to this many characters.
const SHOWN_CHARS_MAX: usize = 100;

/// A config in a body. Exactly one of `config` and `text` is set.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ConfigBody {
    /// The name of a config.
    config: Option<String>,
    /// The text of a config.
    text: Option<String>,
    /// The class of the config; the first by default.
    class: Option<String>,
    /// The config's arguments.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    args: serde_json::Value,
}

/// A class of a config with arguments.
#[derive(Clone, Debug)]
pub struct ConfigChoice {
    /// The config.
    pub source: ConfigSource,
    /// The class; the config's first if `None`.
    pub class: Option<String>,
    /// The arguments: an object of values and lists of them, or null.
    pub args: serde_json::Value,
    /// `true` if the operator chose it, and no client.
    pub is_operators: bool,
}

/// The place of a config.
#[derive(Clone, Debug)]
pub enum ConfigSource {
    /// The name of a config in the daemon's directories.
    Named(String),
    /// The text itself.
    Posted(String),
}

impl ConfigSource {
    /// The config's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Posted(_) => "posted",
        }
    }

    /// Opens the config.
    pub(crate) fn open(&self, daemon: &Daemon) -> Result<ConfigFile, ApiError> {
        match self {
            Self::Named(name) => open(daemon, name),
            Self::Posted(text) => Ok(posted(text, &daemon.dirs)),
        }
    }
}

impl ConfigChoice {
    /// From the fields of a body.
    pub(crate) fn new(body: ConfigBody) -> Result<Self, ApiError> {
        let ConfigBody { config, text, class, args } = body;
        let source = match (config, text) {
            (Some(name), None) => ConfigSource::Named(name),
            (None, Some(text)) => ConfigSource::Posted(text),
            _ => return Err(ApiError::invalid("give either config, a name, or text, a config itself")),
        };
        Ok(Self { source, class, args, is_operators: false })
    }

    /// The arguments without passwords in URLs, as an object.
    pub(crate) fn shown_args(&self) -> serde_json::Value {
        let shown = serde_json::from_str(&without_passwords(&self.args.to_string()));
        shown.ok().filter(serde_json::Value::is_object).unwrap_or_else(|| serde_json::json!({}))
    }

    /// Leaves out what a client may not decide on: the server that gets the operator's secrets, unless it stands in one of the
    /// operator's own files as it is. That is a warning.
    pub(crate) fn leave_out_servers(&self, loaded: &mut LoadedConfig) {
        let defaults = &mut loaded.plan.defaults;
        let is_in_file = matches!(self.source, ConfigSource::Named(_)) && defaults.is_pushgateway_url_fixed;
        if !self.is_operators && !is_in_file && defaults.pushgateway_url.take().is_some() {
            loaded.warnings.push(
                "pushgateway_url is left out: a run that a client creates goes to the outputs that promemu was started with"
                    .to_owned(),
            );
        }
    }

    /// The options to load the class for a run of this id that starts at this time, until it is asked to stop.
    pub(crate) fn load_options(
        &self,
        daemon: &Daemon,
        run_id: &str,
        started_at: Time,
        stop: &Stop,
    ) -> Result<LoadOptions, ApiError> {
        let arguments = read_args(&self.args)?;
        let (class, run_id, series_max) = (self.class.clone(), run_id.to_owned(), daemon.series_max);
        let (author, stop) = (Author::Client, stop.clone());
        let memory_max = match self.source {
            ConfigSource::Named(_) => daemon.memory_max,
            ConfigSource::Posted(_) => daemon.memory_max.min(POSTED_MEMORY_MAX),
        };
        Ok(LoadOptions {
            class,
            arguments,
            author,
            started_at,
            run_id,
            series_max,
            memory_max,
            no_faults: false,
            replays: None,
            stop,
        })
    }
}

/// The config of a client's text, which includes files of these directories alone.
pub(crate) fn posted(text: &str, dirs: &ConfigDirs) -> ConfigFile {
    ConfigFile::from_text("posted", text).by(Author::Client).within(dirs)
}

/// Opens the config of this name. Only the main run's config may be a path.
pub(crate) fn open(daemon: &Daemon, name: &str) -> Result<ConfigFile, ApiError> {
    let is_name_char = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if let Some(main) = daemon.main_config.as_deref().filter(|main| *main == name) {
        return Ok(daemon.dirs.open(main)?);
    }
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(is_name_char) {
        return Err(ApiError::UnknownConfig(name.chars().take(SHOWN_CHARS_MAX).collect()));
    }
    Ok(daemon.dirs.open(name)?)
}

/// Reads arguments: an object of values and lists of them, or null.
pub(crate) fn read_args(args: &serde_json::Value) -> Result<IndexMap<String, Value>, ApiError> {
    let refused = |name: &str| {
        let shown: String = name.chars().take(SHOWN_CHARS_MAX).collect();
        ApiError::invalid(format!(
            "argument {shown:?} takes a text, a number, true, false, or a list of them"
        ))
    };
    match args {
        serde_json::Value::Null => Ok(IndexMap::new()),
        serde_json::Value::Object(args) => {
            let pair = |(name, value): (&String, &serde_json::Value)| {
                Ok((name.clone(), read_value(value).ok_or_else(|| refused(name))?))
            };
            args.iter().map(pair).collect()
        }
        _ => Err(ApiError::invalid("args is an object, as in {\"hosts_count\": 5}")),
    }
}

fn read_value(value: &serde_json::Value) -> Option<Value> {
    Some(match value {
        serde_json::Value::Bool(is_true) => Value::Bool(*is_true),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64()?),
        },
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(items) => {
            let is_flat = items.iter().all(|item| !item.is_array());
            let items = items.iter().filter(|_| is_flat).map(read_value).collect::<Option<Vec<_>>>()?;
            if is_flat { Value::List(items) } else { return None }
        }
        serde_json::Value::Null | serde_json::Value::Object(_) => return None,
    })
}
