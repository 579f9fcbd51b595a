//! Remote write of a past: requests in order of time, of some time for all series before the next time begins.
//!
//! A Prometheus takes samples of any age, but none an hour older than its newest; so no series is ahead of others for longer
//! than [`STRETCH_MAX`]. Whoever sends a request holds up the thread that made it. The same run has the same requests on the
//! same number of threads, so one that is sent again is the same as before.

use std::io;

use indexmap::IndexSet;
use promemu_core::backfill::Grid;
use promemu_core::metric::{NativeHistogram, is_absent};
use promemu_core::time::{Span, Time};

use super::report::{ExportReport, WrittenCount};
use super::spec::{Sampling, series_count};
use super::stretches::{LabelSymbols, SeriesSink, Staleness, TimeRange, index_of_symbol, own_times, workers};
use super::threads::on_threads;
use crate::remote_write::SeriesRequest;
use crate::request::Batch;

/// Time that is sent for all series before the next begins, at most.
const STRETCH_MAX: Span = Span::from_secs(30 * 60);
/// Number of moments that are sent at once, at most.
const MOMENTS_MAX: usize = 1_000;
/// Number of samples that are sent before it is noted that they have arrived, about.
const SAMPLES_AT_ONCE: u64 = 2_000_000;

/// Sends one request, and returns when it has arrived or is refused for good.
pub type SendBatch<'a> = &'a (dyn Fn(Batch) -> io::Result<()> + Sync);

/// Told the time up to which all samples were sent, and their number, when so far is done.
pub type NoteSent<'a> = &'a dyn Fn(Time, u64) -> io::Result<()>;

/// The input of remote write of a past.
pub struct RequestSpec<'a> {
    /// The samples.
    pub sampling: Sampling<'a>,
    /// Samples of a request, approximately at most.
    pub samples_max: usize,
    /// Bytes of a request before compression, approximately at most.
    pub bytes_max: usize,
    /// Samples up to this time are not sent, as they were before.
    pub sent_until: Option<Time>,
    /// Sends one request.
    pub send: SendBatch<'a>,
    /// Told how far all was sent.
    pub note_sent: NoteSent<'a>,
}

impl std::fmt::Debug for RequestSpec<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestSpec").field("sampling", &self.sampling).finish_non_exhaustive()
    }
}

impl RequestSpec<'_> {
    /// Drives the run and sends its samples. Series are not counted. Fails with the first error of sending.
    pub fn send(&self) -> io::Result<ExportReport> {
        let sampling = &self.sampling;
        sampling.progress.add_total(sampling.own_samples());
        let workers = workers(sampling)?;
        let own = own_times(&workers);
        let mut threads: Vec<_> = workers.into_iter().map(|worker| (worker, self.sink())).collect();
        let mut samples = 0;
        for range in ranges_of(&sampling.grid, own, self.moments_at_once()) {
            let to = range.grid.map_or(sampling.grid.to, |grid| grid.to);
            if self.sent_until.is_some_and(|sent| to <= sent) {
                on_threads(threads.iter_mut().collect(), |(worker, _)| worker.skip(&range))?;
                continue;
            }
            let sent = on_threads(threads.iter_mut().collect(), |(worker, sink)| {
                worker.encode(&range, sink)?;
                sink.end()
            })?;
            samples += sent.iter().sum::<u64>();
            (self.note_sent)(to, samples)?;
        }
        let ends = threads.into_iter().map(|(worker, _)| worker.end());
        Ok(ExportReport::of_threads(WrittenCount { series: 0, samples }, ends))
    }

    fn moments_at_once(&self) -> usize {
        let Sampling { run, grid, .. } = &self.sampling;
        let series = series_count(run.plan().hosts.iter().flat_map(|host| &host.shape.metrics));
        let moments = STRETCH_MAX.as_nanos() / grid.step.as_nanos().max(1);
        let moments = moments.min(SAMPLES_AT_ONCE / series.max(1)).max(1);
        usize::try_from(moments).unwrap_or(MOMENTS_MAX).min(MOMENTS_MAX)
    }

    fn sink(&self) -> RequestSink<'_> {
        let Self { samples_max, bytes_max, send, .. } = *self;
        RequestSink {
            request: SeriesRequest::default(),
            samples_max: samples_max as u64,
            bytes_max,
            send,
            sent: 0,
            symbols: IndexSet::new(),
            order: Vec::new(),
        }
    }
}

