//! Rows of a measurement: fields that the samples of a service come to, in steps of time.
//!
//! Only steps that are whole are made, so that a row is the same whenever it is loaded.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};

use indexmap::IndexMap;
use promemu_core::metric::{histogram_quantile, is_absent};

use super::{StorePart, Stores, Tier, Work, days_of, files_of};
use crate::recording::Recording;
use crate::recording::folder::RecordingFolder;
use crate::recording::manifest::{LoadedEntry, Manifest, SliceEntry};
use crate::recording::query::Counted;
use crate::samples::{ReadSeries, SampleValue, Selector};

/// Milliseconds before a step in which the samples lie that its growth counts from.
const LEAD_MS: i64 = 5 * 60 * 1000;

/// The rows of a tier that has fields of services, not the samples of series.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// Its name.
    pub name: String,
    /// Milliseconds of a step.
    pub step_ms: i64,
    /// Tags by name: the labels of which the first one that a series has gives the value.
    pub tags: Vec<(String, Vec<String>)>,
    /// Fields by name: the rules of which the first one that has a value gives it.
    pub fields: Vec<(String, Vec<FieldRule>)>,
}

/// The value of a field in a step. Series that are alike in all tags are added.
#[derive(Clone, Debug)]
pub enum FieldRule {
    /// The mean of a gauge.
    Mean(Selector),
    /// The growth of a counter in a second; a fall is a reset.
    Rate(Selector),
    /// The growth of some counters by that of all. Without growth of all it has no value.
    Share(Selector, Selector),
    /// The mean of a gauge less that of another one.
    Difference(Selector, Selector),
    /// A quantile of a classic histogram, by the growth of its buckets.
    Quantile(f64, Selector),
}

/// Series that are alike in all tags, in a step.
#[derive(Clone, Debug, Default)]
struct Sums {
    mean: f64,
    increase: f64,
    /// The same by the bucket's bound, as far as series have one.
    by_bound: Vec<(f64, f64)>,
}

/// The series that the selectors of all rules take, by the text of each.
type Operands = BTreeMap<String, Sums>;

/// The plan for days of which a tier's database does not have all slices yet.
pub(super) fn plan(manifest: &Manifest, tier: &Tier, database: &str, now_ms: i64) -> Vec<StorePart> {
    let mut parts = Vec::new();
    for source in manifest.sources.keys() {
        for (day, mut numbers) in days_of(manifest, source) {
            numbers.retain(|number| !manifest.is_loaded(database, *number));
            let is_kept = tier.keep_ms.is_none_or(|keep| day + super::DAY_MS + keep > now_ms);
            if is_kept && !numbers.is_empty() {
                let from_ms = tier.keep_ms.map_or(i64::MIN, |keep| now_ms - keep);
                let work = Work::LoadMeasurement {
                    database: database.to_owned(),
                    numbers: numbers.clone(),
                    from_ms,
                };
                let files = files_of(manifest, &numbers);
                parts.push(StorePart::new("load", (source, &tier.name, day), files, work));
            }
        }
    }
    parts
}

pub(super) fn carry_out(
    folder: &RecordingFolder,
    (address, numbers, from_ms): (&str, &[u64], i64),
    stores: &mut Stores,
) -> io::Result<()> {
    let place = stores.measurements.get(address).zip(stores.databases.get_mut(address));
    let (measurement, database) = place.ok_or_else(|| {
        let why = format!("database {address} is in no tier of the policy; name it in one");
        io::Error::new(ErrorKind::NotFound, why)
    })?;
    let recording = Recording::open(folder.path())?;
    if let Some((source, range)) = range_of(recording.manifest(), numbers, measurement.step_ms) {
        for (tags, steps) in measurement.sums(&recording, &source, range)? {
            for (at_ms, operands) in steps.range(from_ms..) {
                let fields = measurement.fields(operands);
                if !fields.is_empty() {
                    database.put(&tags, *at_ms, &fields)?;
                }
            }
        }
    }
    database.flush()?;
    folder.change(|manifest| {
        let entry = |number: &u64| LoadedEntry { database: address.to_owned(), number: *number };
        manifest.loaded.extend(numbers.iter().map(entry));
    })
}

