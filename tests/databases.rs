//! Servers that keep samples, and what they answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::processes::{Process, eventually, free_port, get};

/// A server that is written to.
pub(crate) struct Database {
    port: u16,
    _process: Process,
    _dir: tempfile::TempDir,
}

/// What a query answers: labels and value of each series, sorted.
pub(crate) type Answer = Vec<(BTreeMap<String, String>, String)>;

/// A server newer than the system's: where manage.sh puts it, or on the PATH.
fn newer(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_promemu")).ancestors().nth(2).unwrap();
    let unpacked = target.join("servers").join(name);
    if unpacked.exists() { unpacked } else { name.into() }
}

/// A bound in one spelling: Prometheus takes `1` from a text, and makes `1.0` of what is no text.
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

    /// Prometheus 3, which takes remote write 2.0, too.
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

    fn prometheus_of(program: PathBuf, config: Option<&str>) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let file = dir.path().join("prometheus.yml");
        std::fs::write(&file, config.unwrap_or("global: {}\n")).unwrap();
        let process = Process::start(
            Command::new(program)
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg("--web.enable-remote-write-receiver")
                .arg("--enable-feature=native-histograms,exemplar-storage"),
        );
        eventually("Prometheus is ready", || get(port, "/-/ready"));
        Self { port, _process: process, _dir: dir }
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
        Self { port, _process: process, _dir: dir }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it answers now; nothing if it cannot.
    pub(crate) fn answer(&self, query: &str) -> Answer {
        let encoded = query.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02x}"));
        let text = get(self.port, &format!("/api/v1/query?nocache=1&query={encoded}")).unwrap_or_default();
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let series = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        let seen = |series: serde_json::Value| {
            let labels = series["metric"].as_object().unwrap().iter();
            let labels = labels.map(|(name, value)| (name.clone(), bound(name, value.as_str().unwrap())));
            let value: f64 = series["value"][1].as_str().unwrap().parse().unwrap();
            // The last digits depend on the order in which a server adds.
            (labels.collect(), format!("{value:.9e}"))
        };
        let mut answer: Answer = series.into_iter().map(seen).collect();
        answer.sort();
        answer
    }

    /// The one number that a query answers.
    pub(crate) fn number(&self, query: &str) -> Option<f64> {
        self.answer(query).first().map(|(_, value)| value.parse().unwrap())
    }
}
