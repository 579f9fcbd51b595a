//! The flags of `promemu models`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Versions of a dynamics model.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:\n  promemu models add shop-models shop.promemu-model\n  promemu models learn shop-models shop\n  promemu models compare shop-models 1 2 --recording shop\n  promemu models rollback shop-models\n  promemu run learned model=shop-models/current.promemu-model"
)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List the versions of a folder: size, age, error, and which one is current
    List(ModelsFolderArgs),
    /// Add a model as the next version; the first one becomes current
    Add(ModelsAddArgs),
    /// Compare versions by the errors of their forecasts
    Compare(ModelsCompareArgs),
    /// Make a version current
    Promote(ModelsPromoteArgs),
    /// Make the version current that was so before
    Rollback(ModelsFolderArgs),
    /// Let the current version learn from the rows of a recording that it has not seen, and add what is better
    Learn(ModelsLearnArgs),
}

/// The folder of the versions.
#[derive(Debug, Args)]
pub(crate) struct ModelsFolderArgs {
    /// The folder of the models
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
}

/// A model to add.
#[derive(Debug, Args)]
pub(crate) struct ModelsAddArgs {
    #[command(flatten)]
    pub(crate) models: ModelsFolderArgs,

    /// A .promemu-model file, as promemu fit --dynamics writes it
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) model: PathBuf,
}

/// Versions to compare.
#[derive(Debug, Args)]
pub(crate) struct ModelsCompareArgs {
    #[command(flatten)]
    pub(crate) models: ModelsFolderArgs,

    /// The numbers of the versions [default: all]
    #[arg(value_name = "VERSION")]
    pub(crate) versions: Vec<u32>,

    /// Forecast this recording [default: the figures that were found when each was fitted]
    #[arg(long, env = "PME_MODELS_RECORDING", value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) recording: Option<PathBuf>,
}

/// The version to make current.
#[derive(Debug, Args)]
pub(crate) struct ModelsPromoteArgs {
    #[command(flatten)]
    pub(crate) models: ModelsFolderArgs,

    /// Its number
    #[arg(value_name = "VERSION")]
    pub(crate) version: u32,
}

/// A recording to learn from.
#[derive(Debug, Args)]
pub(crate) struct ModelsLearnArgs {
    #[command(flatten)]
    pub(crate) models: ModelsFolderArgs,

    /// The folder of a recording of the same system; one that grows may be learned from again and again
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) recording: PathBuf,

    /// Add a version with the newest states of the recording also if no weights have changed
    #[arg(long, env = "PME_MODELS_RENEW")]
    pub(crate) renew: bool,

    /// Write what has happened as JSON; - for standard output
    #[arg(long, env = "PME_MODELS_JSON", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) json: Option<PathBuf>,
}
