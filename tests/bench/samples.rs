//! Update and encode: promemu beside the `prometheus` crate, in time per sample and memory per series.
//!
//! `cargo bench` prints both for 100 000 and 1 000 000 series with four labels, about 120 bytes a line of
//! text. One iteration gives every series a new value and encodes all of them once: in chunks, as for a scrape or
//! a file, or in one body, as for a push. Memory is the growth of the resident set of a fresh process while the
//! series are made, updated and encoded once in one body; a live run adds a task per host.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench prints, and ends on an error")]

use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use indexmap::IndexMap;
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::expression::Value;
use promemu_core::host::{EmulatedHost, Outbox};
use promemu_core::metric::{Kind, native_histogram};
use promemu_core::rng::{Rng, Seed};
use promemu_core::series::{LabelBlock, SeriesStore};
use promemu_core::time::Time;
use promemu_wire::exposition::{ChunkedEncoder, Format, Group, encode};
use prometheus::{Encoder, Gauge, GaugeVec, Opts, ProtobufEncoder, Registry, TextEncoder};

const START: Time = Time::from_unix_secs(1_767_600_000);
const METRICS_PER_HOST: usize = 12;
/// Chunk size of a scrape.
const CHUNK_BYTES: usize = 128 << 10;

/// Hosts with twelve metrics each: sines, walks, random numbers and trends.
const CONFIG: &str = r#"Config(
    args: { "hosts": 1 },
    hosts: [Host(repeat: Repeat(var: "i", from: 1, to: "{hosts}"), name: "worker-{i:06}", interval: "10s",
        labels: { "environment": "stage" }, metric_sets: ["m"])],
    metric_sets: { "m": [
        Metric(name: "cpu_usage_percent_a", value_range: (0, 100), scenario: sine_wave(period: 300)),
        Metric(name: "cpu_usage_percent_b", value_range: (0, 100), scenario: sine_wave(period: 600)),
        Metric(name: "cpu_usage_percent_c", value_range: (0, 100), scenario: sine_wave(period: 900)),
        Metric(name: "memory_usage_percent_a", value_range: (0, 100), scenario: random_walk),
        Metric(name: "memory_usage_percent_b", value_range: (0, 100), scenario: random_walk),
        Metric(name: "memory_usage_percent_c", value_range: (0, 100), scenario: random_walk),
        Metric(name: "network_latency_ms_a", value_range: (1, 500), scenario: random_in_range),
        Metric(name: "network_latency_ms_b", value_range: (1, 500), scenario: random_in_range),
        Metric(name: "network_latency_ms_c", value_range: (1, 500), scenario: random_in_range),
        Metric(name: "queue_length_a", value_range: (0, 1000), scenario: update_by_trend(trend: up)),
        Metric(name: "queue_length_b", value_range: (0, 1000), scenario: update_by_trend(trend: hold)),
        Metric(name: "queue_length_c", value_range: (0, 1000), scenario: update_by_trend(trend: down)),
    ] },
)"#;

/// Hosts with ten native histograms each, of about 80 buckets.
const NATIVE_CONFIG: &str = r#"Config(
    args: { "hosts": 1 },
    hosts: [Host(repeat: Repeat(var: "i", from: 1, to: "{hosts}"), name: "worker-{i:06}", interval: "10s",
        labels: { "environment": "stage" }, metric_sets: ["m"])],
    metric_sets: { "m": [
        Metric(name: "request_seconds_{n}", repeat: Repeat(var: "n", from: 1, to: 10), metric_type: native_histogram,
            value_range: (0, 60), observations: 10000, spread: lognormal(median: 0.08, p99: 0.6)),
    ] },
)"#;

/// The hosts of promemu, and the store that they report to.
struct Emulated {
    hosts: Vec<EmulatedHost>,
    rows: Vec<usize>,
    due: Vec<Time>,
    store: SeriesStore,
    outbox: Outbox,
    body: Vec<u8>,
}

