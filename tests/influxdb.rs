//! Rows of recordings in InfluxDB: a real one of 1.6, and the requests of 2.x on the wire, to a server that only takes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use promemu_wire::recording::{Action, append_actions};
use serde_json::Value;

use crate::data::{days, store};
use crate::databases::encoded;
use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::kills::{self, Kills};
use crate::processes::{Process, eventually, free_port, http, promemu_command};
use crate::seaweed::have;

const NOW: &str = "2026-01-09T00:00:00Z";

/// A server of 1.x on loopback, with its data.
struct Influx {
    port: u16,
    _process: Process,
    _dir: tempfile::TempDir,
}

impl Influx {
    /// `None`, with a sentence, where the program is missing.
    fn start() -> Option<Self> {
        if !have(Path::new("influxd"), "version", "no InfluxDB; it is in the Debian package influxdb") {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let (port, inner) = (free_port(), free_port());
        let config = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{inner}\"\n[meta]\ndir = \"{0}/meta\"\n\
             [data]\ndir = \"{0}/data\"\nwal-dir = \"{0}/wal\"\nquery-log-enabled = false\n[monitor]\nstore-enabled = false\n\
             [http]\nbind-address = \"127.0.0.1:{port}\"\nlog-enabled = false\n",
            dir.path().display()
        );
        let file = dir.path().join("influxdb.conf");
        fs::write(&file, config).unwrap();
        let process = Process::start(Command::new("influxd").arg("run").arg("-config").arg(&file));
        eventually("InfluxDB answers", || http("GET", port, "/ping", ""));
        Some(Self { port, _process: process, _dir: dir })
    }

