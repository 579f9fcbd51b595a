//! Against a gateway that misbehaves: hosts go on, the log stays short, requests stay few.

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, eventually, promemu};

fn run_against(gateway: &FakeGateway, more: &[&str]) -> Process {
    let url = gateway.url();
    let args = [
        "--config",
        "hosts_load_with_peaks",
        "--pushgateway-url",
        &url,
        "--push-interval",
        "100ms",
        "--push-timeout",
        "300ms",
    ];
    promemu(
        &[&args[..], more, &["--config-args", "interval=100ms", "metrics_interval=100ms", "hosts_count=2"]]
            .concat(),
    )
}

fn wait_for_pushes(gateway: &FakeGateway, count: usize) {
    let before = gateway.requests("PUT").len();
    eventually(&format!("{count} pushes"), || {
        (gateway.requests("PUT").len() >= before + count).then_some(())
    });
}

/// The gateway misbehaves, then answers again: one line tells of each.
fn goes_away_and_comes_back(behaviour: Behaviour, reason: &str) {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let mut run = run_against(&gateway, &[]);
    wait_for_pushes(&gateway, 3);
    gateway.behave(behaviour);
    run.wait_for_log("is away");
    wait_for_pushes(&gateway, 2);
    assert!(run.is_running());
    gateway.behave(Behaviour::Answer(200));
    run.wait_for_log("is back after");
    wait_for_pushes(&gateway, 3);
    assert_eq!((run.count_in_log("is away"), run.count_in_log("is back")), (1, 1), "{}", run.log());
    assert!(run.log().contains(reason), "{}", run.log());
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn a_gateway_that_answers_500_is_away() {
    goes_away_and_comes_back(
        Behaviour::Answer(500),
        "it answered 500 Internal Server Error: the fake says no",
    );
}

#[test]
fn a_gateway_that_hangs_is_away() {
    goes_away_and_comes_back(Behaviour::Hang, "no answer in time");
}

#[test]
fn a_gateway_that_cuts_connections_is_away() {
    goes_away_and_comes_back(Behaviour::Cut, "the exchange broke off");
}

#[test]
fn a_gateway_that_is_away_is_tried_less_and_less_often() {
    let gateway = FakeGateway::start(Behaviour::Answer(503));
    let run = run_against(&gateway, &["--push-interval", "8s"]);
    run.wait_for_log("is away");
    let tried =
        |count: usize| eventually("another attempt", || (gateway.requests("").len() >= count).then_some(()));
    tried(3);
    // The delays are 1 s, 2 s, 4 s … and up to a quarter more.
    assert_eq!(run.count_in_log("WARN"), 1, "{}", run.log());
    assert_eq!(gateway.requests("").len(), 3);
}

#[test]
fn a_push_that_is_refused_is_told_once_and_stops_nothing() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let mut run = run_against(&gateway, &[]);
    wait_for_pushes(&gateway, 2);
    gateway.behave(Behaviour::Answer(400));
    run.wait_for_log("was refused by the pushgateway: it answered 400 Bad Request: the fake says no");
    wait_for_pushes(&gateway, 5);
    assert_eq!(run.count_in_log("was refused"), 1, "{}", run.log());
    gateway.behave(Behaviour::Answer(200));
    run.wait_for_log("is taken by the pushgateway again");
    assert_eq!((run.count_in_log("is away"), run.terminate()), (0, Some(0)));
}

#[test]
fn a_gateway_that_is_dead_from_the_start_stops_no_host() {
    let url = "http://127.0.0.3:1";
    let mut run = promemu(&[
        "--config",
        "single_host_load",
        "--pushgateway-url",
        url,
        "--push-interval",
        "1",
        "--status-interval",
        "1",
    ]);
    run.wait_for_log("is away: cannot connect");
    run.wait_for_log("1 of 1 host running");
    assert_eq!(run.terminate(), Some(0));
    assert!(run.log().contains("stopping"), "{}", run.log());
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let gateway = FakeGateway::start(Behaviour::HangDeletions);
    let mut run = run_against(&gateway, &[]);
    wait_for_pushes(&gateway, 1);
    run.signal("-INT");
    eventually("a deletion hangs", || (!gateway.requests("DELETE").is_empty()).then_some(()));
    run.signal("-INT");
    assert_eq!(run.wait(), Some(130));
}

#[test]
fn clean_up_on_finish_does_not_wait_for_a_gateway_that_hangs() {
    let gateway = FakeGateway::start(Behaviour::HangDeletions);
    let mut run = run_against(&gateway, &[]);
    wait_for_pushes(&gateway, 1);
    assert_eq!(run.terminate(), Some(0));
    assert!(run.log().contains("1 of 1 groups could not be deleted"), "{}", run.log());
}

#[test]
fn pushes_are_delimited_protobuf_put_to_the_jobs_path() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let _run = run_against(&gateway, &[]);
    wait_for_pushes(&gateway, 1);
    let push = gateway.requests("PUT").remove(0);
    assert!(push.path.starts_with("/metrics/job/hosts_load_peaks_"), "{}", push.path);
    let needle = b"promemu_run_info";
    assert!(push.body.windows(needle.len()).any(|window| window == needle));
    assert!(!push.body.starts_with(b"#"), "not text");
}
