//! Native histograms whose buckets are given by their bounds, as query answers and dumps have them.
//!
//! Their resolution follows from the bounds of any bucket. The zero bucket is known only if it has observations.

use crate::samples::HistogramSample;

/// The resolutions that there are.
const SCHEMAS: std::ops::RangeInclusive<i32> = -4..=8;
/// Relative error of a bound, at most.
const ERROR_MAX: f64 = 1e-9;

/// A bucket by its bounds, with its count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BoundedBucket {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) count: f64,
}

/// The histogram of these buckets.
///
/// # Errors
///
/// In words: the bounds are none of a resolution.
pub(crate) fn histogram_of(
    count: f64,
    sum: f64,
    buckets: &[BoundedBucket],
) -> Result<HistogramSample, String> {
    let mut histogram = HistogramSample { count, sum, is_float: true, ..HistogramSample::default() };
    let mut schema = None;
    for bucket in buckets {
        let BoundedBucket { lower, upper, count } = *bucket;
        if lower <= 0.0 && upper >= 0.0 {
            histogram.zero_threshold = upper.max(-lower);
            histogram.zero_count = count;
            continue;
        }
        let is_positive = lower > 0.0;
        let (inner, outer) = if is_positive { (lower, upper) } else { (-upper, -lower) };
        let wrong = || {
            format!(
                "the histogram's bucket from {lower} to {upper} is of no resolution; read it by remote read"
            )
        };
        let own = *schema.get_or_insert(schema_of(inner, outer).ok_or_else(wrong)?);
        let index = index_of(outer, own).filter(|index| {
            let bound = HistogramSample { schema: own, ..HistogramSample::default() }.upper_bound(*index);
            ((bound - outer) / outer).abs() < ERROR_MAX
        });
        let sign = if is_positive { &mut histogram.positive } else { &mut histogram.negative };
        sign.push((index.ok_or_else(wrong)?, count));
    }
    histogram.positive.sort_by_key(|bucket| bucket.0);
    histogram.negative.sort_by_key(|bucket| bucket.0);
    histogram.schema = schema.unwrap_or(0);
    Ok(histogram)
}

/// The resolution by the ratio of two neighbouring bounds.
fn schema_of(inner: f64, outer: f64) -> Option<i32> {
    let schema = -libm::log2(libm::log2(outer / inner));
    SCHEMAS.into_iter().find(|candidate| (schema - f64::from(*candidate)).abs() < 1e-3)
}

#[expect(clippy::cast_possible_truncation, reason = "it is bounded by the exponents of floats")]
fn index_of(outer: f64, schema: i32) -> Option<i32> {
    let index = (libm::log2(outer) * libm::exp2(f64::from(schema))).round();
    index.is_finite().then_some(index as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolution_follows_from_the_bounds() {
        for schema in SCHEMAS {
            let bound = |index| HistogramSample { schema, ..Default::default() }.upper_bound(index);
            let bucket =
                |index: i32, count| BoundedBucket { lower: bound(index - 1), upper: bound(index), count };
            let negative = BoundedBucket { lower: -bound(2), upper: -bound(1), count: 4.0 };
            let zero = BoundedBucket { lower: -0.001, upper: 0.001, count: 2.0 };
            let read = histogram_of(9.0, 1.5, &[negative, zero, bucket(-3, 1.0), bucket(5, 2.0)]).unwrap();
            assert_eq!((read.schema, read.zero_threshold, read.zero_count), (schema, 0.001, 2.0));
            assert_eq!((read.positive, read.negative), (vec![(-3, 1.0), (5, 2.0)], vec![(2, 4.0)]));
        }
        let odd = BoundedBucket { lower: 0.1, upper: 0.7, count: 1.0 };
        assert!(
            histogram_of(1.0, 1.0, &[odd])
                .unwrap_err()
                .ends_with("is of no resolution; read it by remote read")
        );
    }
}
