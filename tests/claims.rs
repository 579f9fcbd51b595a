//! Runs that want the same job at the same time: one has it, and the others say why they do not.

use serde_json::{Value, json};

use crate::api::Daemon;
use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, Pushgateway, eventually, free_port, label, promemu, series};

/// Runs that start at once.
const STARTS: usize = 4;

/// A config of one host in the job `wanted`.
fn config(dir: &tempfile::TempDir) -> String {
    let path = dir.path().join("wanted.ron");
    let text = "Config(hosts: [Host(name: \"h\", job_name: \"wanted\", interval: \"1s\", metrics: [Metric(name: \"m\", \
                default_value: 7)])])";
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Of runs that start at once, all but one have ended; returns that one.
fn only_one_goes_on(mut runs: Vec<Process>) -> Process {
    eventually("all but one have ended", || {
        (runs.iter_mut().filter_map(|run| run.is_running().then_some(())).count() == 1).then_some(())
    });
    let goes_on = runs.iter_mut().position(Process::is_running).unwrap();
    let winner = runs.swap_remove(goes_on);
    for mut run in runs {
        assert_eq!(run.wait(), Some(1), "{}", run.log());
        let log = run.log();
        let is_told = log
            .contains("is being taken by a promemu that has started at the same time (config \"wanted\"")
            || log.contains("belongs to a promemu that is alive (config \"wanted\"");
        assert!(is_told && log.contains("choose another job name"), "{log}");
    }
    winner
}

#[test]
fn of_runs_that_start_at_once_with_one_job_exactly_one_goes_on() {
    let (gateway, dir) = (Pushgateway::start(), tempfile::tempdir().unwrap());
    let (config, url) = (config(&dir), gateway.url());
    for _ in 0..3 {
        let args = ["--config", &config, "--pushgateway-url", &url, "--push-interval", "300ms"];
        let mut winner = only_one_goes_on((0..STARTS).map(|_| promemu(&args)).collect());
        eventually("the job is there, and no claim", || (gateway.groups() == ["wanted"]).then_some(()));
        let exposition = gateway.metrics();
        let pid = label(series(&exposition, "promemu_run_info")[0], "pid");
        assert!(pid.starts_with(&format!("{}-", winner.id())), "{pid}");
        assert_eq!(winner.terminate(), Some(0));
        assert_eq!(gateway.groups(), Vec::<String>::new());
    }
}

#[test]
fn of_runs_that_wait_for_a_gateway_exactly_one_gets_the_job() {
    let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
    let (config, url) = (config(&dir), format!("http://127.0.0.1:{port}"));
    let args = ["--config", &config, "--pushgateway-url", &url, "--push-interval", "300ms"];
    let mut runs: Vec<Process> = (0..STARTS).map(|_| promemu(&args)).collect();
    for run in &runs {
        run.wait_for_log("output is away");
    }
    let gateway = Pushgateway::start_on("127.0.0.1", port);
    let refused = |run: &Process| {
        run.count_in_log("job \\\"wanted\\\" on the pushgateway")
            + run.count_in_log("job \"wanted\" on the pushgateway")
    };
    eventually("all but one know that the job is not theirs", || {
        (runs.iter().filter(|run| refused(run) > 0).count() == STARTS - 1).then_some(())
    });
    eventually("the job is there, and no claim", || (gateway.groups() == ["wanted"]).then_some(()));
    eventually("the values of its host are there", || gateway.metrics().contains("\nm{").then_some(()));
    let exposition = gateway.metrics();
    let pid = label(series(&exposition, "promemu_run_info")[0], "pid").to_owned();
    let owner = runs.iter().find(|run| refused(run) == 0).unwrap().id();
    assert!(pid.starts_with(&format!("{owner}-")), "{pid}");
    for run in &mut runs {
        // No push of the others has arrived.
        let code = i32::from(run.id() != owner);
        assert_eq!(run.terminate(), Some(code));
    }
    assert_eq!(gateway.groups(), Vec::<String>::new());
}

#[test]
fn a_run_that_is_stopped_before_it_has_begun_leaves_no_claim_and_its_job_is_free() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::start(&["--pushgateway-url", &gateway.url(), "--push-interval", "1s"]);
    for round in 0..20 {
        let body = json!({ "id": "x", "config": "single_host_load", "args": { "job": "wanted" } });
        assert_eq!(daemon.send("POST", "/api/v1/runs", &body).0, 201);
        // From before the claims are sent to after they are taken away.
        for _ in 0..round {
            assert_eq!(daemon.get("/api/v1/runs/x").0, 200);
        }
        assert_eq!(daemon.send("POST", "/api/v1/runs/x/stop", &Value::Null).0, 202);
        let run = eventually("the run is over", || {
            let run = daemon.get("/api/v1/runs/x").1;
            (!run["report"].is_null()).then_some(run)
        });
        assert_eq!(run["report"]["reason"], "stopped", "{run}");
        assert_eq!(gateway.groups(), Vec::<String>::new());
        assert_eq!(daemon.send("DELETE", "/api/v1/runs/x", &Value::Null).0, 204);
    }
}

#[test]
fn a_run_whose_second_gateway_refuses_it_leaves_no_claim_on_the_first() {
    let (gateway, refusing) = (Pushgateway::start(), FakeGateway::start(Behaviour::Answer(403)));
    let outputs = [gateway.url(), refusing.url()].map(|url| format!("pushgateway={url}"));
    let args = ["--config", "single_host_load", "--output", &outputs[0], "--output", &outputs[1]];
    let mut run = promemu(&args);
    assert_eq!(run.wait(), Some(1), "{}", run.log());
    assert_eq!(gateway.groups(), Vec::<String>::new());
}