    /// The answer to a statement.
    fn ask(&self, statement: &str) -> Value {
        let encoded = encoded(statement);
        let (status, body) =
            http("POST", self.port, &format!("/query?db=shop&epoch=ms&q={encoded}"), "").unwrap();
        assert_eq!(status, 200, "{statement}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The values of a statement's series, all in one list.
    fn values(&self, statement: &str) -> Vec<Vec<Value>> {
        let answer = self.ask(statement);
        let series = answer["results"][0]["series"].as_array().cloned().unwrap_or_default();
        let rows = series.iter().flat_map(|series| series["values"].as_array().cloned().unwrap_or_default());
        rows.map(|row| row.as_array().unwrap().clone()).collect()
    }
}

fn load(recording: &Path, policy: &Path) -> Command {
    let mut load = promemu_command(&["store", "load", "--now", NOW, "--policy"]);
    load.arg(policy).arg(recording);
    load
}

fn loaded(recording: &Path, policy: &Path) -> String {
    let output = load(recording, policy).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn kills_of_load_at_random_instants_leave_each_row_there_once() {
    let Some(influx) = Influx::start() else { return };
    let (dir, days) = days();
    store("downsample", &days, NOW);
    let fault = Action {
        at_ms: 1_767_571_200_000 + 3_600_000,
        name: "latency".to_owned(),
        target: "shop".to_owned(),
        value: None,
        until_ms: Some(1_767_571_200_000 + 2 * 3_600_000),
    };
    append_actions(&days, &[fault]).unwrap();
    let policy = dir.path().join("policy.ron");
    let place = format!("influxdb(url: \"http://127.0.0.1:{}\", database: \"shop\")", influx.port);
    let text = format!(
        "[(tier: \"hot\", store: {place}), (tier: \"warm\", step: \"1h\", keep: \"36500d\", store: {place})]"
    );
    fs::write(&policy, text).unwrap();
    let first = dir.path().join("first");
    kills::copy(&days, &first);
    let mut kills = Kills::of(&mut load(&first, &policy));
    for n in 0..kills::count() {
        influx.ask("DROP DATABASE shop");
        let own = dir.path().join(format!("own-{n}"));
        kills::copy(&days, &own);
        kills.kill(&mut load(&own, &policy));
        // Of some what is there was noted, of some it was not.
        kills.kill(&mut load(&own, &policy));
        loaded(&own, &policy);
        let count = influx.values("SELECT count(\"value\") FROM shop.hot./.*/");
        assert_eq!(count.iter().map(|row| row[1].as_u64().unwrap()).collect::<Vec<_>>(), [17_280, 17_280]);
        assert_eq!(loaded(&own, &policy), "nothing to do\n");
        fs::remove_dir_all(&own).unwrap();
    }
    has_tiers(&influx);
}

/// Checks retention policies, tags, and that the query that the server goes on with gives what promemu has written.
fn has_tiers(influx: &Influx) {
    let policies = influx.values("SHOW RETENTION POLICIES ON shop");
    let policy_of = |name: &str| {
        policies
            .iter()
            .find(|row| row[0] == name)
            .map(|row| (row[1].as_str().unwrap().to_owned(), row[4] == true))
    };
    assert_eq!(policy_of("hot"), Some(("0s".to_owned(), true)));
    assert_eq!(policy_of("warm"), Some(("876000h0m0s".to_owned(), false)));
    let tags = "\"code\" = '0' AND \"job\" = 'shop' AND \"service\" = 'shop'";
    let hot = influx.values(&format!(
        "SELECT \"value\" FROM shop.hot.\"level\" WHERE {tags} AND \"fault_type\" = 'latency'"
    ));
    assert_eq!(hot.len(), 120, "an hour of samples has the fault");

    let query = influx.values("SHOW CONTINUOUS QUERIES");
    let query = query.iter().find(|row| row[0] == "warm").unwrap()[1].as_str().unwrap().to_owned();
    assert!(query.contains("GROUP BY time(1h), *"), "{query}");
    let fields = "\"min\", \"max\", \"mean\", \"count\", \"last\"";
    let written = influx.values(&format!("SELECT {fields} FROM shop.warm.\"level\" WHERE {tags}"));
    assert_eq!(written.len(), 72);
    let select = "min(\"value\"), max(\"value\"), mean(\"value\"), count(\"value\"), last(\"value\")";
    let asked = influx.values(&format!(
        "SELECT {select} FROM shop.hot.\"level\" WHERE {tags} AND time >= '2026-01-05' AND time < '2026-01-08' GROUP BY time(1h)"
    ));
    assert_eq!(asked.len(), 72);
    for (written, asked) in written.iter().zip(&asked) {
        for (written, asked) in written.iter().zip(asked) {
            let (written, asked) = (written.as_f64().unwrap(), asked.as_f64().unwrap());
            assert!((written - asked).abs() <= 1e-9 * asked.abs().max(1.0), "{written} {asked}");
        }
    }
}

/// A dump of ten minutes of two instances of a shop, from 2026-01-05 on: each 15 s nine requests that succeed and one that fails.
fn shop_dump() -> String {
    use std::fmt::Write as _;
    let grows: [(&str, f64); 8] = [
        ("http_requests_total,code=200", 9.0),
        ("http_requests_total,code=500", 1.0),
        ("http_request_duration_seconds_bucket,le=0.1", 5.0),
        ("http_request_duration_seconds_bucket,le=0.5", 9.0),
        ("http_request_duration_seconds_bucket,le=1", 10.0),
        ("http_request_duration_seconds_bucket,le=+Inf", 10.0),
        ("http_response_size_bytes_sum", 1500.0),
        ("process_cpu_seconds_total", 3.0),
    ];
    let mut text = String::new();
    for instance in ["a:1", "b:1"] {
        let own = format!("env=\"test\",instance=\"{instance}\",job=\"shop\"");
        for (name, each) in grows {
            let (name, label) = name.split_once(',').unwrap_or((name, ""));
            let label = label.split_once('=').map(|(key, value)| format!("{key}=\"{value}\","));
            for n in 0..41 {
                let (at, value) =
                    (1_767_571_200_000i64 + n * 15_000, 7.0 + each * f64::from(i32::try_from(n).unwrap()));
                let label = label.as_deref().unwrap_or_default();
                writeln!(text, "{{__name__=\"{name}\",{label}{own}}} {value} {at}").unwrap();
            }
        }
        for n in 0..41 {
            let at = 1_767_571_200_000i64 + n * 15_000;
            writeln!(text, "{{__name__=\"process_resident_memory_bytes\",{own}}} 100000000 {at}").unwrap();
        }
    }
    text
}

#[test]
fn the_shipped_pipeline_writes_the_health_of_services_with_the_fault_that_was_on() {
    let Some(influx) = Influx::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    kills::copy(Path::new("docker/pipelines"), dir.path());
    fs::write(dir.path().join("dump.txt"), shop_dump()).unwrap();
    let policy = dir.path().join("health_policy.ron");
    let text = fs::read_to_string(&policy).unwrap();
    let url = format!("http://127.0.0.1:{}", influx.port);
    // The server drops what is older than that by its own clock.
    fs::write(&policy, text.replace("http://127.0.0.1:8086", &url).replace("365d", "36500d")).unwrap();
    let run = || {
        let mut run = promemu_command(&["pipeline", "run"]);
        run.arg(dir.path().join("health_metrics.ron"));
        let output = run
            .env("PME_RECORD_DUMP", "dump.txt")
            .env("PME_STORE_NOW", "2026-01-05T00:20:00Z")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // The recording is there with its action before it has samples.
    let record = promemu_command(&["record", "--dump", "/dev/null", "--name", "none", "--out"])
        .arg(dir.path().join("health"))
        .output()
        .unwrap();
    assert!(record.status.success(), "{}", String::from_utf8_lossy(&record.stderr));
    let fault = Action {
        at_ms: 1_767_571_200_000 + 180_000,
        name: "latency".to_owned(),
        target: "b:1".to_owned(),
        value: None,
        until_ms: Some(1_767_571_200_000 + 300_000),
    };
    append_actions(&dir.path().join("health"), &[fault]).unwrap();
    assert!(run().starts_with("load 2026-01-05 dump health: 1 files, "));
    let fields = "\"cpu_usage\", \"memory_usage\", \"request_rate\", \"error_rate\", \"latency_p50\", \"latency_p95\", \"latency_p99\", \"throughput\"";
    let rows_of = |tags: &str| {
        influx.values(&format!("SELECT {fields} FROM health.health.\"health_metrics\" WHERE {tags}"))
    };
    let tags = |instance: &str, fault: &str| {
        format!(
            "\"service\" = 'shop' AND \"environment\" = 'test' AND \"instance\" = '{instance}' AND \"fault_type\" = '{fault}'"
        )
    };
    let rows = rows_of(&tags("a:1", "none"));
    assert_eq!(rows.len(), 10, "{rows:?}");
    let second: Vec<f64> = rows[1].iter().map(|value| value.as_f64().unwrap()).collect();
    let expected = [1_767_571_260_000.0, 0.2, 1e8, 40.0 / 60.0, 0.1, 0.1, 0.75, 0.95, 100.0];
    for (own, expected) in second.iter().zip(expected) {
        assert!((own - expected).abs() <= 1e-9 * expected, "{second:?}");
    }
    assert_eq!((rows_of(&tags("b:1", "none")).len(), rows_of(&tags("b:1", "latency")).len()), (8, 2));
    assert_eq!(influx.values("SHOW TAG KEYS ON health FROM health_metrics").len(), 4);
    assert!(run().starts_with("nothing to do\n"));
}

#[test]
fn rows_older_than_a_tier_keeps_are_not_sent_and_a_refusal_is_told() {
    let (dir, days) = days();
    let server = FakeGateway::start(Behaviour::Answer(204));
    let policy = dir.path().join("policy.ron");
    let place = |more: &str| format!("influxdb(url: \"{}\", org: \"o\", bucket: \"b\"{more})", server.url());
    let text = format!("[(tier: \"hot\", keep: \"30h\", store: {})]", place(", token_env: \"TEST_TOKEN\""));
    fs::write(&policy, text).unwrap();
    let mut load = promemu_command(&["store", "load", "--now", "2026-01-08T00:00:00Z", "--policy"]);
    let output = load.arg(&policy).arg(&days).env("TEST_TOKEN", "t0ken-of-2").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let requests = server.requests("POST");
    assert!(requests.iter().all(|request| {
        request.path == "/api/v2/write?org=o&bucket=b&precision=ms"
            && request.head.to_lowercase().contains("authorization: token t0ken-of-2")
    }));
    // A request whose connection was closed meanwhile is sent again.
    let lines: BTreeSet<String> = requests
        .iter()
        .flat_map(|request| {
            String::from_utf8_lossy(&request.body).lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    // 30 hours of four series at 30 s.
    assert_eq!(lines.len(), 30 * 4 * 120);
    let begin = "level,code=0,fault_type=none,job=shop,service=shop value=";
    assert!(lines.iter().any(|line| line.starts_with(begin)), "{:?}", lines.iter().next());
    assert!(!String::from_utf8_lossy(&output.stderr).contains("t0ken-of-2"));

    server.behave(Behaviour::Answer(400));
    let output = promemu_command(&["store", "load", "--now", "2026-01-06T00:00:00Z", "--policy"])
        .arg(&policy)
        .arg(&days)
        .env("TEST_TOKEN", "t0ken-of-2")
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains(" o/b: the server answered 400"), "{error}");
    assert!(!error.contains("t0ken-of-2"), "{error}");
}
