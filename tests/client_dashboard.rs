//! The shipped dashboard of real load, on a load that runs against real servers while one of them is gone.

use std::path::Path;

use serde_json::Value;

use crate::memcached::Memcached;
use crate::processes::{Process, Prometheus, eventually, free_port, promemu_command};
use crate::simulated::plugins;

/// The shipped load, with what a timeline marks on dashboards.
const CONFIG: &str = r#"Config(
    extends: "memcached_load",
    timeline: Timeline(
        phases: [Phase(name: "before", lasts: "5s"), Phase(name: "gone", lasts: "10s"), Phase(name: "after", lasts: "5s")],
        faults: [Fault(id: "more", during: "gone", lasts: "5s", set: { "load": 1.5 }, truth: Truth(root: "memcache2"))],
    ),
    verdicts: [
        panels(dashboard: "DASHBOARD"),
        first(query: "max(memcache_circuit_breaker_state{server=\"memcache2\"}) == 2", between: ("0s", "15s")),
        holds(query: "max(memcache_circuit_breaker_state{server!=\"memcache2\"}) == 0"),
        holds(query: "sum(memcache_wrong_answers_total) == 0"),
        series(total: 5000),
    ],
)"#;

#[test]
fn every_query_of_the_dashboard_of_clients_has_data_while_a_server_is_gone() {
    let (dir, port, [first, second, third]) = (plugins(), free_port(), [(); 3].map(|()| Memcached::start()));
    let dashboard = "docker/grafana/dashboards/client_performance.json";
    let dashboard = Path::new(env!("CARGO_MANIFEST_DIR")).join(dashboard).display().to_string();
    let [config, json] = ["load.ron", "report.json"].map(|name| dir.path().join(name));
    std::fs::write(&config, CONFIG.replace("DASHBOARD", &dashboard)).unwrap();
    let prometheus = Prometheus::configured(&format!(
        "global: {{ scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s }}\n\
         scrape_configs: [{{ job_name: j, honor_labels: true, static_configs: [{{ targets: ['127.0.0.1:{port}'] }}] }}]\n"
    ));
    eventually("it looks for the run", || prometheus.query("up"));
    let servers = [&first, &second, &third].map(Memcached::address).join(",");
    let mut command = promemu_command(&["test", "--live", "--step", "1s", "--prometheus", &prometheus.url()]);
    command.args(["--output", &format!("scrape=127.0.0.1:{port}"), "--plugins-dir"]).arg(dir.path());
    command.arg("--json").arg(&json).arg(&config);
    command.args([&format!("servers={servers}"), "rate=300", "update_interval=500ms"]);
    let mut test = Process::start(&mut command);
    eventually("the load is seen", || {
        prometheus.query("sum(memcache_operations_total)").filter(|n| *n > 300.0)
    });
    drop(second);
    let code = test.wait();
    let report = std::fs::read_to_string(&json).unwrap_or_default();
    assert_eq!(code, Some(0), "{report} {}", test.log());
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["verdicts"].as_array().unwrap().len(), 5);
    assert!(report["series"].as_u64().unwrap() > 100, "{}", report["series"]);
}
