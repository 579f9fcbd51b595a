//! Servers that keep samples, and their answers to queries.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::processes::{Process, eventually, free_port, get};

/// A server that keeps samples.
pub(crate) struct Database {
    port: u16,
    /// Evaluation time of queries in seconds since 1970; `None` is now.
    at: Option<u64>,
    _process: Process,
    _dir: tempfile::TempDir,
}

/// The answer to a query: labels and value (or histogram) of each series, sorted.
pub(crate) type Answer = Vec<(BTreeMap<String, String>, String)>;

/// A server newer than that of the system, from where manage.sh unpacks it or from the PATH.
pub(crate) fn newer(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_promemu")).ancestors().nth(2).unwrap();
    let unpacked = target.join("servers").join(name);
    if unpacked.exists() { unpacked } else { name.into() }
}

/// A bound in one spelling: Prometheus keeps the `1` of a text format, and writes `1.0` for other formats.
fn bound(name: &str, value: &str) -> String {
    match value.parse::<f64>() {
        Ok(number) if name == "le" || name == "quantile" => number.to_string(),
        _ => value.to_owned(),
    }
}

impl Database {
    /// Prometheus 2, with its receiver for remote write 1.0.
    pub(crate) fn prometheus() -> Self {
        Self::prometheus_of("prometheus".into(), None)
    }

    /// Prometheus 3, which also accepts remote write 2.0.
    pub(crate) fn prometheus3() -> Self {
        Self::prometheus_of(newer("prometheus3"), None)
    }

    /// Prometheus 2 that scrapes one address every second, as it scrapes a Pushgateway.
    pub(crate) fn prometheus_scraping(port: u16) -> Self {
        let job =
            format!("job_name: x, honor_labels: true, static_configs: [{{ targets: ['127.0.0.1:{port}'] }}]");
        let config = format!("global: {{ scrape_interval: 1s }}\nscrape_configs: [{{ {job} }}]\n");
        Self::prometheus_of("prometheus".into(), Some(&config))
    }

    /// Prometheus 2 with the blocks that promtool makes of an exported file; queries are evaluated at this time.
    pub(crate) fn prometheus_with_blocks_of(file: &Path, at: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let blocks = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h"])
            .args([file, &dir.path().join("data")])
            .output()
            .unwrap();
        assert!(blocks.status.success(), "{}", String::from_utf8_lossy(&blocks.stderr));
        Self { at: Some(at), ..Self::prometheus_in(dir, "prometheus".into(), None) }
    }

    /// Prometheus 2, or 3 if it `is_newer`, with the blocks in `data` of this folder.
    pub(crate) fn prometheus_with_data(dir: tempfile::TempDir, is_newer: bool) -> Self {
        let program = if is_newer { newer("prometheus3") } else { "prometheus".into() };
        Self::prometheus_in(dir, program, None)
    }

    /// Prometheus 3 with the blocks in `data` of this folder, which answers with samples of the very moment, not older ones.
    pub(crate) fn prometheus_without_lookback(dir: tempfile::TempDir) -> Self {
        Self::prometheus_with(dir, newer("prometheus3"), None, &["--query.lookback-delta=500ms"])
    }

    fn prometheus_of(program: PathBuf, config: Option<&str>) -> Self {
        Self::prometheus_in(tempfile::tempdir().unwrap(), program, config)
    }

    fn prometheus_in(dir: tempfile::TempDir, program: PathBuf, config: Option<&str>) -> Self {
        Self::prometheus_with(dir, program, config, &[])
    }

    fn prometheus_with(
        dir: tempfile::TempDir,
        program: PathBuf,
        config: Option<&str>,
        flags: &[&str],
    ) -> Self {
        let port = free_port();
        let file = dir.path().join("prometheus.yml");
        std::fs::write(&file, config.unwrap_or("global: {}\n")).unwrap();
        let process = Process::start(
            Command::new(program)
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg("--storage.tsdb.retention.time=100y")
                .arg("--web.enable-remote-write-receiver")
                .arg("--enable-feature=native-histograms,exemplar-storage")
                .args(flags),
        );
        eventually("Prometheus is ready", || get(port, "/-/ready"));
        Self { port, at: None, _process: process, _dir: dir }
    }

