//! Logs whose reader is stuck, or gone: nothing of a run waits for it.

use std::io::{BufRead, BufReader, PipeReader};

use crate::processes::{Process, eventually, free_port, get, promemu_command};

/// A run that logs much more than a pipe and the queue before it take, and nobody reads.
fn stuck_run() -> (Process, PipeReader, u16) {
    let port = free_port();
    let url = format!("127.0.0.1:{port}");
    let args = ["--config", "hosts_load_with_peaks", "--embedded", "--pushgateway-url", &url, "--debug"];
    let (run, log) = Process::start_unread(promemu_command(&args).args([
        "--show-hosts-status",
        "--status-interval",
        "1ms",
    ]));
    eventually("lines are dropped", || {
        let page = get(port, "/promemu/metrics")?;
        let dropped = page.lines().find_map(|line| line.strip_prefix("promemu_log_lines_dropped_total "))?;
        (dropped != "0").then_some(())
    });
    (run, log, port)
}

#[test]
fn a_full_standard_error_stops_neither_hosts_nor_pages_nor_signals() {
    let (mut run, _log, port) = stuck_run();
    let values = || get(port, "/metrics").filter(|page| page.contains("cpu_"));
    let first = eventually("the hosts have values", values);
    eventually("they have others", || values().filter(|page| *page != first));
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn a_log_that_is_read_again_says_how_much_of_it_was_dropped() {
    let (mut run, log, _port) = stuck_run();
    let told = std::thread::spawn(move || {
        let lines = BufReader::new(log).lines().map_while(Result::ok);
        lines.filter(|line| line.contains("log lines were dropped")).count()
    });
    assert_eq!(run.terminate(), Some(0));
    assert!(told.join().unwrap() >= 1);
}

#[test]
fn a_closed_standard_error_stops_nothing() {
    let (mut run, log, port) = stuck_run();
    drop(log);
    eventually("the pages go on", || get(port, "/metrics"));
    assert_eq!(run.terminate(), Some(0));
}
