//! Reasons for which there is no environment, or no step.

use promemu_core::error::{ConfigError, Error};
use promemu_core::timeline::LogFull;
use promemu_dynamics::container::ContainerError;

/// A reason for which there is no environment, or no step.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The description is wrong.
    #[error("environment cannot be used: {0}")]
    Spec(String),
    /// The config is wrong.
    #[error("config cannot be used: {}", .0)]
    Config(String),
    /// The model file cannot be read.
    #[error("model {path} cannot be read")]
    ModelFile {
        /// Its path.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The model file is damaged or something else.
    #[error("model {path} cannot be used")]
    Model {
        /// Its path.
        path: String,
        /// The cause.
        #[source]
        source: ContainerError,
    },
    /// The run failed.
    #[error(transparent)]
    Run(#[from] Error),
    /// Too many actions that still hold.
    #[error(transparent)]
    LogFull(#[from] LogFull),
    /// The call is wrong.
    #[error("{0}")]
    Usage(String),
}

impl From<ConfigError> for EnvironmentError {
    fn from(error: ConfigError) -> Self {
        Self::Config(Error::Config(error).with_causes())
    }
}

impl EnvironmentError {
    /// The error with its causes.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}
