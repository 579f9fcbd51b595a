//! The plain series of classic histograms and summaries, and the check that their parts give the same samples again.

use indexmap::{IndexMap, IndexSet};
use promemu_core::metric::is_absent;

use crate::recording::{Manifest, SeriesSamples};
use crate::samples::{ReadSeries, SampleValue};

/// Whole numbers below this have all their neighbours.
const EXACT_END: f64 = 9_007_199_254_740_992.0;

/// A part of a histogram or a summary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    /// A cumulative bucket up to this bound.
    Bucket(f64),
    /// The value at this quantile.
    Quantile(f64),
    Sum,
    Count,
}

/// Family, and labels without that of the part.
pub(super) type CompositeKey = (String, Vec<(String, String)>);

/// The histogram or summary that a plain series is a part of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Composite {
    pub(super) family: String,
    /// The labels without that of the part.
    pub(super) labels: Vec<(String, String)>,
    pub(super) part: Part,
}

impl Composite {
    /// The histogram or summary of a series, by the types of the manifest.
    pub(super) fn of(series: &ReadSeries, manifest: &Manifest) -> Option<Self> {
        let kind_of = |family: &str| manifest.families.get(family).map_or("", |entry| entry.kind.as_str());
        let bound = |label| series.label(label).and_then(parse_bound);
        let without =
            |label: &str| series.labels.iter().filter(|(name, _)| name != label).cloned().collect::<Vec<_>>();
        let of =
            |family: &str, label, part| Composite { family: family.to_owned(), labels: without(label), part };
        let name = series.metric.as_str();
        if kind_of(name) == "summary" {
            return Some(of(name, "quantile", Part::Quantile(bound("quantile")?)));
        }
        if let Some(family) = name.strip_suffix("_bucket").filter(|family| kind_of(family) == "histogram") {
            return Some(of(family, "le", Part::Bucket(bound("le")?)));
        }
        let with_total = [("_sum", Part::Sum), ("_count", Part::Count)];
        with_total.into_iter().find_map(|(suffix, part)| {
            let family = name.strip_suffix(suffix)?;
            matches!(kind_of(family), "histogram" | "summary").then(|| of(family, "", part))
        })
    }
}

fn parse_bound(text: &str) -> Option<f64> {
    text.parse().ok().filter(|bound: &f64| !bound.is_nan())
}

/// The samples of a part.
type PartSamples<'s> = (Part, &'s [(i64, SampleValue)]);

/// Families of which a histogram or summary has parts that do not fit together in these samples.
pub(super) fn inexact(
    samples: &SeriesSamples,
    composite: impl Fn(&ReadSeries) -> Option<Composite>,
) -> IndexSet<String> {
    let mut all: IndexMap<CompositeKey, Vec<PartSamples<'_>>> = IndexMap::new();
    for (series, samples) in samples {
        if let Some(Composite { family, labels, part }) = composite(series) {
            all.entry((family, labels)).or_default().push((part, samples));
        }
    }
    let wrong = all.into_iter().filter(|(_, parts)| !fit_together(parts));
    wrong.map(|((family, _), _)| family).collect()
}

fn fit_together(parts: &[PartSamples<'_>]) -> bool {
    let only = |wanted: Part| {
        let mut samples = parts.iter().filter(|(part, _)| *part == wanted).map(|(_, samples)| *samples);
        samples.next().filter(|_| samples.next().is_none())
    };
    let (Some(count), Some(_)) = (only(Part::Count), only(Part::Sum)) else { return false };
    let mut buckets: Vec<(f64, &[(i64, SampleValue)])> = Vec::new();
    for (part, samples) in parts {
        let has_same_times = samples.len() == count.len()
            && samples.iter().zip(count).all(|(own, count)| {
                own.0 == count.0 && is_absent(float(&own.1)) == is_absent(float(&count.1))
            });
        if !has_same_times {
            return false;
        }
        if let Part::Bucket(bound) = part {
            buckets.push((*bound, samples));
        }
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let has_quantiles = parts.iter().any(|(part, _)| matches!(part, Part::Quantile(_)));
    if buckets.is_empty() || has_quantiles {
        return buckets.is_empty();
    }
    let is_infinite = buckets.last().is_some_and(|(bound, _)| *bound == f64::INFINITY);
    let are_unlike = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0);
    is_infinite && are_unlike && (0..count.len()).all(|n| has_whole_buckets(&buckets, n, float(&count[n].1)))
}

/// `true` if the buckets of a sample are whole numbers that grow up to the count.
fn has_whole_buckets(buckets: &[(f64, &[(i64, SampleValue)])], sample: usize, count: f64) -> bool {
    if is_absent(count) {
        return true;
    }
    let counts: Vec<f64> = buckets.iter().map(|(_, samples)| float(&samples[sample].1)).collect();
    let is_whole =
        |count: &f64| (0.0..EXACT_END).contains(count) && libm::floor(*count).to_bits() == count.to_bits();
    counts.iter().all(is_whole)
        && counts.is_sorted()
        && counts.last().is_some_and(|last| last.to_bits() == count.to_bits())
}

/// The number of a plain series' sample.
fn float(sample: &SampleValue) -> f64 {
    match sample {
        SampleValue::Float(value) => *value,
        SampleValue::Histogram(_) => f64::NAN,
    }
}
