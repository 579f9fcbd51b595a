//! The plugin `memcached` against real memcached servers, directly and through `promemu proxy`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use serde_json::{Value, json};

use crate::processes::{Process, eventually, free_port, get, http, label, promemu_command, series, value};
use crate::simulated::plugins;

/// A real memcached.
pub(crate) struct Memcached {
    pub(crate) port: u16,
    process: Process,
}

impl Memcached {
    pub(crate) fn start() -> Self {
        Self::start_on(free_port())
    }

    fn start_on(port: u16) -> Self {
        let mut command = Command::new("memcached");
        // Only root is asked whose rights it should have.
        command.args(["-u", "root", "-l", "127.0.0.1", "-U", "0", "-t", "1", "-p", &port.to_string()]);
        let server = Self { port, process: Process::start(&mut command) };
        eventually("memcached answers", || server.try_stats());
        server
    }

    pub(crate) fn try_stats(&self) -> Option<BTreeMap<String, u64>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.write_all(b"stats\r\n").ok()?;
        let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| line != "END");
        let pair = |line: String| {
            let mut words = line.split(' ').skip(1).map(str::to_owned);
            Some((words.next()?, words.next()?.parse().ok()?))
        };
        Some(lines.filter_map(pair).collect())
    }

    pub(crate) fn sets(&self) -> u64 {
        eventually("memcached shows its sets", || self.try_stats()?.get("cmd_set").copied())
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// A load that runs.
pub(crate) struct Load {
    process: Process,
    port: u16,
    folder: tempfile::TempDir,
}

impl Load {
    pub(crate) fn start(servers: &[String], args: &[&str]) -> Self {
        let (folder, port) = (plugins(), free_port());
        let mut command = promemu_command(&["run", "memcached_load", "update_interval=100ms"]);
        command.arg(format!("servers={}", servers.join(","))).args(args);
        command.arg(format!("summary={}", folder.path().join("summary.json").display()));
        command
            .arg("--plugins-dir")
            .arg(folder.path())
            .args(["--output", &format!("scrape=127.0.0.1:{port}")]);
        let load = Self { process: Process::start(&mut command), port, folder };
        eventually("the load has begun", || {
            (load.sum("memcache_operations_attempted_total", "") > 0.0).then_some(())
        });
        load
    }

    pub(crate) fn page(&self) -> String {
        let page = eventually("its page is there", || get(self.port, "/metrics"));
        let sum = |name| -> f64 { series(&page, name).into_iter().map(value).sum() };
        let ended = sum("memcache_operations_total");
        let (attempted, in_flight) =
            (sum("memcache_operations_attempted_total"), sum("memcache_operations_in_flight"));
        let missing = attempted - ended - in_flight;
        assert!(missing.abs() < 0.5, "{attempted} attempted, {ended} ended, {in_flight} in flight");
        page
    }

    /// The sum of the series of this name whose labels contain a text.
    pub(crate) fn sum(&self, name: &str, labels: &str) -> f64 {
        let page = self.page();
        series(&page, name).into_iter().filter(|line| line.contains(labels)).map(value).sum()
    }

    /// Waits until the sum is at least this.
    fn wait_for(&self, name: &str, labels: &str, least: f64) {
        eventually(&format!("{name} {labels} is {least}"), || {
            (self.sum(name, labels) >= least).then_some(())
        });
    }

    /// Waits for so many operations more.
    pub(crate) fn pass(&self, operations: f64) {
        let before = self.sum("memcache_operations_total", "");
        self.wait_for("memcache_operations_total", "", before + operations);
    }

    /// Ends it; returns its summary.
    pub(crate) fn stop(&mut self) -> Value {
        assert_eq!(self.process.terminate(), Some(0), "{}", self.process.log());
        let text = std::fs::read_to_string(self.folder.path().join("summary.json")).unwrap();
        let summary: Value = serde_json::from_str(&text).unwrap();
        let sum = |names: &[&str]| names.iter().map(|name| number(&summary[name])).sum::<u64>();
        assert_eq!(sum(&["attempted"]), sum(&["succeeded", "failed", "in_flight"]));
        summary
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is a whole number"))
}

/// Checks both bounds of a server's ledger, and that it gave no wrong answer. Returns its sets without an answer.
pub(crate) fn check_ledger(summary: &Value, server: usize, done: u64) -> u64 {
    let of = &summary["servers"][server];
    let [sent, acknowledged, unknown] =
        ["sent", "acknowledged", "unknown"].map(|name| number(&of["sets"][name]));
    assert!(acknowledged <= done && done <= acknowledged + unknown, "{done} done: {of}");
    assert_eq!((sent, number(&of["wrong_answers"])), (acknowledged + unknown, 0), "{of}");
    unknown
}

#[test]
fn a_load_counts_each_operation_once_and_its_servers_have_done_the_sets_that_it_says() {
    let servers = [Memcached::start(), Memcached::start()];
    let mut load = Load::start(&servers.each_ref().map(Memcached::address), &["pace=closed", "workers=8"]);
    load.pass(5000.0);
    let page = load.page();
    for (name, labels) in [
        ("memcache_operations_total", "status=\"success\""),
        ("memcache_operations_total", "status=\"failed\""),
        ("memcache_operations_rate", ""),
        ("memcache_error_rate", ""),
        ("memcache_circuit_breaker_state", "server=\"memcache2\""),
        (
            "memcache_circuit_breaker_transitions_total",
            "server=\"memcache1\",from=\"half-open\",to=\"closed\"",
        ),
        ("memcache_pool_connections", "server=\"memcache1\",state=\"total\""),
        ("memcache_pool_connections", "server=\"memcache1\",state=\"active\""),
        ("memcache_pool_connections", "server=\"memcache2\",state=\"idle\""),
        ("memcache_pool_created_total", "server=\"memcache1\""),
        ("memcache_pool_acquire_errors_total", "server=\"memcache1\""),
        ("memcache_circuit_breaker_requests", "server=\"memcache1\""),
        ("memcache_circuit_breaker_failures", "server=\"memcache1\",type=\"total\""),
        ("memcache_circuit_breaker_failures", "server=\"memcache1\",type=\"consecutive\""),
    ] {
        let found =
            series(&page, name).into_iter().filter(|line| line.contains(&format!("{{{labels}"))).count();
        assert!(found > 0, "{name}{{{labels}}} is there: {page}");
    }
    let operation =
        |kind: &str| load.sum("memcache_operation_outcomes_total", &format!("operation=\"{kind}\""));
    assert!(["get", "set", "delete", "incr"].iter().all(|kind| operation(kind) > 50.0), "{page}");
    assert!(load.sum("memcache_operation_outcomes_total", "outcome=\"hit\"") > 0.0, "{page}");
    assert!(load.sum("memcache_service_seconds_count", "server=\"memcache2\"") > 0.0, "{page}");
    let summary = load.stop();
    assert_eq!((number(&summary["failed"]), number(&summary["in_flight"])), (0, 0), "{summary}");
    for (index, server) in servers.iter().enumerate() {
        assert_eq!(check_ledger(&summary, index, server.sets()), 0);
    }
    load.process.wait_for_log("memcached load: ");
    load.process.wait_for_log("0 wrong answers; breaker closed throughout");
}

#[test]
fn a_killed_server_opens_its_own_breaker_alone_which_closes_once_the_server_is_back() {
    let mut servers = [Memcached::start(), Memcached::start(), Memcached::start()];
    let mut load = Load::start(&servers.each_ref().map(Memcached::address), &["rate=500"]);
    load.pass(500.0);
    servers[1].process.signal("-KILL");
    let state = |least| load.wait_for("memcache_circuit_breaker_state", "server=\"memcache2\"", least);
    state(2.0);
    load.wait_for("memcache_operation_outcomes_total", "outcome=\"breaker_open\"", 50.0);
    let page = load.page();
    let failed = |server: &str| -> f64 {
        let of = series(&page, "memcache_operation_outcomes_total").into_iter();
        of.filter(|line| {
            label(line, "server") == server
                && !["hit", "miss", "stored", "deleted", "not_found", "counted"]
                    .contains(&label(line, "outcome"))
        })
        .map(value)
        .sum()
    };
    assert!(failed("memcache2") >= 50.0, "{page}");
    assert_eq!((failed("memcache1"), failed("memcache3")), (0.0, 0.0), "{page}");
    load.process.wait_for_log("circuit breaker of memcache2 is open, and was closed");
    servers[1] = Memcached::start_on(servers[1].port);
    let closed = "server=\"memcache2\",from=\"half-open\",to=\"closed\"";
    load.wait_for("memcache_circuit_breaker_transitions_total", closed, 1.0);
    let hits = || {
        load.sum(
            "memcache_operation_outcomes_total",
            "server=\"memcache2\",operation=\"set\",outcome=\"stored\"",
        )
    };
    let before = hits();
    eventually("it is used again", || (hits() > before + 20.0).then_some(()));
    let summary = load.stop();
    for (index, server) in servers.iter().enumerate().filter(|(index, _)| *index != 1) {
        assert_eq!(check_ledger(&summary, index, server.sets()), 0);
    }
    let history = summary["servers"][1]["breaker"].as_array().unwrap();
    assert_eq!((&history[0]["from"], &history[0]["to"]), (&json!("closed"), &json!("open")), "{summary}");
    assert_eq!(summary["servers"][0]["breaker"], json!([]));
}

#[test]
fn faults_of_the_network_cost_answers_and_make_none_wrong() {
    let (server, api, listen) = (Memcached::start(), free_port(), free_port());
    let args = ["--address", &format!("127.0.0.1:{api}"), "--allow-upstream", &server.address()];
    let _proxy = Process::start(promemu_command(&["proxy", "--seed", "5"]).args(args));
    let ask = |method: &str, path: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http(method, api, path, &body).filter(|(status, _)| *status < 300)
    };
    eventually("the proxy answers", || ask("GET", "/version", &Value::Null));
    let proxy =
        json!({"name": "memcache1", "listen": format!("127.0.0.1:{listen}"), "upstream": server.address()});
    ask("POST", "/proxies", &proxy).expect("the proxy is added");
    let mut load = Load::start(
        &[format!("127.0.0.1:{listen}")],
        &["pace=closed", "workers=16", "timeout=300ms", "breaker=off", "workload=set_heavy", "keys=500"],
    );
    for (kind, attributes, outcome) in [
        ("slicer", json!({"average_size": 20, "size_variation": 10, "delay": 10}), None),
        ("limit_data", json!({"bytes": 3000}), Some("connection")),
        ("latency", json!({"latency": 20, "jitter": 15}), None),
        ("reset_peer", json!({"timeout": 5}), Some("connection")),
        ("timeout", json!({"timeout": 0}), Some("timeout")),
        ("stall", json!({"share": 0.6, "period": 500}), None),
    ] {
        for stream in ["downstream", "upstream"] {
            let failed =
                |outcome| load.sum("memcache_operation_outcomes_total", &format!("outcome=\"{outcome}\""));
            let before = outcome.map(failed);
            let toxic = json!({
                "name": "fault", "type": kind, "stream": stream, "toxicity": 0.5, "attributes": attributes
            });
            ask("POST", "/proxies/memcache1/toxics", &toxic).expect("the toxic is added");
            load.pass(300.0);
            if let (Some(outcome), Some(before)) = (outcome, before) {
                // By chance nearly all of the 16 connections may be those that the toxic leaves alone.
                eventually(&format!("{kind} costs answers"), || {
                    (failed(outcome) >= before + 1.0).then_some(())
                });
            }
            ask("DELETE", "/proxies/memcache1/toxics/fault", &Value::Null).expect("the toxic is removed");
            load.pass(300.0);
        }
    }
    assert!(load.sum("memcache_wrong_answers_total", "") < 1.0, "{}", load.page());
    let summary = load.stop();
    // A request that a proxy has taken reaches the server, even if its client has gone.
    assert!(check_ledger(&summary, 0, server.sets()) > 0, "{summary}");
}

#[test]
fn an_open_loop_measures_the_waits_behind_a_server_that_stands_still_and_fails_what_no_queue_holds() {
    let server = Memcached::start();
    let args = ["rate=1000", "queue=400", "timeout=25s", "breaker=off"];
    let mut load = Load::start(&[server.address()], &args);
    load.pass(300.0);
    server.process.signal("-STOP");
    load.wait_for("memcache_operation_outcomes_total", "outcome=\"queue_full\"", 20.0);
    assert!(load.sum("memcache_queue_length", "") <= 400.0);
    server.process.signal("-CONT");
    eventually("the queue is empty", || (load.sum("memcache_queue_length", "") < 50.0).then_some(()));
    let summary = load.stop();
    let operations = summary["servers"][0]["operations"].as_array().unwrap();
    // 500 requests that arrive before the first one fails take half a second to come.
    let longest =
        |kind: &str| operations.iter().map(|of| of[kind]["max"].as_f64().unwrap()).fold(0.0, f64::max);
    assert!(longest("response") > 0.25, "{summary}");
    assert_eq!(check_ledger(&summary, 0, server.sets()), 0);
}

#[test]
fn a_config_serves_its_metrics_at_its_port_or_the_next_free_one_and_flags_come_first() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let path = folder.path().join("served.ron");
    let config = format!(
        "Config(serve: \"127.0.0.1:{port}\", hosts: [Host(name: \"a\", metrics: [Metric(name: \"level\")])])"
    );
    std::fs::write(&path, config).unwrap();
    let path = path.display().to_string();
    let mut run = Process::start(&mut promemu_command(&["run", &path]));
    run.wait_for_log("the metrics are at http://127.0.0.1:");
    let at: u16 = {
        let log = run.log();
        let rest = log.split("the metrics are at http://127.0.0.1:").nth(1).unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    };
    assert!((port + 1..port + 20).contains(&at), "{at} follows {port}");
    eventually("it is served", || get(at, "/metrics").filter(|page| page.contains("level{")));
    assert_eq!(run.terminate(), Some(0));
    let other = free_port();
    let mut run = Process::start(&mut promemu_command(&[
        "run",
        &path,
        "--output",
        &format!("scrape=127.0.0.1:{other}"),
    ]));
    run.wait_for_log(&format!("the metrics are at http://127.0.0.1:{other}/metrics"));
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn wrong_parameters_of_a_load_are_refused_at_their_places() {
    let folder = plugins();
    let path = folder.path().join("wrong.ron");
    let config = r#"Config(hosts: [Host(name: "a", pools: [
    Pool(workload: memcached_load(
        servers: "a=127.0.0.1:1, a=127.0.0.1",
        workload: (get: -1),
        keys: 0,
        hot_share: 2,
        value_bytes: (5, 9000000),
        pool_size: 0.5,
        timeout: "0s",
        expiry: "1500ms",
    )),
])])"#;
    std::fs::write(&path, config).unwrap();
    let output =
        promemu_command(&["check", &path.display().to_string(), "--plugins-dir"]).arg(folder.path()).output();
    let said = String::from_utf8(output.unwrap().stderr).unwrap();
    for (place, reason) in [
        ("3:18", "servers must be HOST:PORT or NAME=HOST:PORT each, but one is \"a=127.0.0.1\""),
        ("3:18", "servers must have a name of its own each, but two are \"a\""),
        ("4:19", "workload must have shares of 0 or more, and one above 0"),
        ("5:15", "keys must be a whole number from 1 to 1000000, but is 0"),
        ("6:20", "hot_share must be from 0 to 1, but is 2"),
        ("7:22", "value_bytes must be from 1 to 1000000, but are 5 to 9000000"),
        ("8:20", "pool_size must be a whole number from 1 to 10000, but is 0.5"),
        ("9:18", "timeout must be above 0s and at most 1000000s"),
        ("10:17", "expiry must be whole seconds, from 1s to 30d, or inf"),
    ] {
        let line = said.lines().find(|line| line.contains(reason));
        assert!(line.is_some_and(|line| line.contains(&format!(":{place}:"))), "{place} {reason}: {said}");
    }
}
