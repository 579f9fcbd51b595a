//! The command line: flags and `PME_*` variables as the user gave them.
//!
//! Values are checked in [`crate::settings`] and in the commands; here are only the types that clap itself can check.

mod cardinality;
mod cli;
mod ctl;
mod dashboard;
mod data;
mod describe;
mod export;
mod extra_words;
mod fit;
mod flag_advice;
mod flags;
mod hints;
mod models;
mod modes;
mod named_config;
mod new;
mod parse;
mod pipeline;
mod plot;
mod proxy;
mod record;
mod refused_values;
mod run;
mod store;
mod switch;
mod test;
mod truth;
mod typed;
mod usage;
mod validate;
mod variables;
mod words;

pub(crate) use cardinality::CardinalityArgs;
pub(crate) use cli::{Cli, Command, HistoryLabels, LogFormat, PushFormat};
pub(crate) use ctl::{CtlAction, CtlArgs, FaultChange, ListArgs, TimelineChange};
pub(crate) use dashboard::DashboardArgs;
pub(crate) use data::{DataArgs, DataCommand, DataFormat, PrepareArgs, QualityArgs, QueryArgs};
pub(crate) use describe::DescribeArgs;
pub(crate) use export::{ExportArgs, ExportFormat, ExportLabels};
pub(crate) use fit::FitArgs;
pub(crate) use flags::{Flag, commands, flags};
pub(crate) use models::{ModelsAddArgs, ModelsArgs, ModelsCommand, ModelsCompareArgs, ModelsLearnArgs};
pub(crate) use new::NewArgs;
pub(crate) use parse::{command, parse};
pub(crate) use pipeline::{PipelineArgs, PipelineCommand, PipelineCompareArgs, PipelineRunArgs};
pub(crate) use plot::PlotArgs;
pub(crate) use proxy::ProxyArgs;
pub(crate) use record::{ActionArgs, RecordAction, RecordArgs};
pub(crate) use store::{StoreArgs, StoreCommand, StoreRestoreArgs, StoreRunArgs};
pub(crate) use test::{TestArgs, TestMode};
pub(crate) use truth::TruthArgs;
pub(crate) use usage::OUTPUT_KINDS;
pub(crate) use validate::ValidateArgs;
pub(crate) use variables::{ARGUMENT_PREFIX, TOKEN_VARIABLE, unknown_variables};
#[cfg(test)]
pub(crate) use words::ArgumentWords;
