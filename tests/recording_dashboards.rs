//! The shipped dashboards of recordings, on a recorder and a pipeline that run.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use crate::data::days;
use crate::processes::{Process, Prometheus, eventually, free_port, promemu_command};
use crate::record::exporter;
use crate::stack::{encoded, shipped};

/// Serves the content of files as one page, as a `node_exporter` does. Returns the port.
fn serve(files: Vec<PathBuf>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _is_asked = stream.read(&mut [0; 4096]).is_ok();
            let page: String = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n";
            let answer = format!("{head}Content-Length: {}\r\n\r\n{page}", page.len());
            // A reader that is gone asks again.
            let _is_answered = stream.write_all(answer.as_bytes()).is_ok();
        }
    });
    port
}

#[test]
fn every_query_of_the_dashboards_of_recordings_has_data() {
    let (dir, recording) = days();
    let [stages, quality] = ["stages.prom", "quality.prom"].map(|name| dir.path().join(name));
    let pipeline = dir.path().join("days.ron");
    let text = format!(
        r#"(name: "days", stages: [(name: "quality", run: ["data", "quality", {recording:?}, "--budget", "validity=0.5",
            "--metrics", {quality:?}])])"#
    );
    std::fs::write(&pipeline, text).unwrap();
    let output =
        promemu_command(&["pipeline", "run", "--metrics"]).arg(&stages).arg(&pipeline).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (_run, exporter) = exporter();
    let own = free_port();
    let mut record =
        promemu_command(&["record", "--interval", "1s", "--slice", "2s", "--self-metrics-address"]);
    record.arg(format!("127.0.0.1:{own}")).args([
        "--scrape",
        &format!("http://127.0.0.1:{exporter}"),
        "--out",
    ]);
    let _record = Process::start(record.arg(dir.path().join("live")));
    let files = serve(vec![stages, quality]);
    let prometheus = Prometheus::configured(&format!(
        "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
         scrape_configs: [{{ job_name: j, static_configs: [{{ targets: ['127.0.0.1:{own}', '127.0.0.1:{files}'] }}] }}]\n"
    ));
    let of_timelines = ["scenario_phase", "fault_active"];
    let mut asked = 0;
    for expr in ["recording", "data_quality"].into_iter().flat_map(shipped) {
        if of_timelines.iter().any(|name| expr.contains(name)) {
            continue;
        }
        let expr = expr.replace("$__range", "1m");
        eventually(&expr, || {
            let answer = prometheus.api(&format!("query?query={}", encoded(&expr)))?;
            answer["data"]["result"].as_array().filter(|series| !series.is_empty()).map(drop)
        });
        asked += 1;
    }
    assert!(asked > 25, "{asked}");
}
