//! Export: what a run would have shown, into a file, without running it live.
//!
//! Hosts are driven one by one through the whole time ([`promemu_core::backfill`]) and sampled on a grid, as scrapes
//! would. Their samples are spooled to the disk, and encoded from there in the order that the format wants:
//! nothing but one host's samples for each thread is held in memory, and who has lived in pools, some 100 bytes
//! for each; the outcome does not depend on the number of threads.

mod aggregation;
mod csv;
mod generations;
mod lines;
mod openmetrics;
mod own_times;
mod parquet;
mod rules;
mod spool;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

use generations::Generation;
use lines::lines;
use promemu_core::backfill::{Backfill, Grid, HostSamples, UpdateCounts};
use promemu_core::event::HostId;
use promemu_core::metric::is_absent;
use promemu_core::plan::{HostPlan, MetricPlan};
use promemu_core::series::{Family, LabelBlock};
use promemu_core::time::Time;
use spool::Spool;

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

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How many series, as Prometheus counts them.
    pub series: u64,
    /// How many samples they have.
    pub samples: u64,
}

impl Written {
    const fn and(self, other: Self) -> Self {
        Self { series: self.series + other.series, samples: self.samples + other.samples }
    }

    /// One series more with so many samples; none of a series without any.
    const fn and_one(self, samples: u64) -> Self {
        Self { series: self.series + if samples > 0 { 1 } else { 0 }, samples: self.samples + samples }
    }

    /// The same as samples of series that are counted already.
    const fn of_known(self) -> Self {
        Self { series: 0, ..self }
    }
}

/// What an export has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// What was written.
    pub written: Written,
    /// What the hosts did for it.
    pub counts: UpdateCounts,
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
    /// Where the spool goes: a folder with room for 8 bytes for each sample.
    pub spool_dir: &'a Path,
    /// How many steps are done; others may look at it meanwhile.
    pub done: &'a AtomicU64,
}

/// One metric of one host.
struct Series<'a> {
    metric: &'a MetricPlan,
    family: &'a Family,
    /// The name and value of every label, as the text format has them, without braces.
    labels: Vec<u8>,
    samples: &'a HostSamples,
    /// When each was made, if the host says so itself.
    own_times: Option<&'a [Time]>,
    /// Whether who has lived in a slot before had the same labels: it goes on.
    goes_on: bool,
}

/// A series' moments that have a sample, and its values.
type Values<'v> = &'v mut dyn Iterator<Item = (usize, f64)>;

impl Series<'_> {
    /// Shows what Prometheus makes of it, one simple series after the other: the metric's name, the labels, and
    /// the moments that have a sample.
    fn each_simple(&self, work: &mut dyn FnMut(&str, &str, Values<'_>)) {
        let name = &*self.family.name;
        let labels = String::from_utf8_lossy(&self.labels);
        let moments = self.samples.moments();
        let is_there: Vec<bool> =
            self.samples.cell(self.metric.offset).iter().map(|first| !is_absent(*first)).collect();
        let mut totals = vec![0.0; moments];
        let mut values = vec![0.0; moments];
        for line in lines(name, self.metric.cells.layout()) {
            for (moment, (value, total)) in values.iter_mut().zip(&mut totals).enumerate() {
                let cell = |place| self.samples.cell(self.metric.offset + place)[moment];
                *value = line.reads.value(cell, total);
            }
            let with_own = if labels.is_empty() || line.label.is_empty() {
                format!("{labels}{}", line.label)
            } else {
                format!("{labels},{}", line.label)
            };
            let seen = (0..moments).filter(|moment| is_there[*moment]);
            work(
                &format!("{name}{}", line.suffix),
                &with_own,
                &mut seen.map(|moment| (moment, values[moment])),
            );
        }
    }
}

/// A format that is written series by series.
trait SeriesFormat: Sync {
    /// Whether all series of a family must stand together.
    fn is_by_family(&self) -> bool;

    /// The same, for a host that says itself when its samples were made; none if it is all the same.
    fn at(&self, _own_times: &[Time]) -> Option<Box<dyn SeriesFormat>> {
        None
    }

