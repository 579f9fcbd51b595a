//! Runs without servers: their stages, their ends and their reports.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::clock::Clock;
use crate::history::History;
use crate::outputs::OutputSettings;
use crate::outputs::file::FileSettings;
use crate::settings::RunSettings;
use promemu_core::backfill::{Backfill, Grid, HostSampler};
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_wire::exposition::Format;

/// Two hosts that update and report ten times a second, one of them with two members.
fn plan(ttl: &str) -> Plan {
    let metric = "Metric(name: \"n_total\", metric_type: counter, value_range: (1, 9), update_interval: \"100ms\", scenario: random_in_range)";
    let text = format!(
        "Config(hosts: [\
             Host(name: \"a\", ttl: \"{ttl}\", interval: \"100ms\", metrics: [{metric}]), \
             Host(name: \"b\", ttl: \"{ttl}\", interval: \"100ms\", metrics: [Metric(name: \"up\", default_value: 1)], \
                 pools: [Pool(name: \"pods\", count: 2, labels: {{ \"pod\": \"{{slot}}\" }}, metrics: [Metric(name: \"pod_up\", default_value: 1)])])])"
    );
    let options = LoadOptions::starting_at(wall_now());
    ConfigFile::from_text("test", &text).plan(&options).unwrap().plan
}

fn spec(ttl: &str, settings: RunSettings) -> RunSpec {
    RunSpec {
        id: "test".into(),
        plan: plan(ttl),
        settings,
        clock: Clock::start(),
        history: None,
        watch: None,
        events: Arc::default(),
        keeps_last_metrics: true,
    }
}

fn settings() -> RunSettings {
    RunSettings { push_interval: Span::from_nanos(50_000_000), ..RunSettings::without_outputs(7) }
}