impl Emulated {
    fn new(series: usize) -> Self {
        Self::of(CONFIG, series / METRICS_PER_HOST)
    }

    fn of(config: &str, hosts: usize) -> Self {
        let hosts = i64::try_from(hosts).expect("few hosts");
        let arguments = IndexMap::from([("hosts".to_owned(), Value::Int(hosts))]);
        let plan = ConfigFile::from_text("bench", config)
            .plan(&LoadOptions { arguments, ..LoadOptions::starting_at(START) })
            .expect("the config is good")
            .plan;
        let hosts = plan.hosts.iter().map(|host| EmulatedHost::new(Arc::clone(host), Seed::new(1), START));
        let hosts: Vec<EmulatedHost> = hosts.collect();
        let job = &plan.jobs[0];
        let mut rows = vec![0; hosts.len()];
        job.hosts.iter().enumerate().for_each(|(row, host)| rows[*host as usize] = row);
        let due = hosts.iter().map(EmulatedHost::starts_at).collect();
        Self { store: plan.store(job), hosts, rows, due, outbox: Outbox::default(), body: Vec::new() }
    }

    fn update(&mut self) {
        for ((host, row), due) in self.hosts.iter_mut().zip(&self.rows).zip(&mut self.due) {
            self.outbox.clear();
            *due = host.advance(*due, &[], &mut self.outbox);
            if self.outbox.report {
                self.store.report(*row, host.row());
            }
        }
    }

    fn encode(&mut self, format: Format) -> usize {
        self.body.clear();
        let group = Group { store: &self.store, labels: &LabelBlock::empty() };
        encode(format, &[group], &mut self.body);
        black_box(self.body.len())
    }

    /// Number of buckets of native histograms that are not empty.
    fn native_buckets(&self) -> usize {
        let mut buckets = 0;
        for family in 0..self.store.families().count() {
            self.store.for_each_sample(family, |sample| {
                if let Kind::NativeHistogram(layout) = &sample.layout.kind {
                    let histogram = native_histogram(layout, sample.cells);
                    buckets += histogram.positive.populated().chain(histogram.negative.populated()).count();
                }
            });
        }
        buckets
    }

    fn encode_in_chunks(&mut self, format: Format) -> usize {
        let labels = LabelBlock::empty();
        let group = Group { store: &self.store, labels: &labels };
        let mut encoder = ChunkedEncoder::new(format, std::iter::once(&self.store));
        let mut bytes = 0;
        self.body.clear();
        while encoder.put_next(CHUNK_BYTES, &mut |_, work| work(&group), &mut self.body) {
            bytes += black_box(&self.body).len();
            self.body.clear();
        }
        bytes
    }
}

/// The same series in the `prometheus` crate, with random values.
struct Reference {
    registry: Registry,
    gauges: Vec<Gauge>,
    rng: Rng,
    body: Vec<u8>,
}

impl Reference {
    fn new(series: usize) -> Self {
        let emulated = Emulated::new(METRICS_PER_HOST);
        let names: Vec<String> = emulated.store.families().map(|family| family.name.to_string()).collect();
        let registry = Registry::new();
        let mut gauges = Vec::new();
        for name in names {
            let labels = ["name", "host", "address", "environment"];
            let family =
                GaugeVec::new(Opts::new(name, "an emulated metric"), &labels).expect("the name is good");
            registry.register(Box::new(family.clone())).expect("the name is new");
            for host in 1..=series / METRICS_PER_HOST {
                let (name, node) = (format!("worker-{host:06}"), format!("worker{host:06}.lgs01.app.stage"));
                gauges.push(family.with_label_values(&[name.as_str(), &node, "10.167.135.230", "stage"]));
            }
        }
        Self { registry, gauges, rng: Seed::new(1).rng(), body: Vec::new() }
    }

    fn update(&mut self) {
        for gauge in &self.gauges {
            gauge.set(self.rng.uniform(0.0, 100.0));
        }
    }

