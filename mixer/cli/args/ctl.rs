//! The flags of `promemu ctl`, and its actions. `--url`, `--json` and `--run` stand before or behind the action.

use clap::{Args, Subcommand, ValueHint};
use promemu_core::config::parse_size;
use serde_json::Value;

use super::words::ArgumentWords;

/// A request to a daemon.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:\n  promemu ctl status\n  promemu ctl emit load_peak_start\n  promemu ctl override worker-01 cpu_usage_percent 99 --for 2m\n  promemu ctl down 'worker-*' --for 2m"
)]
pub(crate) struct CtlArgs {
    #[command(subcommand)]
    pub(crate) action: CtlAction,

    /// The API's URL
    #[arg(long, env = "PME_URL", value_name = "URL", default_value = "http://127.0.0.1:8000", value_hint = ValueHint::Url, global = true)]
    pub(crate) url: String,

    /// Print the answer unchanged, as JSON
    #[arg(long, env = "PME_CTL_JSON", global = true)]
    pub(crate) json: bool,

    /// The run [default: main]
    #[arg(long, env = "PME_CTL_RUN", value_name = "ID", global = true)]
    pub(crate) run: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CtlAction {
    /// Status of the run
    Status,
    /// The hosts
    #[command(
        after_help = "Examples:\n  promemu ctl hosts 'worker-*'\n  promemu ctl hosts --state down\n  promemu ctl hosts --search zone-a --limit 10"
    )]
    Hosts {
        /// A pattern of hosts, as in web-*, web-0[1-3] or zone=north [default: all hosts]
        #[arg(value_name = "HOSTS")]
        pattern: Option<String>,

        #[command(flatten)]
        list: ListArgs,

        /// Only hosts of this job
        #[arg(long, env = "PME_CTL_JOB", value_name = "JOB")]
        job: Option<String>,

        /// Only hosts that are waiting, running, down, stopped or ended
        #[arg(long, env = "PME_CTL_STATE", value_name = "STATE")]
        state: Option<String>,
    },
    /// One host and its metrics
    Host {
        /// The host's name
        host: String,
    },
    /// The families of metrics
    Metrics(ListArgs),
    /// The events that hosts listen to; with --follow, all events as they happen
    #[command(after_help = "Examples:\n  promemu ctl events\n  promemu ctl events --follow")]
    Events {
        /// Print events as they happen
        #[arg(long, env = "PME_CTL_FOLLOW")]
        follow: bool,
    },
    /// Emit an event
    #[command(
        after_help = "Examples:\n  promemu ctl emit load_peak_start\n  promemu ctl emit deploy --data '{\"version\": 2}' --source worker-01"
    )]
    Emit {
        /// The event's name
        event: String,

        /// The event's data, as JSON
        #[arg(long, env = "PME_CTL_DATA", value_name = "JSON", value_parser = parse_json, allow_negative_numbers = true)]
        data: Option<Value>,

        /// The event's source: api, or a host [default: api]
        #[arg(long, env = "PME_CTL_SOURCE", value_name = "NAME")]
        source: Option<String>,
    },
    /// Override a metric's value
    #[command(
        after_help = "Examples:\n  promemu ctl override worker-01 cpu_usage_percent 99 --for 2m\n  promemu ctl override 'worker-*' cpu_usage_percent 99\n  promemu ctl override zone=north 'disk_used_bytes{device=\"sda\"}' 5e9"
    )]
    Override {
        /// Hosts: a name, or a pattern as in web-*, web-0[1-3] or zone=north
        #[arg(value_name = "HOSTS")]
        host: String,

        /// The metric's name, with its labels in braces if it has some
        metric: String,

        /// The number to show
        #[arg(value_parser = parse_number, allow_negative_numbers = true)]
        value: f64,

        /// Duration in emulated time, as in 2m [default: until released]
        #[arg(long = "for", env = "PME_CTL_FOR", value_name = "DURATION")]
        span: Option<String>,

        /// Allow a counter to fall
        #[arg(long, env = "PME_CTL_ALLOW_RESET")]
        allow_reset: bool,
    },
    /// The levers, or one; with a value, move it
    #[command(
        after_help = "Examples:\n  promemu ctl lever\n  promemu ctl lever load 3 --for 5m --hosts 'web-*'\n  promemu ctl lever load --release"
    )]
    Lever {
        /// The lever's name
        lever: Option<String>,

        /// Its new value
        #[arg(group = "lever_change", value_parser = parse_number, allow_negative_numbers = true)]
        value: Option<f64>,

        /// Duration in emulated time, as in 5m [default: until released]
        #[arg(long = "for", env = "PME_CTL_FOR", value_name = "DURATION")]
        span: Option<String>,

        /// Only for hosts that match, as in web-* or zone=north [default: all hosts]
        #[arg(long, env = "PME_CTL_HOSTS", value_name = "PATTERN")]
        hosts: Option<String>,

        /// Let the lever follow the config again
        #[arg(long, env = "PME_CTL_RELEASE", group = "lever_change", requires = "lever")]
        release: bool,
    },
    /// Where the timeline stands, and the faults; with skip, go to a phase
    #[command(after_help = "Examples:\n  promemu ctl timeline\n  promemu ctl timeline skip peak")]
    Timeline {
        #[command(subcommand)]
        change: Option<TimelineChange>,
    },
    /// Begin or end a fault of the config
    #[command(
        after_help = "Examples:\n  promemu ctl fault begin db-slow --for 2m\n  promemu ctl fault end db-slow"
    )]
    Fault {
        #[command(subcommand)]
        change: FaultChange,
    },
    /// Release an override
    #[command(
        after_help = "Examples:\n  promemu ctl release worker-01 cpu_usage_percent\n  promemu ctl release '*' cpu_usage_percent"
    )]
    Release {
        /// Hosts: a name, or a pattern as in web-*, web-0[1-3] or zone=north
        #[arg(value_name = "HOSTS")]
        host: String,

        /// The metric's name, with its labels if it has some
        metric: String,
    },
    /// The overrides
    Overrides,
    /// Take hosts down: their pages answer 503, their pushes stop, and their state goes on
    #[command(
        after_help = "Examples:\n  promemu ctl down 'worker-*' --for 2m\n  promemu ctl down zone=north"
    )]
    Down {
        /// Hosts: a name, or a pattern as in web-*, web-0[1-3] or zone=north
        #[arg(value_name = "HOSTS")]
        hosts: String,

        /// Duration in emulated time, as in 2m [default: until promemu ctl up]
        #[arg(long = "for", env = "PME_CTL_FOR", value_name = "DURATION")]
        span: Option<String>,
    },
    /// Bring hosts up again that were taken down; a fault of their config still holds them down
    #[command(after_help = "Example:\n  promemu ctl up 'worker-*'")]
    Up {
        /// Hosts: a name, or a pattern as in web-*, web-0[1-3] or zone=north
        #[arg(value_name = "HOSTS")]
        hosts: String,
    },
    /// Stop hosts
    #[command(after_help = "Examples:\n  promemu ctl stop worker-01\n  promemu ctl stop 'worker-*'")]
    Stop {
        /// Hosts: a name, or a pattern as in web-*, web-0[1-3] or zone=north
        #[arg(value_name = "HOSTS")]
        host: String,
    },
    /// Start stopped hosts again
    #[command(after_help = "Examples:\n  promemu ctl start worker-01\n  promemu ctl start 'worker-*'")]
    Start {
        /// Hosts: a name, or a pattern as in web-*, web-0[1-3] or zone=north
        #[arg(value_name = "HOSTS")]
        host: String,
    },
    /// Add a host
    #[command(after_help = "Example:\n  promemu ctl add worker-10 --like worker-01 --label zone=x --ttl 15m")]
    Add {
        /// The new host's name
        name: String,

        /// The host to copy
        #[arg(long, env = "PME_CTL_LIKE", value_name = "HOST")]
        like: String,

        /// A label of the new host; may be repeated, and the variable takes several separated by blanks
        #[arg(long, env = "PME_CTL_LABEL", value_name = "NAME=VALUE", value_delimiter = ' ')]
        label: Vec<String>,

        /// Its ttl, as in 15m [default: that of the copied host]
        #[arg(long, env = "PME_CTL_TTL", value_name = "DURATION")]
        ttl: Option<String>,
    },
    /// Remove hosts; at least one stays
    #[command(after_help = "Examples:\n  promemu ctl remove worker-10\n  promemu ctl remove 'worker-1[0-9]'")]
    Remove {
        /// Hosts: a name, or a pattern as in web-*, web-0[1-3] or zone=north
        #[arg(value_name = "HOSTS")]
        host: String,
    },
    /// The configs that the daemon knows
    Configs,
    /// Check a config on the daemon
    #[command(
        after_help = "Examples:\n  promemu ctl check configs/shop.ron\n  promemu ctl check shop hosts=50"
    )]
    Check {
        /// A config's name, or a local .ron file
        config: String,

        #[command(flatten)]
        words: ArgumentWords,
    },
    /// The runs
    Runs,
    /// Create and start a run
    #[command(
        after_help = "Examples:\n  promemu ctl create shop --id second --lasting 10m\n  promemu ctl create configs/shop.ron hosts=50"
    )]
    Create {
        /// A config's name, or a local .ron file
        config: String,

        #[command(flatten)]
        words: ArgumentWords,

        /// The run's id [default: generated]
        #[arg(long, env = "PME_CTL_ID", value_name = "ID")]
        id: Option<String>,

        /// Duration in emulated time, as in 10m [default: until all hosts have ended]
        #[arg(long, env = "PME_CTL_LASTING", value_name = "DURATION")]
        lasting: Option<String>,

        /// Emulate this much history first; the daemon writes it beside its --history-out [default: none]
        #[arg(long, env = "PME_CTL_HISTORY", value_name = "DURATION")]
        history: Option<String>,

        /// Reload the config when its file changes
        #[arg(long, env = "PME_CTL_WATCH")]
        watch: bool,
    },
    /// One run, and its report
    Show {
        /// The run's id
        id: String,
    },
    /// Stop a run
    End {
        /// The run's id
        id: String,
    },
    /// Delete an ended run
    Delete {
        /// The run's id
        id: String,
    },
}

