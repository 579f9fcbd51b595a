//! Several runs in one daemon, configs over the API, and `promemu ctl`.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::api::Daemon;
use crate::processes::{Pushgateway, eventually, free_port, get, http, label, promemu_command, series};

/// A config of one host that pushes quickly.
fn config(job: &str) -> String {
    format!(
        "Config(push_interval: \"1s\", hosts: [Host(name: \"own\", job_name: \"{job}\", interval: \"1s\", \
         metrics: [Metric(name: \"posted\", default_value: 7)])])"
    )
}

/// A daemon without a main run.
fn idle_daemon(gateway: &Pushgateway) -> Daemon {
    Daemon::start(&["--pushgateway-url", &gateway.url(), "--push-interval", "1s"])
}

/// A daemon with the runs `one` and `two`, whose jobs `job-one` and `job-two` are on the gateway.
fn daemon_with_two_runs(gateway: &Pushgateway) -> Daemon {
    let daemon = idle_daemon(gateway);
    for (id, job, seed) in [("one", "job-one", 1), ("two", "job-two", 2)] {
        let body = json!({ "id": id, "text": config(job), "seed": seed, "duration": "1h" });
        let (status, run) = daemon.send("POST", "/api/v1/runs", &body);
        assert_eq!((status, &run["seed"]), (201, &json!(seed)), "{run}");
    }
    eventually("both jobs are on the gateway", || (gateway.groups() == ["job-one", "job-two"]).then_some(()));
    daemon
}

fn state(daemon: &Daemon, id: &str) -> Value {
    daemon.get(&format!("/api/v1/runs/{id}")).1["state"].clone()
}

fn wait_for(daemon: &Daemon, id: &str, wanted: &str) {
    eventually(&format!("run {id} is {wanted}"), || (state(daemon, id) == wanted).then_some(()));
}

#[test]
fn two_runs_have_their_own_hosts_and_metrics() {
    let gateway = Pushgateway::start();
    let daemon = daemon_with_two_runs(&gateway);
    let exposition = eventually("run two exposes its metric", || {
        get(daemon.port, "/api/v1/runs/two/metrics").filter(|text| text.contains("posted{"))
    });
    assert!(exposition.contains("job=\"job-two\"") && !exposition.contains("job-one"), "{exposition}");
    assert_eq!(daemon.get("/api/v1/hosts?run=one").1["hosts"][0]["job"], "job-one");
}

#[test]
fn a_job_of_a_live_run_is_refused_to_another_run() {
    let gateway = Pushgateway::start();
    let daemon = daemon_with_two_runs(&gateway);
    let body = json!({ "id": "three", "text": config("job-one") });
    assert_eq!(daemon.refusal("POST", "/api/v1/runs", &body), (409, "conflict".to_owned()));
    assert_eq!(daemon.refusal("GET", "/api/v1/runs/three", &Value::Null), (404, "unknown_run".to_owned()));
}

#[test]
fn a_running_run_cannot_be_deleted() {
    let gateway = Pushgateway::start();
    let daemon = daemon_with_two_runs(&gateway);
    assert_eq!(daemon.refusal("DELETE", "/api/v1/runs/one", &Value::Null), (409, "conflict".to_owned()));
    assert_eq!(state(&daemon, "one"), "running");
}

#[test]
fn a_stopped_run_removes_its_group_and_the_other_run_goes_on() {
    let gateway = Pushgateway::start();
    let daemon = daemon_with_two_runs(&gateway);
    assert_eq!(daemon.send("POST", "/api/v1/runs/one/stop", &Value::Null).0, 202);
    wait_for(&daemon, "one", "ended");
    eventually("its group is gone", || (gateway.groups() == ["job-two"]).then_some(()));
    assert_eq!(state(&daemon, "two"), "running");
}

