//! Edits of a live run: the time to add and to remove one host, in a small run and in a large one.
//!
//! `cargo bench --bench edits` prints the medians for 10 and for 66 667 hosts.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench ends on an error and prints its figures"
)]

use std::time::Duration;

use promemu_core::config::{ConfigFile, LoadOptions, MAIN_RUN};
use promemu_run::clock::Clock;
use promemu_run::handle::{NewHost, RunHandle};
use promemu_run::outputs::SharedOutputs;
use promemu_run::run::{Run, StopReason};
use promemu_run::settings::RunSettings;
use promemu_run::spec::RunSpec;
use tokio::time::Instant;

const EDITS: usize = 9;

fn config(hosts: usize) -> String {
    let metric = |n| format!(r#"Metric(name: "load_{n}", value_range: (0, 100), scenario: random_walk)"#);
    let metrics: Vec<String> = (0..15).map(metric).collect();
    format!(
        r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: {hosts}), name: "host-{{i}}", interval: "15s", metrics: [{}])])"#,
        metrics.join(", ")
    )
}

/// Adds and removes hosts. Returns the median times of both.
async fn edit(run: &RunHandle) -> [Duration; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..EDITS {
        let started = Instant::now();
        let host = NewHost {
            name: "new".to_owned(),
            template: "host-1".to_owned(),
            labels: Vec::new(),
            ttl: None,
            series_max: usize::MAX,
            memory_max: usize::MAX,
        };
        run.add_host(host).await.expect("the host is added");
        times[0].push(started.elapsed());
        let started = Instant::now();
        run.remove_host("new").await.expect("the host is removed");
        times[1].push(started.elapsed());
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

async fn run(hosts: usize) {
    let clock = Clock::start();
    let options = LoadOptions::starting_at(clock.started_at());
    let loaded = ConfigFile::from_text("bench", &config(hosts)).plan(&options).expect("the config is good");
    let spec = RunSpec {
        id: MAIN_RUN.into(),
        plan: loaded.plan,
        settings: RunSettings::without_outputs(7),
        clock,
        history: None,
        watch: None,
        events: std::sync::Arc::default(),
        shard: None,
        keeps_last_metrics: false,
    };
    let outputs = SharedOutputs::open(&[], None, true).await.expect("nothing is opened");
    let run = Run::start(spec, &outputs).expect("there is no other run");
    let mut waits = 0..600;
    let handle = loop {
        match run.handle() {
            Some(handle) if handle.overview().hosts["running"] == hosts => break handle,
            _ => waits.next().expect("all hosts begin within a minute"),
        };
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let [add, remove] = edit(&handle).await;
    println!("{hosts} hosts: add {add:?}, remove {remove:?} (medians of {EDITS})");
    run.stop(StopReason::Request);
    run.outcome().await.expect("the run ends well");
}

#[tokio::main]
async fn main() {
    // Without it the bench is only built, as by `cargo test --all-targets`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    for hosts in [10, 66_667] {
        run(hosts).await;
    }
}
