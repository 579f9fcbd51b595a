//! The program: arguments to settings to one library call, and exit codes.

mod args;
mod check;
mod clean;
mod ctl;
mod daemon;
mod dashboard;
mod diagnostics;
mod export;
mod history;
mod list;
mod logs;
mod new;
mod once;
mod packaging;
mod plot;
mod plugins;
mod questions;
mod run;
mod scenarios;
mod settings;
mod signals;
mod starter;
mod stdout;
mod table;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;

use promemu_core::error::{Error, suggestion};
use tracing::warn;

use args::{Cli, Command};
use settings::Settings;

fn main() -> ExitCode {
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error.
            let code = if error.use_stderr() { 2 } else { 0 };
            return match error.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::from(1),
            };
        }
    };
    let log_format = cli.log_format;
    logs::start(log_format, cli.debug);
    for (name, known) in args::unknown_variables() {
        warn!("variable {name} is not known{}", suggestion(&name, &known));
    }
    match work(cli) {
        Ok(code) => code,
        Err(error) => {
            diagnostics::say(&error, log_format);
            ExitCode::from(error.exit_code())
        }
    }
}

fn work(cli: Cli) -> Result<ExitCode, Error> {
    plugins::find(cli.plugins_dir.as_ref())?;
    // What these print depends on no other setting.
    match &cli.command {
        Some(Command::Completions { shell }) => return print(&packaging::completions(*shell)),
        Some(Command::Man) => return print(&packaging::manual()?),
        Some(Command::Scenarios { name }) => return print(scenarios::describe(name.as_deref())?.as_bytes()),
        Some(Command::Ctl(args)) => return block_on(ctl::ctl(&cli, args)),
        Some(Command::Plugins) => return print(plugins::list().as_bytes()),
        _ => {}
    }
    let settings = Settings::new(cli)?;
    if settings.cli().list_configs {
        list::print(&settings.config_dirs())?;
        return Ok(ExitCode::SUCCESS);
    }
    match &settings.cli().command {
        Some(Command::Check { names, all }) => {
            let are_good = check::check(&settings, names, *all)?;
            Ok(if are_good { ExitCode::SUCCESS } else { ExitCode::from(2) })
        }
        Some(Command::Export(args)) => export::export(&settings, args).map(|()| ExitCode::SUCCESS),
        Some(Command::Plot(args)) => plot::plot(&settings, args).map(|()| ExitCode::SUCCESS),
        Some(Command::Dashboard(args)) => dashboard::make(&settings, args).map(|()| ExitCode::SUCCESS),
        Some(Command::New(args)) => new::write(&settings, args).map(|()| ExitCode::SUCCESS),
        Some(Command::Clean { all }) => block_on(clean::clean(&settings, *all)),
        _ if settings.cli().once => once::once(&settings).map(|()| ExitCode::SUCCESS),
        _ => block_on(run::run(Arc::new(settings))),
    }
}

fn print(bytes: &[u8]) -> Result<ExitCode, Error> {
    stdout::print(bytes).map(|()| ExitCode::SUCCESS)
}

fn block_on(work: impl Future<Output = Result<(), Error>>) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime
        .map_err(|source| Error::System { what: "the threads cannot be started".to_owned(), source })?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS)
}
