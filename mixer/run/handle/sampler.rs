//! Series that are read again and again, as a page does it. All lines of a family are of one moment, and rates are those of
//! `PromQL` over the readings of the last half minute: each series has its own increase before they are aggregated.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use promemu_core::time::{Span, Time};

use super::lookup::find_series;
use super::readings::{Readings, SeriesKey};
use super::run_handle::RunHandle;
use super::selection::{Operator, Selection, without_rate};
use super::series::{for_each_sample, number_of};
use super::sources::{Made, Source, SourceKey};
use crate::fleet::Fleet;

/// The range of a rate: half a minute lies between its first and its last reading, one a second.
pub(super) const RATE_RANGE: Duration = Duration::from_secs(31);
/// Number of readings in it.
const READINGS: usize = 31;
/// The most numbers of all readings together: 64 MiB. More series are read less often.
const NUMBERS_MAX: usize = 8 << 20;

/// The readings of series of one run.
#[derive(Debug)]
pub struct Sampler {
    handle: RunHandle,
    reader: Reader,
}

/// The readings of series of a fleet.
#[derive(Debug)]
pub(crate) struct Reader {
    range: Span,
    readings: usize,
    /// The families that are read, each with what is made of it.
    families: IndexMap<String, IndexMap<SourceKey, Source>>,
    /// The readings of single series, by their ids.
    singles: IndexMap<Arc<str>, Readings>,
}

/// A value of a reading: where it is found.
enum Place {
    Aggregate { family: String, source: SourceKey, operator: Operator },
    Single,
}

impl Sampler {
    /// Readings of a run.
    #[must_use]
    pub fn new(handle: RunHandle) -> Self {
        let reader = Reader::new(handle.clock().speed().emulated(RATE_RANGE));
        Self { handle, reader }
    }

    /// The values of the series with these ids, in their order, and the time of reading. A value is `None` if the series has no
    /// sample or does not exist, or has no rate yet.
    pub fn read(&mut self, ids: &[Arc<str>]) -> (Time, Vec<Option<f64>>) {
        let fleet = self.handle.fleet();
        let now = fleet.clock().now();
        (now, self.reader.read(&fleet, now, ids))
    }
}

impl Reader {
    /// Readings whose rates have this range.
    pub(crate) fn new(range: Span) -> Self {
        Self { range, readings: 0, families: IndexMap::new(), singles: IndexMap::new() }
    }

    /// The values at this moment of the series with these ids, as of [`Sampler::read`].
    pub(crate) fn read(&mut self, fleet: &Fleet, now: Time, ids: &[Arc<str>]) -> Vec<Option<f64>> {
        let is_due = self.readings.is_multiple_of(self.readings_apart());
        self.readings += 1;
        let places: Vec<Place> = ids.iter().map(|id| self.place(fleet, id)).collect();
        for sources in self.families.values_mut() {
            sources.retain(|_, source| std::mem::take(&mut source.is_wanted));
        }
        self.families.retain(|_, sources| !sources.is_empty());
        self.singles.retain(|id, _| ids.contains(id));
        for (family, sources) in &mut self.families {
            read_family(fleet, family, sources, now, is_due);
        }
        let mut values = Vec::with_capacity(ids.len());
        for (id, place) in ids.iter().zip(places) {
            values.push(match place {
                Place::Single => self.read_single(fleet, id, now),
                Place::Aggregate { family, source, operator } => {
                    self.families.get(&family).and_then(|all| all.get(&source)?.value(operator))
                }
            });
        }
        values.into_iter().map(|value| value.filter(|value| value.is_finite())).collect()
    }

    /// Number of readings from one of many series to the next.
    fn readings_apart(&self) -> usize {
        let numbers: usize = self.families.values().flat_map(IndexMap::values).map(Source::numbers).sum();
        (numbers * READINGS).div_ceil(NUMBERS_MAX).max(1)
    }

    /// The place of a series' value, which is read from now on.
    fn place(&mut self, fleet: &Fleet, id: &str) -> Place {
        let (plain, is_rate) = without_rate(id);
        let Some(Selection { operator, metric, labels }) = Selection::parse(plain) else {
            return Place::Single;
        };
        let families = &fleet.plan().families;
        let grows = || families.iter().any(|family| *family.name == *metric && family.metric_type.grows());
        let made = match operator {
            _ if operator.needs_buckets() => Made::Buckets,
            _ if is_rate && grows() => Made::Growth,
            _ => Made::Level,
        };
        let key = SourceKey { made, labels };
        let sources = self.families.entry(metric.clone()).or_default();
        let source = sources.entry(key.clone()).or_insert_with(|| Source::new(made, self.range));
        source.is_wanted = true;
        Place::Aggregate { family: metric, source: key, operator }
    }

    /// The value or the rate of a host's own series.
    fn read_single(&mut self, fleet: &Fleet, id: &Arc<str>, now: Time) -> Option<f64> {
        let (plain, is_rate) = without_rate(id);
        let (host, index) = find_series(fleet, plain)?;
        let number = number_of(fleet, host, index);
        let family = fleet.host(host).shape.metrics[index].family;
        if !is_rate || !fleet.plan().families[family].metric_type.grows() {
            return number;
        }
        let range = self.range;
        let readings = self.singles.entry(Arc::clone(id)).or_insert_with(|| Readings::new(range, 1));
        readings.begin(now);
        if let Some(number) = number {
            readings.add(SeriesKey::ONLY, [number]);
        }
        readings.rates(0).next()
    }
}

/// Reads the series of a family, all at one moment.
fn read_family(
    fleet: &Fleet,
    family: &str,
    sources: &mut IndexMap<SourceKey, Source>,
    now: Time,
    is_due: bool,
) {
    let mut read: Vec<(&SourceKey, &mut Source)> =
        sources.iter_mut().filter(|(key, _)| is_due || key.made == Made::Level).collect();
    if read.is_empty() {
        return;
    }
    for (_, source) in &mut read {
        source.begin(now);
    }
    for_each_sample(fleet, family, |job, sample| {
        for (_, source) in read.iter_mut().filter(|(key, _)| key.has(sample)) {
            source.add(now, job, sample);
        }
    });
    for (_, source) in &mut read {
        source.end();
    }
}
