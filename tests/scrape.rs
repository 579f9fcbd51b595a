//! Scraping: in the format and compression that a client accepts, all hosts and host by host.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::processes::{
    Process, Prometheus, eventually, free_port, get, http, label, promemu, promtool_errors, raw, series,
};

fn serving(config: &str, more: &[&str]) -> (Process, u16) {
    let port = free_port();
    let output = format!("scrape=127.0.0.1:{port}");
    let run = promemu(&[&["--config", config, "--output", &output], more].concat());
    run.wait_for_log(&format!("the metrics are at http://127.0.0.1:{port}/metrics"));
    (run, port)
}

/// The body, decompressed by `gzip -dc`.
fn decompressed(program: &str, body: &[u8]) -> String {
    let mut child =
        Command::new(program).arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(body).unwrap());
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    })
}

#[test]
fn a_client_gets_the_format_and_the_compression_that_it_accepts() {
    let (mut run, port) = serving("hosts_load_with_peaks", &["--config-args", "hosts_count=5"]);
    let text = eventually("all series are served", || {
        get(port, "/metrics").filter(|text| series(text, "").len() == 76)
    });
    assert_eq!(promtool_errors(&text), Vec::<String>::new());
    for (headers, content_type, compression) in [
        ("", "text/plain; version=0.0.4", None),
        ("Accept-Encoding: gzip\r\n", "text/plain; version=0.0.4", Some("gzip")),
        ("Accept: application/openmetrics-text\r\n", "application/openmetrics-text; version=1.0.0", None),
        (
            "Accept: application/openmetrics-text\r\nAccept-Encoding: gzip;q=0.5\r\n",
            "application/openmetrics-text; version=1.0.0",
            Some("gzip"),
        ),
        (
            "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited\r\n",
            "application/vnd.google.protobuf",
            None,
        ),
        ("Accept-Encoding: zstd, gzip\r\n", "text/plain; version=0.0.4", Some("zstd")),
    ] {
        let (head, body) = raw("GET", port, "/metrics", headers).unwrap();
        assert!(head.contains(&format!("content-type: {content_type}")), "{headers}: {head}");
        assert_eq!(head.contains("content-encoding"), compression.is_some(), "{headers}: {head}");
        let body = match compression {
            Some("gzip") => decompressed("gzip", &body),
            // There may be no program for zstd; the frame's magic number must do.
            Some(_) => {
                assert_eq!(body[..4], [0x28, 0xb5, 0x2f, 0xfd]);
                continue;
            }
            None => String::from_utf8_lossy(&body).into_owned(),
        };
        assert!(body.contains("cpu_usage_percent"), "{headers}: {body}");
        assert_eq!(body.ends_with("# EOF\n"), content_type.contains("openmetrics"), "{headers}: {body}");
        let (head_alone, nothing) = raw("HEAD", port, "/metrics", headers).unwrap();
        assert!(head_alone.contains(content_type) && nothing.is_empty(), "{head_alone}");
        assert!(!head_alone.contains("content-length"), "the body's length is not 0: {head_alone}");
    }
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn a_real_prometheus_reads_every_format_it_asks_for() {
    let (mut run, port) = serving("hosts_load_with_peaks", &["--config-args", "hosts_count=5"]);
    // With native histograms it asks for protobuf.
    let prometheus = Prometheus::scraping(port);
    eventually("Prometheus counts 5 workers", || {
        prometheus
            .query("count(cpu_usage_percent{job=~\"hosts_load_peaks_.*\",instance=\"\"})")
            .filter(|count| (4.9..5.1).contains(count))
    });
    eventually("it counts the samples of all", || {
        prometheus.query("scrape_samples_scraped").filter(|count| (75.9..76.1).contains(count))
    });
    assert_eq!(run.terminate(), Some(0));
}

/// A connection whose other side soon has to wait: by itself, the system buffers up to tens of megabytes.
fn connect_with_small_buffer(port: u16) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let connected = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        socket.connect(([127, 0, 0, 1], port).into()).await.unwrap()
    });
    let stream = connected.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream
}