async fn outputs() -> Arc<SharedOutputs> {
    SharedOutputs::open(&[], None, false).await.unwrap()
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = wall_now() + Span::from_secs(30);
    while !is_so() {
        assert!(wall_now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn last_metrics(run: &Run) -> String {
    let mut exposition = run.last_metrics().unwrap().exposition().unwrap();
    let chunks = std::iter::from_fn(|| exposition.next_chunk().unwrap());
    String::from_utf8(chunks.flatten().collect()).unwrap()
}

#[tokio::test]
async fn a_run_whose_hosts_have_ended_is_over_and_its_last_metrics_stay() {
    let run = Run::start(spec("1s", settings()), &outputs().await).unwrap();
    run.outcome().await.unwrap();
    let report = run.report().unwrap();
    let RunCounts { hosts_begun, hosts_ended, members_begun, members_ended, updates, events, .. } =
        report.counts;
    assert_eq!(report.reason, EndReason::AllHostsOver);
    assert_eq!([hosts_begun, hosts_ended, members_begun, members_ended], [2, 2, 2, 2]);
    assert!(updates > 5 && events >= 6, "{report:?}");
    let last = last_metrics(&run);
    assert!(last.contains("n_total{name=\"a\"") || last.contains("pod_up{name=\"b\""), "{last}");
    assert!(run.handle().is_none() && run.stage() == Stage::Over);
}

#[tokio::test]
async fn a_run_ends_after_its_duration() {
    let settings = RunSettings { duration: Span::from_nanos(300_000_000), ..settings() };
    let run = Run::start(spec("inf", settings), &outputs().await).unwrap();
    run.outcome().await.unwrap();
    let report = run.report().unwrap();
    assert_eq!((report.reason, &report.error), (EndReason::Duration, &None));
    assert!(report.emulated_seconds >= 0.3, "{report:?}");
}

#[tokio::test]
async fn the_report_says_who_has_stopped_the_run_first() {
    let outputs = outputs().await;
    for (reasons, reason) in [
        ([StopReason::Request, StopReason::Signal], EndReason::Stopped),
        ([StopReason::Signal, StopReason::Request], EndReason::Signal),
    ] {
        let run = Run::start(spec("inf", settings()), &outputs).unwrap();
        let shows_all = || run.handle().is_some_and(|handle| handle.overview().series == 4);
        eventually("all series have a value", shows_all).await;
        for reason in reasons {
            run.stop(reason);
        }
        run.outcome().await.unwrap();
        assert_eq!(run.report().unwrap().reason, reason);
        let last = last_metrics(&run);
        assert_eq!(last.matches("job=\"promemu_").count(), 4, "{last}");
    }
}

#[tokio::test]
async fn a_run_that_fails_says_so_once_and_in_its_report() {
    // The output is not among those of the process.
    let file = OutputSettings::File(FileSettings { path: "x".into(), format: Format::Text });
    let settings = RunSettings { outputs: vec![file], ..settings() };
    let run = Run::start(spec("inf", settings), &outputs().await).unwrap();
    assert!(run.outcome().await.is_err());
    assert!(run.outcome().await.is_ok(), "the error is taken");
    let report = run.report().unwrap();
    assert_eq!(report.reason, EndReason::Failed);
    assert!(report.error.as_ref().is_some_and(|error| error.contains("file=x")), "{report:?}");
}

#[tokio::test]
async fn a_run_that_is_over_makes_room_for_another_one_with_its_jobs() {
    let outputs = outputs().await;
    let options = LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000));
    let plan = |file: &ConfigFile| file.plan(&options).unwrap().plan;
    let file = ConfigFile::from_text(
        "test",
        "Config(default_job_name: \"x\", hosts: [Host(name: \"a\", metrics: [Metric(name: \"m\")])])",
    );
    let start = |id: &str| {
        Run::start(RunSpec { id: id.into(), plan: plan(&file), ..spec("inf", settings()) }, &outputs)
    };
    let first = start("one").unwrap();
    assert!(matches!(start("two"), Err(RunConflict::JobTaken { .. })));
    first.stop(StopReason::Request);
    first.over().await;
    let second = start("two").unwrap();
    second.stop(StopReason::Request);
    second.over().await;
}

#[tokio::test]
async fn a_process_is_ready_when_the_hosts_of_its_main_run_have_reported() {
    let outputs = SharedOutputs::open(&[], None, true).await.unwrap();
    assert!(!outputs.is_ready());
    let run = Run::start(RunSpec { id: MAIN_RUN.into(), ..spec("inf", settings()) }, &outputs).unwrap();
    eventually("it is ready", || outputs.is_ready()).await;
    assert_eq!(run.handle().unwrap().overview().hosts["running"], 2);
    run.stop(StopReason::Request);
    run.over().await;
    assert!(outputs.is_ready(), "it stays so");
}

#[test]
fn a_run_that_is_stopped_in_its_history_writes_none() {
    let emulate = |wanted: &Weak<()>| {
        let is_written = Arc::new(AtomicBool::new(false));
        let written = Arc::clone(&is_written);
        let write = move |run: &Backfill, grid: Grid, wanted: &Weak<()>| {
            if wanted.strong_count() == 0 {
                return Err(Error::Run("it was stopped".to_owned()));
            }
            written.store(true, Ordering::Relaxed);
            let hosts = (0..).take(run.plan().hosts.len()).map(|id| HostSampler::new(run.host(id), 0..0));
            Ok(hosts.map(|host| host.into_host(grid.to)).collect())
        };
        let history =
            History { length: Span::from_secs(60), step: Span::from_secs(10), write: Box::new(write) };
        let outcome = history.emulate(plan("inf"), 7, &Clock::start(), wanted);
        (outcome.is_ok(), is_written.load(Ordering::Relaxed))
    };
    let wanted = Arc::new(());
    assert_eq!(emulate(&Arc::downgrade(&wanted)), (true, true));
    assert_eq!(emulate(&Weak::new()), (false, false));
}

#[tokio::test]
async fn a_panic_while_a_run_is_driven_ends_it_and_nothing_else() {
    assert_eq!(without_panic(async { 7 }).await, Some(7));
    assert_eq!(without_panic(async { panic!("a bug") }).await, None::<()>);
}
