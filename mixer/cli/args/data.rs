//! The flags of `promemu data`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use promemu_wire::recording::Aggregate;

/// Commands on recordings.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    pub(crate) command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Write the samples of a recording, or what they come to in steps of time
    #[command(
        after_help = "Examples:\n  promemu data query shop up\n  promemu data query shop '{job=\"shop\"}' --from -1h --out shop.parquet\n  promemu data query shop http_requests_total --agg rate --step 1m --by code --out rate.csv"
    )]
    Query(QueryArgs),
    /// Make rows for learning of a recording, by a pipeline: extract, clean, features, load
    #[command(
        after_help = "Examples:\n  promemu data prepare shop.ron shop --out rows\n  promemu data prepare shop.ron shop --fold 1 --out fold-1\n  promemu data prepare --rollback --out rows"
    )]
    Prepare(PrepareArgs),
    /// Measure how complete, timely, valid, consistent and plausible a recording is, and how far it drifts
    #[command(
        after_help = "Examples:\n  promemu data quality shop\n  promemu data quality shop --budget completeness=0.99 --budget problems=0\n  promemu data quality shop --before last-week --html quality.html --json quality.json"
    )]
    Quality(QualityArgs),
}

/// A pipeline, a recording, and the place of its rows.
#[derive(Debug, Args)]
pub(crate) struct PrepareArgs {
    /// The file of the pipeline, in RON
    #[arg(required_unless_present = "rollback", value_hint = ValueHint::FilePath)]
    pub(crate) pipeline: Option<PathBuf>,

    /// The folder of the recording
    #[arg(required_unless_present = "rollback", value_hint = ValueHint::DirPath)]
    pub(crate) recording: Option<PathBuf>,

    /// The folder of outputs: current in it is the newest one, which is complete
    #[arg(short, long, env = "PME_PREPARE_OUT", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,

    /// Make a fold of the cross-validation that folds of split has: training before it, validation in it [default: the split]
    #[arg(long, env = "PME_PREPARE_FOLD", value_name = "NUMBER")]
    pub(crate) fold: Option<u32>,

    /// Use the output before the current one again
    #[arg(long, env = "PME_PREPARE_ROLLBACK", conflicts_with = "fold")]
    pub(crate) rollback: bool,
}

/// A recording to measure, and what it must come to.
#[derive(Debug, Args)]
pub(crate) struct QualityArgs {
    /// The folder of the recording
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) recording: PathBuf,

    /// The folder of an earlier recording: drift is from it [default: from the first half of the recording]
    #[arg(long, env = "PME_QUALITY_BEFORE", value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    pub(crate) before: Option<PathBuf>,

    /// The least share of a measure, as in completeness=0.99, or the most problems, as in problems=0; or a .ron file of them; may be repeated [default: none]
    #[arg(long, env = "PME_QUALITY_BUDGET", value_name = "MEASURE=SHARE|FILE")]
    pub(crate) budget: Vec<String>,

    /// Write the report as JSON, with each problem; - for standard output
    #[arg(long, env = "PME_QUALITY_JSON", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) json: Option<PathBuf>,

    /// Write the report as a page of HTML without links to anything else; - for standard output
    #[arg(long, env = "PME_QUALITY_HTML", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,

    /// Write shares, budgets, problems and drift as metrics in the text format, for a textfile collector
    #[arg(long, env = "PME_QUALITY_METRICS", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) metrics: Option<PathBuf>,
}

/// A question about a recording.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// The folder of the recording
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) recording: PathBuf,

    /// The series: a name, matchers as in '{job="shop",code=~"5.."}', or both
    pub(crate) selector: String,

    /// The start, in UTC, as in 2026-01-05T00:00:00Z, or before now, as in -1d [default: that of the recording]
    #[arg(long, env = "PME_DATA_FROM", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,

    /// The end, as --from [default: that of the recording]
    #[arg(long, env = "PME_DATA_TO", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,

    /// Give a value for each step, at multiples of this [default: the samples; with --agg one value]
    #[arg(long, env = "PME_DATA_STEP", value_name = "DURATION")]
    pub(crate) step: Option<String>,

    /// The value of a step; sum adds the last values of series, increase and rate count resets [default: last, with --step]
    #[arg(long, env = "PME_DATA_AGG", value_name = "AGGREGATE", value_parser = aggregates())]
    pub(crate) agg: Option<Aggregate>,

    /// Labels that stay, separated by commas: series that are alike in these are one [default: each series on its own]
    #[arg(long, env = "PME_DATA_BY", value_name = "LABEL", value_delimiter = ',')]
    pub(crate) by: Option<Vec<String>>,

    /// The file, whose name sets the format, or - for standard output
    #[arg(short, long, env = "PME_DATA_OUT", value_name = "FILE", default_value = "-", value_hint = ValueHint::FilePath)]
    pub(crate) out: String,

    /// The format; json is an object on each line [default: by the name of --out, else csv]
    #[arg(long, env = "PME_DATA_FORMAT", value_name = "FORMAT", value_enum)]
    pub(crate) format: Option<DataFormat>,

    /// A folder that keeps answers: the same query on the same files is answered from it [default: none]
    #[arg(long, env = "PME_DATA_CACHE", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cache: Option<PathBuf>,
}

/// The parser of an aggregate, which lists them.
fn aggregates() -> impl TypedValueParser<Value = Aggregate> {
    PossibleValuesParser::new(Aggregate::NAMES.map(|(name, _)| name)).try_map(|name| Aggregate::parse(&name))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataFormat {
    Csv,
    Json,
    Parquet,
}