impl CtlAction {
    /// The host or the pattern of hosts that it acts on.
    pub(crate) fn hosts(&self) -> Option<&str> {
        match self {
            Self::Host { host }
            | Self::Override { host, .. }
            | Self::Release { host, .. }
            | Self::Down { hosts: host, .. }
            | Self::Up { hosts: host }
            | Self::Stop { host }
            | Self::Start { host }
            | Self::Remove { host } => Some(host),
            _ => None,
        }
    }
}

/// A change of the timeline.
#[derive(Debug, Subcommand)]
pub(crate) enum TimelineChange {
    /// Skip to the begin of a phase, forward or back
    Skip {
        /// The phase's name
        phase: String,
    },
}

/// A change of a fault.
#[derive(Debug, Subcommand)]
pub(crate) enum FaultChange {
    /// Begin a fault now
    Begin {
        /// The fault's id
        id: String,

        /// Duration in emulated time, as in 2m [default: as in the config]
        #[arg(long = "for", env = "PME_CTL_FOR", value_name = "DURATION")]
        span: Option<String>,
    },
    /// End a fault that is on
    End {
        /// The fault's id
        id: String,
    },
}

/// The part of a list to print.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only entries with this in their name; for hosts, also in a label's value
    #[arg(long, env = "PME_CTL_SEARCH", value_name = "TEXT")]
    pub(crate) search: Option<String>,

    /// Number of hosts or metrics to skip
    #[arg(long, env = "PME_CTL_OFFSET", value_name = "NUMBER", default_value_t = 0)]
    pub(crate) offset: usize,

    /// Number of hosts or metrics to list, 500 at most
    #[arg(long, env = "PME_CTL_LIMIT", value_name = "NUMBER", default_value_t = 50)]
    pub(crate) limit: usize,
}

fn parse_json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))
}

fn parse_number(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| {
        let hint = in_plain_numbers(text).map_or(String::new(), |hint| format!("; write {hint}"));
        format!("is not a finite number{hint}")
    })
}

/// The number that a size or a percentage is in a metric.
fn in_plain_numbers(text: &str) -> Option<String> {
    let Some(percent) = text.strip_suffix('%') else {
        return parse_size(text).map(|bytes| bytes.to_string());
    };
    let percent: f64 = percent.trim().parse().ok()?;
    Some(format!("{percent}, or {} if the metric is a ratio", percent / 100.0))
}

#[cfg(test)]
mod tests {
    use super::parse_number;

    #[test]
    fn a_value_with_a_unit_gets_its_number() {
        for (text, meant) in [
            ("4GiB", "4294967296"),
            ("1.5kB", "1500"),
            ("50%", "50, or 0.5 if the metric is a ratio"),
            ("2.5 %", "2.5, or 0.025 if the metric is a ratio"),
        ] {
            assert_eq!(parse_number(text).unwrap_err(), format!("is not a finite number; write {meant}"));
        }
        assert_eq!(parse_number("many").unwrap_err(), "is not a finite number");
        assert!(parse_number("-5e9").is_ok());
    }
}
