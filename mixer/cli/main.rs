//! The program `promemu`: it reads the command line, runs one command, and turns its outcome into an exit code.
//!
//! Each command has a file of its name, and a folder of that name for its parts:
//!
//! | command | file |
//! | --- | --- |
//! | `promemu run NAME`, `promemu --config NAME` | [`run`] |
//! | `promemu --once` | [`once`] |
//! | `promemu --list-configs` | [`list`] |
//! | `cardinality`, `check`, `clean`, `completions`, `ctl`, `dashboard`, `describe`, `export`, `fit`, `man`, `new`, `pipeline`, `plot`, `plugins`, `proxy`, `record`, `scenarios`, `test`, `truth`, `validate` | [`cardinality`], [`check`], … |
//!
//! A run with effects starts it as a [`watchdog`] beside itself.
//!
//! As PID 1 it starts itself as a child instead, and does nothing else ([`init`]).
//!
//! They share the command line ([`args`]), its meaning ([`settings`]), the loading of a config ([`config`]), errors and logs
//! ([`diagnostics`], [`logs`]), signals ([`signals`], [`interrupts`]), and what they print or write ([`stdout`], [`table`], [`report_page`], [`output_file`]). Nothing shared knows a command.

mod args;
mod cardinality;
mod check;
mod clean;
mod completions;
mod config;
mod ctl;
mod dashboard;
mod data;
mod describe;
mod diagnostics;
mod dynamics_report;
mod exit_codes;
mod export;
mod fit;
mod hang_up;
mod html_escape;
mod init;
mod interrupts;
mod limits;
mod list;
mod logs;
mod man;
mod metrics_file;
mod model_file;
mod models;
mod new;
mod once;
mod output_file;
mod pipeline;
mod playlist;
mod plot;
mod plugins;
mod progress_bar;
mod prometheus_client;
mod proxy;
mod record;
mod report_file;
mod report_page;
mod ron_file;
mod rule_json;
mod run;
mod scenarios;
mod settings;
mod signals;
mod stdout;
mod store;
mod systemd;
mod table;
mod test;
mod truth;
mod validate;
mod version;
mod watchdog;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::plugin;
use promemu_core::scenario::KINDS;
use promemu_run::threads;
use promemu_run::unfinished::remove_unfinished;
use tracing::warn;

use args::{Cli, Command, LogFormat};
use settings::{Settings, plugin_dirs};

/// Time for the last log lines of a run whose standard error is not read.
const LAST_WORDS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    if init::is_first_process() {
        let code = init::supervise().unwrap_or_else(|error| {
            diagnostics::print(&error, LogFormat::Text);
            ExitCode::from(error.exit_code())
        });
        logs::flush(Some(LAST_WORDS));
        return code;
    }
    if let Some(journal) = watchdog::journal(std::env::args_os()) {
        // Nobody reads what it says; its exit code is for tests.
        return watchdog::watchdog(&journal)
            .map_or_else(|error| ExitCode::from(error.exit_code()), |()| ExitCode::SUCCESS);
    }
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error.
            let code = if error.use_stderr() { 2 } else { 0 };
            let printed = diagnostics::print_usage(&error).map(|()| ExitCode::from(code));
            return printed.unwrap_or_else(|error| {
                diagnostics::print(&error, LogFormat::Text);
                logs::flush(Some(LAST_WORDS));
                ExitCode::from(error.exit_code())
            });
        }
    };
    let log_format = cli.log_format;
    // A command that is no run may wait for its reader, as every filter in a pipe does.
    let patience = cli.is_run().then_some(LAST_WORDS);
    logs::start(log_format, cli.debug);
    interrupts::outlive_file_limits();
    if writes_and_ends(&cli) {
        interrupts::remove_unfinished_files();
    }
    for (name, meant) in args::unknown_variables() {
        let meant = meant.map_or_else(
            || "; promemu COMMAND --help lists the variables".to_owned(),
            |meant| format!("; did you mean {meant}?"),
        );
        warn!(variable = %name, "unknown variable{meant}");
    }
    let outcome = dispatch(cli);
    // A history that a stopped run does not want any more.
    drop(remove_unfinished());
    plugin::wait_for_generators();
    let code = outcome.unwrap_or_else(|error| {
        diagnostics::print(&error, log_format);
        ExitCode::from(error.exit_code())
    });
    logs::flush(patience);
    code
}

