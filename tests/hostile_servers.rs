//! Servers that trickle, flood, or are something else than promemu takes them for: each exchange has an end in time and in
//! bytes.

use std::process::Output;

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, eventually, promemu, promemu_in_kib};

/// A group as a Pushgateway lists it.
const GROUP: &str = "push_time_seconds{instance=\"\",job=\"endless\"} 1\n";
const TRICKLES: [Behaviour; 4] =
    [Behaviour::Hang, Behaviour::Trickle, Behaviour::Flood("x"), Behaviour::Flood("up 1\n")];

fn pushing(gateway: &FakeGateway, timeout: &str) -> Process {
    Process::start(&mut promemu_in_kib(
        800_000,
        &[
            "--config",
            "single_host_load",
            "--push-interval",
            "300ms",
            "--pushgateway-url",
            &gateway.url(),
            "--push-timeout",
            timeout,
        ],
    ))
}

#[test]
fn a_list_of_groups_that_does_not_end_does_not_keep_a_run_from_starting() {
    for behaviour in TRICKLES {
        let gateway = FakeGateway::start(behaviour);
        let mut run = pushing(&gateway, "300ms");
        run.wait_for_log("error=no answer in time");
        run.wait_for_log("running");
        assert_eq!(run.terminate(), Some(1), "{behaviour:?}");
    }
}

#[test]
fn a_list_of_groups_without_end_is_refused() {
    let gateway = FakeGateway::start(Behaviour::Flood(GROUP));
    let mut run = pushing(&gateway, "30s");
    let code = run.wait();
    assert_eq!(code, Some(1), "{}", run.log());
    assert!(run.log().contains("cannot be listed, so their owners are unknown: it lists groups without end"));
}

#[test]
fn something_else_is_not_taken_for_a_pushgateway_without_groups() {
    for text in
        ["<html><title>log in</title></html>", "", "{\"status\":\"success\"}", "# TYPE up gauge\nup 1\n"]
    {
        let server = FakeGateway::start(Behaviour::Say(text));
        let mut run = pushing(&server, "30s");
        assert_eq!(run.wait(), Some(1), "{text}");
        let refusal = "it is no Pushgateway: it lists neither groups nor metrics of its own; check the url; to push \
                       anyway, use --cleanup-on-start=false";
        assert!(run.log().contains(refusal), "{}", run.log());
        assert_eq!(server.requests("PUT").len(), 0, "no job is pushed");
    }
    let server = FakeGateway::start(Behaviour::Say("anything"));
    let url = server.url();
    let mut run =
        promemu(&["--config", "single_host_load", "--pushgateway-url", &url, "--cleanup-on-start=false"]);
    run.wait_for_log("groups of the pushgateway cannot be listed; there is no clean-up on start");
    assert_eq!(run.terminate(), Some(1));
}

fn clean(behaviour: Behaviour, timeout: &str) -> Output {
    let gateway = FakeGateway::start(behaviour);
    promemu_in_kib(800_000, &["clean", "--pushgateway-url", &gateway.url()])
        .env("PME_PUSHGATEWAY_PUSH_TIMEOUT", timeout)
        .output()
        .unwrap()
}

#[test]
fn clean_ends_whatever_the_server_does() {
    let all = [
        (Behaviour::Flood(GROUP), "30s", "it lists groups without end"),
        (Behaviour::Say("<html>"), "30s", "it is no Pushgateway"),
    ];
    for (behaviour, timeout, text) in
        TRICKLES.map(|behaviour| (behaviour, "300ms", "no answer in time")).into_iter().chain(all)
    {
        let output = clean(behaviour, timeout);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{behaviour:?}: {said}");
        assert!(said.contains("cannot be listed") && said.contains(text), "{said}");
    }
}

#[test]
fn samples_get_through_to_servers_that_trickle_their_answers() {
    for kind in ["remote-write", "otlp"] {
        let server = FakeGateway::start(Behaviour::Trickle);
        let output = format!("{kind}={},timeout=300ms", server.url());
        let mut run =
            promemu(&["--config", "single_host_load", "--push-interval", "300ms", "--output", &output]);
        eventually("it goes on after a first answer", || server.requests("POST").into_iter().nth(5));
        assert_eq!(run.terminate(), Some(0));
        assert!(run.log().contains("dropped_samples=0"), "{}", run.log());
    }
}

#[test]
fn ctl_takes_no_answer_without_end() {
    for text in ["x", "[", "0,", "data: {}\n", "\n"] {
        let server = FakeGateway::start(Behaviour::Flood(text));
        for action in [&["status"][..], &["events", "--follow"]] {
            if text == "\n" && action.len() > 1 {
                // Frames without an event, as many as there may be.
                continue;
            }
            let args: Vec<&str> = ["ctl"].into_iter().chain(action.iter().copied()).collect();
            let output = promemu_in_kib(800_000, &args).env("PME_URL", server.url()).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{text:?} {action:?}: {said}");
            assert!(said.contains("answers more than promemu does"), "{said}");
        }
    }
}

#[test]
fn ctl_fails_when_the_daemon_ends_a_stream_before_the_run() {
    for (frame, reason) in [
        ("event: dropped\ndata: {\"reason\": \"the client reads too slowly\"}\n\n", "reads too slowly"),
        ("event: dropped\ndata: 7\n\n", "of events: 7"),
    ] {
        let server = FakeGateway::start(Behaviour::Flood(frame));
        for args in [&["ctl", "events", "--follow"][..], &["ctl", "events", "--follow", "--json"]] {
            let output = promemu_in_kib(800_000, args).env("PME_URL", server.url()).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{frame:?}: {said}");
            assert!(said.contains("has ended the stream of events") && said.contains(reason), "{said}");
        }
    }
}
