//! The flags of `promemu plot`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::words::ArgumentWords;

/// Selection and target of the charts.
#[derive(Debug, Args)]
pub(crate) struct PlotArgs {
    /// The config: a name (--list-configs shows them), or the path of a .ron file
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) words: ArgumentWords,

    /// Only metrics whose name has a match of this regular expression, as in cpu or ^cpu_ [default: all]
    #[arg(long, env = "PME_PLOT_METRIC", value_name = "REGEX")]
    pub(crate) metric: Option<String>,

    /// Only hosts whose name has a match of this regular expression, as in web-0[1-3] [default: all]
    #[arg(long, env = "PME_PLOT_HOST", value_name = "REGEX")]
    pub(crate) host: Option<String>,

    /// Length in emulated time, as in 15m [default: the timeline, else 1h; or until the last host's ttl is over]
    #[arg(long = "for", env = "PME_PLOT_FOR", value_name = "DURATION")]
    pub(crate) span: Option<String>,

    /// The emulated start, as in 2026-01-05T08:00Z, or before now, as in -1d [default: this minute]
    #[arg(long, env = "PME_PLOT_AT", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,

    /// Time between two values of a curve [default: fits the width, 1s or longer]
    #[arg(long, env = "PME_PLOT_STEP", value_name = "DURATION")]
    pub(crate) step: Option<String>,

    /// A file to write the charts to, .svg or .png [default: none, they are printed]
    #[arg(short, long, env = "PME_PLOT_OUT", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}
