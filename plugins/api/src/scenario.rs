//! The trait of scenarios.

use crate::abi::Param;
use crate::{Params, Refused, Tick};

/// Computes the values of one metric. Each metric has an instance of its own.
pub trait Scenario: Send + Sized + 'static {
    /// Name in configs: a letter or `_`, then letters, digits and `_`.
    const NAME: &'static str;
    /// One line on its purpose.
    const SUMMARY: &'static str;
    /// Its parameters.
    const PARAMS: &'static [Param] = &[];
    /// Events that cause an update, separated by commas: `event` from any host, `event@own`, `event@HOST`.
    const LISTENS: &'static str = "";
    /// Events that it may emit, separated by commas.
    const EMITS: &'static str = "";
    /// `true` if its values are totals, which a counter shows as they are; otherwise a counter adds them.
    const GIVES_TOTALS: bool = false;
    /// `true` if it reads [`Tick::dt_secs`].
    const USES_DT: bool = false;

    /// Creates the state of one metric. [`Params::refuse`] says which parameter is wrong and how; that is reported when a
    /// config is loaded, at the parameter's place.
    fn new(params: &Params<'_>) -> Result<Self, Refused>;

    /// The new value, or `None` to keep the current one. After an error the metric keeps its value, and the next update
    /// follows as usual.
    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String>;
}
