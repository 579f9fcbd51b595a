//! Secrets follow their server: clients of the API decide neither on the servers that get them, nor see what servers say.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Daemon;
use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, Pushgateway, eventually, free_port, promemu_command};

const SAID: &str = "the fake says no";

/// A config of one host that pushes quickly to this gateway.
fn config(job: &str, url: &str) -> String {
    format!(
        "Config(args: {{ \"url\": \"http://127.0.0.1:1\" }}, pushgateway_url: \"{url}\", push_interval: \"300ms\", \
         hosts: [Host(name: \"h\", job_name: \"{job}\", interval: \"1s\", metrics: [Metric(name: \"m\", default_value: 7)])])"
    )
}

/// A folder with a token, and with configs: `main` pushes to the gateway, `choosing` to where its argument says.
fn folder(gateway: &Pushgateway) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("token", "t0ken");
    write("main.ron", &config("main", &gateway.url()));
    write("choosing.ron", &config("choosing", "{url}"));
    write("fixed.ron", &config("fixed", &gateway.url()));
    dir
}

#[test]
fn a_run_of_a_client_pushes_to_the_operators_gateway_and_to_no_other() {
    let (gateway, thief) = (Pushgateway::start(), FakeGateway::start(Behaviour::Answer(200)));
    let dir = folder(&gateway);
    let path = |name: &str| dir.path().join(name).display().to_string();
    let output = format!("pushgateway,bearer_file={},header.X-Secret=s3cret", path("token"));
    let main = ["--config", "main", "--configs-dir", &path(""), "--output", &output];
    let daemon = Daemon::start(&main);
    let url = thief.url();
    let posted = json!({ "id": "posted", "text": config("posted", &url), "duration": "1h" });
    let of_arg = json!({ "id": "of_arg", "text": config("of_arg", "{url}"), "args": { "url": url } });
    let named = json!({ "id": "named", "config": "choosing", "args": { "url": url } });
    let later = json!({ "id": "later", "text": config("later", &url), "start": false });
    let fixed = json!({ "id": "fixed", "config": "fixed", "watch": true });
    for body in [posted, of_arg, named, later, fixed] {
        let (status, answer) = daemon.send("POST", "/api/v1/runs", &body);
        assert_eq!(status, 201, "{answer}");
    }
    assert_eq!(daemon.send("POST", "/api/v1/runs/later/start", &Value::Null).0, 202);
    let jobs = ["choosing", "fixed", "later", "main", "of_arg", "posted"];
    eventually("all jobs are on the operator's gateway", || (gateway.groups() == jobs).then_some(()));
    assert_eq!(thief.requests("").len(), 0);
    let check = json!({ "text": config("checked", &url) });
    let (_, checked) = daemon.send("POST", "/api/v1/configs/check", &check);
    assert!(checked["problems"].to_string().contains("pushgateway_url is left out"), "{checked}");
    let (_, checked) = daemon.send("POST", "/api/v1/configs/check", &json!({ "config": "fixed" }));
    assert_eq!(checked["problems"], json!([]));
    let (_, own) = daemon.get("/api/v1/runs/main/config");
    assert_eq!(own["problems"], json!([]), "the main run is the operator's");
}

/// Everything that clients see of a daemon's runs.
fn seen(daemon: &Daemon) -> String {
    ["/api/v1/runs", "/api/v1/status", "/api/v1/status?run=posted"]
        .map(|path| daemon.get(path).1.to_string())
        .concat()
}

