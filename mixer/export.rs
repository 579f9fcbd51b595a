//! Export: what a run would have shown, into a file, without running it live.
//!
//! Hosts are driven one by one through the whole time ([`crate::backfill`]) and sampled on a grid, as scrapes
//! would. Series are written to spools on the disk as they come, one spool per thread, and put together in the
//! order that the format wants: nothing but one host's samples is held in memory, and the outcome does not
//! depend on the number of threads.

mod csv;
mod openmetrics;
mod parquet;
mod rules;
mod spool;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backfill::{Backfill, Grid, HostSamples, Tally};
use crate::event::HostId;
use crate::exposition::put_number;
use crate::metric::{is_absent, series_of};
use crate::plan::{HostPlan, MetricPlan};
use crate::series::Family;
use spool::{Segment, Spool};

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics with timestamps, for `promtool tsdb create-blocks-from openmetrics`.
    OpenMetrics,
    /// A line per sample: timestamp, metric, labels, value.
    Csv,
    /// The same columns in Apache Parquet.
    Parquet,
    /// `input_series` for `promtool test rules`.
    Rules,
}

impl Format {
    /// The format that a file's name tells.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "om" | "openmetrics" | "prom" | "txt" => Some(Self::OpenMetrics),
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            "yml" | "yaml" => Some(Self::Rules),
            _ => None,
        }
    }
}

/// What an export has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many samples were written.
    pub samples: u64,
    /// What the hosts did for it.
    pub tally: Tally,
}

/// What is exported, and how.
#[derive(Debug)]
pub struct Export<'a> {
    /// The run.
    pub run: &'a Backfill,
    /// The moments.
    pub grid: Grid,
    /// How it is written.
    pub format: Format,
    /// On how many threads the hosts are driven.
    pub threads: usize,
    /// Where spools go: a folder with room for the whole export.
    pub spool_dir: &'a Path,
    /// How many series and moments are done; others may look at it meanwhile.
    pub done: &'a AtomicU64,
}

/// One metric of one host.
struct Series<'a> {
    metric: &'a MetricPlan,
    family: &'a Family,
    /// The name and value of every label, as the text format has them, without braces.
    labels: Vec<u8>,
    samples: &'a HostSamples,
}

/// A series' moments that have a sample, and its values.
type Values<'v> = &'v mut dyn Iterator<Item = (usize, f64)>;

impl Series<'_> {
    /// Shows what Prometheus makes of it, one simple series after the other: the metric's name, the labels, and
    /// the moments that have a sample.
    fn each_simple(&self, work: &mut dyn FnMut(&str, &str, Values<'_>)) {
        let name = &*self.family.name;
        let labels = String::from_utf8_lossy(&self.labels);
        let (bounds, offset) = (self.metric.cells.bounds(), self.metric.offset);
        let first = self.samples.cell(offset);
        let moments = || (0..first.len()).filter(|moment| !is_absent(first[*moment]));
        if bounds.is_empty() {
            return work(name, &labels, &mut moments().map(|moment| (moment, first[moment])));
        }
        let mut counts = vec![0.0; first.len()];
        for (cell, bound) in (offset..).zip(bounds.iter().chain(&[f64::INFINITY])) {
            for (count, observed) in counts.iter_mut().zip(self.samples.cell(cell)) {
                *count += observed;
            }
            let mut le = Vec::new();
            put_number(*bound, &mut le);
            let labels = format!("{labels},le=\"{}\"", String::from_utf8_lossy(&le));
            work(&format!("{name}_bucket"), &labels, &mut moments().map(|moment| (moment, counts[moment])));
        }
        let sums = self.samples.cell(offset + bounds.len() + 1);
        work(&format!("{name}_sum"), &labels, &mut moments().map(|moment| (moment, sums[moment])));
        work(&format!("{name}_count"), &labels, &mut moments().map(|moment| (moment, counts[moment])));
    }
}

/// A format that is written series by series.
trait SeriesFormat: Sync {
    /// Whether all series of a family must stand together.
    fn is_by_family(&self) -> bool;

    /// What comes before everything.
    fn put_begin(&self, _out: &mut Vec<u8>) {}

    /// What comes before a family's series.
    fn put_family(&self, _family: &Family, _out: &mut Vec<u8>) {}

