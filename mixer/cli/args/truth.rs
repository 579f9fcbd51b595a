//! The flags of `promemu truth`.

use clap::Args;

use super::words::ArgumentWords;

/// The config and the length of a timetable.
#[derive(Debug, Args)]
pub(crate) struct TruthArgs {
    /// The config: a name, or the path of a .ron file
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) words: ArgumentWords,

    /// Length in emulated time, as in 15m [default: that of the timeline, or 1h of an endless one or of a config without]
    #[arg(long = "for", env = "PME_TRUTH_FOR", value_name = "DURATION")]
    pub(crate) span: Option<String>,
}
