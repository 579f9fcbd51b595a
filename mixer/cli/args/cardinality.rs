//! The flags of `promemu cardinality`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// The Prometheus to look at, and the budgets of its series.
#[derive(Debug, Args)]
pub(crate) struct CardinalityArgs {
    /// The address of the Prometheus, as URL[,KEY=VALUE] with the options of --output for credentials
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) url: String,

    /// Number of metrics, labels and values that are listed
    #[arg(long, env = "PME_CARDINALITY_TOP", value_name = "NUMBER", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) top: u16,

    /// The most series of all metrics together
    #[arg(long, env = "PME_CARDINALITY_TOTAL", value_name = "NUMBER", default_value = "1000000")]
    pub(crate) total: u64,

    /// The most series of one metric name
    #[arg(long, env = "PME_CARDINALITY_EACH", value_name = "NUMBER", default_value = "10000")]
    pub(crate) each: u64,

    /// Count the series that a selector matches, as in '{job="api"}', by queries [default: all that Prometheus has in memory]
    #[arg(long = "match", env = "PME_CARDINALITY_MATCH", value_name = "SELECTOR")]
    pub(crate) selector: Option<String>,

    /// Count the series at this time, as in 2026-01-05T08:00Z or -1h, by queries [default: now]
    #[arg(long, env = "PME_CARDINALITY_AT", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,

    /// A file that keeps the last look, for the growth since then [default: none]
    #[arg(long, env = "PME_CARDINALITY_STATE", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) state: Option<PathBuf>,

    /// Look again and again, with a line for each look, until a budget is exceeded
    #[arg(long, env = "PME_CARDINALITY_WATCH")]
    pub(crate) watch: bool,

    /// Time between two looks of --watch
    #[arg(long, env = "PME_CARDINALITY_INTERVAL", value_name = "DURATION", default_value = "1m")]
    pub(crate) interval: String,

    /// Number of looks of --watch [default: no end]
    #[arg(long, env = "PME_CARDINALITY_LOOKS", value_name = "NUMBER", requires = "watch", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) looks: Option<u32>,

    /// Timeout of one question
    #[arg(long, env = "PME_CARDINALITY_TIMEOUT", value_name = "DURATION", default_value = "30s")]
    pub(crate) timeout: String,

    /// Print JSON; with --watch a line for each look
    #[arg(long, env = "PME_CARDINALITY_JSON")]
    pub(crate) json: bool,
}
