//! The program's own flags, and its commands. A flag of several commands is global here.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use promemu_core::config::DEFAULT_SERIES_MAX;

use super::cardinality::CardinalityArgs;
use super::ctl::CtlArgs;
use super::dashboard::DashboardArgs;
use super::data::DataArgs;
use super::describe::DescribeArgs;
use super::export::ExportArgs;
use super::fit::FitArgs;
use super::models::ModelsArgs;
use super::new::NewArgs;
use super::pipeline::PipelineArgs;
use super::plot::PlotArgs;
use super::proxy::ProxyArgs;
use super::record::RecordArgs;
use super::run::RunArgs;
use super::store::StoreArgs;
use super::test::TestArgs;
use super::truth::TruthArgs;
use super::validate::ValidateArgs;
use crate::version;

/// Emulates hosts with metrics: pushes them to a Prometheus Pushgateway, serves them for a scrape, or writes them to a database (remote write, OTLP) or a file; one run can do several of these.
///
/// A flag overrides its variable, a variable the config file, and that the default.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Debug, Parser)]
#[command(name = "promemu", version, long_version = version::long(), max_term_width = 100, args_override_self = true)]
#[command(
    after_help = "Start with:\n  promemu --list-configs\n  promemu new shop\n  promemu run hosts_load_with_peaks hosts_count=5 --embedded"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The config to run: a name (--list-configs shows them), the path of a .ron file, or - for standard input
    #[arg(long, env = "PME_CONFIG", value_name = "NAME", global = true)]
    pub(crate) config: Option<String>,

    /// The class to use from a config file with several [default: the first whose name ends in Config; for check all]
    #[arg(long, env = "PME_CLASS", value_name = "CLASS", global = true)]
    pub(crate) class: Option<String>,

    /// The config's arguments; the variable takes them separated by blanks
    #[arg(long, env = "PME_CONFIG_ARGS", value_name = "NAME=VALUE", num_args = 1.., global = true)]
    pub(crate) config_args: Vec<String>,

    /// A file with the config's arguments: a map in RON or JSON, as in { "hosts": 5 }
    #[arg(long, env = "PME_CONFIG_ARGS_FILE", value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub(crate) config_args_file: Option<PathBuf>,

    /// Refuse a config with more series
    #[arg(long, env = "PME_MAX_SERIES", value_name = "NUMBER", default_value_t = DEFAULT_SERIES_MAX, global = true)]
    pub(crate) max_series: usize,

    /// Refuse a config whose run would take more memory, as in 2GiB; half of the machine's by default
    #[arg(long, env = "PME_MAX_MEMORY", value_name = "SIZE", global = true)]
    pub(crate) max_memory: Option<String>,

    /// Leave out all faults of the config, of the run and of hosts: alerts that still fire are false alarms
    #[arg(long, env = "PME_NO_FAULTS", global = true)]
    pub(crate) no_faults: bool,

    /// Also write the ground truth: a line of JSON for each time of a phase or a fault, in a live run when it is over
    #[arg(long, env = "PME_TRUTH", value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub(crate) truth: Option<PathBuf>,

    /// Reload the config when its file changes; unchanged hosts go on
    #[arg(long, env = "PME_WATCH", global = true)]
    pub(crate) watch: bool,

    /// Emulate this much history first, write it to --history-out, and go on live
    #[arg(long, env = "PME_HISTORY", value_name = "DURATION", global = true)]
    pub(crate) history: Option<String>,

    /// The history's file, whose name sets the format as for export, a folder for blocks, or remote-write=URL
    #[arg(long, env = "PME_HISTORY_OUT", value_name = "PATH", default_value = "history.om", value_hint = ValueHint::FilePath, global = true)]
    pub(crate) history_out: String,

    /// Time between two samples of the history
    #[arg(long, env = "PME_HISTORY_STEP", value_name = "DURATION", default_value = "15s", global = true)]
    pub(crate) history_step: String,

    /// The history's labels: as of a scrape by host, as of a push, or by the outputs
    #[arg(long, env = "PME_HISTORY_LABELS", value_enum, default_value = "auto", global = true)]
    pub(crate) history_labels: HistoryLabels,

    /// Print the first values of all series, or the plan of a store command, and exit; nothing is sent or changed
    #[arg(long, visible_alias = "dry-run", env = "PME_ONCE", global = true)]
    pub(crate) once: bool,

    /// List the configs and their classes; promemu describe NAME shows one
    #[arg(long, env = "PME_LIST_CONFIGS", global = true)]
    pub(crate) list_configs: bool,

    /// Folder searched first for configs; then ./configs, configs beside the program, and the built-in ones
    #[arg(long, env = "PME_CONFIGS_DIR", value_name = "DIR", value_hint = ValueHint::DirPath, global = true)]
    pub(crate) configs_dir: Option<PathBuf>,

    /// Folder searched first for plugins; then ./plugins, and plugins beside the program
    #[arg(long, env = "PME_PLUGINS_DIR", value_name = "DIR", value_hint = ValueHint::DirPath, global = true)]
    pub(crate) plugins_dir: Option<PathBuf>,

    #[arg(
        long,
        env = "PME_PUSHGATEWAY_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true,
        help = "The Pushgateway to push to; with --embedded, the address to listen on [default: http://127.0.0.1:9091]"
    )]
    pub(crate) pushgateway_url: Option<String>,

    #[arg(
        long,
        env = "PME_OUTPUT",
        value_name = "KIND=TARGET[,KEY=VALUE]",
        hide_env_values = true,
        global = true,
        help = "Output of the metrics; may be repeated, and the variable takes several separated by blanks: \
                pushgateway=URL, scrape=HOST:PORT, remote-write=URL, otlp=URL, file=PATH [default: the Pushgateway of \
                --pushgateway-url]"
    )]
    pub(crate) output: Vec<String>,

    /// Time between two pushes, as in 10s or 10 [default: 15s]
    #[arg(long, env = "PME_PUSH_INTERVAL", value_name = "DURATION", global = true)]
    pub(crate) push_interval: Option<String>,

    /// Timeout of one push; the list of a Pushgateway's groups takes twice as long at most
    #[arg(long, env = "PME_PUSH_TIMEOUT", value_name = "DURATION", default_value = "30s", global = true)]
    pub(crate) push_timeout: String,

    /// Format of pushes; text is human-readable
    #[arg(
        long,
        env = "PME_PUSH_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value = "protobuf",
        global = true
    )]
    pub(crate) push_format: PushFormat,

    /// Delete the groups of ended promemu runs on the Pushgateway, before the first push [default: true]
    #[arg(long, env = "PME_CLEANUP_ON_START", global = true)]
    pub(crate) cleanup_on_start: Option<bool>,

    /// Delete this run's groups at its end [default: true]
    #[arg(long, env = "PME_CLEANUP_ON_FINISH", global = true)]
    pub(crate) cleanup_on_finish: Option<bool>,

    /// Time between two status reports, 1ms or longer; 0 or inf for none
    #[arg(long, env = "PME_STATUS_INTERVAL", value_name = "DURATION", default_value = "60s", global = true)]
    pub(crate) status_interval: String,

    /// List the hosts in the status report
    #[arg(long, env = "PME_SHOW_HOSTS_STATUS", default_value = "true", global = true)]
    pub(crate) show_hosts_status: bool,

    /// List the hosts' metrics in the status report
    #[arg(long, env = "PME_SHOW_METRICS_STATUS", global = true)]
    pub(crate) show_metrics_status: bool,

    /// Write the status report as JSON, too [default: where standard error is no terminal, or with --show-metrics-status]
    #[arg(long, env = "PME_STATUS_JSON", global = true)]
    pub(crate) status_json: Option<bool>,

    /// The seed of all randomness: the same seed gives the same values [default: a random one, which is logged]
    #[arg(long, env = "PME_SEED", value_name = "NUMBER", global = true)]
    pub(crate) seed: Option<u64>,

    /// Speed of emulated time, as in 60x or 0.5x; pushes and status reports keep real time
    #[arg(long, env = "PME_SPEED", value_name = "FACTOR", default_value = "1x", global = true)]
    pub(crate) speed: String,

    /// End the run after this much emulated time, as in 10m [default: when all hosts have ended]
    #[arg(long, env = "PME_DURATION", value_name = "DURATION", global = true)]
    pub(crate) duration: Option<String>,

    /// Run only this part of the hosts, as in 1/3; auto/3 takes the number from the pod's index on Kubernetes [default: all]
    #[arg(long, env = "PME_SHARD", value_name = "NUMBER/ALL", global = true)]
    pub(crate) shard: Option<String>,

    #[arg(
        long,
        env = "PME_BUS",
        value_name = "URL",
        hide_env_values = true,
        global = true,
        help = "The NATS server, with JetStream, through which the shards of a run hear each other: nats://HOST:PORT, or tls://; \
                a user and a password, or a token, may stand in front of the host [default: none]"
    )]
    pub(crate) bus: Option<String>,

    /// A file with the credentials of a NATS user, as nsc writes them
    #[arg(long, env = "PME_BUS_CREDENTIALS", value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub(crate) bus_credentials: Option<PathBuf>,

    /// A file with the certificates that sign the NATS server's [default: the system's]
    #[arg(long, env = "PME_BUS_CA", value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub(crate) bus_ca: Option<PathBuf>,

    /// The run's name on the bus, the same for all of its shards [default: the config's name]
    #[arg(long, env = "PME_RUN_NAME", value_name = "NAME", global = true)]
    pub(crate) run_name: Option<String>,

    /// Go on with a run that has started then, with the same --seed: the hosts have the state that they would have by now [default: start now]
    #[arg(long, env = "PME_STARTED_AT", value_name = "TIME", global = true)]
    pub(crate) started_at: Option<String>,

    /// Serve the metrics at the Pushgateway's address instead of pushing them: no Pushgateway is needed
    #[arg(long, env = "PME_EMBEDDED", global = true)]
    pub(crate) embedded: bool,

    /// Serve the control API at this address, off for none [default: 127.0.0.1:8000, or the next free port]
    #[arg(long, env = "PME_LISTEN", value_name = "HOST:PORT", global = true)]
    pub(crate) listen: Option<String>,

    #[arg(
        long,
        env = "PME_API_TOKEN_FILE",
        value_name = "FILE",
        global = true,
        value_hint = ValueHint::FilePath,
        help = "A file with the token that the API's clients must send; the variable PME_API_TOKEN has the token itself \
                [default: no token]"
    )]
    pub(crate) api_token_file: Option<PathBuf>,

    #[arg(
        long,
        env = "PME_RECORDINGS_DIR",
        value_name = "DIR",
        global = true,
        value_hint = ValueHint::DirPath,
        help = "A folder of recordings, whose samples the API's clients may read [default: none]"
    )]
    pub(crate) recordings_dir: Option<PathBuf>,

    #[arg(
        long,
        env = "PME_PROMETHEUS_URL",
        value_name = "URL",
        global = true,
        help = "The Prometheus that has the metrics, as in http://127.0.0.1:9090: the live page opens its queries there [default: none]"
    )]
    pub(crate) prometheus_url: Option<String>,

    #[arg(
        long,
        env = "PME_GRAFANA_URL",
        value_name = "URL",
        global = true,
        help = "The Grafana whose default data source has the metrics: the live page opens its queries there [default: none]"
    )]
    pub(crate) grafana_url: Option<String>,

    /// Serve promemu's own metrics at a separate address, as in 127.0.0.1:9092 [default: not served; with --embedded or a scrape output at /promemu/metrics of its address]
    #[arg(long, env = "PME_SELF_METRICS_ADDRESS", value_name = "HOST:PORT", global = true)]
    pub(crate) self_metrics_address: Option<String>,

    /// Also push promemu's own metrics, as a separate job
    #[arg(long, env = "PME_PUSH_SELF_METRICS", global = true)]
    pub(crate) push_self_metrics: bool,

    /// Log every event and push
    #[arg(long, env = "PME_DEBUG", global = true)]
    pub(crate) debug: bool,

    /// Format of log lines
    #[arg(
        long,
        env = "PME_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        global = true
    )]
    pub(crate) log_format: LogFormat,

    /// `true` if --pushgateway-url was given as a flag, not as a variable.
    #[arg(skip)]
    pub(crate) is_url_typed: bool,

    /// The config's arguments that stand behind its name, as ARGUMENT=VALUE.
    #[arg(skip)]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a config: push its metrics, serve them, or write them, until its hosts have ended
    Run(RunArgs),
    /// Check configs and print their size: hosts, series, values and pushes per second
    Check {
        /// Names of configs, paths of .ron files, or - for standard input; and their arguments, as in hosts=5
        #[arg(value_name = "NAME|ARGUMENT=VALUE")]
        names: Vec<String>,

        /// All configs
        #[arg(long, env = "PME_CHECK_ALL")]
        all: bool,
    },
    /// Write a commented config, or a plugin, to start from; on a terminal, without flags, it asks for the contents
    New(NewArgs),
    /// Write a config's samples to a file, in virtual time
    Export(ExportArgs),
    /// Draw a config's metrics in emulated time: in the terminal, or to a file
    Plot(PlotArgs),
    /// Print the timetable of a config's phases and faults: what a monitoring system should see, without a run
    Truth(TruthArgs),
    /// Judge a config's run in virtual time: do the alerts fire that should, and no others?
    Test(Box<TestArgs>),
    /// Make a Grafana dashboard of a config's metrics, or, without a config, of promemu's own
    Dashboard(DashboardArgs),
    /// Count the series of a Prometheus: its largest metrics, labels and values, their growth, and budgets
    Cardinality(CardinalityArgs),
    /// Describe a config: its arguments, hosts, metrics, levers, faults and events
    Describe(DescribeArgs),
    /// Show and steer a running promemu by its control API
    Ctl(Box<CtlArgs>),
    /// Pass TCP connections through to servers, and disturb them as clients of Toxiproxy's HTTP API say
    Proxy(ProxyArgs),
    /// Record the metrics of a real system, and what was done to it, in a folder
    Record(Box<RecordArgs>),
    /// Read a recording: its samples, or what they come to in steps of time
    Data(DataArgs),
    /// Compact, downsample, archive, load and expire a recording
    Store(StoreArgs),
    /// Run commands of promemu in the order of what they need, as a file lists them
    Pipeline(PipelineArgs),
    /// Make a config of a recording, with the simplest scenario for each metric
    Fit(FitArgs),
    /// Keep versions of a dynamics model in a folder: list, compare, promote, roll back, and let it go on learning
    Models(ModelsArgs),
    /// Say in figures how much a config is like a recording: forecasts, distributions, plausibility
    Validate(ValidateArgs),
    /// List the scenarios, or describe one: its parameters and an example
    Scenarios {
        /// The scenario to describe
        name: Option<String>,
    },
    /// List the plugins, what each provides, and the refused files with reasons
    Plugins,
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, in roff
    Man,
    /// Delete the groups of ended promemu runs on the Pushgateway; groups of others are never touched
    Clean {
        /// Also delete the groups of living runs
        #[arg(long, env = "PME_CLEAN_ALL")]
        all: bool,
    },
}

impl Cli {
    /// `true` if it is a live run or a daemon, and no command that prints and ends.
    pub(crate) const fn is_run(&self) -> bool {
        matches!(self.command, None | Some(Command::Run(_))) && !self.once && !self.list_configs
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HistoryLabels {
    Auto,
    Scrape,
    Push,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PushFormat {
    Protobuf,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}
