//! Commands to a run without a server.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::commands::Command;
use super::*;
use crate::clock::Clock;
use crate::event_tap::TapItem;
use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;
use crate::outputs::output_set::Healths;
use crate::self_metrics::SelfMetrics;
use crate::settings::RunSettings;
use crate::stop_flag::StopFlag;
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::plan::Plan;
use promemu_core::rng::Seed;
use promemu_core::time::{Span, Time};

const CONFIG: &str = r#"Config(hosts: [
    Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "rack/{i}", interval: "100ms", listen_events: { "ping@own": emit("pong"), "jam": override("used", 33), "flood": override("used", 44, "1h"), "clear": release("used") }, metrics: [
        Metric(name: "load", value_range: (0, 100), update_interval: "100ms", scenario: random_walk),
        Metric(name: "used", labels: { "device": "/dev/sda" }, value_range: (0, 100), listen_events: ["go"], default_value: 5),
        Metric(name: "n_total", metric_type: counter, default_value: 10),
        Metric(name: "is", metric_type: stateset, states: ["up", "down"]),
        Metric(name: "took", metric_type: histogram, value_range: (0, 10)),
        Metric(name: "about_info", metric_type: info, labels: { "version": "1" })]),
    Host(name: "late", start_time: "1h", metrics: [Metric(name: "load", default_value: 1)],
        faults: [late(by: "30s", on: "slow", until: "quick", probability: 0.5), gap(on: "lost", lasts: "1m")]),
])"#;

fn plan(started_at: Time) -> Plan {
    ConfigFile::from_text("test", CONFIG).plan(&LoadOptions::starting_at(started_at)).unwrap().plan
}

/// A run without outputs, and its handle.
struct TestRun {
    runner: FleetRunner,
    fleets: watch::Sender<Arc<Fleet>>,
    handle: RunHandle,
}

impl TestRun {
    /// A run whose three hosts have begun.
    async fn begun() -> Self {
        let clock = Clock::start();
        let own = Arc::new(SelfMetrics::new().unwrap());
        let fleet =
            Arc::new(Fleet::new(plan(clock.started_at()), clock, own.tally().clone(), Arc::default()));
        let (fleets, newest) = watch::channel(Arc::clone(&fleet));
        let settings = RunSettings { shows_hosts: true, ..RunSettings::without_outputs(7) };
        let (handle, _) = RunHandle::new(newest, &settings, Healths::default(), own, None);
        let runner = FleetRunner::start(
            fleet,
            Seed::new(7),
            clock.now(),
            None,
            Handle::current(),
            StopFlag::default(),
        )
        .await;
        let run = Self { runner, fleets, handle };
        run.eventually("the hosts have begun", |handle| handle.overview().hosts["running"] == 3).await;
        run
    }

    async fn ask(&mut self, command: Command) -> Result<(), CommandError> {
        let outcome = command.apply(&mut self.runner).await.map(drop);
        self.fleets.send_replace(Arc::clone(self.runner.fleet()));
        outcome
    }

