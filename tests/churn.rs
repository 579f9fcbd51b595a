//! Series that come and go, through a real Prometheus and a real Pushgateway.

use crate::processes::{Prometheus, Pushgateway, eventually, free_port, get, label, promemu, series, value};

/// Six of twelve guests, which come and go; three members, which stay; and a crowd that grows beyond --max-series.
const CONFIG: &str = r#"Config(
    default_job_name: "churn",
    hosts: [Host(
        name: "h",
        interval: 0.1,
        pools: [
            Pool(name: "guests", count: 6, lifetime: "200ms..2s", pause: "0s..1s",
                labels: { "part": "guests", "user": "u{zipf(12, 0.5)}" }, metric_sets: ["user"]),
            Pool(name: "members", count: 3, labels: { "part": "members", "user": "m{slot}" }, metric_sets: ["user"]),
            Pool(name: "crowd", count: "t * 5", max: 1000, count_interval: 0.1,
                labels: { "part": "crowd", "user": "{uuid()}" }, metric_sets: ["user"]),
        ],
    )],
    metric_sets: { "user": [Metric(name: "session_bytes", value_range: (1, 9), update_interval: 0.2, scenario: random_walk)] },
)"#;

#[test]
fn servers_have_the_current_members_and_forget_ended_ones() {
    let (prometheus, gateway) = (Prometheus::receiving(), Pushgateway::start());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("churn.ron");
    std::fs::write(&file, CONFIG).unwrap();
    let page = free_port();
    let (written, pushed) =
        (format!("remote-write={}", prometheus.url()), format!("pushgateway={}", gateway.url()));
    let own = format!("127.0.0.1:{page}");
    let mut run = promemu(&[
        "--config",
        file.to_str().unwrap(),
        "--push-interval",
        "200ms",
        "--output",
        &written,
        "--output",
        &pushed,
        "--max-series",
        "29",
        "--self-metrics-address",
        &own,
    ]);
    let count = |query: &str| prometheus.query(&format!("count({query})")).unwrap_or(0.0);
    let pushed = |part: &str| {
        let metrics = gateway.metrics();
        series(&metrics, "session_bytes").iter().filter(|line| label(line, "part") == part).count()
    };
    eventually("all twelve guests have been there", || {
        let now = (count(r#"session_bytes{part="guests"}"#), pushed("guests"));
        assert!(now.0 <= 6.0 && now.1 <= 6, "{now:?} at once");
        (count(r#"last_over_time(session_bytes{part="guests"}[1m])"#) > 11.0).then_some(())
    });
    assert_eq!((count(r#"session_bytes{part="members"}"#).to_string(), pushed("members")), ("3".into(), 3));
    eventually("the crowd grows to --max-series", || (pushed("crowd") == 20).then_some(()));
    run.wait_for_log("--max-series is reached");
    let refused = || {
        let page = get(page, "/metrics")?;
        page.lines().find(|line| line.starts_with("promemu_series_refused_total ")).map(value)
    };
    eventually("what was refused is counted", || refused().filter(|count| *count > 0.0));
    assert_eq!(pushed("crowd"), 20);
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(run.count_in_log("--max-series is reached"), 1);
    assert!(run.log().contains("dropped_samples=0"), "{}", run.log());
    assert_eq!(count(r#"{job="churn"}"#).to_string(), "0");
}