#[test]
fn slow_and_lost_clients_hold_up_no_other() {
    // A page of 36 MB: more than sockets buffer.
    let dir = tempfile::tempdir().unwrap();
    let long = "x".repeat(3000);
    let config = format!(
        "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: 1200), name: \"h{{i}}\", interval: \"300ms\", \
         labels: {{ \"long\": \"{long}\" }}, metrics: [Metric(repeat: Repeat(var: \"m\", from: 1, to: 10), \
         name: \"m{{m}}\", update_interval: \"300ms\", scenario: time_duration)])])"
    );
    let path = dir.path().join("long.ron");
    std::fs::write(&path, config).unwrap();
    let (mut run, port) = serving(&path.display().to_string(), &[]);
    let own = |name: &str| {
        let page = get(port, "/promemu/metrics")?;
        let line = page.lines().find(|line| line.starts_with(name))?;
        line.rsplit(' ').next()?.parse::<f64>().ok()
    };
    eventually("all of it is there", || own("promemu_series ").filter(|count| *count > 11_999.0));
    let mut stuck = Vec::new();
    eventually("the page is refused when too many are under way", || {
        let mut stream = connect_with_small_buffer(port);
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        stuck.push(stream);
        own("promemu_scrapes_refused_total").filter(|count| *count > 0.5)
    });
    let (status, text) = http("GET", port, "/metrics", "").unwrap();
    assert!(status == 503 && text.contains("come again later"), "{status}");
    let updates = own("promemu_updates_total").unwrap();
    eventually("the hosts go on", || own("promemu_updates_total").filter(|now| *now > updates + 50_000.0));
    // One of them takes its time, and gets everything.
    let mut patient = stuck.into_iter().next().unwrap();
    let mut answer = String::new();
    patient.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let mut piece = vec![0; 1 << 16];
    while !answer.ends_with("\r\n0\r\n\r\n") {
        let len = patient.read(&mut piece).unwrap();
        assert!(len > 0, "it is cut off after {}", answer.len());
        answer.push_str(&String::from_utf8_lossy(&piece[..len]));
    }
    assert_eq!(series(&answer, "m1").len(), 1200);
    eventually("the others are counted", || {
        own("promemu_scrapes_cut_off_total").filter(|count| *count > 14.5)
    });
    eventually("the others have gone, so there is room again", || get(port, "/metrics"));
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn each_host_is_a_target_of_its_own_that_prometheus_discovers() {
    let dir = tempfile::tempdir().unwrap();
    let config = r#"Config(default_job_name: "node", hosts: [
        Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "web {i}/ü\"", labels: { "zone": "z-{i}" }, interval: "200ms", metrics: [
            Metric(name: "node_load1", value_range: (1, 2), scenario: random_in_range),
            Metric(name: "node_cpu_seconds_total", metric_type: counter, value_range: (1, 2), labels: { "cpu": "0" }, scenario: random_in_range)]),
        Host(name: "flaps", interval: "200ms", faults: [flapping(up: "1s", down: "1s")], metrics: [Metric(name: "node_load5")]),
        Host(name: "short", ttl: "8s", labels: { "instance": "short:9100" }, interval: "200ms", metrics: [Metric(name: "node_load1")]),
    ])"#;
    let path = dir.path().join("node.ron");
    std::fs::write(&path, config).unwrap();
    let (mut run, port) = serving(&path.display().to_string(), &[]);
    let targets = || -> Option<Vec<serde_json::Value>> {
        serde_json::from_slice(&raw("GET", port, "/http_sd", "")?.1).ok()
    };
    let all = eventually("all hosts are listed", || targets().filter(|targets| targets.len() == 5));
    insta::assert_snapshot!(serde_json::to_string(&all[0]["labels"]["name"]).unwrap(), @r#""web 1/ü\"""#);
    let first = &all[0]["labels"];
    assert_eq!(
        (&first["job"], &first["instance"], &first["zone"]),
        (&"node".into(), &first["name"], &"z-1".into())
    );
    assert_eq!(all[0]["targets"][0], format!("127.0.0.1:{port}"));
    assert_eq!(all[4]["labels"]["instance"], "short:9100", "a label of its own comes first");
    let page = get(port, "/hosts/web%201%2F%C3%BC%22/metrics").unwrap();
    let lines: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines[0].starts_with("node_load1 1"), "the list has its name and labels: {page}");
    assert!(lines[1].starts_with("node_cpu_seconds_total{cpu=\"0\"} "), "{page}");
    assert_eq!(promtool_errors(&page), Vec::<String>::new());
    for unknown in ["/hosts/nobody/metrics", "/hosts/short", "/hosts//metrics"] {
        assert_eq!(http("GET", port, unknown, "").unwrap().0, 404, "{unknown}");
    }

    let prometheus = Prometheus::configured(&format!(
        "scrape_configs:\n  - job_name: sd\n    scrape_interval: 1s\n    http_sd_configs:\n      - url: \
         http://127.0.0.1:{port}/http_sd\n        refresh_interval: 1s\n"
    ));
    let query = "count(up{job=\"node\"} == 1 and on (instance) node_load1{zone=~\"z-.\",name!=\"\"})";
    eventually("Prometheus finds the three that stay", || {
        prometheus.query(query).filter(|count| (2.9..3.1).contains(count))
    });
    assert_eq!(
        prometheus.query("count({__name__=~\".*\",exported_job!=\"\"})"),
        None,
        "no label is there twice"
    );
    for status in [503, 200, 503] {
        eventually(&format!("{status} of a host that flaps"), || {
            (http("GET", port, "/hosts/flaps/metrics", "")?.0 == status).then_some(())
        });
    }
    eventually("one that is over leaves the list", || targets().filter(|targets| targets.len() == 4));
    assert_eq!(http("GET", port, "/hosts/short/metrics", "").unwrap().0, 404);
    eventually("and Prometheus drops it", || {
        let active = prometheus.api("targets?state=active")?["data"]["activeTargets"].as_array()?.len();
        (active == 4).then_some(())
    });
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn a_page_has_the_job_of_each_series() {
    let (mut run, port) =
        serving("hosts_load_with_peaks", &["--config-args", "hosts_count=2", "split_jobs=true"]);
    eventually("both jobs are served", || {
        let text = get(port, "/metrics")?;
        let mut jobs: Vec<&str> = series(&text, "").iter().map(|line| label(line, "job")).collect();
        jobs.sort_unstable();
        jobs.dedup();
        assert!(jobs.iter().all(|job| !job.is_empty()), "{jobs:?}");
        (jobs.len() == 2).then_some(())
    });
    assert_eq!(run.terminate(), Some(0));
}

