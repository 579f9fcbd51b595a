//! Scenarios, as a plugin writes them.

use crate::abi::Param;
use crate::{Params, Tick};

/// What makes a metric's values. Each metric has one of its own.
pub trait Scenario: Send + Sized + 'static {
    /// The name in configs: a letter or `_`, then letters, digits and `_`.
    const NAME: &'static str;
    /// What it does, in one line.
    const SUMMARY: &'static str;
    /// Its parameters.
    const PARAMS: &'static [Param] = &[];
    /// The events that ask it for a value, separated by commas: `event` from any host, `event@own`, `event@HOST`.
    const LISTENS: &'static str = "";
    /// The events that it may emit, separated by commas.
    const EMITS: &'static str = "";
    /// Whether its values are totals, which a counter takes as they are, and not levels to be added.
    const GIVES_TOTALS: bool = false;
    /// Whether it asks for [`Tick::dt_secs`].
    const USES_DT: bool = false;

    /// The state of one metric. An error says which parameter is wrong and how; it is told when a config is loaded.
    fn new(params: &Params<'_>) -> Result<Self, String>;

    /// The new value, or `None` to keep the present one. An error says why there is none; it costs this update and
    /// nothing else.
    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String>;
}
