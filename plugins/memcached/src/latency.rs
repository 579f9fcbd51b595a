//! Latencies of one kind: buckets for Prometheus since the last collection, and a histogram of the whole run.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Upper bounds of the buckets, in seconds.
pub(crate) const BOUNDS: [f64; 19] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    30.0, 60.0, 120.0,
];
/// Latencies up to an hour are told apart, to 3 digits.
const MICROS_MAX: u64 = 3_600_000_000;

/// Number and sum of the values in one bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    count: u64,
    sum: f64,
}

#[derive(Debug)]
pub(crate) struct Latency {
    recent: [Bucket; BOUNDS.len() + 1],
    whole: Histogram<u64>,
}

impl Latency {
    pub(crate) fn new() -> Result<Self, String> {
        let whole = Histogram::new_with_bounds(1, MICROS_MAX, 3)
            .map_err(|error| format!("cannot make a histogram: {error}"))?;
        Ok(Self { recent: Default::default(), whole })
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let secs = latency.as_secs_f64();
        let bucket = &mut self.recent[BOUNDS.partition_point(|bound| *bound < secs)];
        bucket.count += 1;
        bucket.sum += secs;
        self.whole.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(MICROS_MAX));
    }

    /// Passes on what was recorded since the last time: the mean of each bucket and its count, so that sums stay exact.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn drain(&mut self, mut observe: impl FnMut(f64, u64)) {
        for (index, bucket) in self.recent.iter_mut().enumerate().filter(|(_, bucket)| bucket.count > 0) {
            // Rounding must not move a mean out of its bucket.
            let low = if index == 0 { 0.0 } else { BOUNDS[index - 1].next_up() };
            let high = BOUNDS.get(index).copied().unwrap_or(f64::MAX);
            observe((bucket.sum / bucket.count as f64).clamp(low, high), bucket.count);
            *bucket = Bucket::default();
        }
    }

    /// All of the run, in microseconds.
    pub(crate) const fn whole(&self) -> &Histogram<u64> {
        &self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_keep_counts_and_sums_and_are_passed_on_once() {
        let mut latency = Latency::new().unwrap();
        for millis in [1, 2, 2, 40, 200_000] {
            latency.record(Duration::from_millis(millis));
        }
        let mut seen = Vec::new();
        latency.drain(|mean, count| seen.push((mean, count)));
        assert_eq!(seen, [(0.001, 1), (0.002, 2), (0.04, 1), (200.0, 1)]);
        latency.drain(|mean, count| panic!("{count} of {mean} again"));
        assert_eq!(latency.whole().len(), 5);
        assert!(latency.whole().value_at_quantile(0.5).abs_diff(2000) <= 2);
    }
}
