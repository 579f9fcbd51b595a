//! Reactions to what servers say and do: redirects, proxies, permanent refusals, limits.

use std::process::Output;

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{
    Process, Prometheus, Pushgateway, eventually, free_port, get, log_number, promemu, promemu_command,
    series, value,
};

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn pushing(output: &str) -> Process {
    promemu(&["--config", "single_host_load", "--push-interval", "300ms", "--output", output])
}

#[test]
fn a_gateway_and_a_receiver_that_have_moved_get_what_is_for_them() {
    let gateway = Pushgateway::start();
    let moved = FakeGateway::start(Behaviour::Redirect(308, leaked(gateway.url())));
    let mut run = pushing(&format!("pushgateway={}", moved.url()));
    eventually("its group is there", || (gateway.jobs().len() == 1).then_some(()));
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(gateway.groups().len(), 0, "the group is deleted there, too");
    let receiver = FakeGateway::start(Behaviour::Answer(200));
    for kind in ["remote-write", "otlp"] {
        let before = receiver.requests("POST").len();
        moved.behave(Behaviour::Redirect(307, leaked(receiver.url())));
        let mut run = pushing(&format!("{kind}={}", moved.url()));
        eventually("its samples are there", || receiver.requests("POST").into_iter().nth(before + 2));
        assert_eq!(run.terminate(), Some(0));
        assert!(run.log().contains("dropped_samples=0"), "{}", run.log());
    }
}

#[test]
fn a_redirect_elsewhere_is_refused_and_its_target_is_named() {
    let target = "to https://elsewhere.example/metrics, which is not followed; give that address if it is the right one";
    for status in [301, 308] {
        let moved = FakeGateway::start(Behaviour::Redirect(status, "https://elsewhere.example"));
        let mut run = pushing(&format!("pushgateway={}", moved.url()));
        assert_eq!(run.wait(), Some(1));
        assert!(run.log().contains(target), "{}", run.log());
        let mut run = pushing(&format!("remote-write={}", moved.url()));
        run.wait_for_log("to https://elsewhere.example/api/v1/write, which is not followed");
        assert_eq!(run.terminate(), Some(1));
        assert_eq!(run.count_in_log("output is away"), 0);
    }
}

#[test]
fn only_other_machines_are_reached_through_a_proxy() {
    let (proxy, gateway) = (FakeGateway::start(Behaviour::Answer(200)), Pushgateway::start());
    let port = free_port();
    let mut run = Process::start(
        promemu_command(&["--config", "single_host_load", "--push-interval", "300ms"])
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--output", &format!("pushgateway={}", gateway.url())])
            .args([
                "--output",
                "otlp=http://otlp.invalid:4318",
                "--output",
                "remote-write=http://exempt.invalid:9090",
            ])
            .env("HTTP_PROXY", proxy.url())
            .env("PME_API_TOKEN", "s3cret")
            .env("NO_PROXY", "other,.exempt.invalid"),
    );
    run.wait_for_log(
        "requests go through a proxy that the environment names server=http://otlp.invalid:4318/v1/metrics",
    );
    eventually("the group is there", || (gateway.jobs().len() == 1).then_some(()));
    let status = promemu_command(&["ctl", "status"])
        .env("PME_URL", format!("http://localhost:{port}"))
        .env("PME_API_TOKEN", "s3cret")
        .env("all_proxy", proxy.url())
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    eventually("the proxy is used", || proxy.requests("POST").into_iter().next());
    assert_eq!(run.terminate(), Some(0));
    for request in proxy.requests("") {
        assert!(request.path.starts_with("http://otlp.invalid:4318/"), "{}", request.path);
        assert!(!request.head.contains("s3cret"), "{}", request.head);
    }
}

#[test]
fn a_certificate_that_is_refused_is_told_once_and_in_promemus_words() {
    let file = |name: &str| format!("{}/tests/tls/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    for (certificate, key, reason) in [
        ("self-signed", "self-signed-key", "its certificate is an authority's own"),
        ("certificate", "key", "its certificate is signed by an authority that is not trusted"),
    ] {
        let port = free_port();
        let page = format!("scrape=127.0.0.1:{port},cert_file={},key_file={}", file(certificate), file(key));
        let mut server = promemu(&["--config", "single_host_load", "--output", &page]);
        server.wait_for_log("the metrics are at");
        let (own, output) = (free_port(), format!("remote-write=https://127.0.0.1:{port}"));
        let args = ["--config", "single_host_load", "--push-interval", "300ms", "--output", &output];
        let mut run =
            promemu(&[&args[..], &["--self-metrics-address", &format!("127.0.0.1:{own}")]].concat());
        run.wait_for_log("output is away");
        eventually("it tries again", || {
            let page = get(own, "/metrics")?;
            series(&page, "promemu_push_retries_total").into_iter().map(value).find(|count| *count >= 2.0)
        });
        // No push arrived.
        assert_eq!((run.terminate(), server.terminate()), (Some(1), Some(0)));
        let log = run.log();
        let told: Vec<&str> = log.lines().filter(|line| line.contains("certificate")).collect();
        assert!(told.len() == 1 && told[0].contains(reason), "{log}");
    }
}