#[test]
fn clients_do_not_see_what_servers_say_and_the_log_has_it() {
    for status in [403, 500] {
        let server = FakeGateway::start(Behaviour::Answer(status));
        let url = server.url();
        let pushing = format!("pushgateway={url}");
        for (outputs, more) in [
            (vec![pushing.as_str()], "--cleanup-on-start=true"),
            (
                vec![&pushing, &format!("remote-write={url}"), &format!("otlp={url}")],
                "--cleanup-on-start=false",
            ),
        ] {
            let mut args = vec!["--push-interval", "300ms", more];
            args.extend(outputs.iter().flat_map(|output| ["--output", output]));
            let daemon = Daemon::start(&args);
            let body = json!({ "id": "posted", "text": config("posted", "http://127.0.0.1:1") });
            assert_eq!(daemon.send("POST", "/api/v1/runs", &body).0, 201);
            let answered = format!("it answered {status}");
            let error = eventually("the client sees the status", || {
                Some(seen(&daemon)).filter(|seen| seen.matches(&answered).count() >= outputs.len())
            });
            assert!(error.contains("promemu's log has the whole answer") && !error.contains(SAID), "{error}");
            daemon.process.wait_for_log(&answered);
            daemon.process.wait_for_log(SAID);
        }
    }
}

#[test]
fn clients_do_not_see_who_else_pushes_a_job() {
    let gateway = Pushgateway::start();
    let address = format!("127.0.0.1:{}", free_port());
    let owner = config("taken", &gateway.url());
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("private_name.ron"), owner).unwrap();
    let config_path = dir.path().join("private_name.ron").display().to_string();
    let _owner = crate::processes::promemu(&["--config", &config_path, "--listen", &address]);
    eventually("the job is taken", || (gateway.groups() == ["taken"]).then_some(()));
    let daemon = Daemon::start(&["--pushgateway-url", &gateway.url()]);
    let body = json!({ "id": "posted", "text": config("taken", &gateway.url()) });
    assert_eq!(daemon.send("POST", "/api/v1/runs", &body).0, 201);
    let error = eventually("the run fails", || {
        daemon.get("/api/v1/runs/posted").1["error"].as_str().map(str::to_owned)
    });
    assert_eq!(
        error,
        "job \"taken\" on the pushgateway belongs to a promemu that is alive; stop it, or choose another job name"
    );
    daemon.process.wait_for_log("private_name");
}

#[test]
fn configs_are_shown_without_the_passwords_in_them() {
    let dir = tempfile::tempdir().unwrap();
    let text = config("x", "http://me:s3cret@127.0.0.1:1");
    std::fs::write(dir.path().join("own.ron"), &text).unwrap();
    std::fs::write(dir.path().join("wrong.ron"), text.replace("http://me", "ftp://me")).unwrap();
    let configs = dir.path().display().to_string();
    let daemon = Daemon::start(&["--configs-dir", &configs]);
    for name in ["own", "wrong"] {
        let (_, shown) = daemon.get(&format!("/api/v1/configs/{name}"));
        assert!(shown["text"].as_str().unwrap().contains("://me:******@127.0.0.1:1\""), "{shown}");
        let (_, checked) = daemon.send("POST", "/api/v1/configs/check", &json!({ "config": name }));
        assert!(!checked.to_string().contains("s3cret"), "{checked}");
    }
}

#[test]
fn a_password_that_a_proxy_echoes_is_not_logged() {
    let proxy = FakeGateway::start(Behaviour::Echo);
    // Padded in base64, and with a character that is escaped in URLs.
    let named = format!("http://me:s3%2Bcret@127.0.0.1:{}", proxy.port);
    let outputs =
        ["pushgateway=http://gw.invalid", "remote-write=http://rw.invalid", "otlp=http://otlp.invalid"];
    for output in outputs {
        let mut run = Process::start(
            promemu_command(&[
                "--config",
                "single_host_load",
                "--push-interval",
                "300ms",
                "--output",
                output,
            ])
            .env("HTTP_PROXY", &named),
        );
        run.wait_for_log("proxy-authorization: Basic ***");
        run.terminate();
        let log = run.log();
        assert!(!log.contains("czMrY3JldA") && !log.contains("s3+cret") && !log.contains("s3%2B"), "{log}");
    }
    let sent = proxy.requests("");
    assert!(sent.iter().all(|request| request.head.contains("Basic bWU6czMrY3JldA==")), "{sent:?}");
}
