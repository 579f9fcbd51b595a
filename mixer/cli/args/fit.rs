//! The flags of `promemu fit`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::export::parse_threads;

/// Recording and target of a fitted config or dynamics model.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  promemu fit shop --out configs/shop.ron\n  promemu fit shop --match '{__name__=~\"http_.*\"}' --out http.ron\n  promemu fit --dynamics shop --out shop.promemu-model"
)]
pub(crate) struct FitArgs {
    /// The folder of a recording, as promemu record writes it
    #[arg(value_name = "RECORDING", value_hint = ValueHint::DirPath)]
    pub(crate) recording: PathBuf,

    /// The config to write, a .ron file; with --dynamics the model, a .promemu-model file
    #[arg(short, long, env = "PME_FIT_OUT", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,

    /// Fit only the series of this selector; may be repeated
    #[arg(long = "match", env = "PME_FIT_MATCH", value_name = "SELECTOR")]
    pub(crate) selectors: Vec<String>,

    /// Replace an existing file
    #[arg(long, env = "PME_FIT_FORCE")]
    pub(crate) force: bool,

    /// Learn a dynamics model instead: how the metrics go on from their last values, under the recorded actions
    #[arg(long, env = "PME_FIT_DYNAMICS")]
    pub(crate) dynamics: bool,

    /// A file of hyper-parameters, in RON, for --dynamics [default: those that ship]
    #[arg(long, env = "PME_FIT_HYPERPARAMETERS", requires = "dynamics", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) hyperparameters: Option<PathBuf>,

    /// Number of threads of --dynamics; the model is the same [default: one per core]
    #[arg(long, env = "PME_FIT_THREADS", requires = "dynamics", value_name = "NUMBER", value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,

    /// Write the report of --dynamics as a page of HTML, with the curves of the training; - for standard output
    #[arg(long, env = "PME_FIT_HTML", requires = "dynamics", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,

    /// Train only this network of --dynamics, and leave it beside --out; each may be a process of its own [default: all]
    #[arg(long, env = "PME_FIT_MEMBER", requires = "dynamics", value_name = "NUMBER/ALL", value_parser = parse_member)]
    pub(crate) member: Option<(usize, usize)>,

    /// Make the model of --dynamics of networks that --member has trained, all of them
    #[arg(long, env = "PME_FIT_ASSEMBLE", requires = "dynamics", conflicts_with = "member")]
    pub(crate) assemble: bool,
}

/// A number of a member, from 1 on, and the number of all.
fn parse_member(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once('/').and_then(|(one, all)| Some((one.parse().ok()?, all.parse().ok()?)));
    match numbers {
        Some((one, all)) if (1..=all).contains(&one) => Ok((one, all)),
        _ => Err("is not a number of a network and of all, as in 2/5".to_owned()),
    }
}