/// The source of slices, and the steps that are whole with them: the first millisecond, and the one after the last. The
/// slices before and behind them may have had a part of a step.
fn range_of(manifest: &Manifest, numbers: &[u64], step_ms: i64) -> Option<(String, (i64, i64))> {
    let is_own = |slice: &&SliceEntry| numbers.contains(&slice.number);
    let own: Vec<&SliceEntry> = manifest.slices.iter().filter(is_own).collect();
    let source = &own.first()?.source;
    let begin_ms = own.iter().map(|slice| slice.begin_ms).min()?;
    let end_ms = own.iter().map(|slice| slice.end_ms).max()?;
    let floor = |at: i64| at.div_euclid(step_ms) * step_ms;
    let ceil = |at: i64| floor(at + step_ms - 1);
    let others = || manifest.slices.iter().filter(|slice| slice.source == *source && !is_own(slice));
    let before = others().filter(|slice| slice.begin_ms < begin_ms).map(|slice| floor(slice.end_ms)).max();
    let first = others().map(|slice| slice.begin_ms).min().map_or(begin_ms, |first| first.min(begin_ms));
    let goes_on = others().any(|slice| slice.begin_ms < ceil(end_ms) && slice.end_ms >= ceil(end_ms));
    let from = before.map_or(floor(begin_ms), |before| before.min(floor(begin_ms))).max(ceil(first));
    let to = if goes_on { ceil(end_ms) } else { floor(end_ms) };
    Some((source.clone(), (from, to)))
}

impl Measurement {
    /// The steps of a range by tags.
    fn sums(
        &self,
        recording: &Recording,
        source: &str,
        (from, to): (i64, i64),
    ) -> io::Result<IndexMap<ReadSeries, BTreeMap<i64, Operands>>> {
        let rules = self.fields.iter().flat_map(|(_, rules)| rules);
        let selectors: BTreeMap<String, &Selector> =
            rules.flat_map(FieldRule::selectors).map(|selector| (selector.to_string(), selector)).collect();
        let mut counted: IndexMap<ReadSeries, (Vec<&str>, Counted)> = IndexMap::new();
        let begin = from - LEAD_MS;
        let slices = recording.slices().into_iter().filter(|slice| slice.source == source);
        for slice in slices.filter(|slice| slice.begin_ms < to && slice.end_ms > begin) {
            for (series, samples) in recording.samples(slice)? {
                let taken = selectors.iter().filter(|(_, selector)| selector.matches(&series));
                let names: Vec<&str> = taken.map(|(name, _)| &**name).collect();
                if names.is_empty() {
                    continue;
                }
                let float = |(at, value): &(i64, SampleValue)| match value {
                    SampleValue::Float(value) if !is_absent(*value) => Some((*at, *value)),
                    _ => None,
                };
                let floats: Vec<(i64, f64)> = samples.iter().filter_map(float).collect();
                let (_, own) = counted.entry(series).or_insert_with(|| (names, Counted::default()));
                own.add(&floats, |at| at.div_euclid(self.step_ms) * self.step_ms);
            }
        }
        let mut all: IndexMap<ReadSeries, BTreeMap<i64, Operands>> = IndexMap::new();
        for (series, (names, counted)) in counted {
            let bound = series.label("le").and_then(|bound| bound.parse().ok());
            let steps = all.entry(self.tags_of(&series)).or_default();
            for (at, step) in counted.steps.range(from..to.max(from)) {
                let row = step.row(*at);
                for name in &names {
                    let sums = steps.entry(*at).or_default().entry((*name).to_owned()).or_default();
                    sums.add((row.mean, row.increase), bound);
                }
            }
        }
        Ok(all)
    }

    /// The measurement with the tags of a series.
    fn tags_of(&self, series: &ReadSeries) -> ReadSeries {
        let value = |labels: &[String]| labels.iter().find_map(|label| series.label(label));
        let tag = |(tag, labels): &(String, Vec<String>)| Some((tag.clone(), value(labels)?.to_owned()));
        let tags = ReadSeries::of_labels(self.tags.iter().filter_map(tag));
        ReadSeries { metric: self.name.clone(), ..tags }
    }

    /// The fields of a step that have a value.
    fn fields(&self, operands: &Operands) -> Vec<(&str, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day are below 2^53")]
        let step_secs = self.step_ms as f64 / 1e3;
        let value = |rules: &[FieldRule]| rules.iter().find_map(|rule| rule.value(operands, step_secs));
        self.fields.iter().filter_map(|(name, rules)| Some((&**name, value(rules)?))).collect()
    }
}

impl FieldRule {
    fn selectors(&self) -> impl Iterator<Item = &Selector> {
        let (first, second) = match self {
            Self::Mean(of) | Self::Rate(of) | Self::Quantile(_, of) => (of, None),
            Self::Share(part, whole) | Self::Difference(part, whole) => (part, Some(whole)),
        };
        std::iter::once(first).chain(second)
    }

    fn value(&self, operands: &Operands, step_secs: f64) -> Option<f64> {
        let of = |selector: &Selector| operands.get(&selector.to_string());
        let value = match self {
            Self::Mean(selector) => of(selector)?.mean,
            Self::Rate(selector) => of(selector)?.increase / step_secs,
            Self::Share(part, whole) => of(part).map_or(0.0, |part| part.increase) / of(whole)?.increase,
            Self::Difference(whole, part) => of(whole)?.mean - of(part)?.mean,
            Self::Quantile(q, selector) => of(selector)?.quantile(*q),
        };
        Some(value).filter(|value| value.is_finite())
    }
}

