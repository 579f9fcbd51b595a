//! Configs that a plugin builds.

use crate::abi::Param;
use crate::{Params, Refused};

/// A config that is built on demand: `promemu run NAME …`.
pub trait ConfigBuilder {
    /// Name, as for [`crate::Scenario::NAME`].
    const NAME: &'static str;
    /// One line on its purpose.
    const SUMMARY: &'static str;
    /// Its arguments.
    const ARGS: &'static [Param] = &[];

    /// Text of a `.ron` file. The same arguments must give the same text.
    fn build(args: &Params<'_>) -> Result<String, Refused>;
}
