//! A run of three live shards, with a real NATS server between them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::namespaces::Namespaces;
use crate::nats::Nats;
use crate::processes::{Process, eventually, free_port, get, get_at, promemu_command, series, value, within};

/// A host that emits an event twice a second, and six that count it.
const COUNTING: &str = r#"Config(levers: { "load": 1.0 }, default_job_name: "j", hosts: [
    Host(name: "source", interval: "250ms", metrics: [
        Metric(name: "flag", value_range: (0, 1), update_interval: "250ms", scenario: feature_toggle(start_time: "1s", duration: "250ms", interval: "250ms"))]),
    Host(repeat: Repeat(var: "i", from: 1, to: 6), name: "w-{i}", interval: "250ms", metrics: [
        Metric(name: "heard_total", metric_type: counter, value_range: (0, 1e9), listen_events: ["feature_on"],
            scenario: calc_by_event(events_config: { "feature_on": "value + 1" })),
        Metric(name: "load", value_range: (0, 100), update_interval: "250ms", scenario: script(source: "run.load")),
        Metric(name: "n_total", metric_type: counter, value_range: (1, 9), update_interval: "250ms", scenario: random_in_range)])])"#;
/// The number of shards.
pub(crate) const SHARDS: usize = 3;

/// A run of three live shards.
pub(crate) struct Sharded {
    config: PathBuf,
    pub(crate) nats: Nats,
    /// The address of the bus, or of a proxy in front of it.
    bus: String,
    /// Each with the port of its metrics.
    pub(crate) shards: Vec<(Process, u16)>,
    /// The ports of their pages; the last shard has none.
    pub(crate) apis: [u16; SHARDS - 1],
    _dir: tempfile::TempDir,
    /// The shards' networks, if they have ones of their own. They outlive the processes in them.
    pub(crate) namespaces: Option<Namespaces>,
}

impl Sharded {
    pub(crate) fn start() -> Self {
        let nats = Nats::start();
        let bus = nats.url();
        Self::start_with(nats, bus, None)
    }

    /// Each shard in a network of its own.
    pub(crate) fn start_in(namespaces: Namespaces) -> Self {
        let nats = Nats::start_on(&namespaces.outside());
        let bus = nats.url();
        Self::start_with(nats, bus, Some(namespaces))
    }

    pub(crate) fn start_with(nats: Nats, bus: String, namespaces: Option<Namespaces>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("counting.ron");
        std::fs::write(&config, COUNTING).unwrap();
        let apis = [free_port(), free_port()];
        let mut run = Self { config, nats, bus, shards: Vec::new(), apis, _dir: dir, namespaces };
        for number in 1..=SHARDS {
            let port = free_port();
            let process = run.process(number, port);
            run.shards.push((process, port));
        }
        run
    }

    pub(crate) fn process(&self, number: usize, port: u16) -> Process {
        let (config, shard) = (self.config.display().to_string(), format!("{number}/{SHARDS}"));
        let listen = self.apis.get(number - 1).map(|port| format!("127.0.0.1:{port}"));
        let output = format!("scrape={}:{port}", self.address(number));
        let mut args = vec!["run", &config, "--shard", &shard, "--bus", &self.bus, "--output", &output];
        args.extend(listen.iter().flat_map(|listen| ["--listen", listen]));
        let mut command = promemu_command(&args);
        let Some(namespaces) = &self.namespaces else { return Process::start(&mut command) };
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &namespaces.name_of(number)]).arg(command.get_program());
        inside
            .args(command.get_args())
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Process::start(inside.current_dir(env!("CARGO_MANIFEST_DIR")))
    }

    /// The address of a shard.
    fn address(&self, number: usize) -> String {
        self.namespaces.as_ref().map_or_else(|| "127.0.0.1".to_owned(), |spaces| spaces.address(number))
    }

    /// The body at a path of the shard's metrics.
    fn page(&self, number: usize, path: &str) -> Option<String> {
        get_at(&format!("{}:{}", self.address(number), self.shards[number - 1].1), path)
    }

    pub(crate) fn restart(&mut self, number: usize) {
        self.shards[number - 1].0.kill_unreaped();
        let port = self.shards[number - 1].1;
        let process = self.process(number, port);
        self.shards[number - 1].0 = process;
    }

    /// The values of a family by the host's name.
    pub(crate) fn values(&self, family: &str) -> BTreeMap<String, f64> {
        let pages = (1..=SHARDS).filter_map(|number| self.page(number, "/metrics"));
        let lines: Vec<(String, f64)> = pages
            .flat_map(|page| {
                let lines = series(&page, family).into_iter();
                let name =
                    |line: &str| line.split("name=\"").nth(1)?.split('"').next().map(ToOwned::to_owned);
                lines.filter_map(|line| Some((name(line)?, value(line)))).collect::<Vec<_>>()
            })
            .collect();
        lines.into_iter().collect()
    }

    /// Waits until all six have heard as many events, and more than this; gives the number.
    pub(crate) fn all_have_heard(&self, more_than: f64) -> f64 {
        // An event may come between the looks at two of them.
        let patience = Duration::from_mins(2);
        within(patience, &format!("all have heard more than {more_than} events"), || {
            let heard = self.values("heard_total");
            let first = *heard.values().next()?;
            let are_alike = heard.values().all(|value| value.to_bits() == first.to_bits());
            (heard.len() == 6 && are_alike && first > more_than).then_some(first)
        })
    }

    /// The answer of a client of one shard's API.
    pub(crate) fn ctl(&self, number: usize, args: &[&str]) -> String {
        let url = format!("http://127.0.0.1:{}", self.apis[number - 1]);
        let output = promemu_command(&[&["ctl", "--url", &url], args].concat()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The answer of one shard's API.
    pub(crate) fn api(&self, number: usize, path: &str) -> Value {
        let path = format!("/api/v1{path}");
        serde_json::from_str(&eventually(&path, || get(self.apis[number - 1], &path))).unwrap()
    }

    /// The states of all shards, as one of them says.
    pub(crate) fn states(&self, asked: usize) -> Vec<String> {
        let status = self.api(asked, "/status");
        let shards = status["shards"].as_array().unwrap().iter();
        shards.map(|shard| shard["state"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn own(&self, number: usize, family: &str) -> f64 {
        let page = eventually("promemu's own metrics", || self.page(number, "/promemu/metrics"));
        value(page.lines().find(|line| line.starts_with(&format!("{family} "))).unwrap())
    }

    /// The shard of a host.
    pub(crate) fn shard_of(&self, host: &str) -> usize {
        let name = format!("name=\"{host}\"");
        let has = |number: &usize| self.page(*number, "/metrics").is_some_and(|page| page.contains(&name));
        eventually("its series are there", || (1..=SHARDS).find(has))
    }
}
