//! The samples of some time, and the files that they are in.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use promemu_wire::recording::{FamilyEntry, Recording, SliceEntry};
use promemu_wire::samples::{ReadSeries, SampleValue};

use super::spec::{Counters, PrepareSpec};
use crate::error::LearnError;
use crate::inventory::is_counter_by_name;
use crate::load::{Floats, SAMPLES_MAX};

/// The samples of each series, gaps and staleness markers as values that are not finite.
#[derive(Debug, Default)]
pub(super) struct TimeSamples {
    pub(super) floats: BTreeMap<ReadSeries, Floats>,
    /// Number of native histograms, which have no row.
    pub(super) histograms: u64,
}

/// A recording, of which each slice is verified once.
#[derive(Debug)]
pub(super) struct Inputs<'r> {
    pub(super) recording: &'r Recording,
    spec: &'r PrepareSpec,
    verified: BTreeSet<u64>,
}

impl<'r> Inputs<'r> {
    pub(super) const fn new(recording: &'r Recording, spec: &'r PrepareSpec) -> Self {
        Self { recording, spec, verified: BTreeSet::new() }
    }

    /// The slices that may have samples of a time, in the order of their begin.
    pub(super) fn slices(&self, (from_ms, to_ms): (i64, i64)) -> Vec<&'r SliceEntry> {
        let mut slices = self.recording.slices();
        slices.retain(|slice| {
            self.recording.has_senders_times(slice) || (slice.begin_ms < to_ms && from_ms < slice.end_ms)
        });
        slices
    }

    /// Reads the samples of a time: after its begin, and until its end.
    pub(super) fn read(&mut self, (from_ms, to_ms): (i64, i64)) -> Result<TimeSamples, LearnError> {
        let mut all = TimeSamples::default();
        let mut count = 0;
        for slice in self.slices((from_ms, to_ms)) {
            if self.verified.insert(slice.number)
                && let Some(what) = self.recording.damage_of_slice(slice).into_iter().next()
            {
                return Err(LearnError::Damaged { what });
            }
            self.recording.for_each(slice, |series, samples| {
                if !self.spec.takes(series) {
                    return Ok(());
                }
                let mut floats = Vec::new();
                for (at, value) in samples.filter(|(at, _)| from_ms < *at && *at <= to_ms) {
                    match value {
                        SampleValue::Float(value) => floats.push((at, value)),
                        SampleValue::Histogram(_) => all.histograms += 1,
                    }
                }
                count += floats.len();
                if !floats.is_empty() {
                    match all.floats.get_mut(series) {
                        Some(own) => own.extend(floats),
                        None => drop(all.floats.insert(series.clone(), floats)),
                    }
                }
                Ok(())
            })?;
            if count > SAMPLES_MAX {
                return Err(LearnError::TooLarge { max: SAMPLES_MAX });
            }
        }
        for floats in all.floats.values_mut() {
            // Slices of two sources may overlap; of two samples at a time the later one counts.
            floats.sort_by_key(|(at, _)| *at);
            floats.reverse();
            floats.dedup_by_key(|(at, _)| *at);
            floats.reverse();
        }
        Ok(all)
    }

    /// `true` for a series that becomes a rate.
    pub(super) fn is_counter(&self, series: &ReadSeries) -> bool {
        match &self.spec.counters {
            Counters::Of(selectors) => selectors.iter().any(|selector| selector.matches(series)),
            Counters::Known => is_known_counter(&self.recording.manifest().families, &series.metric),
        }
    }
}

/// `true` if the type of a family, or the name of one without a type, says that values grow.
fn is_known_counter(families: &IndexMap<String, FamilyEntry>, metric: &str) -> bool {
    let kind = |family: &str| families.get(family).map(|entry| &*entry.kind);
    let untyped = ["", "unknown", "untyped"];
    for suffix in ["_bucket", "_count", "_sum"] {
        let family = metric.strip_suffix(suffix).and_then(kind);
        if family == Some("histogram") || (family == Some("summary") && suffix != "_bucket") {
            return true;
        }
    }
    let own = kind(metric).or_else(|| kind(metric.strip_suffix("_total")?));
    match own {
        Some("counter") => true,
        Some(kind) if !untyped.contains(&kind) => false,
        _ => is_counter_by_name(metric) || metric.ends_with("_bucket"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_known_by_their_types_or_names() {
        let family = |name: &str, kind: &str| {
            (name.to_owned(), FamilyEntry { kind: kind.to_owned(), ..Default::default() })
        };
        let families = IndexMap::from([
            family("requests", "counter"),
            family("wait_seconds", "histogram"),
            family("size_bytes", "summary"),
            family("open_count", "gauge"),
        ]);
        for (metric, expected) in [
            ("requests_total", true),
            ("wait_seconds_bucket", true),
            ("wait_seconds_sum", true),
            ("size_bytes_count", true),
            ("size_bytes", false),
            ("open_count", false),
            ("other_total", true),
            ("other", false),
        ] {
            assert_eq!(is_known_counter(&families, metric), expected, "{metric}");
        }
    }
}