    /// A series with all its samples; gives how many it had.
    fn put_series(&self, series: &Series<'_>, out: &mut Vec<u8>) -> u64;

    /// What comes behind everything.
    fn put_end(&self, _out: &mut Vec<u8>) {}
}

/// So many cells of a host are sampled at once; of a host with more, some metrics at a time.
const CELLS_MAX: usize = 8_000_000;

impl Export<'_> {
    /// How many steps [`Export::done`] counts up to: series times moments.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.run.plan().series_count() as u64 * self.grid.count() as u64
    }

    /// Writes everything.
    pub fn write(&self, out: &mut (dyn Write + Send)) -> io::Result<Exported> {
        match self.format {
            Format::OpenMetrics => self.write_series(&openmetrics::OpenMetrics::new(&self.grid), out),
            Format::Csv => self.write_series(&csv::Csv::new(&self.grid), out),
            Format::Rules => self.write_series(&rules::Rules::new(&self.grid), out),
            Format::Parquet => parquet::write(self, out),
        }
    }

    /// Drives and spools all hosts, and puts the spools together.
    fn write_series(&self, format: &dyn SeriesFormat, out: &mut (dyn Write + Send)) -> io::Result<Exported> {
        let hosts = self.run.plan().hosts.len();
        let threads = self.threads.clamp(1, hosts.max(1));
        let spools: Vec<io::Result<(Spool, Exported)>> = std::thread::scope(|scope| {
            let works: Vec<_> = (0..threads)
                .map(|thread| scope.spawn(move || self.spool_hosts(format, (thread..hosts).step_by(threads))))
                .collect();
            let bug = |_| Err(io::Error::other("a thread ended by a bug"));
            works.into_iter().map(|work| work.join().unwrap_or_else(bug)).collect()
        });
        let (mut files, mut exported) = (Vec::new(), Exported::default());
        for spool in spools {
            let (spool, part) = spool?;
            files.push(spool);
            exported.samples += part.samples;
            exported.tally.updates += part.tally.updates;
            exported.tally.scenario_errors += part.tally.scenario_errors;
        }
        self.put_together(format, &mut files, out)?;
        Ok(exported)
    }

    /// Spools some hosts' series.
    fn spool_hosts(
        &self,
        format: &dyn SeriesFormat,
        hosts: impl Iterator<Item = usize>,
    ) -> io::Result<(Spool, Exported)> {
        let mut spool = Spool::new(self.spool_dir)?;
        let mut exported = Exported::default();
        let mut encoded = Vec::new();
        for id in hosts {
            let id = HostId::try_from(id).map_err(io::Error::other)?;
            let mut segments: Vec<(usize, Segment)> = Vec::new();
            self.each_series(id, &mut exported.tally, &mut |series| {
                encoded.clear();
                exported.samples += format.put_series(series, &mut encoded);
                let part = if format.is_by_family() { series.metric.family } else { 0 };
                segments.push((part, spool.put(&encoded)?));
                Ok(())
            })?;
            spool.end_host(segments);
        }
        Ok((spool, exported))
    }

    /// Samples a host, and shows its series one after the other.
    fn each_series(
        &self,
        id: HostId,
        tally: &mut Tally,
        work: &mut dyn FnMut(&Series<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let plan = self.run.plan();
        let host = &plan.hosts[id as usize];
        let job = &plan.jobs[host.job].name;
        let job = crate::series::LabelBlock::new([("job", &**job)]);
        let mut rest = host.shape.metrics.as_slice();
        while !rest.is_empty() {
            let (metrics, cells) = first_few(rest, CELLS_MAX / self.grid.count().max(1));
            rest = &rest[metrics..];
            let samples = HostSamples::of(self.run.host(id), &self.grid, cells);
            if tally_is_first(host, &samples) {
                tally.updates += samples.tally.updates;
                tally.scenario_errors += samples.tally.scenario_errors;
            }
            let start = host.shape.metrics.len() - rest.len() - metrics;
            for metric in &host.shape.metrics[start..start + metrics] {
                let blocks = [&host.labels, &metric.labels, &job];
                let labels: Vec<&[u8]> =
                    blocks.iter().map(|block| block.as_text()).filter(|text| !text.is_empty()).collect();
                let (labels, family) = (labels.join(&b','), &plan.families[metric.family]);
                work(&Series { metric, family, labels, samples: &samples })?;
                let series = series_of(metric.cells.bounds()) as u64;
                self.done.fetch_add(series * self.grid.count() as u64, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// The spools' segments in the format's order.
    fn put_together(
        &self,
        format: &dyn SeriesFormat,
        spools: &mut [Spool],
        out: &mut (dyn Write + Send),
    ) -> io::Result<()> {
        let plan = self.run.plan();
        let (hosts, threads) = (plan.hosts.len(), spools.len());
        let mut text = Vec::new();
        format.put_begin(&mut text);
        out.write_all(&text)?;
        let parts = if format.is_by_family() { plan.families.len() } else { 1 };
        for part in 0..parts {
            text.clear();
            if format.is_by_family() {
                format.put_family(&plan.families[part], &mut text);
            }
            let has_samples = (0..hosts).any(|host| spools[host % threads].has(host / threads, part));
            if has_samples {
                out.write_all(&text)?;
            }
            for host in 0..hosts {
                spools[host % threads].copy(host / threads, part, out)?;
            }
        }
        text.clear();
        format.put_end(&mut text);
        out.write_all(&text)?;
        out.flush()
    }
}

/// Whether these samples are those of a host's first metrics; the host does the same for all of them.
fn tally_is_first(host: &HostPlan, samples: &HostSamples) -> bool {
    host.shape.metrics.first().is_some_and(|metric| samples.cells_taken().start == metric.offset)
}

/// How many metrics, at least one, have so few cells together; and which cells these are.
fn first_few(metrics: &[MetricPlan], cells_max: usize) -> (usize, Range<usize>) {
    let start = metrics.first().map_or(0, |metric| metric.offset);
    let mut end = start;
    let mut count = 0;
    for metric in metrics {
        let metric_end = metric.offset + metric.cells.width();
        if count > 0 && metric_end - start > cells_max {
            break;
        }
        (count, end) = (count + 1, metric_end);
    }
    (count, start..end)
}
