//! Configs and clients that keep promemu as busy as they can, all at once: it still answers, and ends cleanly at the first
//! signal.

use std::io::{PipeReader, Write};
use std::net::TcpStream;

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, Pushgateway, eventually, free_port, get, promemu_command};

/// Hosts that set each other off, scripts that are never done, members that live for a millisecond, and metrics that change
/// all the time.
const CONFIG: &str = r#"Config(default_job_name: "storm", hosts: [
    Host(repeat: Repeat(var: "i", from: 1, to: 300), name: "doubles-{i}", ttl: "inf", interval: 5,
        listen_events: { "x": [emit("x"), emit("x")], "host_started": emit("x") },
        metrics: [Metric(name: "up", default_value: 1)]),
    Host(repeat: Repeat(var: "i", from: 1, to: 40), name: "scripts-{i}", ttl: "inf", interval: 5, metrics: [
        Metric(name: "compares", update_interval: "100ms", scenario: script(source: "
            let a = []; a.pad(1000, 1.0); while true { if a == a { emit(\"x\"); } }")),
        Metric(name: "writes", update_interval: "100ms", scenario: script(source: "
            let s = \"0123456789\"; for i in 0..12 { s += s; } while true { s[7] = 'y'; }")),
        Metric(name: "loops", update_interval: "10ms", scenario: script(source: "while true { storage.n = 1; }"))]),
    Host(name: "members", ttl: "inf", interval: 5, pools: [
        Pool(name: "short", count: 10000, lifetime: "1ms", labels: { "slot": "{slot}" }, metrics: [Metric(name: "lives")])]),
    Host(repeat: Repeat(var: "i", from: 1, to: 20), name: "tight-{i}", ttl: "inf", interval: "1ms", metrics: [
        Metric(name: "fast", value_range: (0, 100), update_interval: "1ms", scenario: random_walk,
            labels: { "n": "{n}" }, repeat: Repeat(var: "n", from: 1, to: 1000))]),
])"#;

/// A run of the config that pushes to a gateway, and the other end of its standard error, which nobody reads.
fn storming(gateway: &str, api: u16, page: u16) -> (Process, PipeReader, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("storm.ron");
    std::fs::write(&file, CONFIG).unwrap();
    let (listen, page) = (format!("127.0.0.1:{api}"), format!("scrape=127.0.0.1:{page}"));
    let pushed = format!("pushgateway={gateway}");
    let args =
        ["--config", file.to_str().unwrap(), "--listen", &listen, "--output", &pushed, "--output", &page];
    let (run, log) = Process::start_unread(promemu_command(&args).args([
        "--push-interval",
        "1s",
        "--debug",
        "--show-hosts-status",
        "--status-interval",
        "20ms",
    ]));
    (run, log, dir)
}

/// Connections that are idle, or send half of a request: as many as the test may open, up to 1 200.
fn hold(port: u16) -> Vec<TcpStream> {
    let halves = [
        "",
        "GET /health HTTP/1.1\r\nHost: 127",
        "POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n{\"na",
    ];
    let open = |number: usize| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        // It may have been closed already.
        let _is_sent = stream.write_all(halves[number % 3].as_bytes()).is_ok();
        Some(stream)
    };
    (0..1_200).map_while(open).collect()
}

#[test]
fn a_storm_slow_scripts_idle_connections_and_a_full_standard_error_stop_neither_answers_nor_the_end() {
    let gateway = Pushgateway::start();
    let [api, page] = [(); 2].map(|()| free_port());
    let (mut run, _log, _dir) = storming(&gateway.url(), api, page);
    eventually("the API answers", || get(api, "/health"));
    eventually("the run has pushed", || (!gateway.jobs().is_empty()).then_some(()));
    let own = || eventually("its own metrics are there", || get(api, "/metrics"));
    let counted = |name: &str| {
        let page = own();
        page.lines().filter(|line| line.starts_with(name)).any(|line| !line.ends_with(" 0"))
    };
    for counter in
        ["promemu_events_dropped_total", "promemu_scenario_errors_total", "promemu_log_lines_dropped_total"]
    {
        eventually(counter, || counted(counter).then_some(()));
    }
    let held = hold(api);
    assert!(held.len() > 300, "{} connections", held.len());
    for _ in 0..20 {
        assert!(get(api, "/health").is_some(), "/health answers each time");
    }
    assert!(own().contains("promemu_hosts_active"));
    eventually("the emulated metrics are there", || get(page, "/metrics"));
    assert_eq!(run.terminate(), Some(0), "the first signal ends it");
    assert!(gateway.groups().is_empty(), "and nothing is left behind");
}

#[test]
fn a_second_signal_ends_a_storm_that_cannot_end_cleanly_at_once() {
    let gateway = FakeGateway::start(Behaviour::HangDeletions);
    let [api, page] = [(); 2].map(|()| free_port());
    let (mut run, _log, _dir) = storming(&gateway.url(), api, page);
    eventually("the run has pushed", || (!gateway.requests("PUT").is_empty()).then_some(()));
    run.signal("-TERM");
    eventually("it cleans up", || (!gateway.requests("DELETE").is_empty()).then_some(()));
    // One that comes right after the first is the same request.
    eventually("it has ended", || {
        run.signal("-TERM");
        (!run.is_running()).then_some(())
    });
    assert_eq!(run.wait(), Some(130), "it has not cleaned up");
}