/// `true` for a command that writes files and is no run.
const fn writes_and_ends(cli: &Cli) -> bool {
    match &cli.command {
        Some(
            Command::Export(_)
            | Command::Fit(_)
            | Command::Models(_)
            | Command::Plot(_)
            | Command::Dashboard(_)
            | Command::New(_)
            | Command::Data(_)
            | Command::Validate(_),
        ) => true,
        // A live run ends as others do.
        Some(Command::Test(args)) => !args.live,
        _ => false,
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode, Error> {
    let built_ins = KINDS.iter().map(|kind| kind.name).collect();
    plugin::set_folders(plugin_dirs(cli.plugins_dir.as_ref())?, built_ins);
    // These commands work even if other settings are wrong.
    match &cli.command {
        Some(Command::Completions { shell }) => return done(completions::completions(*shell)),
        Some(Command::Man) => return done(man::man()),
        Some(Command::Scenarios { name }) => return done(scenarios::scenarios(name.as_deref())),
        Some(Command::Ctl(args)) => return block_on(ctl::ctl(&cli, args)),
        Some(Command::Plugins) => return done(plugins::plugins()),
        Some(Command::Fit(args)) => return done(fit::fit(args, cli.seed)),
        Some(Command::Models(args)) => return done(models::models(args)),
        Some(Command::Cardinality(args)) => return cardinality::cardinality(args),
        Some(Command::Data(args)) => return data::data(args),
        Some(Command::Store(args)) => return done(store::store(args, cli.once)),
        Some(Command::Pipeline(args)) => return done(block_on(pipeline::pipeline(args, cli.once))),
        _ => {}
    }
    let settings = Settings::new(cli)?;
    let cli = settings.cli();
    if cli.list_configs {
        return done(list::list(&settings.config_dirs()));
    }
    match &cli.command {
        Some(Command::Check { names, all }) => {
            let is_good = check::check(&settings, names, *all)?;
            Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(2) })
        }
        Some(Command::Export(args)) => done(export::export(&settings, args)),
        Some(Command::Plot(args)) => done(plot::plot(&settings, args)),
        Some(Command::Truth(args)) => done(truth::truth(&settings, args)),
        Some(Command::Test(args)) => test::test(&settings, args),
        Some(Command::Validate(args)) => validate::validate(&settings, args),
        Some(Command::Describe(args)) => done(describe::describe(&settings, args)),
        Some(Command::Dashboard(args)) => done(dashboard::dashboard(&settings, args)),
        Some(Command::New(args)) => done(new::new(&settings, args)),
        Some(Command::Proxy(args)) => {
            threads::start();
            done(block_on(proxy::proxy(&settings, args)))
        }
        Some(Command::Record(args)) => {
            threads::start();
            done(block_on(record::record(&settings, args)))
        }
        Some(Command::Clean { all }) => done(block_on(clean::clean(&settings, *all))),
        _ if cli.once => done(once::once(&settings)),
        _ => {
            threads::start();
            done(block_on(run::run(Arc::new(settings))))
        }
    }
}

fn done(outcome: Result<(), Error>) -> Result<ExitCode, Error> {
    outcome.map(|()| ExitCode::SUCCESS)
}

fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = threads::runtime("main", None);
    let what = || "threads cannot be started; raise the limits of processes (ulimit -u), memory (ulimit -v) and open files (ulimit -n)";
    let runtime = runtime.map_err(|source| Error::System { what: what().to_owned(), source })?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}
