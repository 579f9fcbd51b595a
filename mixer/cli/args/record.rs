//! The flags of `promemu record`, and its actions.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Sources, range and folder of a recording.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  promemu record --scrape http://127.0.0.1:8080 --for 10m --interval 5s --out shop\n  promemu record --remote-read http://127.0.0.1:9090 --match '{job=\"shop\"}' --from -1d --out shop\n  promemu record action scale --target shop --value 3 --out shop"
)]
pub(crate) struct RecordArgs {
    #[command(subcommand)]
    pub(crate) action: Option<RecordAction>,

    /// Exporters to scrape, separated by commas, with options as of an output behind them; may be repeated
    #[arg(long, env = "PME_RECORD_SCRAPE", value_name = "URL[,URL][,KEY=VALUE]", hide_env_values = true)]
    pub(crate) scrape: Vec<String>,

    /// A server that lists exporters to scrape, in Prometheus' format of service discovery by HTTP; may be repeated
    #[arg(long, env = "PME_RECORD_HTTP_SD", value_name = "URL[,KEY=VALUE]", hide_env_values = true)]
    pub(crate) http_sd: Vec<String>,

    /// The API of a Kubernetes, by a kubeconfig, or in-cluster for a pod's own: pods, replica sets, nodes, what metrics-server measures, and pods to scrape
    #[arg(long, env = "PME_RECORD_KUBERNETES", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) kubernetes: Option<String>,

    /// A Prometheus whose samples are read as they are stored
    #[arg(long, env = "PME_RECORD_REMOTE_READ", value_name = "URL[,KEY=VALUE]", hide_env_values = true)]
    pub(crate) remote_read: Option<String>,

    /// A Prometheus without remote read: its range queries, whose samples are at multiples of --step
    #[arg(long, env = "PME_RECORD_QUERY", value_name = "URL[,KEY=VALUE]", hide_env_values = true)]
    pub(crate) query: Option<String>,

    /// The data folder of a Prometheus, or one of its blocks
    #[arg(long, env = "PME_RECORD_BLOCKS", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) blocks: Option<PathBuf>,

    /// The output of promtool tsdb dump, or - for standard input
    #[arg(long, env = "PME_RECORD_DUMP", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) dump: Option<PathBuf>,

    /// Take remote write at this address, at /api/v1/write
    #[arg(long, env = "PME_RECORD_LISTEN_REMOTE_WRITE", value_name = "HOST:PORT")]
    pub(crate) listen_remote_write: Option<String>,

    /// Take OTLP over HTTP at this address, at /v1/metrics
    #[arg(long, env = "PME_RECORD_LISTEN_OTLP", value_name = "HOST:PORT")]
    pub(crate) listen_otlp: Option<String>,

    /// A file of several sources, in RON
    #[arg(long, env = "PME_RECORD_SOURCES", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) sources: Option<PathBuf>,

    /// The folder of the recording; one that is there is gone on with
    #[arg(short, long, env = "PME_RECORD_OUT", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,

    /// Record only the series of this selector; may be repeated
    #[arg(long = "match", env = "PME_RECORD_MATCH", value_name = "SELECTOR")]
    pub(crate) selectors: Vec<String>,

    /// Record only the series of a selection that ships: application, kubernetes; separated by commas
    #[arg(long, env = "PME_RECORD_SELECT", value_name = "NAME", value_delimiter = ',')]
    pub(crate) select: Vec<String>,

    /// Name of the source in the recording, and the label job of scrapes [default: its kind]
    #[arg(long, env = "PME_RECORD_NAME", value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Live sources: end after this time [default: at a signal]; stored ones: the range before --to, or after --from [default: 1h]
    #[arg(long = "for", env = "PME_RECORD_FOR", value_name = "DURATION")]
    pub(crate) length: Option<String>,

    /// Stored sources: the start, in UTC, as in 2026-01-05T00:00:00Z, or before now, as in -1d [default: --for before --to]
    #[arg(long, env = "PME_RECORD_FROM", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,

