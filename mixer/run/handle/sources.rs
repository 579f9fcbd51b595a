//! The series of a family with some labels, and what a reading makes of them.

use std::sync::Arc;

use promemu_core::backfill::Aggregate;
use promemu_core::metric::{Kind, buckets, histogram_quantile};
use promemu_core::series::Sample;
use promemu_core::time::{Span, Time};

use super::readings::{JobKey, Readings, SeriesKey};
use super::selection::{Operator, has_labels};

/// The result of reading many series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Made {
    /// The numbers that they show, aggregated.
    Level,
    /// Their rates, aggregated.
    Growth,
    /// The rates of the buckets of histograms.
    Buckets,
}

/// Series of a family, and what is made of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SourceKey {
    pub(super) made: Made,
    /// Labels that the series have, among others.
    pub(super) labels: Vec<(String, String)>,
}

impl SourceKey {
    /// `true` for one of its series.
    pub(super) fn has(&self, sample: &Sample<'_>) -> bool {
        has_labels(&self.labels, sample)
    }
}

/// The state of the readings of one key.
#[derive(Debug)]
pub(super) struct Source {
    content: Content,
    range: Span,
    /// `true` if a value of the present reading is made of it.
    pub(super) is_wanted: bool,
}

#[derive(Debug)]
enum Content {
    Level(Aggregate),
    Growth(Readings, Aggregate),
    Buckets(BucketRates),
}

/// The rates of the buckets of all histograms together.
#[derive(Debug)]
struct BucketRates {
    /// Of cumulative buckets.
    readings: Readings,
    bounds: Arc<[f64]>,
    /// Number of histograms in the present reading.
    histograms: usize,
    /// `true` if they have different bounds.
    is_mixed: bool,
    /// The rate of each bucket, not cumulative.
    rates: Vec<f64>,
}

impl Source {
    pub(super) fn new(made: Made, range: Span) -> Self {
        let content = match made {
            Made::Level => Content::Level(Aggregate::default()),
            Made::Growth => Content::Growth(Readings::new(range, 1), Aggregate::default()),
            Made::Buckets => Content::Buckets(BucketRates::new(range, Arc::default())),
        };
        Self { content, range, is_wanted: true }
    }

    /// Number of the numbers that it keeps of a reading.
    pub(super) fn numbers(&self) -> usize {
        match &self.content {
            Content::Level(_) => 0,
            Content::Growth(readings, _) | Content::Buckets(BucketRates { readings, .. }) => {
                readings.numbers()
            }
        }
    }

    /// Begins a reading.
    pub(super) fn begin(&mut self, now: Time) {
        match &mut self.content {
            Content::Level(all) => *all = Aggregate::default(),
            Content::Growth(readings, _) => readings.begin(now),
            Content::Buckets(of) => {
                of.readings.begin(now);
                (of.histograms, of.is_mixed) = (0, false);
            }
        }
    }

    /// Adds one series of a job to the reading.
    pub(super) fn add(&mut self, now: Time, job: JobKey, sample: &Sample<'_>) {
        match &mut self.content {
            Content::Level(all) => all.add(sample.layout.number(sample.cells)),
            Content::Growth(readings, _) => {
                readings.add(SeriesKey::of(job, sample), [sample.layout.number(sample.cells)]);
            }
            Content::Buckets(of) => of.add(self.range, now, job, sample),
        }
    }

    /// Ends a reading.
    pub(super) fn end(&mut self) {
        match &mut self.content {
            Content::Level(_) => {}
            Content::Growth(readings, all) => {
                *all = Aggregate::default();
                for rate in readings.rates(0) {
                    all.add(rate);
                }
            }
            Content::Buckets(of) => of.end(),
        }
    }

    /// Its value; `None` without any.
    pub(super) fn value(&self, operator: Operator) -> Option<f64> {
        match (&self.content, operator) {
            (Content::Level(all) | Content::Growth(_, all), _) => operator.of(all),
            (Content::Buckets(of), Operator::Quantile(quantile)) if !of.is_mixed => {
                Some(histogram_quantile(quantile, &of.bounds, &of.rates))
            }
            (Content::Buckets(of), Operator::Bucket(number)) if !of.is_mixed && of.histograms > 0 => {
                of.rates.get(number).copied()
            }
            (Content::Buckets(_), _) => None,
        }
    }
}

impl BucketRates {
    fn new(range: Span, bounds: Arc<[f64]>) -> Self {
        let readings = Readings::new(range, bounds.len() + 1);
        Self { readings, bounds, histograms: 0, is_mixed: false, rates: Vec::new() }
    }

    fn add(&mut self, range: Span, now: Time, job: JobKey, sample: &Sample<'_>) {
        let Kind::Histogram { bounds } = &sample.layout.kind else { return };
        if !Arc::ptr_eq(bounds, &self.bounds) && *bounds != self.bounds {
            if self.histograms > 0 {
                self.is_mixed = true;
                return;
            }
            *self = Self::new(range, Arc::clone(bounds));
            self.readings.begin(now);
        }
        self.histograms += 1;
        let cumulative = buckets(bounds, sample.cells).counts.iter().scan(0.0, |below, count| {
            *below += count;
            Some(*below)
        });
        self.readings.add(SeriesKey::of(job, sample), cumulative);
    }

    fn end(&mut self) {
        let mut below = 0.0;
        let rates = (0..=self.bounds.len()).map(|bucket| {
            // Rates of cumulative buckets may differ by the way to 0, but never fall from one to the next.
            let cumulative = self.readings.rates(bucket).sum::<f64>().max(below);
            cumulative - std::mem::replace(&mut below, cumulative)
        });
        self.rates = rates.collect();
    }
}
