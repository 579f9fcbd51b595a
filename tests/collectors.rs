//! The tests in `docker/collector/tests` of what a collector keeps: through the relabelling of a Prometheus, and through an OpenTelemetry
//! Collector where there is one on the PATH.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::processes::{Process, Prometheus, eventually, free_port, promemu_command};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/collector/tests")
}

fn shipped(file: &str) -> String {
    std::fs::read_to_string(folder().join(file)).unwrap()
}

/// The exit code of a shipped test in real time, and all that it said.
fn tested(name: &str, args: &[&str], prometheus: &Prometheus, output: &str) -> (Option<i32>, String) {
    let config = folder().join(format!("{name}.ron"));
    let mut command = promemu_command(&["test", "--live", "--evaluation-interval", "1s", "--output", output]);
    command
        .args(["--prometheus", &prometheus.url()])
        .arg(config)
        .args(["warm_up=12s", "observed=6s"])
        .args(args);
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// The same by a Prometheus with this configuration, which scrapes the run.
fn relabelled(name: &str, args: &[&str], config: &str) -> (Option<i32>, String) {
    let port = free_port();
    let prometheus = Prometheus::configured(&config.replace("9464", &port.to_string()));
    tested(name, args, &prometheus, &format!("scrape=127.0.0.1:{port}"))
}

/// The configuration without what drops series.
fn keeping_all() -> String {
    let config = shipped("prometheus.yml");
    config.split("    metric_relabel_configs:").next().unwrap().to_owned()
}

/// The processes of these tests live for so short a time that a minute shows all of it.
const SHORT_LIVES: [&str; 2] = ["lifetime=2s..4s", "allowed=10s"];

#[test]
fn relabelling_reduces_series_keeps_critical_processes_and_forgets_ended_ones() {
    let run = |name: &'static str, args: &'static [&'static str]| {
        thread::spawn(move || relabelled(name, args, &shipped("prometheus.yml")))
    };
    let runs = [run("reduction", &[]), run("priority", &[]), run("churn", &SHORT_LIVES)];
    for run in runs {
        let (code, said) = run.join().unwrap();
        assert_eq!(code, Some(0), "{said}");
    }
}

#[test]
fn a_collector_that_drops_nothing_or_forgets_nothing_fails() {
    let unfiltered = thread::spawn(|| relabelled("reduction", &[], &keeping_all()));
    let low = thread::spawn(|| relabelled("priority", &["storm=50"], &keeping_all()));
    // Each process is older than this for a while.
    let late = relabelled("churn", &["lifetime=4s..6s", "allowed=1s"], &shipped("prometheus.yml"));
    let unfiltered = unfiltered.join().unwrap();
    assert!(unfiltered.0 == Some(3) && unfiltered.1.contains("6007 of 1000 series"), "{}", unfiltered.1);
    let low = low.join().unwrap();
    assert!(low.0 == Some(3) && low.1.contains("1 failed"), "{}", low.1);
    assert!(late.0 == Some(3) && late.1.contains("1 failed"), "{}", late.1);
}

/// An OpenTelemetry Collector with processors beyond its core.
fn collector() -> Option<&'static str> {
    let is_there = |program: &&str| Command::new(program).arg("--version").output().is_ok();
    ["otelcol-contrib", "otelcol"].into_iter().find(is_there)
}

#[test]
fn an_opentelemetry_collector_reduces_series_and_keeps_critical_processes() {
    let Some(program) = collector() else {
        println!("not tested: there is no otelcol-contrib on the PATH");
        return;
    };
    for name in ["reduction", "priority"] {
        let (dir, prometheus, port) = (tempfile::tempdir().unwrap(), Prometheus::receiving(), free_port());
        let config = shipped("collector.yml").replace("http://127.0.0.1:9090", &prometheus.url());
        let file = dir.path().join("collector.yml");
        std::fs::write(&file, config.replace("4318", &port.to_string())).unwrap();
        let mut collector = Process::start(Command::new(program).arg(format!("--config={}", file.display())));
        eventually("the collector listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        let output = format!("otlp=http://127.0.0.1:{port}");
        let (code, said) = tested(name, &["--push-interval", "1s"], &prometheus, &output);
        assert_eq!(code, Some(0), "{said}{}", collector.log());
        collector.terminate();
    }
}