    /// Stored sources: the end, as --from [default: now]
    #[arg(long, env = "PME_RECORD_TO", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,

    /// From one scrape to the next
    #[arg(long, env = "PME_RECORD_INTERVAL", value_name = "DURATION", default_value = "15s")]
    pub(crate) interval: String,

    /// From one moment of a range query to the next
    #[arg(long, env = "PME_RECORD_STEP", value_name = "DURATION", default_value = "15s")]
    pub(crate) step: String,

    /// Timeout of a scrape, which is the interval at most, and the longest silence of a Prometheus [default: 10s for scrapes, 2m otherwise]
    #[arg(long, env = "PME_RECORD_TIMEOUT", value_name = "DURATION")]
    pub(crate) timeout: Option<String>,

    /// Number of attempts after a request to a Prometheus that failed
    #[arg(long, env = "PME_RECORD_RETRIES", value_name = "NUMBER", default_value_t = 5)]
    pub(crate) retries: u32,

    /// Read at most so many bytes in a second from a Prometheus, as in 1MiB [default: as many as come]
    #[arg(long, env = "PME_RECORD_BANDWIDTH", value_name = "SIZE")]
    pub(crate) bandwidth: Option<String>,

    /// Length of a slice, which is written as a whole [default: 1m of live sources, 1h of stored ones]
    #[arg(long, env = "PME_RECORD_SLICE", value_name = "DURATION")]
    pub(crate) slice: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RecordAction {
    /// Note what was done to the recorded system; the recorder may go on meanwhile
    #[command(
        after_help = "Examples:\n  promemu record action scale --target shop --value 3 --out shop\n  promemu record action --truth-file truth.jsonl --out shop\n  promemu record action --from-grafana http://127.0.0.1:3000,bearer_file=token --out shop\n  promemu record action --from-alertmanager http://127.0.0.1:9093 --out shop"
    )]
    Action(ActionArgs),
}

/// An action, or a file of them.
#[derive(Debug, Args)]
pub(crate) struct ActionArgs {
    /// Its name, as in scale or restart
    pub(crate) name: Option<String>,

    /// The part of the system that it was done to [default: all of it]
    #[arg(long, env = "PME_RECORD_ACTION_TARGET", value_name = "NAME")]
    pub(crate) target: Option<String>,

    /// Its strength, a number [default: none]
    #[arg(long, env = "PME_RECORD_ACTION_VALUE", value_name = "NUMBER", allow_hyphen_values = true)]
    pub(crate) value: Option<f64>,

    /// Its time, in UTC, as in 2026-01-05T00:00:00Z, or before now, as in -5m [default: now]
    #[arg(long, env = "PME_RECORD_ACTION_AT", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,

    /// Its end, as --at [default: none]
    #[arg(long, env = "PME_RECORD_ACTION_UNTIL", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,

    /// The ground truth that a run wrote with --truth, whose phases and faults become actions
    #[arg(long, env = "PME_RECORD_ACTION_TRUTH_FILE", value_name = "FILE", conflicts_with_all = ["name", "target", "value", "at", "until"], value_hint = ValueHint::FilePath)]
    pub(crate) truth_file: Option<PathBuf>,

    /// A Grafana whose annotations in the time of the recording become actions
    #[arg(long, env = "PME_RECORD_ACTION_FROM_GRAFANA", value_name = "URL[,KEY=VALUE]", hide_env_values = true, conflicts_with_all = ["name", "target", "value", "at", "until", "truth_file"])]
    pub(crate) from_grafana: Option<String>,

    /// An Alertmanager whose alerts become actions, and end with the command that does not see them any more
    #[arg(long, env = "PME_RECORD_ACTION_FROM_ALERTMANAGER", value_name = "URL[,KEY=VALUE]", hide_env_values = true, conflicts_with_all = ["name", "target", "value", "at", "until", "truth_file", "from_grafana"])]
    pub(crate) from_alertmanager: Option<String>,

    /// The folder of the recording
    #[arg(short, long, env = "PME_RECORD_OUT", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}