    fn encode(&mut self, format: Format) -> usize {
        self.body.clear();
        let families = self.registry.gather();
        let encoded = match format {
            Format::Protobuf => ProtobufEncoder::new().encode(&families, &mut self.body),
            Format::Text | Format::OpenMetrics => TextEncoder::new().encode(&families, &mut self.body),
        };
        encoded.expect("a vector takes all");
        black_box(self.body.len())
    }
}

fn samples(criterion: &mut Criterion) {
    for series in [100_000, 1_000_000] {
        let mut group = criterion.benchmark_group(format!("update and encode {series} series"));
        group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
        group.throughput(Throughput::Elements(series as u64));
        let mut emulated = Emulated::new(series);
        for (name, format) in [("protobuf", Format::Protobuf), ("text", Format::Text)] {
            group.bench_function(BenchmarkId::new("promemu", name), |bencher| {
                bencher.iter(|| {
                    emulated.update();
                    emulated.encode_in_chunks(format)
                });
            });
        }
        group.bench_function(BenchmarkId::new("promemu", "protobuf in one body"), |bencher| {
            bencher.iter(|| {
                emulated.update();
                emulated.encode(Format::Protobuf)
            });
        });
        group.bench_function(BenchmarkId::new("promemu", "update only"), |bencher| {
            bencher.iter(|| emulated.update());
        });
        drop(emulated);
        let mut reference = Reference::new(series);
        for (name, format) in [("protobuf", Format::Protobuf), ("text", Format::Text)] {
            group.bench_function(BenchmarkId::new("prometheus crate", name), |bencher| {
                bencher.iter(|| {
                    reference.update();
                    reference.encode(format)
                });
            });
        }
        group.finish();
    }
}

/// Time per bucket of a native histogram, and per gauge.
fn native_histograms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gauges, and buckets of native histograms");
    group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    let (mut gauges, mut natives) = (Emulated::new(100_000), Emulated::of(NATIVE_CONFIG, 100));
    gauges.update();
    natives.update();
    let buckets = natives.native_buckets();
    let series = 100_000 / METRICS_PER_HOST * METRICS_PER_HOST;
    for (name, emulated, elements) in [("gauge", &mut gauges, series), ("bucket", &mut natives, buckets)] {
        group.throughput(Throughput::Elements(elements as u64));
        group.bench_function(BenchmarkId::new(name, "protobuf"), |bencher| {
            bencher.iter(|| emulated.encode_in_chunks(Format::Protobuf));
        });
        group.bench_function(BenchmarkId::new(name, "update"), |bencher| {
            bencher.iter(|| emulated.update());
        });
    }
    group.finish();
}

/// The resident set, in bytes (proc(5)).
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse::<usize>().ok());
    kib.unwrap_or(0) * 1024
}

/// Makes the series, updates and encodes them once, and prints the memory; runs in a process of its own.
fn print_memory(what: &str, series: usize) {
    let before = resident_bytes();
    let (body, after) = if what == "promemu" {
        let mut emulated = Emulated::new(series);
        emulated.update();
        (emulated.encode(Format::Protobuf), resident_bytes())
    } else {
        let mut reference = Reference::new(series);
        reference.update();
        (reference.encode(Format::Protobuf), resident_bytes())
    };
    let per_series = (after - before) / series;
    println!(
        "memory of {series} series, {what}: {per_series} bytes per series, of which the body {}",
        body / series
    );
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, what, series] = args.as_slice()
        && flag == "--memory-of"
    {
        print_memory(what, series.parse().expect("a number of series"));
        return;
    }
    let this = std::env::current_exe().expect("the program has a path");
    for series in ["100000", "1000000"] {
        for what in ["promemu", "prometheus crate"] {
            let status = Command::new(&this).args(["--memory-of", what, series]).status();
            assert!(status.is_ok_and(|status| status.success()), "the memory of {what} was measured");
        }
    }
    let mut criterion = Criterion::default().configure_from_args();
    samples(&mut criterion);
    native_histograms(&mut criterion);
    criterion.final_summary();
}