fn ctl(args: &[&str], url: &str) -> Output {
    promemu_command(&["ctl"]).args(args).env("PME_URL", url).output().unwrap()
}

#[test]
fn ctl_takes_no_answer_but_that_of_promemu() {
    let server = FakeGateway::start(Behaviour::Answer(200));
    for behaviour in [
        Behaviour::Answer(200),
        Behaviour::Answer(404),
        Behaviour::Say("<html>a login page</html>"),
        Behaviour::Say("{\"state\":\"running\",\"hosts\":[]}"),
        Behaviour::Redirect(302, "http://elsewhere.example"),
    ] {
        server.behave(behaviour);
        for action in [&["status"][..], &["hosts"], &["events", "--follow"], &["emit", "x"], &["delete", "x"]]
        {
            let output = ctl(action, &server.url());
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(
                (output.status.code(), output.stdout.len()),
                (Some(1), 0),
                "{behaviour:?} {action:?}: {said}"
            );
            assert!(said.contains("but is not promemu's control API; give its address with --url"), "{said}");
        }
    }
    let said = String::from_utf8(ctl(&["status"], &server.url()).stderr).unwrap();
    assert!(said.contains("to http://elsewhere.example/api/v1/status"), "{said}");
    let closed = format!("http://127.0.0.1:{}", free_port());
    let said = String::from_utf8(ctl(&["status"], &closed).stderr).unwrap();
    assert!(said.contains("connection refused (does it run, and on this port?)"), "{said}");
}

/// Plain hosts, and one with a native histogram beside its gauge.
const MIXED: &str = r#"Config(default_job_name: "mixed", hosts: [
    Host(repeat: Repeat(var: "i", from: 1, to: 20), name: "plain-{i}", interval: 0.3, metric_sets: ["level"]),
    Host(name: "native", interval: 0.3, metric_sets: ["level", "native"]),
], metric_sets: {
    "level": [Metric(name: "level", value_range: (5, 9), update_interval: 0.3, scenario: random_walk)],
    "native": [Metric(name: "request_seconds", metric_type: native_histogram, value_range: (0, 2), update_interval: 0.3, scenario: random_in_range)],
})"#;

/// A host whose clock comes back, beside hosts with good clocks.
const SKEWED: &str = r#"Config(default_job_name: "skewed", hosts: [
    Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "clean-{i}", interval: 0.2, metric_sets: ["alive"]),
    Host(name: "skewed", interval: 0.2, metric_sets: ["alive"],
        faults: [clock_skew(ahead: "1h", at: "1s", lasts: "1s")]),
], metric_sets: { "alive": [Metric(name: "alive_seconds", update_interval: 0.2, scenario: time_duration)] })"#;

/// A run of a config's text that writes to a Prometheus.
fn writing(text: &str, prometheus: &Prometheus, options: &str) -> (Process, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("written.ron");
    std::fs::write(&file, text).unwrap();
    let output = format!("remote-write={}{options}", prometheus.url());
    let args = ["--config", &file.display().to_string(), "--push-interval", "400ms", "--output", &output];
    (promemu(&args), dir)
}

#[test]
fn native_histograms_that_a_server_refuses_cost_no_other_series() {
    for options in ["", ",shards=1"] {
        let prometheus = Prometheus::plain("global: {}\n");
        let (mut run, _dir) = writing(MIXED, &prometheus, options);
        run.wait_for_log(
            "native histograms are disabled; start that Prometheus with --enable-feature=native-histograms",
        );
        let count = |query: &str| prometheus.query(query).unwrap_or(0.0).to_string();
        eventually("each gauge is there", || (count("count(level)") == "21").then_some(()));
        eventually("and goes on", || {
            prometheus.query("min(count_over_time(level[1m]))").filter(|n| *n > 5.0)
        });
        assert_eq!(run.terminate(), Some(0));
        let log = run.log();
        assert_eq!(run.count_in_log("output is away"), 0, "{log}");
        let [sent, dropped] =
            ["sent_samples", "dropped_samples"].map(|field| log_number(&log, field).unwrap());
        assert!(dropped > 0.0 && dropped * 8.0 <= sent, "only the histogram's: {log}");
    }
}

