//! Configs that a plugin makes.

use crate::Params;
use crate::abi::Param;

/// A config that is made when it is asked for: `promemu --config NAME --config-args …`.
pub trait ConfigBuilder {
    /// The name, as for [`crate::Scenario::NAME`].
    const NAME: &'static str;
    /// What it is, in one line.
    const SUMMARY: &'static str;
    /// Its arguments.
    const ARGS: &'static [Param] = &[];

    /// The text of a `.ron` file. The same arguments must give the same text.
    fn build(args: &Params<'_>) -> Result<String, String>;
}