    async fn eventually(&self, what: &str, is_so: impl Fn(&RunHandle) -> bool) {
        let clock = *self.handle.clock();
        let deadline = clock.now() + Span::from_secs(30);
        while !is_so(&self.handle) {
            assert!(clock.now() < deadline, "{what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn value(&self, id: &str) -> Option<f64> {
        Sampler::new(self.handle.clone()).read(&[id.into()]).1[0]
    }
}

fn set_override(host: &str, metric: &str, value: f64) -> Command {
    let wanted = Override { value, span: None, may_fall: false };
    Command::SetOverride { host: host.to_owned(), metric: metric.to_owned(), wanted }
}

fn add(name: &str, template: &str, labels: &[(&str, &str)], series_max: usize) -> Command {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Command::AddHost(NewHost {
        name: name.to_owned(),
        template: template.to_owned(),
        labels,
        ttl: None,
        series_max,
        memory_max: usize::MAX,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn added_hosts_take_bounded_memory_together_and_give_it_back() {
    let mut run = TestRun::begun().await;
    let limited = |name: &str, template: &str, memory_max| match add(name, template, &[], 1_000) {
        Command::AddHost(new) => Command::AddHost(NewHost { memory_max, ..new }),
        other => other,
    };
    run.ask(add("rack/7", "rack/1", &[], 1_000)).await.unwrap();
    let of_one = run.handle.fleet().added_memory();
    assert!(of_one > 1_000, "{of_one} bytes");
    let refused = run.ask(limited("rack/8", "rack/7", of_one + 1_000)).await.unwrap_err();
    assert!(
        matches!(refused, CommandError::TooMuchMemory { bytes, .. } if bytes > of_one + 1_000),
        "{refused}"
    );
    run.ask(limited("rack/8", "rack/7", 3 * of_one)).await.unwrap();
    // A host of the config never counted.
    for name in ["rack/7", "rack/8", "rack/3"] {
        run.ask(Command::RemoveHost(name.to_owned())).await.unwrap();
    }
    assert_eq!(run.handle.fleet().added_memory(), 0);
    run.runner.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overrides_and_stops_stay_when_hosts_are_added_and_removed() {
    let mut run = TestRun::begun().await;
    run.ask(set_override("rack/1", "load", 150.0)).await.unwrap();
    run.ask(Command::StopHost("rack/2".to_owned())).await.unwrap();
    run.eventually("it is stopped", |handle| handle.host_view("rack/2").unwrap().state == "stopped").await;
    run.ask(add("rack/9", "rack/3", &[("zone", "x")], 1_000)).await.unwrap();
    run.ask(Command::RemoveHost("rack/3".to_owned())).await.unwrap();
    run.eventually("the new one shows something", |handle| {
        handle.metric("rack/9", "load").unwrap().value.is_some()
    })
    .await;
    assert_eq!(run.value("rack/1/load"), Some(150.0));
    assert_eq!(run.handle.overrides()[0].id, "rack/1/load");
    let hosts = run.handle.hosts(&HostFilter::default(), 0, 10).unwrap().hosts;
    let states: Vec<_> = hosts.iter().map(|host| (host.name.as_str(), host.state)).collect();
    assert_eq!(
        states,
        [("rack/1", "running"), ("rack/2", "stopped"), ("late", "waiting"), ("rack/9", "running")]
    );
    assert_eq!(run.handle.host("rack/9").unwrap().labels["zone"], "x");
    run.ask(Command::StartHost("rack/2".to_owned())).await.unwrap();
    run.eventually("it runs again", |handle| handle.host_view("rack/2").unwrap().state == "running").await;
    assert!(!run.runner.is_over());
    run.runner.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_sees_the_value_after_its_override_and_after_its_release() {
    let mut run = TestRun::begun().await;
    for (host, metric) in [("rack/1", "load"), ("rack/2", "used{device=\"/dev/sda\"}")] {
        for value in [171.0, 172.0] {
            run.ask(set_override(host, metric, value)).await.unwrap();
            let shown = run.handle.overridden_metric(host, metric).await.unwrap();
            assert_eq!((shown.value, shown.ordered.map(|set| set.value)), (Some(value), Some(value)));
        }
        let release = Command::ReleaseOverride { host: host.to_owned(), metric: metric.to_owned() };
        run.ask(release).await.unwrap();
        assert!(run.handle.overrides().is_empty());
        let shown = run.handle.overridden_metric(host, metric).await.unwrap();
        assert!(shown.value.is_some_and(|value| value <= 100.0) && shown.ordered.is_none(), "{shown:?}");
    }
    run.ask(set_override("late", "load", 5.0)).await.unwrap();
    let shown = run.handle.overridden_metric("late", "load").await.unwrap();
    assert_eq!((shown.value, shown.ordered.map(|set| set.value)), (None, Some(5.0)), "it has not begun");
    run.runner.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_of_a_pattern_are_listed_and_removed_but_not_the_last() {
    let mut run = TestRun::begun().await;
    let listed = |pattern: &str| {
        let filter = HostFilter { pattern: Some(pattern.to_owned()), ..HostFilter::default() };
        let page = run.handle.hosts(&filter, 0, 10)?;
        Ok(page.hosts.into_iter().map(|host| host.name).collect::<Vec<_>>())
    };
    assert_eq!(listed("rack/[12]").unwrap(), ["rack/1", "rack/2"]);
    assert_eq!(listed("nobody-*").unwrap(), Vec::<String>::new());
    assert!(matches!(listed("rack/["), Err(CommandError::InvalidPattern(_))));
    let remove = |hosts: &str| Command::Act { hosts: hosts.to_owned(), action: HostAction::Remove };
    let all = run.ask(remove("*")).await.unwrap_err().to_string();
    assert!(all.starts_with("\"*\" selects all ") && all.ends_with("; stop the run instead"), "{all}");
    run.ask(remove("rack/[12]")).await.unwrap();
    assert!(matches!(run.ask(remove("rack/1")).await, Err(CommandError::NoHostSelected { .. })));
    let left = run.handle.hosts(&HostFilter::default(), 0, 10).unwrap().hosts;
    assert_eq!(left.iter().map(|host| &*host.name).collect::<Vec<_>>(), ["rack/3", "late"]);
    run.runner.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overrides_of_listeners_are_listed_as_those_of_clients() {
    let mut run = TestRun::begun().await;
    let id = "rack/1/used{device=\"/dev/sda\"}";
    let listed = |handle: &RunHandle| {
        let of_one = handle.overrides().into_iter().find(|standing| standing.id == id);
        of_one.map(|standing| (standing.value, standing.until.is_some()))
    };
    let say = |event: &str| Command::Emit {
        name: event.into(),
        source: "test".into(),
        data: serde_json::Value::Null,
    };
    run.ask(say("jam")).await.unwrap();
    run.eventually("the event sets it", |handle| listed(handle) == Some((33.0, false))).await;
    run.eventually("the others hear it, too", |handle| handle.overrides().len() == 3).await;
    run.ask(set_override("rack/1", "used{device=\"/dev/sda\"}", 7.0)).await.unwrap();
    assert_eq!(listed(&run.handle), Some((7.0, false)));
    run.eventually("the client's value is shown", |_| run.value(id) == Some(7.0)).await;
    run.ask(say("flood")).await.unwrap();
    run.eventually("the next event replaces it", |handle| listed(handle) == Some((44.0, true))).await;
    run.ask(say("clear")).await.unwrap();
    run.eventually("an event releases it", |handle| handle.overrides().is_empty()).await;
    assert_eq!(run.handle.hosts(&HostFilter::default(), 0, 10).unwrap().hosts[0].overrides, 0);
    run.runner.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_are_found_by_their_whole_names_and_metrics_by_a_name_that_fits_one() {
    let run = TestRun::begun().await;
    let id = "rack/1/used{device=\"/dev/sda\"}";
    run.eventually("it has a value", |handle| handle.find(id).unwrap().value == Some(5.0)).await;
    assert_eq!(run.handle.find(id).unwrap().host.as_deref(), Some("rack/1"));
    assert_eq!(run.value("sum:used"), Some(15.0));
    assert_eq!((run.value("sum:no"), run.value("rack/1/used"), run.value("rack/1")), (None, Some(5.0), None));
    assert!(run.handle.find("avg:no").is_none());
    let page = run.handle.series(&SeriesFilter { metric: Some("load".into()), search: "rack".into() }, 1, 1);
    assert_eq!((page.matched, page.series[0].id.as_str()), (3, "rack/2/load"));
    let families = run.handle.families("load", 0, 10);
    assert_eq!((families.total, families.matched, families.metrics[0].hosts), (6, 1, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_makes_no_sense_is_refused_and_changes_nothing() {
    let mut run = TestRun::begun().await;
    run.eventually("it has a value", |handle| handle.find("rack/1/n_total").unwrap().value == Some(10.0))
        .await;
    let long = "x".repeat(201);
    for (command, wanted) in [
        (set_override("no", "load", 1.0), "there is no host \"no\""),
        (set_override("rack/1", "laod", 1.0), "did you mean \"load\"?"),
        (set_override("rack/1", "load", f64::NAN), "takes a finite number"),
        (set_override("rack/1", "is", 2.0), "takes the number of a state, 0 to 1"),
        (set_override("rack/1", "is", 0.5), "takes the number of a state, 0 to 1"),
        (set_override("rack/1", "took", 11.0), "observes values from 0 to 10"),
        (set_override("rack/1", "about_info{version=\"1\"}", 2.0), "always shows 1"),
        (set_override("rack/1", "n_total", -1.0), "takes 0 or more"),
        (set_override("rack/1", "n_total", 9.0), "shows 10 and would fall to 9"),
        (Command::StartHost("rack/1".into()), "runs already"),
        (add("rack/1", "rack/2", &[], 1_000), "there is a host \"rack/1\" already"),
        (add("", "rack/2", &[], 1_000), "1 to 200 bytes"),
        (add(&long, "rack/2", &[], 1_000), "1 to 200 bytes"),
        (add("new", "rack/2", &[("name", "x")], 1_000), "label \"name\" is not allowed"),
        (add("new", "rack/2", &[("device", "x")], 1_000), "label \"device\" is not allowed"),
        (add("new", "rack/2", &[("a-b", "x")], 1_000), "label \"a-b\" is not allowed"),
        (add("new", "rack/2", &[], 30), "--max-series allows 30"),
        (Command::RemoveHost("no".into()), "there is no host"),
    ] {
        let error = run.ask(command).await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
    assert!(run.handle.overrides().is_empty());
    assert_eq!(run.handle.hosts(&HostFilter::default(), 0, 10).unwrap().total, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_with_a_hosts_name_as_source_is_that_hosts_own() {
    let mut run = TestRun::begun().await;
    let mut listener = run.handle.subscribe();
    let emit = |source: &str| Command::Emit {
        name: "ping".into(),
        source: source.into(),
        data: serde_json::json!(1),
    };
    run.ask(emit("api")).await.unwrap();
    run.ask(emit("rack/2")).await.unwrap();
    let mut heard = Vec::new();
    while !heard.contains(&("pong".to_owned(), "rack/2".to_owned())) {
        let next = tokio::time::timeout(Duration::from_secs(30), listener.next()).await;
        let Ok(Some(TapItem::Event(event))) = next else { panic!("it is heard: {heard:?}") };
        heard.push((event.name.to_string(), event.source.to_string()));
    }
    let pongs = heard.iter().filter(|(name, _)| name == "pong").count();
    assert_eq!(pongs, 1, "only rack/2 has this as its own event: {heard:?}");
    let known = run.handle.listened_events();
    let shown: Vec<_> = known.iter().map(|event| (event.name.as_str(), event.hearers)).collect();
    assert_eq!(
        shown,
        [
            ("go", 3),
            ("ping", 3),
            ("jam", 3),
            ("flood", 3),
            ("clear", 3),
            ("slow", 1),
            ("quick", 1),
            ("lost", 1)
        ]
    );
    let effects: Vec<&str> = known.iter().map(|event| event.effects[0].as_str()).collect();
    assert_eq!(
        effects,
        [
            "update used",
            "emit pong",
            "override used by 33",
            "override used by 44 for 1h",
            "release used",
            "open late by 30s with probability 0.5",
            "close late",
            "open gap for 1m"
        ]
    );
}
