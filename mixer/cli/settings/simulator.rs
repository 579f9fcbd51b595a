//! The variables of a process simulator, without promemu's prefix. They hold for the config `processes` alone: most set its
//! arguments, below those of promemu, and `AUTO_START` says whether the run starts or waits for a client's request.

use indexmap::IndexMap;
use promemu_core::config::ConfigFile;
use promemu_core::error::Error;

use crate::args::Cli;

/// The config that they hold for.
const CONFIG: &str = "processes";
/// Those that set the argument of the same name.
const ARGUMENTS: [&str; 5] = ["PROFILE", "PROCESS_COUNT", ENABLE_CHAOS, "DURATION", "TARGET_HOST"];
const ENABLE_CHAOS: &str = "ENABLE_CHAOS";
const AUTO_START: &str = "AUTO_START";

/// The variables that are set, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct SimulatorVariables(IndexMap<&'static str, String>);

impl SimulatorVariables {
    /// Those of the environment; empty ones count as not set.
    pub(super) fn of_environment() -> Self {
        let set =
            |name: &'static str| Some((name, std::env::var(name).ok().filter(|text| !text.is_empty())?));
        Self(ARGUMENTS.into_iter().chain([AUTO_START]).filter_map(set).collect())
    }

    /// The arguments that they set for a config: names in capitals, and texts.
    pub(super) fn arguments(&self, file: &ConfigFile) -> impl Iterator<Item = (&str, &str)> {
        let is_theirs = file.name() == CONFIG;
        let arguments = self.0.iter().filter(move |(name, _)| is_theirs && **name != AUTO_START);
        arguments.map(|(name, text)| match switch(text) {
            Some(is_on) if *name == ENABLE_CHAOS => (*name, if is_on { "true" } else { "false" }),
            _ => (*name, text.as_str()),
        })
    }

    /// `true` to start the main run in a daemon, `false` to let it wait there; `None` for a run without one.
    pub(super) fn auto_start(&self, cli: &Cli) -> Result<Option<bool>, Error> {
        let Some(text) = self.0.get(AUTO_START).filter(|_| cli.config.as_deref() == Some(CONFIG)) else {
            return Ok(None);
        };
        let wrong = || Error::Usage(format!("{AUTO_START} must be true or false, but is {text:?}"));
        switch(text).map(Some).ok_or_else(wrong)
    }
}

/// The value of a switch, as promemu's own variables have it.
fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}
