//! Actions of a recording that come from servers: alerts of a real Alertmanager, annotations of a Grafana on the wire.

use std::path::Path;
use std::process::Output;

use promemu_wire::recording::{Action, Recording};

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::live_verdicts::Alertmanager;
use crate::processes::{eventually, free_port, promemu_command};

/// A recording without a sample.
fn recording() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let record =
        promemu_command(&["record", "--dump", "/dev/null", "--out"]).arg(dir.path()).output().unwrap();
    assert!(record.status.success(), "{}", String::from_utf8_lossy(&record.stderr));
    dir
}

fn note(args: &[&str], recording: &Path, secret: &str) -> Output {
    let mut note = promemu_command(&["record", "action"]);
    note.args(args).env("TEST_TOKEN", secret).arg("--out").arg(recording).output().unwrap()
}

fn noted(args: &[&str], recording: &Path) -> Vec<Action> {
    let output = note(args, recording, "t0ken");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Recording::open(recording).unwrap().actions().unwrap()
}

/// Tells an Alertmanager of an alert, until it knows that it is on or over.
fn alert(alertmanager: &Alertmanager, end: &str) {
    let body = format!(
        r#"[{{"labels": {{"alertname": "Slow", "job": "shop", "instance": "a:1"}}, "startsAt": "2026-01-05T12:00:00Z"{end}}}]"#
    );
    let url = format!("http://127.0.0.1:{}/api/v2/alerts", alertmanager.port);
    let sent = std::process::Command::new("curl")
        .args(["-sf", "-H", "Content-Type: application/json", "-d", &body, &url])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn alerts_of_an_alertmanager_are_actions_that_end_when_they_are_over() {
    let alertmanager = Alertmanager::notifying(free_port());
    let dir = recording();
    let url = format!("http://127.0.0.1:{}", alertmanager.port);
    let args = ["--from-alertmanager", &url];
    assert_eq!(noted(&args, dir.path()), []);
    alert(&alertmanager, "");
    let on = eventually("the alert is on", || noted(&args, dir.path()).pop());
    let begin_ms = 1_767_614_400_000;
    assert_eq!((on.at_ms, &*on.name, &*on.target, on.until_ms), (begin_ms, "alert Slow", "a:1", None));
    // It is the same when it is seen again.
    assert_eq!(noted(&args, dir.path()), std::slice::from_ref(&on));
    alert(&alertmanager, r#", "endsAt": "2026-01-05T12:00:01Z""#);
    let over = eventually("the alert is over", || {
        noted(&args, dir.path()).pop().filter(|action| action.until_ms.is_some())
    });
    assert!(over.until_ms > Some(begin_ms) && Action { until_ms: None, ..over.clone() } == on, "{over:?}");
    assert_eq!(noted(&args, dir.path()), [over]);
}

#[test]
fn annotations_of_a_grafana_are_actions_and_its_token_is_not_shown() {
    let grafana = FakeGateway::start(Behaviour::Say(
        r#"[{"id": 1, "time": 1767614400000, "timeEnd": 1767614460000, "text": "v2", "tags": ["deploy", "target:shop"]}]"#,
    ));
    let dir = recording();
    let url = format!("{},bearer_env=TEST_TOKEN", grafana.url());
    let args = ["--from-grafana", &*url];
    let expected = Action {
        at_ms: 1_767_614_400_000,
        name: "deploy".to_owned(),
        target: "shop".to_owned(),
        value: None,
        until_ms: Some(1_767_614_460_000),
    };
    for _ in 0..2 {
        assert_eq!(noted(&args, dir.path()), std::slice::from_ref(&expected));
    }
    let request = grafana.requests("GET").swap_remove(0);
    assert!(request.path.starts_with("/api/annotations?from="), "{}", request.path);
    assert!(request.head.to_lowercase().contains("authorization: bearer t0ken"), "{}", request.head);
    for (behaviour, told) in [
        (Behaviour::Echo, "it answers 401 Unauthorized"),
        (Behaviour::Say("<html>"), "it answers no annotations of a Grafana: "),
    ] {
        grafana.behave(behaviour);
        let output = note(&args, dir.path(), "t0ken");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains(told) && !said.contains("t0ken"), "{said}");
    }
    let output = note(&["--from-grafana", "http://g,bearer=x"], dir.path(), "t0ken");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("--from-grafana"), "{said}");
}
