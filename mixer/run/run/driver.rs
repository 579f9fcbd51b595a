//! The task of a run: its history, its life, and its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::info;

use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_core::stop::{Stop, StopOnDrop};
use promemu_core::time::{Span, Time};

use super::last_metrics::{self, LastMetrics};
use super::{Run, Stage};
use crate::clock::Clock;
use crate::event_tap::EventTap;
use crate::handle::RunHandle;
use crate::history::{Emulated, History};
use crate::mixer::{LiveMixer, MetricsMixer};
use crate::outputs::shared::Admission;
use crate::report::EndReason;
use crate::settings::RunSettings;
use crate::spec::RunSpec;
use crate::transport::ShardPart;
use crate::watch::Watch;

/// Drives a run from its start to its end.
pub(super) async fn drive(run: Run, spec: RunSpec, admission: Admission) -> Result<EndReason, Error> {
    let outcome = Box::pin(until_over(run, spec, &admission)).await;
    admission.leftovers().are_gone().await;
    outcome
}

async fn until_over(run: Run, spec: RunSpec, admission: &Admission) -> Result<EndReason, Error> {
    let RunSpec { id: _, plan, shard, settings, clock, history, watch, events, keeps_last_metrics } = spec;
    // Edits are planned for the same start.
    let plan_start = history.as_ref().map_or(clock.started_at(), |history| history.start(&clock));
    let ends_by_itself = plan.hosts.iter().all(|host| host.ttl != Span::FOREVER);
    let running = settings.clone();
    let mixer = tokio::select! {
        mixer = ready((plan, shard), history, settings, (clock, events), admission) => mixer?,
        reason = run.stop_requested() => return Ok(reason),
    };
    log_start(&mixer, &running, &clock, admission);
    let handle = mixer.handle().clone();
    run.begin(&handle);
    let push_interval = running.push_interval;
    let mut live = mixer.go_live(run.0.stop_flag.clone()).await;
    let until_end = until_end(&run, &mut live, watch.map(|watch| (watch, running, plan_start)), admission);
    let reason = tokio::select! {
        reason = until_end => reason,
        never = last_metrics::refresh(&run.0.last_metrics, &handle, push_interval),
            if keeps_last_metrics && ends_by_itself => match never {},
    };
    let reason = live.end_effects(reason).await;
    run.advance_to(Stage::Stopping);
    note_last_state(&run, handle, keeps_last_metrics).await;
    let ended = live.end().await;
    reason.and_then(|reason| ended.map(|()| reason))
}

/// A run that is ready to begin, after its history if it has one.
async fn ready(
    (plan, shard): (Plan, Option<ShardPart>),
    history: Option<History>,
    settings: RunSettings,
    (clock, events): (Clock, Arc<EventTap>),
    admission: &Admission,
) -> Result<MetricsMixer, Error> {
    let Some(history) = history else {
        let plan = match &shard {
            Some(part) => plan.of_shard(part.shard),
            None => plan,
        };
        return MetricsMixer::start(plan, (None, shard), settings, clock, events, admission).await;
    };
    let (seed, from) = (settings.seed, history.start(&clock));
    // Dropped with this future, when the run is stopped meanwhile, or the history takes too long.
    let wanted = StopOnDrop(Stop::new());
    let (stop, work_max) = (wanted.0.clone(), history.work_max);
    let emulated = tokio::task::spawn_blocking(move || history.emulate(plan, seed, &clock, &stop));
    let longest = work_max.unwrap_or(Duration::MAX);
    let Ok(emulated) = tokio::time::timeout(longest, emulated).await else {
        return Err(Error::Run(format!(
            "history took more than {} of a client's run; ask for a shorter one",
            humantime::format_duration(longest)
        )));
    };
    let bug = |bug| Error::Run(format!("history was not made because of a bug: {bug}"));
    let Emulated { plan, past } = emulated.map_err(bug)??;
    let until = past.until;
    if past.of_run.is_some() {
        info!(since = from.rfc3339(), "the hosts have the state of the run so far, and go on live");
    } else {
        info!(from = from.rfc3339(), "history is written; the hosts go on live");
    }
    let mixer = MetricsMixer::start(plan, (Some(past), shard), settings, clock, events, admission).await?;
    tokio::time::sleep_until(clock.instant_of(until)).await;
    Ok(mixer)
}

fn log_start(mixer: &MetricsMixer, settings: &RunSettings, clock: &Clock, admission: &Admission) {
    let plan = mixer.plan();
    let (hosts, series) = (plan.hosts.len(), plan.series_count());
    info!(config = %plan.config, hosts, series, seed = settings.seed, speed = %clock.speed(), "running");
    for destination in mixer.destinations() {
        info!("{destination}");
    }
    if let Some(address) = admission.self_metrics_address() {
        info!("promemu's own metrics are at http://{address}/metrics");
    }
}

/// Lets the hosts live until the run ends, and follows the edits of its config if it is watched.
async fn until_end(
    run: &Run,
    live: &mut LiveMixer,
    watch: Option<(Watch, RunSettings, Time)>,
    admission: &Admission,
) -> Result<EndReason, Error> {
    let stop = async {
        let reason = run.stop_requested().await;
        if reason == EndReason::Stopped {
            info!("stopping at the request of an API client");
        }
        reason
    };
    let (plans, mut reloads) = mpsc::channel(1);
    let Some((watch, running, start)) = watch else { return live.until_end(stop, &mut reloads).await };
    let effects = live.effects_plan();
    tokio::select! {
        reason = live.until_end(stop, &mut reloads) => reason,
        never = watch.reload_edits((&running, effects.as_deref()), start, admission, plans) => match never {},
    }
}

/// Notes the state that the run is remembered by, before its hosts end.
async fn note_last_state(run: &Run, handle: RunHandle, keeps_last_metrics: bool) {
    let noted = tokio::task::spawn_blocking(move || {
        let metrics = if keeps_last_metrics { LastMetrics::of(&handle) } else { None };
        (handle.overview(), metrics)
    });
    // A panic has been logged; the run ends as it would have.
    let Ok((overview, metrics)) = noted.await else { return };
    run.progress().last_overview = Some(overview);
    if !keeps_last_metrics {
        return;
    }
    if let Some(metrics) = metrics {
        last_metrics::set(&run.0.last_metrics, metrics);
    }
    tokio::spawn(last_metrics::forget(Arc::downgrade(&run.0)));
}
