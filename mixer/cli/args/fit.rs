//! The flags of `promemu fit`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Recording and target of a fitted config.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  promemu fit shop --out configs/shop.ron\n  promemu fit shop --match '{__name__=~\"http_.*\"}' --out http.ron"
)]
pub(crate) struct FitArgs {
    /// The folder of a recording, as promemu record writes it
    #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    pub(crate) recording: PathBuf,

    /// The config to write, a .ron file
    #[arg(short, long, env = "PME_FIT_OUT", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,

    /// Fit only the series of this selector; may be repeated
    #[arg(long = "match", env = "PME_FIT_MATCH", value_name = "SELECTOR")]
    pub(crate) selectors: Vec<String>,

    /// Replace an existing file
    #[arg(long, env = "PME_FIT_FORCE")]
    pub(crate) force: bool,
}