    pub(crate) fn victoria_metrics() -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let process = Process::start(
            Command::new(newer("victoria-metrics"))
                .arg(format!("-storageDataPath={}", dir.path().join("data").display()))
                .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
                .arg("-search.latencyOffset=0s"),
        );
        eventually("VictoriaMetrics is ready", || get(port, "/health"));
        Self { port, at: None, _process: process, _dir: dir }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The answer to a query; empty if there is none.
    pub(crate) fn answer(&self, query: &str) -> Answer {
        self.answer_at(query, self.at)
    }

    /// The answer to a query at a time, in seconds since 1970; `None` is now.
    pub(crate) fn answer_at(&self, query: &str, at: Option<u64>) -> Answer {
        let encoded = encoded(query);
        let at = at.map_or(String::new(), |at| format!("&time={at}"));
        let text =
            get(self.port, &format!("/api/v1/query?nocache=1&query={encoded}{at}")).unwrap_or_default();
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let series = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        let seen = |series: serde_json::Value| {
            let labels = series["metric"].as_object().unwrap().iter();
            let labels = labels.map(|(name, value)| (name.clone(), bound(name, value.as_str().unwrap())));
            let Some(value) = series["value"][1].as_str() else {
                return (labels.collect(), series["histogram"][1].to_string());
            };
            // The last digits depend on the order of additions in the server.
            (labels.collect(), format!("{:.9e}", value.parse::<f64>().unwrap()))
        };
        let mut answer: Answer = series.into_iter().map(seen).collect();
        answer.sort();
        answer
    }

    /// All samples of the answer to a range selector at a time: of each series the floats and the native histograms, as texts.
    pub(crate) fn samples_at(
        &self,
        selector: &str,
        at: u64,
    ) -> BTreeMap<BTreeMap<String, String>, [String; 2]> {
        let path = format!("/api/v1/query?nocache=1&query={}&time={at}", encoded(selector));
        let text = get(self.port, &path).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        let of_series = |series: &serde_json::Value| {
            let labels = series["metric"].as_object().unwrap().iter();
            let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
            (labels.collect(), ["values", "histograms"].map(|kind| series[kind].to_string()))
        };
        answer["data"]["result"].as_array().unwrap().iter().map(of_series).collect()
    }

    /// Name and exemplar of each series that has one, and the exemplars' value and time, sorted.
    pub(crate) fn exemplars(&self, query: &str) -> Vec<(String, String, String)> {
        let path = format!("/api/v1/query_exemplars?start=0&end=99999999999&query={}", encoded(query));
        let answer = get(self.port, &path).unwrap_or_default();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
        let series = answer["data"].as_array().cloned().unwrap_or_default();
        let of_series = |series: serde_json::Value| {
            let name = series["seriesLabels"]["name"].as_str().unwrap().to_owned();
            let exemplars = series["exemplars"].as_array().unwrap().clone();
            exemplars.into_iter().map(move |exemplar| {
                let value = format!("{} at {}", exemplar["value"], exemplar["timestamp"]);
                (name.clone(), exemplar["labels"].to_string(), value)
            })
        };
        let mut exemplars: Vec<_> = series.into_iter().flat_map(of_series).collect();
        exemplars.sort();
        exemplars
    }

    /// The value of the first series in the answer.
    pub(crate) fn number(&self, query: &str) -> Option<f64> {
        self.answer(query).first().map(|(_, value)| value.parse().unwrap())
    }
}

pub(crate) fn encoded(query: &str) -> String {
    query.bytes().fold(String::new(), |text, byte| text + format!("%{byte:02x}").as_str())
}
