//! What the user typed: flags and `PME_*` variables, as they are.

mod ctl;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use promemu_core::config::DEFAULT_SERIES_MAX;

pub(crate) use ctl::{CtlAction, CtlArgs, as_file};

/// Variables that begin so are arguments of the config: `PME_ARG_HOSTS_COUNT`.
pub(crate) const ARGUMENT_PREFIX: &str = "PME_ARG_";

/// The token that the API's clients must show. There is no flag for it, as all users of a machine see those.
pub(crate) const TOKEN_VARIABLE: &str = "PME_API_TOKEN";

/// Emulates hosts with metrics: pushes them to a Prometheus Pushgateway, serves them for a scrape, writes them to a database (remote write, OTLP) or a file, or several of that at once.
///
/// A flag comes before its variable, a variable before the config file, and that before the default.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Debug, Parser)]
#[command(name = "promemu", version, max_term_width = 100, args_override_self = true)]
#[command(
    after_help = "Start with:\n  promemu --list-configs\n  promemu new shop\n  promemu --config hosts_load_with_peaks --config-args hosts_count=5 --embedded"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The config to run: a name (--list-configs shows them), or the path of a .ron file
    #[arg(long, env = "PME_CONFIG", value_name = "NAME")]
    pub(crate) config: Option<String>,

    /// The class to take from a config file that holds several [default: the first that ends in Config; for check all]
    #[arg(long, env = "PME_CLASS", value_name = "CLASS", global = true)]
    pub(crate) class: Option<String>,

    /// The config's arguments; the variable takes them separated by blanks
    #[arg(long, env = "PME_CONFIG_ARGS", value_name = "NAME=VALUE", num_args = 1.., global = true)]
    pub(crate) config_args: Vec<String>,

    /// A file with the config's arguments: a map in RON or JSON, as in { "hosts": 5 }
    #[arg(long, env = "PME_CONFIG_ARGS_FILE", value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    pub(crate) config_args_file: Option<PathBuf>,

    /// Refuse a config that makes more series
    #[arg(long, env = "PME_MAX_SERIES", value_name = "NUMBER", default_value_t = DEFAULT_SERIES_MAX, global = true)]
    pub(crate) max_series: usize,

    /// Reload the config when its file changes: hosts that are the same in it live on, the others come or go
    #[arg(long, env = "PME_WATCH", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) watch: bool,

    /// Let the hosts live through so much past first, write it to --history-out, and go on from there
    #[arg(long, env = "PME_HISTORY", value_name = "DURATION")]
    pub(crate) history: Option<String>,

    /// The file for the past: its name tells the format, as for export
    #[arg(long, env = "PME_HISTORY_OUT", value_name = "FILE", default_value = "history.om", value_hint = ValueHint::FilePath)]
    pub(crate) history_out: String,

    /// The time between two samples of the past
    #[arg(long, env = "PME_HISTORY_STEP", value_name = "DURATION", default_value = "15s")]
    pub(crate) history_step: String,

    /// Print the first values of all series and end: nothing is sent
    #[arg(long, visible_alias = "dry-run", env = "PME_ONCE", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) once: bool,

    /// List the configs, their classes and arguments
    #[arg(long, env = "PME_LIST_CONFIGS", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, hide_possible_values = true)]
    pub(crate) list_configs: bool,

    /// A folder to look for configs in, before ./configs, configs beside the program, and those built in
    #[arg(long, env = "PME_CONFIGS_DIR", value_name = "DIR", value_hint = ValueHint::DirPath, global = true)]
    pub(crate) configs_dir: Option<PathBuf>,

    /// A folder to look for plugins in, before ./plugins and plugins beside the program
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
        help = "Where the metrics go, to be given several times; the variable takes them separated by blanks: \
                pushgateway=URL, scrape=HOST:PORT, remote-write=URL, otlp=URL, file=PATH [default: the Pushgateway of \
                --pushgateway-url]"
    )]
    pub(crate) output: Vec<String>,

    /// The time between two pushes, as in 10s or 10 [default: 15s]
    #[arg(long, env = "PME_PUSHGATEWAY_PUSH_INTERVAL", value_name = "DURATION")]
    pub(crate) push_interval: Option<String>,

    /// How long one push may take
    #[arg(long, env = "PME_PUSHGATEWAY_PUSH_TIMEOUT", value_name = "DURATION", default_value = "30s")]
    pub(crate) push_timeout: String,

    /// The format to push in; text is for looking at
    #[arg(long, env = "PME_PUSHGATEWAY_FORMAT", value_enum, default_value = "protobuf")]
    pub(crate) push_format: PushFormat,

    /// Delete what promemu runs that are over left on the Pushgateway, before the first push [default: true]
    #[arg(long, env = "PME_PUSHGATEWAY_CLEANUP_ON_START", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), value_name = "BOOL", hide_possible_values = true)]
    pub(crate) cleanup_on_start: Option<bool>,

    /// Delete this run's groups at its end [default: true]
    #[arg(long, env = "PME_PUSHGATEWAY_CLEANUP_ON_FINISH", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), value_name = "BOOL", hide_possible_values = true)]
    pub(crate) cleanup_on_finish: Option<bool>,

    /// The time between two status reports; 0 for none
    #[arg(long, env = "PME_SHOW_STATUS_INTERVAL_SEC", value_name = "DURATION", default_value = "60s")]
    pub(crate) status_interval: String,

    /// List the hosts in the status report
    #[arg(long, env = "PME_SHOW_HOSTS_STATUS", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "true", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) show_hosts_status: bool,

    /// List the hosts' metrics in the status report
    #[arg(long, env = "PME_SHOW_METRICS_STATUS", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) show_metrics_status: bool,

    /// The seed of all randomness: the same seed gives the same values [default: a random one, which is logged]
    #[arg(long, env = "PME_SEED", value_name = "NUMBER", global = true)]
    pub(crate) seed: Option<u64>,

    /// How fast emulated time runs, as in 60x or 0.5x; pushes and status reports keep real time
    #[arg(long, env = "PME_SPEED", value_name = "FACTOR", default_value = "1x")]
    pub(crate) speed: String,

    /// End the run after so much emulated time, as in 10m [default: when all hosts are over]
    #[arg(long, env = "PME_DURATION", value_name = "DURATION")]
    pub(crate) duration: Option<String>,

    /// Serve the metrics at the Pushgateway's address instead of pushing them: no Pushgateway is needed
    #[arg(long, env = "PME_EMBEDDED", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) embedded: bool,

    /// Serve the control API at this address, off for none [default: 127.0.0.1:8000, or the next free port]
    #[arg(long, env = "PME_LISTEN", value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,

    #[arg(
        long,
        env = "PME_API_TOKEN_FILE",
        value_name = "FILE",
        global = true,
        value_hint = ValueHint::FilePath,
        help = "A file with the token that the API's clients must show; the variable PME_API_TOKEN has the token itself \
                [default: no token]"
    )]
    pub(crate) api_token_file: Option<PathBuf>,

    /// Serve promemu's own metrics at an address of their own, as in 127.0.0.1:9092 [default: not served; with --embedded at /promemu/metrics of its address]
    #[arg(long, env = "PME_SELF_METRICS_ADDRESS", value_name = "HOST:PORT")]
    pub(crate) self_metrics_address: Option<String>,

    /// Push promemu's own metrics, too, as a job of their own
    #[arg(long, env = "PME_PUSH_SELF_METRICS", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) push_self_metrics: bool,

    /// Log every event and push
    #[arg(long, env = "PME_DEBUG_MODE", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true, global = true)]
    pub(crate) debug: bool,

    /// How log lines look
    #[arg(long, env = "PME_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    pub(crate) log_format: LogFormat,

    /// Whether --pushgateway-url is a flag that was typed, and no variable.
    #[arg(skip)]
    pub(crate) is_url_typed: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check configs and say what they would run: hosts, series, values and pushes per second
    Check {
        /// Names of configs, or paths of .ron files
        names: Vec<String>,

        /// All configs
        #[arg(long)]
        all: bool,
    },
    /// Write a commented config, or a plugin, to start from; on a terminal, without flags, it asks what should be in it
    New(NewArgs),
    /// Write what a config would have shown to a file, without running it live
    Export(ExportArgs),
    /// Draw a config's metrics in emulated time: in the terminal, or to a file
    Plot(PlotArgs),
    /// Make a Grafana dashboard of a config's metrics, or, without a config, of promemu's own
    Dashboard(DashboardArgs),
    /// Look at a promemu that runs, and steer it, by its control API
    Ctl(Box<CtlArgs>),
    /// List the scenarios, or describe one: its parameters and an example
    Scenarios {
        /// The scenario to describe
        name: Option<String>,
    },
    /// List the plugins: what each brings, and which files are refused and why
    Plugins,
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, in roff
    Man,
    /// Delete the groups that promemu runs left on the Pushgateway; a stranger's groups are never touched
    Clean {
        /// The groups of runs that are alive, too
        #[arg(long, env = "PME_CLEAN_ALL", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
        all: bool,
    },
}

