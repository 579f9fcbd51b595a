//! Configs: what there is, and whether a text is one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{Answer, ApiError, ErrorBody};
use super::runs::Source;
use super::{AppState, Daemon, blocking};
use promemu_core::config::{Argument, ClassSummary, ConfigFile, LoadOptions};
use promemu_core::error::{ConfigError, Problem, Severity, Sources};
use promemu_core::expression::Value;
use promemu_run::clock::wall_now;

/// Something about a config.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemView {
    /// `error` or `warning`.
    severity: &'static str,
    file: String,
    /// From 1.
    line: Option<usize>,
    /// In characters, from 1.
    column: Option<usize>,
    message: String,
}

impl ProblemView {
    pub(super) fn of(problem: &Problem, sources: &Sources) -> Self {
        let place = problem.place(sources);
        Self {
            severity: if problem.severity == Severity::Error { "error" } else { "warning" },
            file: place.as_ref().map_or(sources.name(), |place| place.file).to_owned(),
            line: place.as_ref().map(|place| place.line),
            column: place.as_ref().map(|place| place.column),
            message: problem.message.clone(),
        }
    }

    fn warning(message: String) -> Self {
        Self { severity: "warning", file: String::new(), line: None, column: None, message }
    }
}

/// All configs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfigsView {
    configs: Vec<ConfigView>,
}

/// One config.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfigView {
    pub(super) name: String,
    /// Why it cannot be used.
    pub(super) error: Option<String>,
    pub(super) classes: Vec<ClassView>,
    /// The config itself; null in lists, and if a plugin makes it.
    pub(super) text: Option<String>,
    /// Its file; null if it has none.
    pub(super) path: Option<String>,
    /// What is wrong with it; of a run's config only.
    pub(super) problems: Vec<ProblemView>,
}

/// One class of a config.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClassView {
    /// Empty in a file that holds one config.
    name: String,
    description: String,
    arguments: Vec<ArgumentView>,
}

/// An argument of a class.
#[derive(Debug, Serialize, ToSchema)]
struct ArgumentView {
    name: String,
    default: String,
    /// What it takes, in words.
    takes: String,
    /// The only values that it takes, if they are so few.
    choices: Vec<String>,
    help: String,
}

/// A config to check. Either `config` or `text` is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToCheck {
    /// The name of a config.
    config: Option<String>,
    /// The text of a config.
    text: Option<String>,
    class: Option<String>,
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    args: serde_json::Value,
}

/// What came of a check.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Checked {
    valid: bool,
    pub(super) problems: Vec<ProblemView>,
    hosts: Option<usize>,
    jobs: Option<usize>,
    series: Option<usize>,
}

/// The configs that there are.
#[utoipa::path(get, path = "/api/v1/configs", tag = "configs",
    responses((status = 200, body = ConfigsView), (status = "default", body = ErrorBody)))]
pub(super) async fn configs(State(desk): State<Arc<AppState>>) -> Answer<ConfigsView> {
    let listed = blocking(&desk, |desk| desk.daemon.dirs.list()).await?;
    let view = |summary: promemu_core::config::ConfigSummary| {
        let (classes, error) = match summary.classes {
            Ok(classes) => (classes, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let classes = classes.into_iter().map(class_view).collect();
        let (text, path, problems) = (None, None, Vec::new());
        ConfigView { name: summary.name, error, classes, text, path, problems }
    };
    Ok(Json(ConfigsView { configs: listed.into_iter().map(view).collect() }))
}

/// One config, with its text.
#[utoipa::path(get, path = "/api/v1/configs/{name}", tag = "configs", params(("name" = String, Path)),
    responses((status = 200, body = ConfigView), (status = "default", body = ErrorBody)))]
pub(super) async fn config(
    State(desk): State<Arc<AppState>>,
    Path(name): Path<String>,
) -> Answer<ConfigView> {
    let view = blocking(&desk, move |desk| {
        let file = open(&desk.daemon, &name)?;
        Ok::<_, ApiError>(config_view(&name, &file))
    });
    Ok(Json(view.await??))
}

