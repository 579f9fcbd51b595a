//! The program: arguments to settings to one library call, and exit codes.

mod check;
mod cli;
mod ctl;
mod daemon;
mod dashboard;
mod diagnostics;
mod list;
mod logs;
mod new;
mod output;
mod packaging;
mod past;
mod plot;
mod plugins;
mod questions;
mod save;
mod scenarios;
mod settings;
mod starter;
mod table;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;

use promemu::clock::{Clock, Span, Speed, Time, wall_now};
use promemu::config::{ConfigFile, LoadedConfig};
use promemu::error::{Error, suggestion};
use promemu::mixer::{MetricsMixer, RunSettings};
use promemu::plan::Plan;
use promemu::preview::FirstValues;
use promemu::sink::GatewaySettings;
use promemu::sink::pushgateway::{PushgatewayClient, RunInfo, Verdict};
use promemu::status::plural;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{info, warn};

use cli::{Cli, Command};
use daemon::Steering;
use settings::Settings;
use watch::Watch;

/// The exit code after a second signal.
const INTERRUPTED_TWICE: u8 = 130;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
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
    for (name, known) in cli::unknown_variables() {
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
        Some(Command::Ctl(args)) => return block_on(ctl::ask(&cli, args)),
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
        Some(Command::Export(args)) => save::export(&settings, args).map(|()| ExitCode::SUCCESS),
        Some(Command::Plot(args)) => plot::plot(&settings, args).map(|()| ExitCode::SUCCESS),
        Some(Command::Dashboard(args)) => dashboard::make(&settings, args).map(|()| ExitCode::SUCCESS),
        Some(Command::New(args)) => new::write(&settings, args).map(|()| ExitCode::SUCCESS),
        Some(Command::Clean { all }) => block_on(clean(&settings, *all)),
        _ if settings.cli().once => once(&settings),
        _ => block_on(run(Arc::new(settings))),
    }
}

fn print(bytes: &[u8]) -> Result<ExitCode, Error> {
    output::print(bytes).map(|()| ExitCode::SUCCESS)
}

fn block_on(work: impl Future<Output = Result<(), Error>>) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime
        .map_err(|source| Error::System { what: "the threads cannot be started".to_owned(), source })?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS)
}

/// The config that the settings name.
fn open(settings: &Settings) -> Result<ConfigFile, Error> {
    Ok(settings.config_dirs().open(settings.config()?)?)
}

/// What to run of a config; logs what is odd about it.
fn load(settings: &Settings, file: &ConfigFile, started_at: Time) -> Result<LoadedConfig, Error> {
    let loaded = settings.load(file, started_at)?;
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    Ok(loaded)
}

/// Prints the first values of all series.
fn once(settings: &Settings) -> Result<ExitCode, Error> {
    let started_at = wall_now();
    let plan = load(settings, &open(settings)?, started_at)?.plan;
    let seed = settings.run_settings(&plan.defaults)?.seed;
    let first = FirstValues::of(&plan, seed, started_at);
    for failure in &first.failures {
        warn!("{failure}");
    }
    output::print(&first.body)?;
    Ok(ExitCode::SUCCESS)
}

async fn run(settings: Arc<Settings>) -> Result<(), Error> {
    if settings.waits_for_runs() {
        return daemon::wait_for_runs(&settings, signals()?).await;
    }
    let clock = Clock::start().at_speed(settings.speed());
    let file = open(&settings)?;
    let mut watch = settings.cli().watch.then(|| Watch::start(&file)).transpose()?;
    let started_at = settings.history().map_or(clock.started_at(), |history| history.start(&clock));
    let LoadedConfig { plan, files, .. } = load(&settings, &file, started_at)?;
    if let Some(watch) = &mut watch {
        watch.follow(&files);
    }
    let run = settings.run_settings(&plan.defaults)?;
    let running = run.clone();
    let told = told(&plan, run.seed, &clock);
    let shutdown = signals()?;
    tokio::pin!(shutdown);
    let mut steering = Steering::start(&settings, &file, &plan, &run).await?;
    let outcome = async {
        let mixer = tokio::select! {
            started = start(Arc::clone(&settings), plan, run, clock) => started?,
            () = &mut shutdown => return Ok(()),
            () = steering.asked_to_stop() => return Ok(()),
        };
        info!("{told}");
        for destination in mixer.destinations() {
            info!("{destination}");
        }
        if let Some(address) = mixer.self_metrics_address() {
            info!("promemu's own metrics are at http://{address}/metrics");
        }
        steering.begin(mixer.remote());
        let shutdown = async {
            tokio::select! {
                () = shutdown => {}
                () = steering.asked_to_stop() => info!("a client of the API has asked the run to stop"),
            }
        };
        let Some(watch) = watch else { return mixer.run(shutdown).await };
        let (plans, reloads) = mpsc::channel(1);
        tokio::select! {
            outcome = mixer.run_with_reloads(shutdown, reloads) => outcome,
            never = watch.reload_edits(Arc::clone(&settings), running, started_at, plans) => match never {},
        }
    }
    .await;
    steering.end(outcome.as_ref().err()).await;
    outcome
}

