//! Without a gateway: promemu serves its jobs itself.

use crate::processes::{Prometheus, eventually, free_port, get, label, promemu, promtool_errors, series};

#[test]
fn prometheus_scrapes_the_jobs_from_promemu_itself() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let args = [
        "--embedded",
        "--config",
        "hosts_load_with_peaks",
        "--pushgateway-url",
        &url,
        "--push-interval",
        "1",
    ];
    let mut run = promemu(&[&args[..], &["--config-args", "hosts_count=5", "split_jobs=true"]].concat());
    run.wait_for_log(&format!("the metrics are at http://127.0.0.1:{port}/metrics"));
    let exposition = eventually("all series are served", || {
        get(port, "/metrics").filter(|exposition| series(exposition, "").len() == 76 + 2)
    });
    assert_eq!(promtool_errors(&exposition), Vec::<String>::new());
    let jobs: Vec<&str> =
        series(&exposition, "push_time_seconds").iter().map(|line| label(line, "job")).collect();
    assert!(jobs.len() == 2 && jobs[0].contains("balancer"), "{jobs:?}");
    assert_eq!(
        exposition.matches("# TYPE push_time_seconds gauge").count(),
        1,
        "families are merged across jobs"
    );

    let prometheus = Prometheus::scraping(port);
    let count = "count(cpu_usage_percent{job=~\"hosts_load_peaks_.*\"})";
    eventually("Prometheus counts 5 workers", || {
        prometheus.query(count).filter(|count| *count > 4.9 && *count < 5.1)
    });
    let pushed = "time() - max(push_time_seconds) < bool 60";
    eventually("the push time is that of now", || prometheus.query(pushed).filter(|recent| *recent > 0.5));
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn a_taken_address_is_an_error_that_says_what_to_do() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut run = promemu(&[
        "--embedded",
        "--config",
        "single_host_load",
        "--pushgateway-url",
        &format!("127.0.0.1:{port}"),
    ]);
    assert_eq!(run.wait(), Some(1));
    let log = run.log();
    assert!(log.contains(&format!("cannot listen on 127.0.0.1:{port}; choose a free address")), "{log}");
}