/// Parts of a grid, with times of hosts' own before and after it in the first and the last.
fn ranges_of(grid: &Grid, own: Option<(i64, i64)>, moments_at_once: usize) -> Vec<TimeRange> {
    let millis = |time: Time| time.unix_millis().cast_signed();
    let range = |part: Grid| TimeRange {
        begin: millis(part.from),
        end: millis(part.to + part.step),
        grid: Some(part),
    };
    let mut ranges: Vec<TimeRange> = grid.parts(moments_at_once).map(range).collect();
    if let Some((begin, last)) = own {
        if let Some(first) = ranges.first_mut() {
            first.begin = first.begin.min(begin);
        }
        if let Some(range) = ranges.last_mut() {
            range.end = range.end.max(last + 1);
        }
    }
    ranges
}

/// Makes requests of one thread's series.
struct RequestSink<'a> {
    request: SeriesRequest,
    samples_max: u64,
    bytes_max: usize,
    send: SendBatch<'a>,
    /// Number of samples that were sent of this stretch.
    sent: u64,
    symbols: IndexSet<Box<str>>,
    /// Buffer for labels in their order.
    order: Vec<LabelSymbols>,
}

impl RequestSink<'_> {
    fn begin_series(&mut self, labels: &[LabelSymbols]) {
        let Self { request, symbols, order, .. } = self;
        let text = |symbol: u32| symbols.get_index(symbol as usize).map_or("", |text| &**text);
        order.clear();
        order.extend_from_slice(labels);
        order.sort_unstable_by(|a, b| text(a.0).cmp(text(b.0)));
        request.begin_series(order.iter().map(|(name, value)| (text(*name), text(*value))));
    }

    fn end_series(&mut self) -> io::Result<()> {
        self.request.end_series();
        let is_full = self.request.samples() >= self.samples_max || self.request.bytes() >= self.bytes_max;
        if is_full { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> io::Result<()> {
        let batch = self.request.take();
        self.sent += batch.samples;
        (self.send)(batch)
    }

    /// Sends the rest of a stretch. Returns the number of its samples.
    fn end(&mut self) -> io::Result<u64> {
        if self.request.samples() > 0 {
            self.send()?;
        }
        // Members come and go, and their labels with them.
        self.symbols.clear();
        Ok(std::mem::take(&mut self.sent))
    }
}

impl SeriesSink for RequestSink<'_> {
    /// A live run sends none either.
    fn has_created(&self) -> bool {
        false
    }

    fn symbol(&mut self, text: &str) -> io::Result<u32> {
        u32::try_from(index_of_symbol(text, &mut self.symbols)).map_err(io::Error::other)
    }

    fn put_floats(
        &mut self,
        labels: &[LabelSymbols],
        (times, values): (&[i64], &[f64]),
        staleness: Staleness,
    ) -> io::Result<()> {
        self.begin_series(labels);
        let mut is_kept = staleness.filter();
        for (time, value) in times.iter().zip(values) {
            if is_kept(!is_absent(*value)) {
                self.request.put_float(*time, *value);
            }
        }
        self.end_series()
    }

    fn put_histograms(
        &mut self,
        labels: &[LabelSymbols],
        (times, histograms): (&[i64], &[Option<NativeHistogram<'_>>]),
        staleness: Staleness,
    ) -> io::Result<()> {
        self.begin_series(labels);
        let mut is_kept = staleness.filter();
        for (time, histogram) in times.iter().zip(histograms) {
            if !is_kept(histogram.is_some()) {
                continue;
            }
            match histogram {
                Some(histogram) => self.request.put_histogram(*time, histogram),
                None => self.request.put_histogram_marker(*time),
            }
        }
        self.end_series()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_sent_once_and_times_of_hosts_are_within_the_ranges() {
        let from = Time::from_unix_secs(1_767_600_000);
        let grid = Grid { from, to: from + Span::from_secs(100), step: Span::from_secs(7) };
        let ranges = ranges_of(&grid, Some((5, 1_767_700_000_000)), 4);
        let moments: Vec<Time> = ranges
            .iter()
            .filter_map(|range| range.grid)
            .flat_map(|grid| grid.iter().collect::<Vec<_>>())
            .collect();
        assert_eq!(moments, grid.iter().collect::<Vec<_>>());
        assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].begin));
        assert_eq!((ranges[0].begin, ranges[3].end), (5, 1_767_700_000_001));
    }
}
