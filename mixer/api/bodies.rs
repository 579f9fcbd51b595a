//! Bodies of requests without a server, for tests that give any: read as the routes read them.

use promemu_core::config::{Author, ConfigDirs, ConfigFile, LoadOptions};
use promemu_core::time::Time;
use serde::de::DeserializeOwned;

use crate::config_source::{ConfigChoice, ConfigSource, read_args};
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
        let config = body.request().and_then(|(request, _)| posted(&request.config));
        requested.add(config);
    }
    if let Some(CheckBody { config }) = json(body) {
        requested.add(ConfigChoice::new(config).and_then(|choice| posted(&choice)));
    }
    if let Some(EventBody { name, source, data }) = json(body) {
        requested.event = Some((name, source, data));
    }
    if let Some(body) = json::<ChaosBody>(body) {
        requested.errors.extend(body.filter_and_duration().err().map(|error| error.to_string()));
        requested.errors.extend(body.intensity().err().map(|error| error.to_string()));
    }
    // These have no more to read than their fields.
    let _is_any = json::<ActionBody>(body).is_some()
        | json::<HostBody>(body).is_some()
        | json::<LeverBody>(body).is_some()
        | json::<OverrideBody>(body).is_some()
        | json::<SimulationBody>(body).is_some();
    requested
}

impl Requested {
    fn add(&mut self, config: Result<Option<(ConfigFile, LoadOptions)>, ApiError>) {
        match config {
            Ok(config) => self.configs.extend(config),
            Err(error) => self.errors.push(error.to_string()),
        }
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

/// The config of a choice, if it is a text.
fn posted(choice: &ConfigChoice) -> Result<Option<(ConfigFile, LoadOptions)>, ApiError> {
    let ConfigSource::Posted(text) = &choice.source else { return Ok(None) };
    let file = ConfigFile::from_text("posted", text).by(Author::Client).within(&ConfigDirs::new(None));
    let options = LoadOptions {
        class: choice.class.clone(),
        arguments: read_args(&choice.args)?,
        author: Author::Client,
        ..LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))
    };
    Ok(Some((file, options)))
}
