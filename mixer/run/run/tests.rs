//! Runs without servers: their stages, their ends and their reports.

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
use promemu_core::stop::Stop;
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
        shard: None,
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
    let emulate = |stop: &Stop| {
        let is_written = Arc::new(AtomicBool::new(false));
        let written = Arc::clone(&is_written);
        let write = move |run: &Backfill, grid: Grid, stop: &Stop| {
            if stop.is_set() {
                return Err(Error::Run("it was stopped".to_owned()));
            }
            written.store(true, Ordering::Relaxed);
            let hosts = (0..).take(run.plan().hosts.len()).map(|id| HostSampler::new(run.host(id), 0..0));
            Ok(hosts.map(|host| host.into_host(grid.to)).collect())
        };
        let (length, step) = (Span::from_secs(60), Span::from_secs(10));
        let history = History {
            length,
            step,
            work_max: None,
            write: Box::new(write),
            log: None,
            shard: None,
            told_to: None,
        };
        let outcome = history.emulate(plan("inf"), 7, &Clock::start(), stop);
        (outcome.is_ok(), is_written.load(Ordering::Relaxed))
    };
    let stop = Stop::new();
    assert_eq!(emulate(&stop), (true, true));
    stop.set();
    assert_eq!(emulate(&stop), (false, false));
}

/// A plan whose one host is never done with its past.
fn busy_plan() -> Plan {
    let text = "Config(hosts: [Host(name: \"a\", ttl: \"inf\", interval: \"1ms\", listen_events: { \"x\": emit(\"x\") }, metrics: [
        Metric(name: \"m{n}\", update_interval: \"1ms\", value_range: (0, 9), scenario: random_walk, repeat: Repeat(var: \"n\", from: 1, to: 50))])])";
    ConfigFile::from_text("test", text).plan(&LoadOptions::starting_at(wall_now())).unwrap().plan
}

#[test]
fn a_history_leaves_off_in_the_middle_of_a_host() {
    let write = |run: &Backfill, grid: Grid, stop: &Stop| {
        let mut hosts = (0..).take(run.plan().hosts.len()).map(|id| HostSampler::new(run.host(id), 0..0));
        stop.interrupts(|| hosts.by_ref().for_each(|mut host| host.pass(grid.to, |_| {})));
        Err(Error::Run("it was stopped".to_owned()))
    };
    let (stop, (ended, is_ended)) = (Stop::new(), std::sync::mpsc::channel());
    let (length, day) = (Span::from_secs(300 * 86_400), Span::from_secs(86_400));
    let history = History {
        length,
        step: day,
        work_max: None,
        write: Box::new(write),
        log: None,
        shard: None,
        told_to: None,
    };
    let stopped = stop.clone();
    std::thread::spawn(move || {
        let outcome = history.emulate(busy_plan(), 7, &Clock::start(), &stopped);
        ended.send(outcome.is_err()).unwrap();
    });
    assert!(is_ended.recv_timeout(Duration::from_millis(300)).is_err(), "it takes minutes");
    stop.set();
    assert_eq!(is_ended.recv_timeout(Duration::from_mins(1)), Ok(true));
}

#[tokio::test]
async fn a_history_that_takes_longer_than_it_may_is_given_up_and_fails_its_run() {
    let outputs = SharedOutputs::open(&[], None, true).await.unwrap();
    let (done, is_done) = std::sync::mpsc::channel();
    let write = move |_: &Backfill, _: Grid, stop: &Stop| {
        while !stop.is_set() {
            std::thread::yield_now();
        }
        done.send(()).unwrap();
        Err(Error::Run("it was stopped".to_owned()))
    };
    let (length, step) = (Span::from_secs(60), Span::from_secs(10));
    let work_max = Some(Duration::from_millis(500));
    let history = Some(History {
        length,
        step,
        work_max,
        write: Box::new(write),
        log: None,
        shard: None,
        told_to: None,
    });
    let run = Run::start(RunSpec { history, ..spec("inf", settings()) }, &outputs).unwrap();
    run.over().await;
    let error = run.report().unwrap().error.clone().unwrap_or_default();
    assert_eq!(error, "history took more than 500ms of a client's run; ask for a shorter one");
    assert_eq!(is_done.recv_timeout(Duration::from_mins(1)), Ok(()), "nothing works for it any more");
}

#[tokio::test]
async fn a_panic_while_a_run_is_driven_ends_it_and_nothing_else() {
    assert_eq!(without_panic(async { 7 }).await, Some(7));
    assert_eq!(without_panic(async { panic!("a bug") }).await, None::<()>);
}
