//! Misbehaving servers of samples: nothing is lost that can be kept, the queue is bounded, dropped samples are counted,
//! and no output slows another.

use crate::databases::Database;
use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, eventually, free_port, get, label, log_number, promemu, series, value};

/// Ten hosts whose series all live from the first round to the end.
const CONFIG: &str = r#"Config(default_job_name: "written", hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 10), name: "h{i}",
    interval: 0.2, metrics: [Metric(repeat: Repeat(var: "m", from: 1, to: 5), name: "alive_seconds", labels: { "m": "{m}" }, update_interval: 0.2,
        scenario: time_duration)])])"#;

struct Run {
    process: Process,
    page: u16,
    _dir: tempfile::TempDir,
}

impl Run {
    fn start(outputs: &[&str]) -> Self {
        let (dir, page) = (tempfile::tempdir().unwrap(), free_port());
        let config = dir.path().join("written.ron");
        std::fs::write(&config, CONFIG).unwrap();
        let (config, address) = (config.display().to_string(), format!("127.0.0.1:{page}"));
        let mut args =
            vec!["--config", &config, "--push-interval", "200ms", "--self-metrics-address", &address];
        args.extend(outputs.iter().flat_map(|output| ["--output", output]));
        Self { process: promemu(&args), page, _dir: dir }
    }

    /// One of promemu's own metrics, of the output whose name begins with this.
    fn own(&self, name: &str, output: &str) -> Option<f64> {
        let page = get(self.page, "/metrics")?;
        let lines = series(&page, name);
        lines.into_iter().find(|line| label(line, "output").starts_with(output)).map(value)
    }

    /// A number of the last log line of an output's delivery.
    fn logged_at_the_end(&self, output: &str, field: &str) -> f64 {
        let log = self.process.log();
        let line = log.lines().rfind(|line| line.contains(output) && line.contains("delivery ended"));
        log_number(line.unwrap(), field).unwrap()
    }
}

/// A server behind another one that fails in all ways has each sample at the end.
fn loses_nothing(database: &Database, output: &str, faults: &[Behaviour]) {
    let server = FakeGateway::start(Behaviour::Forward(database.port()));
    let mut run = Run::start(&[&output.replace("URL", &server.url())]);
    let kind = output.split('=').next().unwrap();
    let sent = |run: &Run| run.own("promemu_samples_sent_total", kind);
    for fault in faults {
        let before = eventually("samples arrive", || sent(&run).filter(|count| *count > 100.0));
        let retries = run.own("promemu_push_retries_total", kind).unwrap();
        server.behave(*fault);
        let tried_again = || run.own("promemu_push_retries_total", kind).filter(|count| *count > retries);
        eventually(&format!("{fault:?} makes it try again"), tried_again);
        server.behave(Behaviour::Forward(database.port()));
        eventually("it goes on", || sent(&run).filter(|count| *count > before));
    }
    assert_eq!(run.process.terminate(), Some(0));
    let log = run.process.log();
    assert!(log.contains("samples_dropped=0"), "{log}");
    assert_eq!(run.logged_at_the_end(kind, "dropped_samples").to_string(), "0", "{log}");
    let sent = run.logged_at_the_end(kind, "sent_samples");
    let markers = 50.0;
    let all = (sent - markers).to_string();
    // VictoriaMetrics does not show new samples at once.
    eventually(&format!("each of {all} samples is there once"), || {
        database.number("sum(count_over_time(alive_seconds[5m]))").filter(|count| count.to_string() == all)
    });
}

#[test]
fn remote_write_loses_nothing_while_its_server_fails_in_all_ways() {
    let faults = [
        Behaviour::Answer(500),
        Behaviour::Answer(503),
        Behaviour::Throttle(429, 1),
        Behaviour::Cut,
        Behaviour::CutBody,
        Behaviour::CutAnswer,
        Behaviour::Hang,
    ];
    loses_nothing(&Database::prometheus(), "remote-write=URL,timeout=500ms", &faults);
}

#[test]
fn otlp_loses_nothing_while_its_server_fails_in_all_ways() {
    let faults = [
        Behaviour::Answer(502),
        Behaviour::Throttle(429, 1),
        Behaviour::Cut,
        Behaviour::CutBody,
        Behaviour::CutAnswer,
        Behaviour::Hang,
    ];
    let output = "otlp=URL/opentelemetry/v1/metrics,timeout=500ms";
    loses_nothing(&Database::victoria_metrics(), output, &faults);
}