#[test]
fn a_run_that_is_over_keeps_its_result_until_it_is_deleted() {
    let gateway = Pushgateway::start();
    let daemon = daemon_with_two_runs(&gateway);
    assert_eq!(daemon.send("POST", "/api/v1/runs/one/stop", &Value::Null).0, 202);
    wait_for(&daemon, "one", "ended");
    let run = daemon.get("/api/v1/runs/one").1;
    assert_eq!((&run["result"]["hosts"]["total"], &run["error"]), (&json!(1), &Value::Null), "{run}");
    let hosts = daemon.refusal("GET", "/api/v1/hosts?run=one", &Value::Null);
    assert_eq!(hosts, (409, "run_over".to_owned()));
    assert_eq!(daemon.send("DELETE", "/api/v1/runs/one", &Value::Null).0, 204);
    assert_eq!(daemon.get("/api/v1/runs").1["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn every_end_has_its_reason_in_the_report() {
    let gateway = Pushgateway::start();
    let theirs = http("PUT", gateway.port, "/metrics/job/theirs", "handmade 1\n").unwrap();
    assert_eq!(theirs.0, 200);
    let mut daemon = idle_daemon(&gateway);
    let short = config("short").replace("name: \"own\"", "name: \"own\", ttl: \"4s\"");
    for (id, text, duration) in [
        ("ttl", short, "1h"),
        ("timed", config("timed"), "3s"),
        ("stopped", config("stopped"), "1h"),
        ("failed", config("theirs"), "1h"),
    ] {
        let body = json!({ "id": id, "text": text, "duration": duration });
        assert_eq!(daemon.send("POST", "/api/v1/runs", &body).0, 201, "{id}");
    }
    eventually("a push of it has arrived", || {
        let pushes = &daemon.get("/api/v1/runs/stopped").1["state"] == "running"
            && series(&gateway.metrics(), "posted").iter().any(|line| label(line, "job") == "stopped");
        pushes.then_some(())
    });
    assert_eq!(daemon.send("POST", "/api/v1/runs/stopped/stop", &Value::Null).0, 202);
    for (id, state, reason) in [
        ("ttl", "ended", "all_hosts_over"),
        ("timed", "ended", "duration"),
        ("stopped", "ended", "stopped"),
        ("failed", "failed", "failed"),
    ] {
        wait_for(&daemon, id, state);
        let run = daemon.get(&format!("/api/v1/runs/{id}")).1;
        let report = &run["report"];
        assert_eq!(report["reason"], reason, "{run}");
        let has_run = id != "failed";
        assert_eq!(report["hosts_begun"], u64::from(has_run), "{run}");
        assert_eq!(report["hosts_ended"], u64::from(has_run), "{run}");
        assert_eq!(report["error"].is_null(), has_run, "{run}");
        assert_eq!(report["updates"].as_u64().unwrap() > 0, has_run, "{run}");
    }
    let run = daemon.get("/api/v1/runs/stopped").1;
    let output = &run["report"]["outputs"][0];
    assert_eq!((&output["kind"], &output["samples_sent"]), (&json!("pushgateway"), &Value::Null), "{run}");
    assert!(output["pushes"].as_u64().unwrap() > 0 && output["sent_bytes"].as_u64().unwrap() > 0, "{run}");
    let (_, shown, _) = ctl(daemon.port, &["show", "timed"]);
    assert!(shown.contains("ended because: duration") && shown.contains("hosts begun: 1"), "{shown}");
    let body = json!({ "id": "last", "text": config("last") });
    assert_eq!(daemon.send("POST", "/api/v1/runs", &body).0, 201);
    wait_for(&daemon, "last", "running");
    assert_eq!(daemon.process.terminate(), Some(0));
    let log = daemon.process.log();
    assert!(
        log.contains("run{id=\"last\"}: run is over reason=\"promemu was stopped by a signal\""),
        "{log}"
    );
}

#[test]
fn the_last_metrics_of_a_run_that_is_over_stay_readable() {
    let gateway = Pushgateway::start();
    let daemon = daemon_with_two_runs(&gateway);
    let body = json!({ "id": "short", "text": config("short").replace("name: \"own\"", "name: \"own\", ttl: \"4s\"") });
    assert_eq!(daemon.send("POST", "/api/v1/runs", &body).0, 201);
    eventually("run one exposes its metric", || {
        get(daemon.port, "/api/v1/runs/one/metrics").filter(|text| text.contains("posted{"))
    });
    assert_eq!(daemon.send("POST", "/api/v1/runs/one/stop", &Value::Null).0, 202);
    for (id, job) in [("one", "job-one"), ("short", "short")] {
        wait_for(&daemon, id, "ended");
        let last = get(daemon.port, &format!("/api/v1/runs/{id}/metrics")).unwrap();
        assert!(last.contains("posted{") && last.contains(&format!("job=\"{job}\"")), "{last}");
        assert!(daemon.get(&format!("/api/v1/runs/{id}")).1["last_metrics_at"].is_string());
    }
    let body = json!({ "id": "never", "text": config("never"), "start": false });
    assert_eq!(daemon.send("POST", "/api/v1/runs", &body).0, 201);
    let none = daemon.refusal("GET", "/api/v1/runs/never/metrics", &Value::Null);
    assert_eq!(none, (409, "conflict".to_owned()));
}

#[test]
fn a_job_whose_group_stayed_is_taken_over_by_a_later_run() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::start(&["--pushgateway-url", &gateway.url(), "--cleanup-on-finish=false"]);
    for id in ["first", "second"] {
        let body = json!({ "id": id, "text": config("kept") });
        assert_eq!(daemon.send("POST", "/api/v1/runs", &body).0, 201);
        wait_for(&daemon, id, "running");
        eventually("its pushes arrive", || {
            let pushes = daemon.get(&format!("/api/v1/status?run={id}")).1["outputs"][0]["pushes"].as_u64();
            pushes.filter(|pushes| *pushes > 0)
        });
        assert_eq!(daemon.send("POST", &format!("/api/v1/runs/{id}/stop"), &Value::Null).0, 202);
        wait_for(&daemon, id, "ended");
        assert_eq!(gateway.groups(), ["kept"]);
    }
}

#[test]
fn with_the_daemon_all_runs_end_and_remove_their_groups() {
    let gateway = Pushgateway::start();
    let mut daemon = daemon_with_two_runs(&gateway);
    assert_eq!(daemon.process.terminate(), Some(0));
    assert_eq!(gateway.groups(), [""; 0]);
    let log = daemon.process.log();
    assert!(log.contains("a second one ends promemu at once"), "{log}");
}

#[test]
fn a_daemon_without_a_config_names_the_ways_to_create_a_run() {
    let gateway = Pushgateway::start();
    let daemon = idle_daemon(&gateway);
    daemon.process.wait_for_log("promemu ctl create CONFIG or POST /api/v1/runs");
}

#[test]
fn a_created_run_starts_once_when_it_is_started() {
    let gateway = Pushgateway::start();
    let daemon = idle_daemon(&gateway);
    let body = json!({ "id": "later", "text": config("later"), "start": false });
    assert_eq!(daemon.send("POST", "/api/v1/runs", &body).1["state"], "created");
    let hosts = daemon.refusal("GET", "/api/v1/hosts?run=later", &Value::Null);
    assert_eq!(hosts, (409, "conflict".to_owned()));
    assert_eq!(daemon.send("POST", "/api/v1/runs/later/start", &Value::Null).0, 202);
    wait_for(&daemon, "later", "running");
    let again = daemon.refusal("POST", "/api/v1/runs/later/start", &Value::Null);
    assert_eq!(again, (409, "conflict".to_owned()));
}

#[test]
fn a_run_ends_after_its_emulated_duration() {
    let gateway = Pushgateway::start();
    let daemon = idle_daemon(&gateway);
    let body = json!({ "id": "short", "text": config("short"), "duration": 3, "speed": "2x" });
    assert_eq!(daemon.send("POST", "/api/v1/runs", &body).1["duration_seconds"], 3.0);
    wait_for(&daemon, "short", "ended");
}

#[test]
fn more_than_sixteen_runs_are_refused() {
    let gateway = Pushgateway::start();
    let daemon = idle_daemon(&gateway);
    for n in 0..16 {
        let body = json!({ "id": format!("r{n}"), "text": config("many"), "start": false });
        assert_eq!(daemon.send("POST", "/api/v1/runs", &body).0, 201);
    }
    let body = json!({ "text": config("many"), "start": false });
    assert_eq!(daemon.refusal("POST", "/api/v1/runs", &body), (429, "too_many".to_owned()));
}

#[test]
fn the_main_run_is_stopped_over_the_api_and_promemu_ends() {
    let gateway = Pushgateway::start();
    let mut daemon = Daemon::with_peaks(&gateway);
    assert_eq!(daemon.send("POST", "/api/v1/runs/main/stop", &Value::Null).0, 202);
    assert_eq!(daemon.process.wait(), Some(0));
    assert_eq!(gateway.groups(), [""; 0]);
    let log = daemon.process.log();
    assert!(!log.contains("signal"), "a client has stopped it, no signal: {log}");
}

#[test]
fn configs_are_listed_with_their_arguments() {
    let gateway = Pushgateway::start();
    let daemon = idle_daemon(&gateway);
    let configs = daemon.get("/api/v1/configs").1["configs"].clone();
    let peaks = configs.as_array().unwrap().iter().find(|config| config["name"] == "hosts_load_with_peaks");
    assert_eq!(peaks.unwrap()["classes"][0]["arguments"][0]["name"], "hosts_count");
}

#[test]
fn a_config_is_returned_with_its_text() {
    let gateway = Pushgateway::start();
    let daemon = idle_daemon(&gateway);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/single_host_load.ron");
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(daemon.get("/api/v1/configs/single_host_load").1["text"], json!(text));
}

#[test]
fn a_check_counts_the_hosts_of_a_valid_config_and_places_the_problems_of_others() {
    let gateway = Pushgateway::start();
    let daemon = idle_daemon(&gateway);
    let check = |body: Value| daemon.send("POST", "/api/v1/configs/check", &body).1;
    let valid = check(json!({ "config": "hosts_load_with_peaks", "args": { "hosts_count": 3 } }));
    assert_eq!((&valid["valid"], &valid["hosts"]), (&json!(true), &json!(4)), "{valid}");
    let misspelt = check(json!({ "text": "Config(\n    hosts: [Hots(name: \"a\")],\n)" }));
    let problem = &misspelt["problems"][0];
    let place = (&misspelt["valid"], &problem["line"], &problem["column"]);
    assert_eq!(place, (&json!(false), &json!(2), &json!(13)), "{misspelt}");
    let unknown = check(json!({ "config": "single_host_load", "args": { "no": 1 } }));
    assert!(unknown["problems"][0]["message"].as_str().unwrap().contains("no argument \"no\""), "{unknown}");
}

/// Runs `promemu ctl` on the API of this port: its exit code, output and errors.
fn ctl(port: u16, args: &[&str]) -> (Option<i32>, String, String) {
    let url = format!("http://127.0.0.1:{port}");
    let output = promemu_command(&[&["ctl", "--url", &url], args].concat()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn ctl_prints_tables_and_json() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    let (code, hosts, _) = ctl(daemon.port, &["hosts", "--search", "worker", "--limit", "2"]);
    assert!(code == Some(0) && hosts.contains("worker-01") && hosts.contains("2 of 5 are shown"), "{hosts}");
    let (code, json, _) = ctl(daemon.port, &["host", "worker-01", "--json"]);
    let host: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &host["name"]), (Some(0), &json!("worker-01")));
}

