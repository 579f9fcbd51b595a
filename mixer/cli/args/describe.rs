//! The flags of `promemu describe`.

use clap::Args;

use super::words::ArgumentWords;

/// A config to describe, or none for the language of configs.
#[derive(Debug, Args)]
pub(crate) struct DescribeArgs {
    /// The config: a name (--list-configs shows them), or the path of a .ron file [default: none; with --json all fields, scenarios and flags]
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) words: ArgumentWords,

    /// Print the description as JSON, for editors and scripts
    #[arg(long, env = "PME_DESCRIBE_JSON")]
    pub(crate) json: bool,
}