    /// What comes before everything.
    fn put_begin(&self, _out: &mut Vec<u8>) {}

    /// What comes before a family's series.
    fn put_family(&self, _family: &Family, _out: &mut Vec<u8>) {}

    /// A series with all its samples; gives what of it was written.
    fn put_series(&self, series: &Series<'_>, out: &mut Vec<u8>) -> Written;

    /// What comes behind everything.
    fn put_end(&self, _out: &mut Vec<u8>) {}
}

/// So many samples, about, are encoded in one go.
const BATCH_SAMPLES: usize = 20_000;

/// So many encoded batches of a thread wait to be written.
const BATCHES_MAX: usize = 1;

/// A metric of a host, by its place in the shape; or of somebody who has lived in one of its pools.
#[derive(Clone, Copy)]
enum Item {
    Own(HostId, usize),
    InSlot(HostId, usize, usize),
}

/// Encoded series of one part, which is a family or everything, and how much they are.
struct Batch {
    part: usize,
    text: Vec<u8>,
    written: Written,
}

impl Export<'_> {
    /// How many steps [`Export::done`] counts up to: each series that is none of a slot at each moment, when it is made and again when it
    /// is written.
    #[must_use]
    pub fn steps(&self) -> u64 {
        let metrics = self.run.plan().hosts.iter().flat_map(|host| &host.shape.metrics);
        let series: usize = metrics.map(|metric| metric.cells.series()).sum();
        2 * series as u64 * self.grid.count() as u64
    }

    /// Writes everything.
    pub fn write(&self, out: &mut (dyn Write + Send)) -> io::Result<Exported> {
        let mut spool = Spool::new(self.spool_dir, self.run.plan(), self.grid.count())?;
        let (counts, generations) = self.fill(&spool)?;
        spool.set_generations(generations);
        let written = match self.format {
            Format::OpenMetrics => {
                let names = self.run.plan().families.iter().map(|family| Arc::clone(&family.name));
                let format = openmetrics::OpenMetrics::new(self.grid.iter()).with_names(names);
                self.write_series(&spool, &format, out)
            }
            Format::Csv => self.write_series(&spool, &csv::Csv::new(self.grid.iter()), out),
            Format::Rules => self.write_series(&spool, &rules::Rules::new(&self.grid), out),
            Format::Parquet => parquet::write(self, &spool, out),
        };
        Ok(Exported { written: written?, counts })
    }

    fn count(&self, metrics: &[MetricPlan]) {
        let series: usize = metrics.iter().map(|metric| metric.cells.series()).sum();
        self.done.fetch_add((series * self.grid.count()) as u64, Ordering::Relaxed);
    }

    /// Encodes what is spooled, on all threads, and writes it in order; gives how much it was.
    fn write_series(
        &self,
        spool: &Spool,
        format: &dyn SeriesFormat,
        out: &mut (dyn Write + Send),
    ) -> io::Result<Written> {
        let families = &self.run.plan().families;
        let parts = self.items(spool, format.is_by_family());
        let batches: Vec<(usize, &[Item])> = (0..)
            .zip(&parts)
            .flat_map(|(part, items)| {
                let size = (BATCH_SAMPLES / self.grid.count().max(1)).max(1);
                items.chunks(size).map(move |items| (part, items))
            })
            .collect();
        let mut text = Vec::new();
        format.put_begin(&mut text);
        out.write_all(&text)?;
        let (mut written, mut begun) = (Written::default(), None);
        self.encode(spool, format, &batches, &mut |batch| {
            if format.is_by_family() && !batch.text.is_empty() && begun != Some(batch.part) {
                begun = Some(batch.part);
                let mut header = Vec::new();
                format.put_family(&families[batch.part], &mut header);
                out.write_all(&header)?;
            }
            written = written.and(batch.written);
            out.write_all(&batch.text)
        })?;
        text.clear();
        format.put_end(&mut text);
        out.write_all(&text)?;
        out.flush()?;
        Ok(written)
    }

