//! Virtual time: values per second that are made, and written as OpenMetrics, on one thread and on two.
//!
//! `cargo bench --bench virtual_time` drives 200 workers of `hosts_load_with_peaks` through six hours.

#![expect(clippy::expect_used, reason = "a bench ends on an error")]

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use promemu_core::backfill::{self, Backfill, Grid, ReplayedHost};
use promemu_core::config::{ConfigDirs, LoadOptions};
use promemu_core::event::HostId;
use promemu_core::expression::Value;
use promemu_core::host::Outbox;
use promemu_core::time::{Span, Time};
use promemu_wire::export::{ExportSpec, Format, Progress, Sampling, TargetLabels};

const START: Time = Time::from_unix_secs(1_767_600_000);
const HOURS: Span = Span::from_secs(6 * 3600);

fn backfill() -> Backfill {
    let arguments = [("hosts_count", Value::Int(200)), ("hosts_ttl", Value::from("inf"))];
    let arguments = arguments.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    let options = LoadOptions { arguments, ..LoadOptions::starting_at(START) };
    let loaded = ConfigDirs::new(None).load("hosts_load_with_peaks", &options).expect("the config is good");
    Backfill::new(Arc::new(loaded.plan), 7, START, START + HOURS).expect("there are few events")
}

/// Drives all hosts. Returns the number of their values.
fn drive(run: &Backfill, threads: usize) -> u64 {
    let hosts: Vec<HostId> = (0..).take(run.plan().hosts.len()).collect();
    let mut updates = 0;
    let drive_host = |_, mut host: ReplayedHost<'_>| {
        backfill::drive(&mut host, START + HOURS, &mut Outbox::default(), |_, host, _| {
            black_box(host.host().row());
        })
    };
    let taken: Result<(), ()> = run.each_host(&hosts, threads, drive_host, |_, counts| {
        updates += counts.updates;
        Ok(())
    });
    taken.expect("nothing is refused");
    updates
}

fn export(run: &Backfill, threads: usize) -> u64 {
    let (progress, dir) = (Progress::default(), std::env::temp_dir());
    let grid = Grid { from: START, to: START + HOURS, step: Span::from_secs(10) };
    let labels = TargetLabels::Pushed;
    let sampling = Sampling { run, grid, labels, threads, keeps_hosts: false, progress: &progress };
    let export = ExportSpec { sampling, format: Format::OpenMetrics, spool_dir: &dir };
    export.write(&mut io::sink()).expect("there is room").written.samples
}

fn virtual_time(criterion: &mut Criterion) {
    let run = backfill();
    let mut group = criterion.benchmark_group("virtual time");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    for threads in [1, 2] {
        group.throughput(Throughput::Elements(drive(&run, threads)));
        group.bench_function(BenchmarkId::new("values", threads), |bencher| {
            bencher.iter(|| drive(&run, threads));
        });
        group.throughput(Throughput::Elements(export(&run, threads)));
        group.bench_function(BenchmarkId::new("OpenMetrics samples", threads), |bencher| {
            bencher.iter(|| export(&run, threads));
        });
    }
    group.finish();
}

criterion_group!(benches, virtual_time);
criterion_main!(benches);
