//! Bodies of requests without a server, for tests that give any: read as the routes read them.

use axum::Json;
use promemu_core::config::{Author, ConfigDirs, ConfigFile, LoadOptions};
use promemu_core::time::Time;
use serde::de::DeserializeOwned;

use crate::config_source::{ConfigChoice, ConfigSource, posted, read_args};
use crate::error::ApiError;
use crate::routes::actions::ActionBody;
use crate::routes::chaos::ChaosBody;
use crate::routes::configs::CheckBody;
use crate::routes::events::EventBody;
use crate::routes::hosts::HostBody;
use crate::routes::levers::LeverBody;
use crate::routes::overrides::OverrideBody;
use crate::routes::runs::RunBody;
use crate::routes::simulations::SimulationBody;
use crate::routes::timeline::{FaultBody, SkipBody};

/// The parts of a body that are carried out elsewhere.
#[derive(Debug, Default)]
pub struct Requested {
    /// Configs to load, with their options, by each route that takes one.
    pub configs: Vec<(ConfigFile, LoadOptions)>,
    /// An event: its name, its source and its data.
    pub event: Option<(String, Option<String>, serde_json::Value)>,
    /// The errors that clients would get.
    pub errors: Vec<String>,
}

/// Reads a body as each of the routes would.
#[must_use]
pub fn read(body: &[u8]) -> Requested {
    let mut requested = Requested::default();
    if let Some(body) = json::<RunBody>(body) {
        requested.add(body.request().and_then(|(request, _)| with_options(&request.config)));
    }
    if let Some(CheckBody { config }) = json(body) {
        requested.add(ConfigChoice::new(config).and_then(|choice| with_options(&choice)));
    }
    if let Some(EventBody { name, source, data }) = json(body) {
        requested.event = Some((name, source, data));
    }
    if let Some(body) = json::<SimulationBody>(body) {
        requested.add(body.request().and_then(|request| with_options(&request.config)));
    }
    if let Some(body) = json::<ChaosBody>(body) {
        for data in [body.cpu_spike(), body.memory_leak(), body.process_kill()] {
            requested.note(data);
        }
    }
    if let Some(body) = json::<ActionBody>(body) {
        requested.note(body.read());
    }
    // Their durations are read as those of actions.
    let _is_any = json::<HostBody>(body).is_some()
        | json::<LeverBody>(body).is_some()
        | json::<OverrideBody>(body).is_some()
        | json::<SkipBody>(body).is_some()
        | json::<FaultBody>(body).is_some();
    requested
}

impl Requested {
    fn add(&mut self, config: Result<Option<(ConfigFile, LoadOptions)>, ApiError>) {
        let config = self.note(config).flatten();
        self.configs.extend(config);
    }

    fn note<T>(&mut self, read: Result<T, ApiError>) -> Option<T> {
        read.map_err(|error| self.errors.push(error.to_string())).ok()
    }
}

/// The body as its route's extractor reads it.
fn json<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    Json::from_bytes(body).ok().map(|Json(body)| body)
}

/// The config of a choice, if it is a text.
fn with_options(choice: &ConfigChoice) -> Result<Option<(ConfigFile, LoadOptions)>, ApiError> {
    let arguments = read_args(&choice.args)?;
    let ConfigSource::Posted(text) = &choice.source else { return Ok(None) };
    let options = LoadOptions {
        class: choice.class.clone(),
        arguments,
        author: Author::Client,
        ..LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))
    };
    Ok(Some((posted(text, &ConfigDirs::new(None)), options)))
}
