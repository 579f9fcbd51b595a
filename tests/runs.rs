//! Several runs in one daemon, and configs over the API.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::api::Daemon;
use crate::processes::{Pushgateway, eventually, free_port, get, promemu_command};

/// A config of one host that pushes quickly.
fn config(job: &str) -> String {
    format!(
        "Config(push_interval: \"1s\", hosts: [Host(name: \"own\", job_name: \"{job}\", interval: \"1s\", \
         metrics: [Metric(name: \"posted\", default_value: 7)])])"
    )
}

fn waiting(gateway: &Pushgateway) -> Daemon {
    Daemon::start(&["--pushgateway-url", &gateway.url(), "--push-interval", "1s"])
}

fn state(daemon: &Daemon, id: &str) -> Value {
    daemon.get(&format!("/api/v1/runs/{id}")).1["state"].clone()
}

fn wait_for(daemon: &Daemon, id: &str, wanted: &str) {
    eventually(&format!("run {id} is {wanted}"), || (state(daemon, id) == wanted).then_some(()));
}

#[test]
fn runs_go_side_by_side_and_each_ends_by_itself() {
    let gateway = Pushgateway::start();
    let mut daemon = waiting(&gateway);
    for (id, job, seed) in [("one", "job-one", 1), ("two", "job-two", 2)] {
        let wanted = json!({ "id": id, "text": config(job), "seed": seed, "duration": "1h" });
        let (status, run) = daemon.send("POST", "/api/v1/runs", &wanted);
        assert_eq!((status, &run["seed"]), (201, &json!(seed)), "{run}");
    }
    eventually("both are on the gateway", || (gateway.groups() == ["job-one", "job-two"]).then_some(()));
    let page = eventually("the second one shows its metric", || {
        get(daemon.port, "/api/v1/runs/two/metrics").filter(|page| page.contains("posted{"))
    });
    assert!(page.contains("job=\"job-two\"") && !page.contains("job-one"), "{page}");
    assert_eq!(daemon.get("/api/v1/hosts?run=one").1["hosts"][0]["job"], "job-one");

    let again = json!({ "id": "three", "text": config("job-one") });
    assert_eq!(daemon.refusal("POST", "/api/v1/runs", &again), (409, "conflict".to_owned()));
    assert_eq!(daemon.refusal("DELETE", "/api/v1/runs/one", &Value::Null), (409, "conflict".to_owned()));
    assert_eq!(daemon.send("POST", "/api/v1/runs/one/stop", &Value::Null).0, 202);
    wait_for(&daemon, "one", "ended");
    eventually("its group is gone", || (gateway.groups() == ["job-two"]).then_some(()));
    let log = daemon.process.log();
    assert!(log.contains("run \"one\" is asked to stop") && !log.contains("signal"), "{log}");
    let over = daemon.get("/api/v1/runs/one").1;
    assert_eq!((&over["result"]["hosts"]["total"], &over["error"]), (&json!(1), &Value::Null), "{over}");
    assert_eq!(daemon.refusal("GET", "/api/v1/hosts?run=one", &Value::Null), (409, "run_over".to_owned()));
    assert_eq!(daemon.send("DELETE", "/api/v1/runs/one", &Value::Null).0, 204);
    assert_eq!(daemon.get("/api/v1/runs").1["runs"].as_array().unwrap().len(), 1);

    // With the daemon all end, and clean up.
    assert_eq!(daemon.process.terminate(), Some(0));
    assert_eq!(gateway.groups(), [""; 0]);
    let log = daemon.process.log();
    assert!(log.contains("promemu ctl create CONFIG"), "{log}");
    assert!(log.contains("a second one ends it at once"), "{log}");
}

