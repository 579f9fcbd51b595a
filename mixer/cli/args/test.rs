//! The flags of `promemu test`.

use std::path::PathBuf;

use clap::builder::ArgPredicate;
use clap::{Args, ValueEnum, ValueHint};

use super::export::ExportLabels;
use super::words::ArgumentWords;

/// The config, the rules, and the reports of a test.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct TestArgs {
    /// The config: a name, or the path of a .ron file [default: none; with --live and --dashboard these are measured on the
    /// Prometheus]
    #[arg(required = false, required_unless_present_all = ["live", "dashboard"], default_value_if("live", ArgPredicate::IsPresent, ""))]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) words: ArgumentWords,

    /// Rules that watch the run: a file, a folder, or a pattern as in rules/*.yml; may be repeated
    #[arg(long, env = "PME_TEST_RULES", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rules: Vec<String>,

    /// A Grafana dashboard of which each query must return data; may be repeated
    #[arg(long, env = "PME_TEST_DASHBOARD", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) dashboard: Vec<PathBuf>,

    /// Judge all classes of the config that have verdicts, or all if none has, in one report
    #[arg(long, env = "PME_TEST_ALL_CLASSES", conflicts_with_all = ["live", "update"])]
    pub(crate) all_classes: bool,

    /// Run the config once for each value of an argument, the first of which is today's, and compare its `measures`, its
    /// size and its alerts
    #[arg(long, env = "PME_TEST_SWEEP", value_name = "ARGUMENT=VALUE,...", conflicts_with_all = ["live", "update", "mutate", "all_classes", "junit", "html"])]
    pub(crate) sweep: Option<String>,

    /// Growth of the argument of a sweep in a month, in percent, by which its measures are projected
    #[arg(long, env = "PME_TEST_GROWTH", value_name = "PERCENT", default_value = "10")]
    pub(crate) growth: String,

    /// Count the detections and the false alarms of an alert with each of these thresholds
    #[arg(long, env = "PME_TEST_SWEEP_THRESHOLD", value_name = "ALERT=NUMBER,...", conflicts_with_all = ["live", "update", "mutate", "all_classes", "sweep", "junit", "html"])]
    pub(crate) sweep_threshold: Option<String>,

    /// The folder for the reports of sweeps
    #[arg(long, env = "PME_TEST_RESULTS", value_name = "DIR", default_value = "test_results", value_hint = ValueHint::DirPath)]
    pub(crate) results: PathBuf,

    /// Run classes, levels or thresholds at once
    #[arg(long, env = "PME_TEST_PARALLEL", conflicts_with = "live")]
    pub(crate) parallel: bool,

    /// Start of the run, in UTC
    #[arg(long, env = "PME_TEST_FROM", value_name = "TIME", default_value = "2026-01-05T00:00:00Z")]
    pub(crate) from: String,

    /// Length of the run [default: that of the timeline, or 1h of an endless one or of a config without]
    #[arg(long = "for", env = "PME_TEST_FOR", value_name = "DURATION")]
    pub(crate) span: Option<String>,

    /// Time between two scrapes
    #[arg(long, env = "PME_TEST_STEP", value_name = "DURATION", default_value = "15s")]
    pub(crate) step: String,

    /// Time between two evaluations of conditions, and of rules whose group has no interval of its own [default: as --step]
    #[arg(long, env = "PME_TEST_EVALUATION_INTERVAL", value_name = "DURATION")]
    pub(crate) evaluation_interval: Option<String>,

    /// Labels as of a scrape, where each host is a target with `instance` and `up`, or as of a push
    #[arg(long, env = "PME_TEST_LABELS", value_enum, default_value = "scrape")]
    pub(crate) labels: ExportLabels,

    /// The evaluation: exact by promtool, or large by a Prometheus, for many series [default: exact if it can]
    #[arg(long, env = "PME_TEST_MODE", value_enum)]
    pub(crate) mode: Option<TestMode>,

    /// Judge a live run, in real time, by a Prometheus that runs: that of --prometheus URL, with the rules that it has
    #[arg(long, env = "PME_TEST_LIVE", conflicts_with_all = ["rules", "from", "mode", "mutate"])]
    pub(crate) live: bool,

    /// The address at which a live test takes the notifications of an Alertmanager, for verdicts on them
    #[arg(long, env = "PME_TEST_WEBHOOK", value_name = "HOST:PORT", requires = "live")]
    pub(crate) webhook: Option<String>,

    /// The Alertmanager of a live test, as URL[,KEY=VALUE] [default: those to which the Prometheus sends alerts]
    #[arg(
        long,
        env = "PME_TEST_ALERTMANAGER",
        value_name = "URL",
        hide_env_values = true,
        requires = "live"
    )]
    pub(crate) alertmanager: Option<String>,

    /// The program promtool
    #[arg(long, env = "PME_TEST_PROMTOOL", value_name = "PATH", default_value = "promtool", value_hint = ValueHint::ExecutablePath)]
    pub(crate) promtool: PathBuf,

    /// The program prometheus, which answers where promtool cannot; with --live the address of one that runs, as
    /// URL[,KEY=VALUE] with the options of --output for credentials
    #[arg(long, env = "PME_TEST_PROMETHEUS", value_name = "PATH|URL", default_value = "prometheus", hide_env_values = true, value_hint = ValueHint::ExecutablePath)]
    pub(crate) prometheus: PathBuf,

    /// A Grafana by whose API pages are measured, too, as URL[,KEY=VALUE] with the options of --output for credentials
    #[arg(long, env = "PME_TEST_GRAFANA", value_name = "URL", hide_env_values = true, requires = "live")]
    pub(crate) grafana: Option<String>,

    /// Budgets of measured dashboards in place of page=2s,simple=100ms,rate=500ms,quantile=1s,total=1000000,each=10000
    #[arg(
        long,
        env = "PME_TEST_BUDGET",
        value_name = "NAME=VALUE,...",
        value_delimiter = ',',
        requires = "live"
    )]
    pub(crate) budget: Vec<String>,

    /// Also judge the run with mutated rules, and say which mutations no verdict notices
    #[arg(long, env = "PME_TEST_MUTATE")]
    pub(crate) mutate: bool,

    /// Write the verdicts that pass today into the config, in place of its own
    #[arg(long, env = "PME_TEST_UPDATE")]
    pub(crate) update: bool,

    /// Also write a report for CI, as `JUnit` has it
    #[arg(long, env = "PME_TEST_JUNIT", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,

    /// Also write a report in JSON; - prints it in place of the table
    #[arg(long, env = "PME_TEST_JSON", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) json: Option<PathBuf>,

    /// Also write a report as a page of HTML, with a chart for each alert
    #[arg(long, env = "PME_TEST_HTML", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,
}

/// The ways of evaluating rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestMode {
    Exact,
    Large,
    /// By the Prometheus of `--live`.
    #[value(skip)]
    Live,
}
