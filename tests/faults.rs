//! Against a gateway that misbehaves: hosts go on, the log stays short, requests stay few.

use procfs_core::FromRead;
use procfs_core::process::Stat;

use crate::fake_gateway::{Behaviour, FakeGateway, Request};
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
        "5s",
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

/// The gateway misbehaves, then answers again: each is logged once.
fn goes_away_and_comes_back(behaviour: Behaviour, reason: &str) {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let timeout = if behaviour == Behaviour::Hang { "500ms" } else { "10s" };
    let mut run = run_against(&gateway, &["--push-timeout", timeout]);
    wait_for_pushes(&gateway, 3);
    gateway.behave(behaviour);
    run.wait_for_log("output is away");
    wait_for_pushes(&gateway, 2);
    assert!(run.is_running());
    gateway.behave(Behaviour::Answer(200));
    run.wait_for_log("output is back");
    wait_for_pushes(&gateway, 3);
    assert_eq!(
        (run.count_in_log("output is away"), run.count_in_log("output is back")),
        (1, 1),
        "{}",
        run.log()
    );
    assert!(run.log().contains(reason), "{}", run.log());
    assert!(!run.log().contains("--embedded"), "it has been there: {}", run.log());
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
fn a_gateway_that_cuts_pushes_and_answers_in_the_middle_is_away() {
    goes_away_and_comes_back(Behaviour::CutBody, "the exchange broke off");
    goes_away_and_comes_back(Behaviour::CutAnswer, "the exchange broke off");
}

#[test]
fn a_gateway_that_is_asked_too_much_is_away() {
    goes_away_and_comes_back(Behaviour::Throttle(429, 1), "it answered 429 Too Many Requests");
}

#[test]
fn a_job_that_always_fails_does_not_hold_up_the_others() {
    let gateway = FakeGateway::start(Behaviour::Fail("balancer"));
    let mut run = run_against(&gateway, &["--config-args", "split_jobs=true"]);
    let workers = || gateway.requests("PUT").iter().filter(|push| !push.path.contains("balancer")).count();
    eventually("the workers are pushed again and again", || (workers() >= 10).then_some(()));
    run.wait_for_log("was refused by the pushgateway");
    run.wait_for_log("error=it answered 500");
    let before = workers();
    eventually("and still are", || (workers() >= before + 10).then_some(()));
    // The balancer may be the first to push; it is not known yet then that the others succeed.
    assert!(run.count_in_log("was refused") == 1 && run.count_in_log("output is away") <= 1, "{}", run.log());
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn a_push_under_way_at_the_end_does_not_outlive_the_clean_up() {
    let gateway = FakeGateway::start(Behaviour::SlowPushes);
    let mut run = run_against(&gateway, &["--push-timeout", "10s"]);
    wait_for_pushes(&gateway, 1);
    // The next push is under way all the time.
    assert_eq!(run.terminate(), Some(0));
    let requests = gateway.requests("");
    assert_eq!(requests.last().map(|request| request.method.as_str()), Some("DELETE"));
}

#[test]
fn a_push_that_is_refused_is_logged_once_and_stops_nothing() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let mut run = run_against(&gateway, &[]);
    wait_for_pushes(&gateway, 2);
    gateway.behave(Behaviour::Answer(400));
    run.wait_for_log("was refused by the pushgateway");
    run.wait_for_log("error=it answered 400 Bad Request: the fake says no");
    wait_for_pushes(&gateway, 5);
    assert_eq!(run.count_in_log("was refused"), 1, "{}", run.log());
    gateway.behave(Behaviour::Answer(200));
    run.wait_for_log("is accepted by the pushgateway again");
    assert_eq!((run.count_in_log("output is away"), run.terminate()), (0, Some(0)));
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
    run.wait_for_log("error=cannot connect");
    run.wait_for_log("1 of 1 host running");
    assert_eq!(run.terminate(), Some(1));
    assert!(run.log().contains("stopping"), "{}", run.log());
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let gateway = FakeGateway::start(Behaviour::HangDeletions);
    let mut run = run_against(&gateway, &[]);
    wait_for_pushes(&gateway, 1);
    run.signal("-INT");
    eventually("a deletion hangs", || (!gateway.requests("DELETE").is_empty()).then_some(()));
    // One that comes at once is taken for the same request.
    eventually("it ends", || {
        run.signal("-INT");
        (!run.is_running()).then_some(())
    });
    assert_eq!(run.wait(), Some(130));
}

#[test]
fn signals_that_come_together_are_one_request() {
    for signals in [["-INT", "-TERM"], ["-TERM", "-INT"]] {
        let gateway = FakeGateway::start(Behaviour::SlowPushes);
        let mut run = run_against(&gateway, &[]);
        wait_for_pushes(&gateway, 1);
        run.signal("-STOP");
        eventually("it stands still", || {
            let stat = Stat::from_file(format!("/proc/{}/stat", run.id())).unwrap();
            (stat.state == 'T').then_some(())
        });
        // They wait for it together.
        signals.iter().chain(&["-CONT"]).for_each(|signal| run.signal(signal));
        assert_eq!(run.wait(), Some(0), "{signals:?}: {}", run.log());
        assert!(!gateway.requests("DELETE").is_empty(), "the group is deleted");
    }
}

#[test]
fn clean_up_on_finish_does_not_wait_for_a_gateway_that_hangs() {
    let gateway = FakeGateway::start(Behaviour::HangDeletions);
    let mut run = run_against(&gateway, &[]);
    wait_for_pushes(&gateway, 1);
    assert_eq!(run.terminate(), Some(0));
    assert!(run.log().contains("groups could not be deleted"), "{}", run.log());
}

#[test]
fn pushes_are_delimited_protobuf_put_to_the_jobs_path() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let _run = run_against(&gateway, &[]);
    let has = |push: &Request, text: &[u8]| push.body.windows(text.len()).any(|window| window == text);
    // Hosts start at times of their own, so the first of them may be the balancer, which has no CPU.
    let pushes = eventually("a push with a worker's metrics", || {
        let pushes = gateway.requests("PUT");
        pushes.iter().any(|push| has(push, b"cpu_usage")).then_some(pushes)
    });
    assert!(!has(&pushes[0], b"cpu_usage"), "the first one says no more than whose the job is");
    assert!(pushes.iter().all(|push| has(push, b"promemu_run_info")));
    for push in &pushes {
        assert!(push.path.starts_with("/metrics/job/hosts_load_peaks_"), "{}", push.path);
        assert!(!push.body.starts_with(b"#"), "not text");
    }
}
