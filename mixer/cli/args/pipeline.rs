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

    /// Begin with the first stage, even if the last run failed at another
    #[arg(long, env = "PME_PIPELINE_RESTART")]
    pub(crate) restart: bool,
}