fn tls(name: &str) -> String {
    format!("{}/tests/tls/{name}.pem", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_page_may_need_a_password() {
    let dir = tempfile::tempdir().unwrap();
    let password = dir.path().join("password");
    std::fs::write(&password, "s3cret\n").unwrap();
    let port = free_port();
    let output = format!("scrape=127.0.0.1:{port},user=me,password-file={}", password.display());
    let mut run =
        promemu(&["--config", "single_host_load", "--status-interval", "300ms", "--output", &output]);
    run.wait_for_log("the metrics are at");
    for path in ["/metrics", "/http_sd", "/promemu/metrics", "/hosts/single-host/metrics", "/"] {
        for header in ["", "Authorization: Basic bWU6d3Jvbmc=\r\n", "Authorization: Bearer s3cret\r\n"] {
            let (head, body) = raw("GET", port, path, header).unwrap();
            assert!(head.starts_with("http/1.0 401") && head.contains("www-authenticate: basic"), "{head}");
            assert!(!String::from_utf8_lossy(&body).contains("# TYPE"), "{path}");
        }
        // "me:s3cret"
        let (head, _) = raw("GET", port, path, "Authorization: Basic bWU6czNjcmV0\r\n").unwrap();
        assert!(!head.starts_with("http/1.0 401"), "{path}: {head}");
    }
    eventually("everybody may know that it is ready", || get(port, "/-/ready"));
    run.wait_for_log("\"outputs\"");
    assert_eq!(run.terminate(), Some(0));
    assert!(!run.log().contains("s3cret") && !run.log().contains("bWU6"), "{}", run.log());
}

#[test]
fn prometheus_discovers_and_scrapes_over_tls_and_strangers_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "t0ken").unwrap();
    let (port, token) = (free_port(), token.display().to_string());
    let (ca, certificate, key) = (tls("ca"), tls("certificate"), tls("key"));
    let output = format!(
        "scrape=127.0.0.1:{port},bearer_file={token},cert_file={certificate},key_file={key},ca_file={ca}"
    );
    let mut run = promemu(&["--config", "single_host_load", "--output", &output]);
    run.wait_for_log(&format!("the metrics are at https://127.0.0.1:{port}/metrics"));
    // A client that never sends a byte holds up no other.
    let _silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // Without its type, Prometheus 2.42 shows the list the bare token.
    let authorization = format!("authorization: {{ type: Bearer, credentials_file: {token} }}");
    let known = format!("tls_config: {{ ca_file: {ca}, cert_file: {certificate}, key_file: {key} }}");
    let all = "scheme: https\n    scrape_interval: 1s\n    static_configs: [{ targets: ['127.0.0.1:";
    let prometheus = Prometheus::configured(&format!(
        "scrape_configs:
  - job_name: sd
    scrape_interval: 1s
    {authorization}
    {known}
    http_sd_configs:
      - url: https://127.0.0.1:{port}/http_sd
        refresh_interval: 1s
        {authorization}
        {known}
  - job_name: without_token
    {known}
    {all}{port}'] }}]
  - job_name: without_certificate
    {authorization}
    tls_config: {{ ca_file: {ca} }}
    {all}{port}'] }}]
"
    ));
    let query = "count(cpu_usage_percent{instance=\"single-host\",job=\"single_host_load\"})";
    eventually("Prometheus is let in", || prometheus.query(query).filter(|count| *count > 0.9));
    for (job, complaint) in [("without_token", "401"), ("without_certificate", "certificate required")] {
        let targets = eventually("strangers have tried", || {
            let targets = prometheus.api("targets?state=active")?;
            let all = targets["data"]["activeTargets"].as_array()?.clone();
            all.into_iter().find(|target| target["labels"]["job"] == job && target["health"] == "down")
        });
        let error = targets["lastError"].as_str().unwrap();
        assert!(error.contains(complaint), "{job}: {error}");
    }
    assert_eq!(run.terminate(), Some(0));
}
