//! `promemu cardinality`: the series of a Prometheus, by metric, label and value, their growth, and budgets.
//!
//! Each answer that it asks for has a deadline and a size, however large the Prometheus is.

mod last_look;
mod look;
mod report;

use std::process::ExitCode;

use promemu_core::error::Error;
use promemu_run::clock::wall_now;
use promemu_run::http::Limits;
use tracing::warn;

use crate::args::CardinalityArgs;
use crate::prometheus_client::PrometheusClient;
use crate::settings::{interval, moment, server};
use crate::stdout;
use last_look::LastLook;
use look::Questions;
pub(crate) use look::series_by_metric;
use report::{Budgets, Report};

/// Exit code if a budget is exceeded.
const OVER_BUDGET: u8 = 3;
/// Bytes of one answer.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// Looks at a Prometheus once, or with `--watch` until a budget is exceeded.
///
/// # Errors
///
/// A flag is wrong, or the first look has no answer. Later looks of `--watch` go on without one.
pub(crate) fn cardinality(args: &CardinalityArgs) -> Result<ExitCode, Error> {
    let prometheus = client(args)?;
    let pause = interval("--interval or PME_CARDINALITY_INTERVAL", &args.interval)?;
    let at = args.at.as_deref().map(|text| moment("--at or PME_CARDINALITY_AT", text, wall_now()));
    let questions =
        Questions { selector: args.selector.clone(), at: at.transpose()?, top: usize::from(args.top) };
    let budgets = Budgets { total: args.total, each: args.each };
    let url = prometheus.url().to_string();
    let mut last = match &args.state {
        Some(path) => LastLook::read(path, &url, &questions)?,
        None => None,
    };
    let looks = if args.watch { args.looks.unwrap_or(u32::MAX) } else { 1 };
    for number in 0..looks {
        if number > 0 {
            prometheus.pause(pause.duration());
        }
        let look = match questions.ask(&prometheus) {
            Ok(look) => look,
            Err(why) if number == 0 => return Err(Error::Run(format!("{url} cannot be looked at: {why}"))),
            Err(why) => {
                warn!("no look: {why}");
                continue;
            }
        };
        let report = Report { url: &url, look: &look, last: last.as_ref(), budgets, top: questions.top };
        print(&report, args, number)?;
        let is_over = report.is_over_budget();
        let this = LastLook::of(&url, &questions, &look);
        if let Some(path) = &args.state {
            this.write(path)?;
        }
        if is_over {
            return Ok(ExitCode::from(OVER_BUDGET));
        }
        last = Some(this);
    }
    Ok(ExitCode::SUCCESS)
}

fn client(args: &CardinalityArgs) -> Result<PrometheusClient, Error> {
    let (url, options) = server("the Prometheus", &args.url, "promemu cardinality http://127.0.0.1:9090")?;
    let time = interval("--timeout or PME_CARDINALITY_TIMEOUT", &args.timeout)?.duration();
    let limits = Limits { time: Some(time), silence: time, body_bytes: ANSWER_BYTES_MAX };
    Ok(PrometheusClient::new(url, &options)?.with_limits(limits))
}

/// Prints a look: the whole of the first one, and a line for each later one.
fn print(report: &Report<'_>, args: &CardinalityArgs, number: u32) -> Result<(), Error> {
    match (args.json, args.watch) {
        (true, false) => stdout::print_for_programs(format!("{:#}\n", report.json()).as_bytes()),
        (true, true) => stdout::print_for_programs(format!("{}\n", report.json()).as_bytes()),
        (false, true) if number > 0 => stdout::print(report.line().as_bytes()),
        (false, _) => stdout::print(report.text().as_bytes()),
    }
}
