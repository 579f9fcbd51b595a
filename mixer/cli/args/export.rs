//! The flags of `promemu export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::words::ArgumentWords;

/// Range, format and target of an export.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The config: a name, or the path of a .ron file
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) words: ArgumentWords,

    /// Start, in UTC, as in 2026-01-05T00:00:00Z, or before now, as in -1d [default: --for before --to]
    #[arg(long, env = "PME_EXPORT_FROM", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,

    /// End, as --from [default: --for after --from, or now]
    #[arg(long, env = "PME_EXPORT_TO", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,

    /// Time from start to end [default: 1h]
    #[arg(long = "for", env = "PME_EXPORT_FOR", value_name = "DURATION")]
    pub(crate) length: Option<String>,

    /// The time between two samples of a series
    #[arg(long, env = "PME_EXPORT_STEP", value_name = "DURATION", default_value = "15s")]
    pub(crate) step: String,

    /// The file to write, the data folder for blocks, or - for standard output
    #[arg(short, long, env = "PME_EXPORT_OUT", value_name = "PATH", default_value = "-", value_hint = ValueHint::FilePath)]
    pub(crate) out: String,

    /// Format [default: by the file's name; blocks for a folder; openmetrics on standard output]
    #[arg(long, env = "PME_EXPORT_FORMAT", value_name = "FORMAT", value_enum)]
    pub(crate) format: Option<ExportFormat>,

    /// Rule test: the rules that it tests, a file or a pattern as in rules/*.yml; may be repeated
    #[arg(long, env = "PME_EXPORT_RULES", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rules: Vec<String>,

    /// Blocks: the longest that may be written; they are 2h, 6h, 18h, 54h, … long
    #[arg(long, env = "PME_EXPORT_MAX_BLOCK_DURATION", value_name = "DURATION", default_value = "36h")]
    pub(crate) max_block_duration: String,

    /// Blocks: write them even if the folder has blocks of the same time
    #[arg(long, env = "PME_EXPORT_ALLOW_OVERLAP")]
    pub(crate) allow_overlap: bool,

    /// With --output remote-write=URL: note here how far samples were sent, and go on there after an interruption
    #[arg(long, env = "PME_EXPORT_RESUME", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) resume: Option<String>,

    /// Labels as of a scrape, where each host is a target with `instance` and `up`, or as of a push [default: scrape for blocks, else push]
    #[arg(long, env = "PME_EXPORT_LABELS", value_enum)]
    pub(crate) labels: Option<ExportLabels>,

    /// Also write the labels of anomalies, as CSV: for each time of a sample the series on which a fault is
    #[arg(long, env = "PME_EXPORT_ANOMALY_LABELS", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) anomaly_labels: Option<PathBuf>,

    /// Number of threads; the result is the same [default: one per core]
    #[arg(long, env = "PME_EXPORT_THREADS", value_name = "NUMBER", value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,
}

pub(super) fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("is not a number from 1 to 1024".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportLabels {
    Scrape,
    Push,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Openmetrics,
    Csv,
    Parquet,
    Rules,
    Blocks,
}