/// What is drawn, and where.
#[derive(Debug, Args)]
pub(crate) struct PlotArgs {
    /// The config: a name (--list-configs shows them), or the path of a .ron file
    pub(crate) name: String,

    /// Only metrics whose name has a match of this regular expression, as in cpu or ^cpu_ [default: all]
    #[arg(long, env = "PME_PLOT_METRIC", value_name = "REGEX")]
    pub(crate) metric: Option<String>,

    /// Only hosts whose name has a match of this regular expression, as in web-0[1-3] [default: all]
    #[arg(long, env = "PME_PLOT_HOST", value_name = "REGEX")]
    pub(crate) host: Option<String>,

    /// How much emulated time, as in 15m [default: 1h, or until the last host's ttl is over]
    #[arg(long = "for", env = "PME_PLOT_FOR", value_name = "DURATION")]
    pub(crate) span: Option<String>,

    /// The emulated start, as in 2026-01-05T08:00Z [default: this minute]
    #[arg(long, env = "PME_PLOT_AT", value_name = "TIME")]
    pub(crate) at: Option<String>,

    /// The time between two values of a curve [default: what the width can show, 1s or longer]
    #[arg(long, env = "PME_PLOT_STEP", value_name = "DURATION")]
    pub(crate) step: Option<String>,

