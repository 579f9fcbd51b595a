//! The flags of `promemu ctl`.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum, ValueHint};

/// What a daemon is asked.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  promemu ctl status\n  promemu ctl emit load_peak_start\n  promemu ctl override worker-01 cpu_usage_percent 99 --for 2m"
)]
pub(crate) struct CtlArgs {
    /// What to do
    #[arg(value_enum)]
    pub(crate) action: CtlAction,

    /// Whom or what it is about: names of hosts, metrics, events, configs or runs, as the action needs them
    pub(crate) words: Vec<String>,

    /// Where the API is
    #[arg(long, env = "PME_URL", value_name = "URL", default_value = "http://127.0.0.1:8000", value_hint = ValueHint::Url)]
    pub(crate) url: String,

    /// Print the answer as JSON, as it is
    #[arg(long, env = "PME_CTL_JSON", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) json: bool,

    /// The run that is meant [default: main]
    #[arg(long, env = "PME_CTL_RUN", value_name = "ID")]
    pub(crate) run: Option<String>,

    /// Only what has this in its name; of hosts, in a label's value, too
    #[arg(long, env = "PME_CTL_SEARCH", value_name = "TEXT")]
    pub(crate) search: Option<String>,

    /// Only hosts of this job
    #[arg(long, env = "PME_CTL_JOB", value_name = "JOB")]
    pub(crate) job: Option<String>,

    /// Only hosts that are waiting, running, stopped or ended
    #[arg(long, env = "PME_CTL_STATE", value_name = "STATE")]
    pub(crate) state: Option<String>,

    /// How many hosts or metrics are left out at the beginning
    #[arg(long, env = "PME_CTL_OFFSET", value_name = "NUMBER", default_value_t = 0)]
    pub(crate) offset: usize,

    /// How many hosts or metrics are listed, 500 at most
    #[arg(long, env = "PME_CTL_LIMIT", value_name = "NUMBER", default_value_t = 50)]
    pub(crate) limit: usize,

    /// Print events as they happen
    #[arg(long, env = "PME_CTL_FOLLOW", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) follow: bool,

    /// What an event carries, as JSON
    #[arg(long, env = "PME_CTL_DATA", value_name = "JSON")]
    pub(crate) data: Option<String>,

    /// As whose event: api, or a host [default: api]
    #[arg(long, env = "PME_CTL_SOURCE", value_name = "NAME")]
    pub(crate) source: Option<String>,

    /// For how much emulated time, as in 2m [default: until it is released]
    #[arg(long = "for", env = "PME_CTL_FOR", value_name = "DURATION")]
    pub(crate) span: Option<String>,

    /// A counter may fall
    #[arg(long, env = "PME_CTL_ALLOW_RESET", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) allow_reset: bool,

    /// The host that a new one is like
    #[arg(long, env = "PME_CTL_LIKE", value_name = "HOST")]
    pub(crate) like: Option<String>,

    /// A label of a new host, to be given several times; the variable takes them separated by blanks
    #[arg(long, env = "PME_CTL_LABEL", value_name = "NAME=VALUE", value_delimiter = ' ')]
    pub(crate) label: Vec<String>,

    /// How long a new host lives, as in 15m [default: as long as the one that it is like]
    #[arg(long, env = "PME_CTL_TTL", value_name = "DURATION")]
    pub(crate) ttl: Option<String>,

    /// The name of a new run [default: made up]
    #[arg(long, env = "PME_CTL_ID", value_name = "ID")]
    pub(crate) id: Option<String>,

    /// When a new run ends, in emulated time, as in 10m [default: when all hosts are over]
    #[arg(long = "lasting", env = "PME_CTL_LASTING", value_name = "DURATION")]
    pub(crate) lasting: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CtlAction {
    /// What the run is doing
    Status,
    /// The hosts
    Hosts,
    /// HOST: one host and its metrics
    Host,
    /// The families of metrics
    Metrics,
    /// The events that hosts listen to; with --follow all as they happen
    Events,
    /// EVENT: lets an event happen
    Emit,
    /// HOST METRIC VALUE: lets a metric show a value
    Override,
    /// HOST METRIC: lets it show again what its scenario says
    Release,
    /// What metrics show by order
    Overrides,
    /// HOST: ends a host
    Stop,
    /// HOST: starts it anew
    Start,
    /// NAME --like HOST: adds a host
    Add,
    /// HOST: removes a host
    Remove,
    /// The configs that the daemon knows
    Configs,
    /// FILE: whether the daemon could run it
    Check,
    /// The runs
    Runs,
    /// CONFIG: makes a run and starts it; a config is a name, or a .ron file here
    Create,
    /// ID: one run, and its result
    Show,
    /// ID: stops a run
    End,
    /// ID: forgets a run that is over
    Delete,
}

/// A file of the machine that ctl runs on, and no name.
pub(crate) fn as_file(word: &str) -> Option<PathBuf> {
    let path = PathBuf::from(word);
    path.extension().is_some_and(|extension| extension == "ron").then_some(path)
}