#[test]
fn a_run_starts_when_it_is_told_to_and_ends_after_its_duration() {
    let gateway = Pushgateway::start();
    let daemon = waiting(&gateway);
    let wanted =
        json!({ "id": "later", "text": config("later"), "start": false, "duration": 3, "speed": "2x" });
    assert_eq!(daemon.send("POST", "/api/v1/runs", &wanted).1["state"], "created");
    assert_eq!(daemon.refusal("GET", "/api/v1/hosts?run=later", &Value::Null), (409, "conflict".to_owned()));
    assert_eq!(daemon.send("POST", "/api/v1/runs/later/start", &Value::Null).0, 202);
    wait_for(&daemon, "later", "ended");
    let again = daemon.refusal("POST", "/api/v1/runs/later/start", &Value::Null);
    assert_eq!(again, (409, "conflict".to_owned()));
    for n in 0..15 {
        let wanted = json!({ "id": format!("r{n}"), "text": config("many"), "start": false });
        assert_eq!(daemon.send("POST", "/api/v1/runs", &wanted).0, 201);
    }
    let wanted = json!({ "text": config("many"), "start": false });
    assert_eq!(daemon.refusal("POST", "/api/v1/runs", &wanted), (429, "too_many".to_owned()));
}

#[test]
fn the_daemons_own_run_is_stopped_over_the_api() {
    let gateway = Pushgateway::start();
    let mut daemon = Daemon::with_peaks(&gateway);
    assert_eq!(daemon.send("POST", "/api/v1/runs/main/stop", &Value::Null).0, 202);
    assert_eq!(daemon.process.wait(), Some(0));
    assert_eq!(gateway.groups(), [""; 0]);
}

#[test]
fn configs_are_listed_read_and_checked_with_the_places_of_what_is_wrong() {
    let gateway = Pushgateway::start();
    let daemon = waiting(&gateway);
    let listed = daemon.get("/api/v1/configs").1["configs"].clone();
    let peaks = listed.as_array().unwrap().iter().find(|config| config["name"] == "hosts_load_with_peaks");
    assert_eq!(peaks.unwrap()["classes"][0]["arguments"][0]["name"], "hosts_count");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/single_host_load.ron");
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(daemon.get("/api/v1/configs/single_host_load").1["text"], json!(text));
    let check = |body: Value| daemon.send("POST", "/api/v1/configs/check", &body).1;
    let good = check(json!({ "config": "hosts_load_with_peaks", "args": { "hosts_count": 3 } }));
    assert_eq!((&good["valid"], &good["hosts"]), (&json!(true), &json!(4)), "{good}");
    let bad = check(json!({ "text": "Config(\n    hosts: [Hots(name: \"a\")],\n)" }));
    let problem = &bad["problems"][0];
    assert_eq!(
        (&bad["valid"], &problem["line"], &problem["column"]),
        (&json!(false), &json!(2), &json!(13)),
        "{bad}"
    );
    let unknown = check(json!({ "config": "single_host_load", "args": { "no": 1 } }));
    assert!(unknown["problems"][0]["message"].as_str().unwrap().contains("no argument \"no\""), "{unknown}");
}

#[test]
fn ctl_tells_what_the_api_says_and_fails_with_it() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    let url = format!("http://127.0.0.1:{}", daemon.port);
    let ctl = |args: &[&str]| {
        let output = promemu_command(&[&["ctl", "--url", &url], args].concat()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, hosts, _) = ctl(&["hosts", "--search", "worker", "--limit", "2"]);
    assert!(code == Some(0) && hosts.contains("worker-01") && hosts.contains("2 of 5 are shown"), "{hosts}");
    let (code, json, _) = ctl(&["host", "worker-01", "--json"]);
    let host: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &host["name"]), (Some(0), &json!("worker-01")));
    let (code, _, error) = ctl(&["host", "worker-99"]);
    assert!(
        code == Some(1)
            && error.contains("there is no host \"worker-99\"")
            && error.contains("(unknown_host)"),
        "{error}"
    );
    assert_eq!(ctl(&["host"]).0, Some(2));

    let mut follow = promemu_command(&["ctl", "--url", &url, "events", "--follow"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut follow = follow.stdout(file.reopen().unwrap()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the event is printed", || {
        assert_eq!(ctl(&["emit", "ping", "--data", "{\"x\": 1}"]).0, Some(0));
        std::fs::read_to_string(file.path()).unwrap().contains(" api ping {\"x\":1}").then_some(())
    });
    drop(daemon);
    assert_eq!(follow.wait().unwrap().code(), Some(1), "the stream was cut off");

    let nobody = format!("http://127.0.0.1:{}", free_port());
    let output = promemu_command(&["ctl", "--url", &nobody, "status"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("it cannot be reached; is promemu running there?"), "{error}");
}