    /// A file to write the charts to, .svg or .png [default: none, they are printed]
    #[arg(long, env = "PME_PLOT_OUT", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// What a dashboard shows, and where it goes.
#[derive(Debug, Args)]
pub(crate) struct DashboardArgs {
    /// The config: a name (--list-configs shows them), or the path of a .ron file [default: none, promemu's own metrics]
    pub(crate) name: Option<String>,

    /// One host in detail: the viewer chooses which
    #[arg(long, env = "PME_DASHBOARD_ONE_HOST", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) one_host: bool,

    /// One line for each value of this label, as in name or zone [default: each series; of more than 50, their range]
    #[arg(long, env = "PME_DASHBOARD_BY", value_name = "LABEL")]
    pub(crate) by: Option<String>,

    /// The dashboard's title [default: the config's name]
    #[arg(long, env = "PME_DASHBOARD_TITLE", value_name = "TITLE")]
    pub(crate) title: Option<String>,

    /// The file to write [default: none, it is printed]
    #[arg(long, env = "PME_DASHBOARD_OUT", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// What a new config, or a new plugin, should be.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The config's name: letters, digits, _ and -; the file is NAME.ron
    pub(crate) name: String,

    /// Write a plugin instead: a folder NAME with a Rust package that builds as it is
    #[arg(long, env = "PME_NEW_PLUGIN", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) plugin: bool,

    /// How many hosts there are [default: 3]
    #[arg(long, env = "PME_NEW_HOSTS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) hosts: Option<u32>,

    #[arg(
        long,
        env = "PME_NEW_METRIC",
        value_name = "NAME:TYPE",
        help = "A metric, to be given several times; the variable takes them separated by blanks. The type is \
                gauge, counter, histogram, native_histogram, summary, info or stateset [default: cpu_usage_percent:gauge requests_total:counter \
                response_seconds:histogram]"
    )]
    pub(crate) metric: Vec<String>,

    /// The hosts' job [default: NAME]
    #[arg(long, env = "PME_NEW_JOB", value_name = "JOB")]
    pub(crate) job: Option<String>,

    /// What the config is, for --list-configs [default: emulated hosts of NAME]
    #[arg(long, env = "PME_NEW_DESCRIPTION", value_name = "TEXT")]
    pub(crate) description: Option<String>,

    /// Replace the file if there is one
    #[arg(long, env = "PME_NEW_FORCE", num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) force: bool,
}

