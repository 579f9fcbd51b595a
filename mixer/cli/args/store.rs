//! The flags of `promemu store`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// The life of a recording.
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:\n  promemu store compact shop --dry-run\n  promemu store downsample shop --policy policy.ron\n  promemu store archive shop --policy policy.ron --dry-run\n  promemu store expire shop --policy policy.ron --dry-run"
)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Make one slice of neighbouring ones, for days that are over
    Compact(StoreRunArgs),
    /// Write steps of time for days that are over, as the policy has tiers
    Downsample(StoreRunArgs),
    /// Move days into the stores of their tiers: copy, read back, then remove here
    Archive(StoreRunArgs),
    /// Write the rows of tiers into their databases, too
    Load(StoreRunArgs),
    /// Bring days back from the stores of their tiers
    Restore(StoreRestoreArgs),
    /// Remove days that are older than their tier keeps them; samples stay until all steps have them
    Expire(StoreRunArgs),
}

/// A recording and its policy.
#[derive(Debug, Args)]
pub(crate) struct StoreRunArgs {
    /// The folder of the recording
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) recording: PathBuf,

    /// The file of the policy, in RON [default: samples for 30d, steps of 1m for 365d, steps of 1h for 1826d]
    #[arg(long, env = "PME_STORE_POLICY", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) policy: Option<PathBuf>,

    /// Count ages up to this time, in UTC, as in 2026-01-05T00:00:00Z [default: now]
    #[arg(long, env = "PME_STORE_NOW", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) now: Option<String>,
}

/// The days that come back.
#[derive(Debug, Args)]
pub(crate) struct StoreRestoreArgs {
    #[command(flatten)]
    pub(crate) run: StoreRunArgs,

    /// The first time, in UTC, as in 2026-01-05, or before now, as in -30d [default: the first there is]
    #[arg(long, env = "PME_STORE_FROM", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,

    /// The end, as --from [default: the last there is]
    #[arg(long, env = "PME_STORE_TO", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
}
