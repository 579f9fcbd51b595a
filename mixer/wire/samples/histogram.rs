//! A sample of a native histogram.

/// Populated buckets by their index, in ascending order, with their counts.
pub type Buckets = Vec<(i32, f64)>;

/// The schema of histograms with bounds of their own.
pub const CUSTOM_SCHEMA: i32 = -53;

/// A native histogram, with all counts as floats: those above 2^53 lose their last bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramSample {
    /// The resolution: each bound is 2^(2^-schema) times the one before it. -53 for bounds of their own.
    pub schema: i32,
    /// The bound of the bucket around zero.
    pub zero_threshold: f64,
    /// The count of that bucket.
    pub zero_count: f64,
    /// The count of all observations.
    pub count: f64,
    /// Their sum. A staleness marker is here.
    pub sum: f64,
    /// Buckets above zero.
    pub positive: Buckets,
    /// Buckets below zero.
    pub negative: Buckets,
    /// The upper bounds of a histogram with bounds of its own.
    pub bounds: Vec<f64>,
    /// `true` if its counts are floats, not whole numbers.
    pub is_float: bool,
    /// `true` if its counts may fall.
    pub is_gauge: bool,
}

impl HistogramSample {
    /// The upper bound of a bucket; that of a negative one without its sign.
    #[must_use]
    pub fn upper_bound(&self, bucket: i32) -> f64 {
        if self.schema == CUSTOM_SCHEMA {
            let bound = usize::try_from(bucket).ok().and_then(|place| self.bounds.get(place));
            return bound.copied().unwrap_or(f64::INFINITY);
        }
        libm::exp2(f64::from(bucket) * libm::exp2(-f64::from(self.schema)))
    }
}

/// The buckets of spans and counts, those that are empty left out.
pub(crate) fn buckets_of_spans(
    spans: impl IntoIterator<Item = (i32, u32)>,
    counts: impl IntoIterator<Item = f64>,
) -> Buckets {
    let mut counts = counts.into_iter();
    let mut bucket = 0i32;
    let mut buckets = Buckets::new();
    for (offset, length) in spans {
        bucket = bucket.saturating_add(offset);
        for _ in 0..length {
            // A span beyond its counts ends here, however long it says that it is.
            let Some(count) = counts.next() else { return buckets };
            if count != 0.0 {
                buckets.push((bucket, count));
            }
            bucket = bucket.saturating_add(1);
        }
    }
    buckets
}

/// Counts of which each is given as the difference to the one before it.
#[expect(clippy::cast_precision_loss, reason = "as the type of the histogram says")]
pub(crate) fn counts_of_deltas(deltas: impl IntoIterator<Item = i64>) -> impl Iterator<Item = f64> {
    deltas.into_iter().scan(0i64, |count, delta| {
        *count = count.wrapping_add(delta);
        Some(*count as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_give_buckets_by_their_index_and_a_long_one_ends_with_its_counts() {
        let counts = counts_of_deltas([1, 1, -2, 4]);
        assert_eq!(buckets_of_spans([(-2, 2), (3, 2)], counts), [(-2, 1.0), (-1, 2.0), (4, 4.0)]);
        assert_eq!(buckets_of_spans([(0, u32::MAX)], [1.0]), [(0, 1.0)]);
    }

    #[test]
    fn bounds_are_powers_of_the_schemas_base() {
        let bound =
            |schema, bucket| HistogramSample { schema, ..Default::default() }.upper_bound(bucket).to_bits();
        let expected = [8.0f64, 16.0, 2.0, 0.5].map(f64::to_bits);
        assert_eq!([bound(0, 3), bound(-1, 2), bound(1, 2), bound(0, -1)], expected);
        let custom = HistogramSample { schema: CUSTOM_SCHEMA, bounds: vec![0.1], ..Default::default() };
        let bounds = [custom.upper_bound(0), custom.upper_bound(1)].map(f64::to_bits);
        assert_eq!(bounds, [0.1, f64::INFINITY].map(f64::to_bits));
    }
}