/// What is exported.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The config: a name, or the path of a .ron file
    pub(crate) name: String,

    /// The first moment, in UTC, as in 2026-01-05T00:00:00Z [default: --for before --to]
    #[arg(long, env = "PME_EXPORT_FROM", value_name = "TIME")]
    pub(crate) from: Option<String>,

    /// The last moment [default: --for after --from, or now]
    #[arg(long, env = "PME_EXPORT_TO", value_name = "TIME")]
    pub(crate) to: Option<String>,

    /// How long it is from the first moment to the last [default: 1h]
    #[arg(long = "for", env = "PME_EXPORT_FOR", value_name = "DURATION")]
    pub(crate) length: Option<String>,

    /// The time between two samples of a series
    #[arg(long, env = "PME_EXPORT_STEP", value_name = "DURATION", default_value = "15s")]
    pub(crate) step: String,

    /// The file to write, or - for standard output
    #[arg(long, env = "PME_EXPORT_OUT", value_name = "FILE", default_value = "-", value_hint = ValueHint::FilePath)]
    pub(crate) out: String,

    /// How it is written [default: what the file's name tells, and openmetrics on standard output]
    #[arg(long, env = "PME_EXPORT_FORMAT", value_enum)]
    pub(crate) format: Option<ExportFormat>,

    /// On how many threads; the outcome is the same [default: one per core]
    #[arg(long, env = "PME_EXPORT_THREADS", value_name = "NUMBER", value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,
}

fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("give a number from 1 to 1024".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Openmetrics,
    Csv,
    Parquet,
    Rules,
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

/// The command line's definition. A command's help has only those of the program's flags that it heeds.
pub(crate) fn command() -> clap::Command {
    let mut command = Cli::command();
    // Global flags come to the commands by this.
    command.build();
    command.mut_subcommands(|sub| {
        let heeded: &[&str] = match sub.get_name() {
            "check" | "dashboard" => &[
                "class",
                "config_args",
                "config_args_file",
                "max_series",
                "configs_dir",
                "plugins_dir",
                "debug",
                "log_format",
            ],
            "export" | "plot" => &[
                "class",
                "config_args",
                "config_args_file",
                "max_series",
                "configs_dir",
                "plugins_dir",
                "seed",
                "debug",
                "log_format",
            ],
            "ctl" => {
                &["class", "config_args", "config_args_file", "seed", "api_token_file", "debug", "log_format"]
            }
            "plugins" | "scenarios" => &["plugins_dir", "debug", "log_format"],
            "new" => &["configs_dir", "debug", "log_format"],
            "clean" => &["pushgateway_url", "output", "debug", "log_format"],
            _ => &["log_format"],
        };
        let is_hidden = |arg: &Arg| arg.is_global_set() && !heeded.contains(&arg.get_id().as_str());
        sub.mut_args(|arg| if is_hidden(&arg) { arg.hide(true) } else { arg })
    })
}

/// The names of all `PME_*` variables.
fn known_variables() -> Vec<String> {
    let command = Cli::command();
    let all = command.get_arguments().chain(command.get_subcommands().flat_map(clap::Command::get_arguments));
    let of_flags = all.filter_map(|arg| arg.get_env()?.to_str().map(str::to_owned));
    of_flags.chain([TOKEN_VARIABLE.to_owned()]).collect()
}

/// The `PME_*` variables that are set but not known: the name, and the known ones.
pub(crate) fn unknown_variables() -> Vec<(String, Vec<String>)> {
    let known = known_variables();
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = set.filter(|name| {
        name.starts_with("PME_") && !name.starts_with(ARGUMENT_PREFIX) && !known.contains(name)
    });
    unknown.map(|name| (name, known.clone())).collect()
}

/// Reads the command line and the environment. A variable that is set to nothing counts as not set.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let is_empty = |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    let without_empty = |arg: Arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg };
    let command = command().mut_args(without_empty).mut_subcommands(|sub| sub.mut_args(without_empty));
    let matches = command.try_get_matches_from(args)?;
    let innermost = matches.subcommand().map_or(&matches, |(_, of_command)| of_command);
    let is_url_typed = innermost.value_source("pushgateway_url") == Some(ValueSource::CommandLine);
    Ok(Cli { is_url_typed, ..Cli::from_arg_matches(&matches)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_begins_with_all_that_becomes_of_the_metrics() {
        let about = Cli::command().get_about().map(ToString::to_string).unwrap_or_default();
        for way in ["Pushgateway", "scrape", "remote write", "OTLP", "file"] {
            assert!(about.contains(way), "{way}: {about}");
        }
    }

    #[test]
    fn the_definition_is_sound_and_every_variable_is_in_the_readme() {
        Cli::command().debug_assert();
        let readme = include_str!("../../README.md");
        for variable in known_variables() {
            assert!(readme.contains(&format!("`{variable}`")), "{variable}");
        }
    }
}
