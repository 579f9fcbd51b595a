//! `/api/v1/configs`: the daemon's configs, and the check of one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use promemu_core::config::{Argument, ClassSummary, ConfigFile, ConfigSummary};
use promemu_core::error::ConfigError;
use promemu_core::passwords::without_passwords;
use promemu_core::stop::Stop;
use promemu_run::clock::wall_now;

use crate::config_source::{ConfigBody, ConfigChoice, open};
use crate::daemon::Daemon;
use crate::error::{Answer, ApiError};
use crate::json_body::JsonBody;
use crate::problem::ProblemView;
use crate::runs::MAIN;
use crate::state::{AppState, blocking, blocking_until};

/// All configs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigsView {
    configs: Vec<ConfigView>,
}

/// One config.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigView {
    pub(crate) name: String,
    /// The error for which it cannot be loaded.
    pub(crate) error: Option<String>,
    pub(crate) classes: Vec<ClassView>,
    /// The text, without passwords in URLs; null in lists, and if a plugin makes the config.
    pub(crate) text: Option<String>,
    /// The file; null without one.
    pub(crate) path: Option<String>,
    /// Its problems; of a run's config only.
    pub(crate) problems: Vec<ProblemView>,
}

/// One class of a config.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClassView {
    /// The name; empty in a file that holds one config.
    name: String,
    description: String,
    arguments: Vec<ArgumentView>,
}

/// An argument of a class.
#[derive(Debug, Serialize, ToSchema)]
struct ArgumentView {
    name: String,
    default: String,
    /// The values that it takes, in words.
    takes: String,
    /// The values that it takes, if they are a choice.
    choices: Vec<String>,
    help: String,
}

/// A config to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckBody {
    #[serde(flatten)]
    pub(crate) config: ConfigBody,
}

/// The result of a check.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckResult {
    valid: bool,
    /// All problems; warnings only if it is valid.
    pub(crate) problems: Vec<ProblemView>,
    hosts: Option<usize>,
    jobs: Option<usize>,
    series: Option<usize>,
}

/// All configs of the daemon's directories.
///
/// Each with its classes and their arguments, or with the error for which it cannot be used. Texts are left out.
#[utoipa::path(get, path = "/api/v1/configs", tag = "configs",
    responses((status = 200, body = ConfigsView)))]
pub(crate) async fn configs(State(state): State<Arc<AppState>>) -> Answer<ConfigsView> {
    let listed = blocking(&state, |state| state.daemon().dirs.list()).await?;
    let view = |summary: ConfigSummary| {
        let (classes, error) = match summary.classes {
            Ok(classes) => (classes, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let classes = classes.into_iter().map(class_view).collect();
        let (text, path, problems) = (None, None, Vec::new());
        ConfigView { name: summary.name, error, classes, text, path, problems }
    };
    // A playlist is no config that a client can run.
    let configs = listed.into_iter().filter(|summary| !summary.is_playlist);
    Ok(Json(ConfigsView { configs: configs.map(view).collect() }))
}

/// One config, with its text.
///
/// With its classes, their arguments, and its text without passwords.
#[utoipa::path(get, path = "/api/v1/configs/{name}", tag = "configs",
    params(("name" = String, Path, description = "The config's name.", example = "single_host_load")),
    responses((status = 200, body = ConfigView)))]
pub(crate) async fn config(
    State(state): State<Arc<AppState>>,
    Path(name): Path<String>,
) -> Answer<ConfigView> {
    let view = blocking(&state, move |state| {
        let file = open(state.daemon(), &name)?;
        Ok::<_, ApiError>(config_view(&name, &file))
    });
    Ok(Json(view.await??))
}

/// Checks a config: all its problems, with line and column.
///
/// The answer to a config with errors is 200, too: `valid` is false then, and `problems` has each one. A config is
/// given by `config`, its name, or by `text`.
#[utoipa::path(post, path = "/api/v1/configs/check", tag = "configs",
    request_body(content = CheckBody,
        example = json!({ "text": "Config(hosts: [Host(name: \"web-1\", metrics: [Metric(name: \"load\")])])" })),
    responses((status = 200, body = CheckResult)))]
pub(crate) async fn check(
    State(state): State<Arc<AppState>>,
    JsonBody(body): JsonBody<CheckBody>,
) -> Answer<CheckResult> {
    let choice = ConfigChoice::new(body.config)?;
    let result = blocking_until(&state, move |state, stop| {
        let file = choice.source.open(state.daemon())?;
        check_file(state.daemon(), &file, &choice, stop)
    });
    Ok(Json(result.await??))
}

pub(crate) fn config_view(name: &str, file: &ConfigFile) -> ConfigView {
    let (classes, error) = match file.classes() {
        Ok(classes) => (classes, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    ConfigView {
        name: name.to_owned(),
        error,
        classes: classes.into_iter().map(class_view).collect(),
        text: file.text().map(without_passwords),
        path: file.source().map(|(path, _)| path.display().to_string()),
        problems: Vec::new(),
    }
}

fn class_view(class: ClassSummary) -> ClassView {
    let argument = |Argument { name, takes, choices, default, help }| ArgumentView {
        name,
        default: without_passwords(&default),
        takes: String::from(takes),
        choices,
        help,
    };
    let arguments = class.arguments.into_iter().map(argument).collect();
    ClassView { name: class.name, description: class.description, arguments }
}

/// Loads a class of an open config, and reports its problems.
pub(crate) fn check_file(
    daemon: &Daemon,
    file: &ConfigFile,
    choice: &ConfigChoice,
    stop: &Stop,
) -> Result<CheckResult, ApiError> {
    match file.plan(&choice.load_options(daemon, MAIN, wall_now(), stop)?) {
        Ok(mut loaded) => {
            choice.leave_out_servers(&mut loaded);
            Ok(CheckResult {
                valid: true,
                problems: loaded.warnings.into_iter().map(ProblemView::warning).collect(),
                hosts: Some(loaded.plan.hosts.len()),
                jobs: Some(loaded.plan.jobs.len()),
                series: Some(loaded.plan.series_count()),
            })
        }
        Err(ConfigError::Invalid { sources, problems }) => Ok(CheckResult {
            valid: false,
            problems: problems.iter().map(|problem| ProblemView::of(problem, &sources)).collect(),
            hosts: None,
            jobs: None,
            series: None,
        }),
        Err(error) => Err(error.into()),
    }
}
