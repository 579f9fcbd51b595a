//! The flags of `promemu dashboard`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::words::ArgumentWords;

/// Contents and target of a dashboard.
#[derive(Debug, Args)]
pub(crate) struct DashboardArgs {
    /// The config: a name (--list-configs shows them), or the path of a .ron file [default: none, promemu's own metrics]
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) words: ArgumentWords,

    /// One host in detail, which the viewer selects
    #[arg(long, env = "PME_DASHBOARD_ONE_HOST")]
    pub(crate) one_host: bool,

    /// One line for each value of this label, as in name or zone [default: each series; of more than 50, their range]
    #[arg(long, env = "PME_DASHBOARD_BY", value_name = "LABEL")]
    pub(crate) by: Option<String>,

    /// The dashboard's title [default: the config's name]
    #[arg(long, env = "PME_DASHBOARD_TITLE", value_name = "TITLE")]
    pub(crate) title: Option<String>,

    /// The address of the run's live page, to which the dashboard links
    #[arg(
        long,
        env = "PME_DASHBOARD_PAGE_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8000/"
    )]
    pub(crate) page_url: String,

    /// Alert rules whose limits the panels mark: a file, a folder, or a pattern as in rules/*.yml; may be repeated
    #[arg(long, env = "PME_DASHBOARD_RULES", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rules: Vec<String>,

    /// The file to write [default: none, it is printed]
    #[arg(short, long, env = "PME_DASHBOARD_OUT", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}