#[test]
fn dropped_samples_are_counted_and_the_queue_is_bounded() {
    let (slow, refusing) = (FakeGateway::start(Behaviour::Hang), FakeGateway::start(Behaviour::Answer(400)));
    let never = FakeGateway::start(Behaviour::Answer(500));
    let outputs = [
        format!("remote-write={},queue_samples=120,timeout=20s", slow.url()),
        format!("remote-write={},queue_samples=120", refusing.url()),
        // OTLP does not allow to retry 500.
        format!("otlp={},queue_samples=120", never.url()),
    ];
    let outputs = outputs.each_ref().map(String::as_str);
    let names = outputs.map(|output| output.split(',').next().unwrap());
    let mut run = Run::start(&outputs);
    for name in names {
        eventually(&format!("{name} drops"), || {
            let waiting = run.own("promemu_samples_waiting", name)?;
            assert!(waiting <= 120.0, "{waiting}");
            run.own("promemu_samples_dropped_total", name).filter(|count| *count > 500.0)
        });
    }
    let dropped = names.map(|name| run.own("promemu_samples_dropped_total", name).unwrap());
    assert_eq!(run.process.terminate(), Some(1));
    let log = run.process.log();
    for (name, dropped) in names.iter().zip(dropped) {
        let logged = |field: &str| run.logged_at_the_end(name, field);
        assert!(logged("sent_samples") < 1.0 && logged("dropped_samples") >= dropped, "{dropped}: {log}");
    }
    let is_overflow = |line: &&str| line.contains("server is too slow") && line.contains(names[0]);
    assert_eq!(log.lines().filter(is_overflow).count(), 1, "{log}");
    for status in ["400", "500"] {
        let is_rejection = |line: &&str| {
            line.contains("samples were rejected") && line.contains(&format!("error=it answered {status}"))
        };
        assert_eq!(log.lines().filter(is_rejection).count(), 1, "{log}");
    }
}

#[test]
fn a_run_whose_pushgateway_has_never_been_there_names_the_ways_without_one() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let mut run = crate::processes::promemu(&["run", "single_host_load", "--pushgateway-url", &url]);
    run.wait_for_log("output is away");
    let log = run.log();
    assert!(log.contains("--output scrape=127.0.0.1:9464 or --embedded"), "{log}");
    assert_eq!(run.terminate(), Some(1));
}

#[test]
fn a_server_that_asks_for_a_pause_gets_it() {
    for output in ["remote-write=URL,shards=1", "otlp=URL,shards=1", "pushgateway=URL"] {
        let server = FakeGateway::start(Behaviour::Throttle(429, 600));
        let mut run = Run::start(&[&output.replace("URL", &server.url()), "file=/dev/null"]);
        run.process.wait_for_log("output is away");
        run.process.wait_for_log("error=it answered 429");
        let asked = server.requests("").len();
        // The other output goes on.
        let pushes = run.own("promemu_push_seconds_count", "file").unwrap();
        eventually("ten rounds", || {
            run.own("promemu_push_seconds_count", "file").filter(|count| *count > pushes + 10.0)
        });
        assert_eq!(server.requests("").len(), asked, "{output}");
        assert_eq!(run.process.terminate(), Some(0));
    }
}

#[test]
fn outputs_that_hang_slow_no_other() {
    let servers = [(); 3].map(|()| FakeGateway::start(Behaviour::Hang));
    let [gateway, written, points] = servers.each_ref().map(FakeGateway::url);
    let good = FakeGateway::start(Behaviour::Answer(200));
    let (hanging, page) = (
        [
            format!("pushgateway={gateway}"),
            format!("remote-write={written},queue_samples=100"),
            format!("otlp={points},queue_samples=100"),
        ],
        free_port(),
    );
    let fine = [
        format!("pushgateway={}", good.url()),
        format!("remote-write={}", good.url()),
        format!("otlp={}", good.url()),
        format!("scrape=127.0.0.1:{page}"),
    ];
    let outputs: Vec<&str> = hanging.iter().chain(&fine).map(String::as_str).collect();
    let mut run = Run::start(&outputs);
    let requests = |method: &str, path: &str| {
        let requests = good.requests(method);
        requests.iter().filter(|request| request.path.contains(path)).count()
    };
    for (method, path) in
        [("PUT", "/metrics/job/written"), ("POST", "/api/v1/write"), ("POST", "/v1/metrics")]
    {
        eventually(&format!("20 of {path}"), || (requests(method, path) >= 20).then_some(()));
    }
    eventually("the page is there", || get(page, "/metrics"));
    let skipped = get(run.page, "/metrics").unwrap();
    assert!(skipped.contains("\npromemu_updates_skipped_total 0\n"), "{skipped}");
    assert_eq!(run.process.terminate(), Some(0));
}