impl Sums {
    /// Adds the step of a series, which may be the bucket of this bound.
    fn add(&mut self, (mean, increase): (f64, f64), bound: Option<f64>) {
        self.mean += mean;
        self.increase += increase;
        let Some(bound) = bound else { return };
        match self.by_bound.binary_search_by(|(own, _)| own.total_cmp(&bound)) {
            Ok(place) => self.by_bound[place].1 += increase,
            Err(place) => self.by_bound.insert(place, (bound, increase)),
        }
    }

    /// The quantile of buckets, each of which has the observations of those below, too.
    fn quantile(&self, q: f64) -> f64 {
        let (mut counts, mut below) = (Vec::new(), 0.0f64);
        for (_, upto) in &self.by_bound {
            // One that was lost makes no count negative.
            counts.push((upto - below).max(0.0));
            below = below.max(*upto);
        }
        let bounds = self.by_bound.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite());
        histogram_quantile(q, &bounds.collect::<Vec<f64>>(), &counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::SourceEntry;

    fn slice(number: u64, begin_ms: i64, end_ms: i64) -> SliceEntry {
        SliceEntry { number, source: "s".to_owned(), begin_ms, end_ms, files: Vec::new() }
    }

    #[test]
    fn steps_are_made_when_they_are_whole_and_once() {
        let mut manifest = Manifest::new(1);
        manifest.slices = vec![slice(1, 20, 150), slice(2, 150, 290), slice(3, 410, 500)];
        let range = |manifest: &Manifest, numbers: &[u64]| range_of(manifest, numbers, 100).unwrap().1;
        assert_eq!(range(&manifest, &[1, 2, 3]), (100, 500));
        assert_eq!(range(&manifest, &[2, 3]), (100, 500));
        // A step that nothing ended is whole when there is something behind it.
        assert_eq!(range(&manifest, &[3]), (200, 500));
        assert_eq!(range(&manifest, &[1]), (100, 200), "the next one ends its last step");
        manifest.slices.truncate(1);
        assert_eq!(range(&manifest, &[1]), (100, 100));
        manifest.sources.insert("s".to_owned(), SourceEntry::default());
        let tier = Tier {
            name: "health".to_owned(),
            step_ms: None,
            keep_ms: None,
            store: None,
            database: Some("db".to_owned()),
            is_measurement: true,
        };
        assert_eq!(plan(&manifest, &tier, "db", 0).len(), 1);
        manifest.loaded.push(LoadedEntry { database: "db".to_owned(), number: 1 });
        assert_eq!(plan(&manifest, &tier, "db", 0), []);
    }

    #[test]
    fn a_field_has_the_value_of_the_first_rule_that_has_one() {
        let select = |text: &str| Selector::parse(text).unwrap();
        let sums =
            |mean, increase, by_bound: &[(f64, f64)]| Sums { mean, increase, by_bound: by_bound.to_vec() };
        let mut operands = Operands::new();
        let mut put = |text: &str, sums: Sums| drop(operands.insert(select(text).to_string(), sums));
        put("all", sums(0.0, 80.0, &[]));
        put("bad", sums(0.0, 20.0, &[]));
        put("idle", sums(0.0, 0.0, &[]));
        put("free", sums(3.0, 0.0, &[]));
        put("total", sums(10.0, 0.0, &[]));
        put("took", sums(0.0, 0.0, &[(1.0, 5.0), (2.0, 10.0), (f64::INFINITY, 10.0)]));
        let value = |rule: FieldRule| rule.value(&operands, 10.0);
        assert_eq!(value(FieldRule::Rate(select("all"))), Some(8.0));
        assert_eq!(value(FieldRule::Share(select("bad"), select("all"))), Some(0.25));
        assert_eq!(value(FieldRule::Share(select("none"), select("all"))), Some(0.0));
        assert_eq!(value(FieldRule::Share(select("bad"), select("idle"))), None);
        assert_eq!(value(FieldRule::Difference(select("total"), select("free"))), Some(7.0));
        assert_eq!(value(FieldRule::Mean(select("none"))), None);
        assert_eq!(value(FieldRule::Quantile(0.75, select("took"))), Some(1.5));
        let fields =
            vec![("f".to_owned(), vec![FieldRule::Rate(select("none")), FieldRule::Mean(select("free"))])];
        let measurement = Measurement { name: "m".to_owned(), step_ms: 1000, tags: Vec::new(), fields };
        assert_eq!(measurement.fields(&operands), [("f", 3.0)]);
    }
}
