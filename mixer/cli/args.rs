//! The command line: flags and `PME_*` variables as the user gave them.
//!
//! Values are checked in [`crate::settings`] and in the commands; here are only the types that clap itself can check.

mod cardinality;
mod cli;
mod ctl;
mod dashboard;
mod describe;
mod export;
mod extra_words;
mod flag_advice;
mod flags;
mod hints;
mod modes;
mod named_config;
mod new;
mod parse;
mod plot;
mod proxy;
mod refused_values;
mod run;
mod switch;
mod test;
mod truth;
mod typed;
mod usage;
mod variables;
mod words;

pub(crate) use cardinality::CardinalityArgs;
pub(crate) use cli::{Cli, Command, HistoryLabels, LogFormat, PushFormat};
pub(crate) use ctl::{CtlAction, CtlArgs, FaultChange, ListArgs, TimelineChange};
pub(crate) use dashboard::DashboardArgs;
pub(crate) use describe::DescribeArgs;
pub(crate) use export::{ExportArgs, ExportFormat, ExportLabels};
pub(crate) use flags::{Flag, commands, flags};
pub(crate) use new::NewArgs;
pub(crate) use parse::{command, parse};
pub(crate) use plot::PlotArgs;
pub(crate) use proxy::ProxyArgs;
pub(crate) use test::{TestArgs, TestMode};
pub(crate) use truth::TruthArgs;
pub(crate) use usage::OUTPUT_KINDS;
pub(crate) use variables::{ARGUMENT_PREFIX, TOKEN_VARIABLE, unknown_variables};
#[cfg(test)]
pub(crate) use words::ArgumentWords;