#[test]
fn ctl_fails_with_the_error_of_the_api() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    let (code, _, error) = ctl(daemon.port, &["host", "worker-99"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("there is no host \"worker-99\"") && error.contains("(unknown_host)"), "{error}");
    assert_eq!(ctl(daemon.port, &["host"]).0, Some(2), "an argument is missing");
}

#[test]
fn ctl_exits_with_2_for_a_config_with_errors() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    let dir = tempfile::tempdir().unwrap();
    let [unknown, unreadable, valid] = ["unknown.ron", "unreadable.ron", "valid.ron"]
        .map(|name| dir.path().join(name).to_str().unwrap().to_owned());
    std::fs::write(&unknown, "Config(hosts: [Host(nmae: \"a\")])").unwrap();
    std::fs::write(&unreadable, "Config(hosts: [").unwrap();
    std::fs::write(&valid, "Config(hosts: [Host(name: \"a\", metrics: [Metric(name: \"m\")])])").unwrap();
    for wrong in [&unknown, &unreadable] {
        let (code, said, _) = ctl(daemon.port, &["check", wrong]);
        assert!(code == Some(2) && said.contains("error: "), "{code:?} {said}");
        let (code, answer, _) = ctl(daemon.port, &["check", wrong, "--json"]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((code, &answer["valid"]), (Some(2), &json!(false)), "also for programs");
        let (code, _, error) = ctl(daemon.port, &["create", wrong]);
        assert!(code == Some(2) && error.contains("(invalid_config)"), "{code:?} {error}");
    }
    let (code, said, error) = ctl(daemon.port, &["check", &valid]);
    assert!(code == Some(0) && said.contains("valid: 1 host, 1 job, 1 series"), "{said}{error}");
    assert_eq!(ctl(daemon.port, &["check", "single_host_load", "--config-args", "no=1"]).0, Some(2));
}

#[test]
fn ctl_follows_events_until_the_daemon_ends() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    let url = format!("http://127.0.0.1:{}", daemon.port);
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut follow = promemu_command(&["ctl", "--url", &url, "events", "--follow"]);
    let mut follow = follow.stdout(file.reopen().unwrap()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the event is printed", || {
        // No host listens to it.
        assert_eq!(ctl(daemon.port, &["emit", "ping", "--data", "{\"x\": 1}"]).0, Some(1));
        std::fs::read_to_string(file.path()).unwrap().contains(" api ping {\"x\":1}").then_some(())
    });
    drop(daemon);
    assert_eq!(follow.wait().unwrap().code(), Some(1), "the stream was cut off");
}

#[test]
fn ctl_says_that_no_daemon_listens() {
    let (code, _, error) = ctl(free_port(), &["status"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("check that promemu runs there"), "{error}");
}
