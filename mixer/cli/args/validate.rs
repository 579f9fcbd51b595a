//! The flags of `promemu validate`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// A config and the recording that it should be like.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  promemu validate shop.ron shop\n  promemu validate shop.ron shop --folds 4 --html likeness.html --junit likeness.xml\n  promemu validate shop.ron shop --rules rules.yml --budget promql=0.95 --budget ks=0.1\n  promemu validate shop.promemu-model shop\n\nTo see if a config is valid: promemu check NAME"
)]
pub(crate) struct ValidateArgs {
    /// The name of a config, the path of a .ron file, as promemu fit writes it, or of a .promemu-model file, as promemu fit --dynamics does
    #[arg(value_name = "CONFIG")]
    pub(crate) config: String,

    /// The folder of the recording
    #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    pub(crate) recording: PathBuf,

    /// Compare only the series of this selector; may be repeated [default: all]
    #[arg(long = "match", env = "PME_VALIDATE_MATCH", value_name = "SELECTOR")]
    pub(crate) selectors: Vec<String>,

    /// Number of runs of the config, each with a seed of its own: the ensemble that forecasts
    #[arg(long, env = "PME_VALIDATE_RUNS", value_name = "NUMBER", default_value_t = 20)]
    pub(crate) runs: u64,

    /// The share of the recording, at its end, that is held out and forecast
    #[arg(long, env = "PME_VALIDATE_HELD_OUT", value_name = "SHARE", default_value_t = 0.3)]
    pub(crate) held_out: f64,

    /// Number of parts of it that are scored, each with baselines trained on all before it
    #[arg(long, env = "PME_VALIDATE_FOLDS", value_name = "NUMBER", default_value_t = 1)]
    pub(crate) folds: usize,

    /// Ask a Prometheus the same queries over the recording and over the first run of the config
    #[arg(long, env = "PME_VALIDATE_PROMQL")]
    pub(crate) promql: bool,

    /// A file of rules whose alerts are compared, too, as --promql does; patterns as in 'rules/*.yml'; may be repeated
    #[arg(long, env = "PME_VALIDATE_RULES", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rules: Vec<String>,

    /// The program prometheus, which answers --promql and --rules
    #[arg(long, env = "PME_VALIDATE_PROMETHEUS", value_name = "PATH", default_value = "prometheus", value_hint = ValueHint::ExecutablePath)]
    pub(crate) prometheus: PathBuf,

    /// Most or least of a figure, as in ks=0.1 or promql=0.95; may be repeated [default: none]
    #[arg(long, env = "PME_VALIDATE_BUDGET", value_name = "FIGURE=LIMIT")]
    pub(crate) budget: Vec<String>,

    /// Write the report as JSON, with each series and violation; - for standard output
    #[arg(long, env = "PME_VALIDATE_JSON", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) json: Option<PathBuf>,

    /// Write the report as a page of HTML without links to anything else; - for standard output
    #[arg(long, env = "PME_VALIDATE_HTML", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,

    /// Write the rules of plausibility and the budgets as test cases for CI systems, as they read `JUnit`; - for standard output
    #[arg(long, env = "PME_VALIDATE_JUNIT", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
}