/// What is said of a run when it starts.
fn told(plan: &Plan, seed: u64, clock: &Clock) -> String {
    let hosts = plural(plan.hosts.len(), "host", "hosts");
    let series = plan.series_told();
    format!("running {} with {hosts} and {series}, seed {seed}{}", plan.config, pace(clock.speed()))
}

/// A run that is ready to go, after its past, if it has one.
async fn start(
    settings: Arc<Settings>,
    plan: Plan,
    run: RunSettings,
    clock: Clock,
) -> Result<MetricsMixer, Error> {
    let Some(history) = settings.history().cloned() else {
        return MetricsMixer::start(plan, run, clock).await;
    };
    let seed = run.seed;
    let past = tokio::task::spawn_blocking(move || history.live_through(plan, seed, &clock));
    let past =
        past.await.map_err(|bug| Error::Run(format!("the past was not made because of a bug: {bug}")))?;
    let (plan, hosts, until) = past?;
    let mixer = MetricsMixer::start(plan, run, clock).await?.with_past(hosts);
    tokio::time::sleep_until(clock.instant_of(until).into()).await;
    Ok(mixer)
}

/// How fast a run is, if that is worth a word.
fn pace(speed: Speed) -> String {
    if speed == Speed::NORMAL { String::new() } else { format!(", at speed {speed}") }
}

/// Completes at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once.
fn signals() -> Result<impl Future<Output = ()> + Send, Error> {
    let listen = |kind| {
        signal(kind)
            .map_err(|source| Error::System { what: "signals cannot be listened to".to_owned(), source })
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    // Under nohup the terminal's end is no reason to stop.
    let mut hang_up = if is_ignored_hang_up() { None } else { Some(listen(SignalKind::hangup())?) };
    let (first, came) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut first = Some(first);
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = async {
                    match &mut hang_up {
                        Some(hang_up) => drop(hang_up.recv().await),
                        None => std::future::pending().await,
                    }
                } => {}
            }
            match first.take() {
                // Nobody waits any more when the run has just ended by itself.
                Some(first) => drop(first.send(())),
                None => std::process::exit(i32::from(INTERRUPTED_TWICE)),
            }
        }
    });
    Ok(async {
        let _came = came.await;
        info!("a signal asks promemu to end; a second one ends it at once");
    })
}

/// Whether SIGHUP, signal 1, was ignored when the process started (proc(5)).
fn is_ignored_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Deletes promemu's groups from the Pushgateways: those of runs that are over, or all.
async fn clean(settings: &Settings, all: bool) -> Result<(), Error> {
    for gateway in settings.gateways()? {
        clean_gateway(&gateway, all).await?;
    }
    Ok(())
}

async fn clean_gateway(gateway: &GatewaySettings, all: bool) -> Result<(), Error> {
    let url = &gateway.url;
    let client = Arc::new(PushgatewayClient::new(url.clone(), &gateway.http, gateway.timeout)?);
    let away = |error| Error::Run(format!("the groups of pushgateway {url} cannot be listed: {error}"));
    let (groups, gateway_now) = client.groups().await.map_err(away)?;
    let own = RunInfo::new("", Span::ZERO);
    let is_doomed = |group: &&promemu::sink::pushgateway::GatewayGroup| match own.judge(group, gateway_now) {
        Verdict::Orphan => true,
        Verdict::Own | Verdict::Unclear { .. } | Verdict::Alive => all,
        Verdict::Stranger => false,
    };
    let doomed: Vec<String> =
        groups.iter().filter(is_doomed).filter_map(|group| group.job_only().map(str::to_owned)).collect();
    let (count, total) = (doomed.len(), groups.len());
    let failed = client.delete_all(doomed).await;
    if total == 0 {
        info!("there are no groups on {url}");
        return Ok(());
    }
    let others =
        if all { "the others are not promemu's" } else { "the others are a living run's or not promemu's" };
    info!("deleted {} of {} on {url}; {others}", count - failed, plural(total, "group", "groups"));
    if failed > 0 {
        let groups = plural(failed, "group", "groups");
        return Err(Error::Run(format!("{groups} could not be deleted; try again")));
    }
    Ok(())
}