#[test]
fn a_clock_that_comes_back_costs_no_others_where_the_server_calls_that_an_error_of_its_own() {
    let prometheus = Prometheus::plain("storage: { tsdb: { out_of_order_time_window: 5s } }\n");
    let (mut run, _dir) = writing(SKEWED, &prometheus, ",shards=1");
    run.wait_for_log("too old sample; samples of a clock that was set back are taken if");
    let seen = || prometheus.query(r#"min(count_over_time(alive_seconds{name=~"clean.*"}[5m]))"#);
    let before = seen().unwrap();
    eventually("clean hosts go on while the other is refused", || seen().filter(|n| *n > before + 5.0));
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(run.count_in_log("output is away"), 0, "{}", run.log());
}

#[test]
fn a_body_that_is_too_large_for_a_gateways_proxy_is_gzipped_and_otherwise_the_way_out_is_named() {
    let limited = |bytes| {
        let proxy = FakeGateway::start(Behaviour::Limit(bytes));
        let run = promemu(&[
            "--config",
            "metric_types",
            "--push-interval",
            "300ms",
            "--output",
            &format!("pushgateway={},format=text", proxy.url()),
        ]);
        (proxy, run)
    };
    let (proxy, mut run) = limited(4_000);
    run.wait_for_log("the gateway takes bodies only gzipped");
    let gzipped = |proxy: &FakeGateway| {
        let requests = proxy.requests("PUT").into_iter();
        requests
            .filter(|request| request.head.to_lowercase().contains("content-encoding: gzip"))
            .collect::<Vec<_>>()
    };
    eventually("it stays so", || gzipped(&proxy).into_iter().nth(2));
    let mut text = String::new();
    let body = gzipped(&proxy).swap_remove(0).body;
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*body), &mut text).unwrap();
    assert!(text.contains("promemu_run_info{") && text.len() > 4_000, "{text}");
    assert_eq!((run.terminate(), run.count_in_log("only gzipped")), (Some(0), 1));
    let (proxy, mut run) = limited(300);
    run.wait_for_log(
        "it answered 413 Payload Too Large: the fake says no; raise the limit of the proxy before it",
    );
    assert!(!gzipped(&proxy).is_empty());
    assert_eq!(run.terminate(), Some(1));
}

#[test]
fn a_receiver_that_limits_bodies_gets_all_samples_in_parts() {
    for kind in ["remote-write", "otlp"] {
        let server = FakeGateway::start(Behaviour::Limit(400));
        let output = format!("{kind}={}", server.url());
        let mut run = promemu(&["--config", "metric_types", "--push-interval", "400ms", "--output", &output]);
        eventually("many requests", || server.requests("POST").into_iter().nth(60));
        assert_eq!(run.terminate(), Some(0));
        let log = run.log();
        assert!(log_number(&log, "sent_samples").unwrap() > 50.0, "{log}");
        let accepted = server.requests("POST").iter().filter(|request| request.body.len() <= 400).count();
        assert!(accepted > 10, "{accepted}");
    }
}

#[test]
fn idle_and_half_open_connections_keep_no_page_from_its_readers() {
    let [page, own, api] = [(); 3].map(|()| free_port());
    let script = format!(
        "ulimit -n 200; exec {} --config single_host_load --output scrape=127.0.0.1:{page} --self-metrics-address 127.0.0.1:{own} --listen 127.0.0.1:{api}",
        env!("CARGO_BIN_EXE_promemu")
    );
    let mut run = Process::start(std::process::Command::new("sh").args(["-c", &script]));
    let pages = [(page, "/metrics"), (own, "/metrics"), (api, "/health")];
    for (port, path) in pages {
        eventually("the page is there", || get(port, path));
    }
    let mut connections = Vec::new();
    for number in 0..150 {
        for (port, _) in pages {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            let sent = match number % 6 {
                0 => String::new(),
                1 => "GET /none HTTP/1.1\r\nHost: 127".to_owned(),
                2..5 => {
                    "POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
                     Content-Length: 1000\r\n\r\n{\"na"
                        .to_owned()
                }
                _ => "GET /none HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_owned(),
            };
            // It may have been closed already.
            let _is_sent = std::io::Write::write_all(&mut stream, sent.as_bytes()).is_ok();
            connections.push(stream);
        }
    }
    for (port, path) in pages {
        assert!(get(port, path).is_some(), "{port}{path} is there at the first request");
    }
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn open_files_that_are_used_up_are_warned_of_and_cost_no_reader_of_a_page() {
    for (flag, path) in [
        ("--output scrape=127.0.0.1:PORT", "/metrics"),
        ("--output file=/dev/null --self-metrics-address 127.0.0.1:PORT", "/metrics"),
        ("--output file=/dev/null --listen 127.0.0.1:PORT", "/health"),
    ] {
        let port = free_port();
        let script = format!(
            "ulimit -n 48; exec {} --config single_host_load {}",
            env!("CARGO_BIN_EXE_promemu"),
            flag.replace("PORT", &port.to_string())
        );
        let mut run =
            Process::start(std::process::Command::new("sh").args(["-c", &script]).env("PME_LISTEN", "off"));
        eventually("the page is there", || get(port, path));
        let mut connections = Vec::new();
        for number in 0..100 {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            if number % 2 == 0 {
                // It may have been closed already.
                let _is_sent = std::io::Write::write_all(&mut stream, b"GET /metrics HTTP/1.1\r\n").is_ok();
            }
            connections.push(stream);
        }
        run.wait_for_log("if too many files are open, raise the limit (ulimit -n)");
        eventually("the page is there for others", || get(port, path));
        assert_eq!(run.terminate(), Some(0), "{}", run.log());
        assert_eq!(run.count_in_log("too many files"), 1, "{}", run.log());
    }
}