/// Whether a config is good; all that is wrong with it, with line and column.
#[utoipa::path(post, path = "/api/v1/configs/check", tag = "configs", request_body = ToCheck,
    responses((status = 200, body = Checked), (status = "default", body = ErrorBody)))]
pub(super) async fn check(State(desk): State<Arc<AppState>>, Json(given): Json<ToCheck>) -> Answer<Checked> {
    let source = match (given.config, given.text) {
        (Some(name), None) => Source::Named(name),
        (None, Some(text)) => Source::Posted(text),
        _ => return Err(ApiError::invalid("give either config, a name, or text, a config itself")),
    };
    let outcome = blocking(&desk, move |desk| {
        let file = desk.file_of(&source)?;
        checked(desk, &file, given.class, &given.args)
    });
    Ok(Json(outcome.await??))
}

/// The config called so; no path of a file.
pub(super) fn open(daemon: &Daemon, name: &str) -> Result<ConfigFile, ApiError> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if let Some(own) = daemon.main_config.as_deref().filter(|own| *own == name) {
        return daemon.dirs.open(own).map_err(|error| ApiError::config(&error));
    }
    if name.is_empty() || name.len() > 200 || !name.chars().all(is_name) {
        let shown: String = name.chars().take(100).collect();
        let told = format!("there is no config {shown:?}; /api/v1/configs lists them");
        return Err(ApiError::new(axum::http::StatusCode::NOT_FOUND, "unknown_config", told));
    }
    daemon.dirs.open(name).map_err(|error| ApiError::config(&error))
}

pub(super) fn config_view(name: &str, file: &ConfigFile) -> ConfigView {
    let (classes, error) = match file.classes() {
        Ok(classes) => (classes, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    ConfigView {
        name: name.to_owned(),
        error,
        classes: classes.into_iter().map(class_view).collect(),
        text: file.text().map(str::to_owned),
        path: file.source().map(|(path, _)| path.display().to_string()),
        problems: Vec::new(),
    }
}

fn class_view(class: ClassSummary) -> ClassView {
    let argument = |Argument { name, takes, choices, default, help }| ArgumentView {
        name,
        default,
        takes: String::from(takes),
        choices,
        help,
    };
    let arguments = class.arguments.into_iter().map(argument).collect();
    ClassView { name: class.name, description: class.description, arguments }
}

/// What is wrong with a class of a config, with these arguments.
pub(super) fn checked(
    desk: &AppState,
    file: &ConfigFile,
    class: Option<String>,
    args: &serde_json::Value,
) -> Result<Checked, ApiError> {
    let (arguments, series_max) = (read_args(args)?, desk.daemon.series_max);
    let options = LoadOptions { class, arguments, started_at: wall_now(), series_max };
    match file.plan(&options) {
        Ok(loaded) => Ok(Checked {
            valid: true,
            problems: loaded.warnings.into_iter().map(ProblemView::warning).collect(),
            hosts: Some(loaded.plan.hosts.len()),
            jobs: Some(loaded.plan.jobs.len()),
            series: Some(loaded.plan.series_count()),
        }),
        Err(ConfigError::Invalid { sources, problems }) => Ok(Checked {
            valid: false,
            problems: problems.iter().map(|problem| ProblemView::of(problem, &sources)).collect(),
            hosts: None,
            jobs: None,
            series: None,
        }),
        Err(error) => Err(ApiError::config(&error)),
    }
}

/// Arguments as JSON: an object of values and lists of them.
pub(super) fn read_args(args: &serde_json::Value) -> Result<IndexMap<String, Value>, ApiError> {
    let refused = |name: &str| {
        let shown: String = name.chars().take(100).collect();
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
        serde_json::Value::Bool(is_so) => Value::Bool(*is_so),
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
