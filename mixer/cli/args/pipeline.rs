//! The flags of `promemu pipeline`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Commands on pipelines.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct PipelineArgs {
    #[command(subcommand)]
    pub(crate) command: PipelineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PipelineCommand {
    /// Run the stages of a file, each after those that it names; a run that failed goes on where it was
    #[command(
        after_help = "Examples:\n  promemu pipeline run shop.ron --dry-run\n  promemu pipeline run shop.ron\n  promemu pipeline run shop.ron --every 1h\n  promemu pipeline run shop.ron --follow shop"
    )]
    Run(PipelineRunArgs),
    /// Run two pipelines over copies of a recording, and show what each makes of it, and in what time
    #[command(after_help = "Example:\n  promemu pipeline compare shop.ron shop-2.ron shop")]
    Compare(PipelineCompareArgs),
}

/// Two pipelines, and the recording that both begin with.
#[derive(Debug, Args)]
pub(crate) struct PipelineCompareArgs {
    /// The file of the first pipeline; each works in a folder of its own, which has the files beside it
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) a: PathBuf,

    /// The file of the second pipeline
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) b: PathBuf,

    /// The folder of the recording; the pipelines name it by its last part
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) recording: PathBuf,

    /// Keep what the pipelines made in this new folder, in a and b [default: it is removed]
    #[arg(short, long, env = "PME_PIPELINE_OUT", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}

/// A pipeline, and the times of its runs.
#[derive(Debug, Args)]
pub(crate) struct PipelineRunArgs {
    /// The file of the pipeline, in RON; its commands run in the folder of that
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// Run again and again, so much time from begin to begin [default: once]
    #[arg(long, env = "PME_PIPELINE_EVERY", value_name = "DURATION")]
    pub(crate) every: Option<String>,

    /// Run again when this recording has changed
    #[arg(long, env = "PME_PIPELINE_FOLLOW", value_name = "RECORDING", conflicts_with = "every", value_hint = ValueHint::DirPath)]
    pub(crate) follow: Option<PathBuf>,

    /// Run when a run of promemu has an event of this name; the variables of promemu ctl are for its API
    #[arg(long, env = "PME_PIPELINE_ON_EVENT", value_name = "EVENT", conflicts_with_all = ["every", "follow"])]
    pub(crate) on_event: Option<String>,

    /// The file that keeps which stages are done [default: that of the pipeline, with .state.json behind it]
    #[arg(long, env = "PME_PIPELINE_STATE", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) state: Option<PathBuf>,

    /// Write the state of each stage as metrics in the text format, for a textfile collector
    #[arg(long, env = "PME_PIPELINE_METRICS", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) metrics: Option<PathBuf>,

    /// Begin with the first stage, even if the last run failed at another
    #[arg(long, env = "PME_PIPELINE_RESTART")]
    pub(crate) restart: bool,
}