    /// All metrics of all hosts in the order in which they are written: by family, or host by host.
    fn items(&self, spool: &Spool, is_by_family: bool) -> Vec<Vec<Item>> {
        let plan = self.run.plan();
        let mut parts = vec![Vec::new(); if is_by_family { plan.families.len() } else { 1 }];
        for (id, host) in (0..).zip(&plan.hosts) {
            for (index, metric) in host.shape.metrics.iter().enumerate() {
                parts[if is_by_family { metric.family } else { 0 }].push(Item::Own(id, index));
            }
            for (generation, Generation { kind, .. }) in spool.generations(id).iter().enumerate() {
                for (index, metric) in host.shape.pools[*kind].shape.metrics.iter().enumerate() {
                    let part = if is_by_family { metric.family } else { 0 };
                    parts[part].push(Item::InSlot(id, generation, index));
                }
            }
        }
        parts
    }

    /// Encodes batches on all threads; `take` gets them in order.
    fn encode(
        &self,
        spool: &Spool,
        format: &dyn SeriesFormat,
        batches: &[(usize, &[Item])],
        take: &mut dyn FnMut(Batch) -> io::Result<()>,
    ) -> io::Result<()> {
        let threads = self.threads.clamp(1, batches.len().max(1));
        std::thread::scope(|scope| {
            let encoded: Vec<_> = (0..threads)
                .map(|thread| {
                    let (send, encoded) = sync_channel(BATCHES_MAX);
                    scope.spawn(move || {
                        for (part, items) in batches.iter().skip(thread).step_by(threads) {
                            // Nobody takes any more when writing has failed.
                            if send.send(self.batch(spool, format, *part, items)).is_err() {
                                return;
                            }
                        }
                    });
                    encoded
                })
                .collect();
            for n in 0..batches.len() {
                take(encoded[n % threads].recv().map_err(|_| ended_by_a_bug())??)?;
            }
            Ok(())
        })
    }

    fn batch(
        &self,
        spool: &Spool,
        format: &dyn SeriesFormat,
        part: usize,
        items: &[Item],
    ) -> io::Result<Batch> {
        let (mut text, mut written) = (Vec::new(), Written::default());
        for item in items {
            self.with_series(spool, *item, |series| {
                let own = series.own_times.and_then(|times| format.at(times));
                let put = own.as_deref().unwrap_or(format).put_series(series, &mut text);
                written = written.and(if series.goes_on { put.of_known() } else { put });
            })?;
        }
        Ok(Batch { part, text, written })
    }

    /// Shows one series as it is spooled.
    fn with_series(&self, spool: &Spool, item: Item, work: impl FnOnce(&Series<'_>)) -> io::Result<()> {
        let (id, index) = match item {
            Item::Own(id, index) => (id, index),
            Item::InSlot(id, generation, metric) => {
                return self.with_generation(spool, (id, generation, metric), work);
            }
        };
        let plan = self.run.plan();
        let host = &plan.hosts[id as usize];
        let metric = &host.shape.metrics[index];
        let cells = metric.offset..metric.offset + metric.cells.width();
        let mut samples = spool.samples(id as usize, cells)?;
        let own_times = self.own_times(spool, id, 0, &mut samples)?;
        let labels = [host.labels.as_text(), metric.labels.as_text()];
        work(&self.series(host, metric, labels, &samples, own_times.as_deref()));
        self.count(std::slice::from_ref(metric));
        Ok(())
    }

    fn series<'s>(
        &'s self,
        host: &HostPlan,
        metric: &'s MetricPlan,
        [of_host, of_metric]: [&[u8]; 2],
        samples: &'s HostSamples,
        own_times: Option<&'s [Time]>,
    ) -> Series<'s> {
        let plan = self.run.plan();
        let job = LabelBlock::new([("job", &*plan.jobs[host.job].name)]);
        let texts = [of_host, of_metric, job.as_text()];
        let texts: Vec<&[u8]> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        let (labels, family) = (texts.join(&b','), &plan.families[metric.family]);
        Series { metric, family, labels, samples, own_times, goes_on: false }
    }
}

fn ended_by_a_bug() -> io::Error {
    io::Error::other("a thread ended by a bug")
}
