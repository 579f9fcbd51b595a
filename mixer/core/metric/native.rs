//! Native (exponential) histograms in cells.
//!
//! Bucket bounds are powers of `2^(2^-schema)`: bucket `i` holds observations above the power `i - 1`, up to the
//! power `i`; negative observations likewise, by absolute value. Observations near zero have a bucket of their own
//! (<https://prometheus.io/docs/specs/native_histograms/>). Each sign keeps a window of these buckets. When a window
//! would overflow, the resolution is halved, as with `client_golang`'s bucket limit.
//!
//! The cells are the count, the sum, the zero count, the schema, and the windows. The cells of a window are its
//! first bucket, the first bucket in use, the bucket after the last in use, and the counts. A histogram without
//! observations is all zero except for the schema.

/// The lowest and the highest resolution.
pub const SCHEMAS: (i8, i8) = (-4, 8);

const HEAD_CELLS: usize = 4;
const WINDOW_HEAD_CELLS: usize = 3;

/// The layout of a native histogram's cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NativeLayout {
    /// The initial resolution.
    pub schema: i8,
    /// The largest absolute value of an observation in the zero bucket.
    pub zero_threshold: f64,
    /// Number of buckets of the positive window.
    pub positive: usize,
    /// Number of buckets of the negative window.
    pub negative: usize,
}

/// A view of a native histogram's cells.
#[derive(Clone, Copy, Debug)]
pub struct NativeHistogram<'a> {
    /// Number of observations.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The largest absolute value of an observation in the zero bucket.
    pub zero_threshold: f64,
    /// Number of observations in the zero bucket.
    pub zero_count: f64,
    /// The resolution.
    pub schema: i8,
    /// The buckets above zero.
    pub positive: NativeBuckets<'a>,
    /// The buckets below zero.
    pub negative: NativeBuckets<'a>,
}

/// The buckets of one sign, from the first to the last in use.
#[derive(Clone, Copy, Debug)]
pub struct NativeBuckets<'a> {
    /// The index of the first bucket.
    pub first: i32,
    /// The count of each bucket.
    pub counts: &'a [f64],
}

/// Adjacent buckets: the distance from the end of the span before (or from bucket 0), and the counts.
pub type BucketSpan<'a> = (i32, &'a [f64]);

impl<'a> NativeBuckets<'a> {
    /// The buckets as spans. A span includes gaps of up to two empty buckets, which cost less than another span.
    pub fn spans(self) -> impl Iterator<Item = BucketSpan<'a>> {
        const GAP_MAX: usize = 2;
        let (mut at, mut behind) = (0, 0);
        std::iter::from_fn(move || {
            let start = at + self.counts[at..].iter().position(|count| *count > 0.0)?;
            let (mut end, mut gap) = (start + 1, 0);
            for (n, count) in self.counts.iter().enumerate().skip(start + 1) {
                if *count > 0.0 {
                    (end, gap) = (n + 1, 0);
                } else {
                    gap += 1;
                    if gap > GAP_MAX {
                        break;
                    }
                }
            }
            at = end;
            let first = self.first + number(start);
            let offset = first - behind;
            behind = self.first + number(end);
            Some((offset, &self.counts[start..end]))
        })
    }

    /// The buckets that are not empty: index and count.
    #[must_use]
    pub fn populated(self) -> impl DoubleEndedIterator<Item = (i32, f64)> {
        let buckets = self.counts.iter().enumerate().filter(|(_, count)| **count > 0.0);
        buckets.map(move |(n, count)| (self.first + number(n), *count))
    }
}

impl NativeLayout {
    /// Number of cells.
    #[must_use]
    #[inline]
    pub const fn width(&self) -> usize {
        let negative = if self.negative > 0 { WINDOW_HEAD_CELLS + self.negative } else { 0 };
        HEAD_CELLS + WINDOW_HEAD_CELLS + self.positive + negative
    }

    /// A layout for observations from a range, with as many buckets for each sign as needed, at most `buckets_max`.
    #[must_use]
    pub fn for_range(schema: i8, zero_threshold: f64, buckets_max: usize, (low, high): (f64, f64)) -> Self {
        let needed = |largest: f64| {
            if largest <= zero_threshold {
                return 0;
            }
            let buckets = i64::from(bucket_of(largest.min(f64::MAX), schema))
                - i64::from(bucket_of(zero_threshold.max(f64::MIN_POSITIVE), schema));
            usize::try_from(buckets + 1).unwrap_or(0).min(buckets_max)
        };
        let nearest = |low: f64| {
            if low <= zero_threshold {
                return needed(high);
            }
            let buckets =
                i64::from(bucket_of(high.min(f64::MAX), schema)) - i64::from(bucket_of(low, schema));
            usize::try_from(buckets + 1).unwrap_or(0).min(buckets_max)
        };
        Self { schema, zero_threshold, positive: nearest(low).max(1), negative: needed(-low) }
    }

    /// Resets the cells to a histogram without observations.
    pub fn clear(&self, cells: &mut [f64]) {
        cells.fill(0.0);
        cells[3] = f64::from(self.schema);
    }

    /// Adds `count` observations of `value`.
    pub fn observe(&self, cells: &mut [f64], value: f64, count: f64) {
        cells[0] += count;
        cells[1] += value * count;
        self.count(cells, value, count);
    }

    /// Adds `count` observations to their bucket, not to the count and the sum.
    pub(super) fn count(&self, cells: &mut [f64], value: f64, count: f64) {
        if count <= 0.0 {
            return;
        }
        if value.abs() <= self.zero_threshold {
            cells[2] += count;
            return;
        }
        let schema = schema_in(cells);
        self.count_in(cells, value < 0.0, (bucket_of(value.abs(), schema), schema), count);
    }

    /// Adds the bucket counts of other cells, multiplied by `times`, which may be negative.
    pub fn add(&self, cells: &mut [f64], other: &[f64], times: f64) {
        let other = NativeHistogram::of(self, other);
        while schema_in(cells) > other.schema {
            self.halve(cells);
        }
        cells[2] += other.zero_count * times;
        for (side, is_negative) in [(other.positive, false), (other.negative, true)] {
            for (bucket, count) in side.populated() {
                self.count_in(cells, is_negative, (bucket, other.schema), count * times);
            }
        }
    }

    /// Adds to a bucket whose resolution is not lower than that of the cells.
    pub(super) fn count_in(
        &self,
        cells: &mut [f64],
        is_negative: bool,
        (bucket, schema): (i32, i8),
        count: f64,
    ) {
        // An empty bucket needs no room in the window. A negative count is subtracted.
        if count == 0.0 {
            return;
        }
        loop {
            let own_schema = schema_in(cells);
            let bucket = (own_schema..schema).fold(bucket, |bucket, _| half(bucket));
            let (positive, negative) = self.windows(cells);
            let window = if is_negative && !negative.is_empty() { negative } else { positive };
            if put(window, bucket, count) {
                return;
            }
            if own_schema == SCHEMAS.0 {
                // The resolution cannot be halved any more: the nearest bucket takes it.
                let size = number(window.len() - WINDOW_HEAD_CELLS);
                let (lowest, highest) = (whole(window[2]) - size, whole(window[1]) + size - 1);
                put(window, bucket.clamp(lowest, highest), count);
                return;
            }
            self.halve(cells);
        }
    }

    /// Adds to a bucket of the cells' own resolution, for which their window has room.
    pub fn put_bucket(&self, cells: &mut [f64], is_negative: bool, bucket: i32, count: f64) {
        let own = schema_in(cells);
        self.count_in(cells, is_negative, (bucket, own), count);
    }

    /// Halves the resolution: each two buckets become one.
    fn halve(&self, cells: &mut [f64]) {
        cells[3] -= 1.0;
        let (positive, negative) = self.windows(cells);
        for window in [positive, negative].into_iter().filter(|window| !window.is_empty()) {
            let (head, counts) = window.split_at_mut(WINDOW_HEAD_CELLS);
            let start = whole(head[0]);
            let half_start = half(start);
            for n in 0..counts.len() {
                let count = std::mem::take(&mut counts[n]);
                counts[offset(half(start + number(n)), half_start)] += count;
            }
            let is_used = head[1] < head[2];
            let (first, behind) = (half(whole(head[1])), half(whole(head[2]) - 1) + 1);
            head[0] = f64::from(half_start);
            (head[1], head[2]) = if is_used { (f64::from(first), f64::from(behind)) } else { (0.0, 0.0) };
        }
    }

    fn windows<'c>(&self, cells: &'c mut [f64]) -> (&'c mut [f64], &'c mut [f64]) {
        cells[HEAD_CELLS..self.width()].split_at_mut(WINDOW_HEAD_CELLS + self.positive)
    }
}

impl<'a> NativeHistogram<'a> {
    pub(super) fn of(layout: &NativeLayout, cells: &'a [f64]) -> Self {
        let (positive, negative) =
            cells[HEAD_CELLS..layout.width()].split_at(WINDOW_HEAD_CELLS + layout.positive);
        Self {
            count: cells[0],
            sum: cells[1],
            zero_threshold: layout.zero_threshold,
            zero_count: cells[2],
            schema: schema_in(cells),
            positive: used_buckets(positive),
            negative: used_buckets(negative),
        }
    }

    /// The value at a quantile, calculated as in `PromQL`, but with geometric interpolation within a bucket. NaN
    /// without observations.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = q * (self.zero_count + self.positive.total() + self.negative.total());
        let mut below = 0.0;
        let place = |below: f64, count: f64| ((rank - below) / count).clamp(0.0, 1.0);
        for (bucket, count) in self.negative.populated().rev() {
            if below + count >= rank {
                return -power(f64::from(bucket) - place(below, count), self.schema);
            }
            below += count;
        }
        if self.zero_count > 0.0 && below + self.zero_count >= rank {
            return 0.0;
        }
        below += self.zero_count;
        let mut last = f64::NAN;
        for (bucket, count) in self.positive.populated() {
            last = power(f64::from(bucket), self.schema);
            if below + count >= rank {
                return power(f64::from(bucket - 1) + place(below, count), self.schema);
            }
            below += count;
        }
        last
    }
}

impl NativeBuckets<'_> {
    fn total(self) -> f64 {
        self.counts.iter().sum()
    }
}

fn used_buckets(window: &[f64]) -> NativeBuckets<'_> {
    let Some((head, counts)) = window.split_first_chunk::<WINDOW_HEAD_CELLS>() else {
        return NativeBuckets { first: 0, counts: &[] };
    };
    let [start, first, behind] = head.map(whole);
    NativeBuckets {
        first,
        counts: &counts[offset(first.max(start), start)..offset(behind.max(start), start)],
    }
}

/// Adds to a bucket. Returns `false` if the window has no room for it.
fn put(window: &mut [f64], bucket: i32, count: f64) -> bool {
    let (head, counts) = window.split_at_mut(WINDOW_HEAD_CELLS);
    let [start, first, behind] = [whole(head[0]), whole(head[1]), whole(head[2])];
    let (new_first, new_behind) =
        if first == behind { (bucket, bucket + 1) } else { (first.min(bucket), behind.max(bucket + 1)) };
    let size = number(counts.len());
    if new_behind - new_first > size {
        return false;
    }
    if new_first < start || new_behind > start + size {
        // The used buckets move to the middle of the window.
        let new_start = new_first - (size - (new_behind - new_first)) / 2;
        let by = (new_start - start).unsigned_abs() as usize % counts.len().max(1);
        if new_start > start {
            counts.rotate_left(by);
        } else {
            counts.rotate_right(by);
        }
        head[0] = f64::from(new_start);
    }
    counts[offset(bucket, whole(head[0]))] += count;
    (head[1], head[2]) = (f64::from(new_first), f64::from(new_behind));
    true
}

/// The bucket of a positive number.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a double's logarithm is small")]
pub fn bucket_of(value: f64, schema: i8) -> i32 {
    libm::ceil(libm::ldexp(libm::log2(value), i32::from(schema))) as i32
}

/// The upper bound of a positive bucket.
#[must_use]
pub fn upper_bound(bucket: i32, schema: i8) -> f64 {
    power(f64::from(bucket), schema)
}

fn power(exponent: f64, schema: i8) -> f64 {
    libm::exp2(libm::ldexp(exponent, -i32::from(schema)))
}

const fn half(bucket: i32) -> i32 {
    (bucket + 1) >> 1
}

#[expect(clippy::cast_possible_truncation, reason = "a schema, kept in a float cell")]
pub(super) fn schema_in(cells: &[f64]) -> i8 {
    cells[3] as i8
}

#[expect(clippy::cast_possible_truncation, reason = "a bucket's index, kept in a float cell")]
const fn whole(cell: f64) -> i32 {
    cell as i32
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn offset(bucket: i32, start: i32) -> usize {
    usize::try_from(bucket - start).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAYOUT: NativeLayout = NativeLayout { schema: 3, zero_threshold: 1e-9, positive: 20, negative: 20 };

    fn observed(layout: &NativeLayout, values: &[f64]) -> Vec<f64> {
        let mut cells = vec![0.0; layout.width()];
        layout.clear(&mut cells);
        for value in values {
            layout.observe(&mut cells, *value, 1.0);
        }
        cells
    }

    #[test]
    fn a_bucket_goes_up_to_its_bound() {
        for (value, schema, bucket) in [
            (1.0, 0, 0),
            (2.0, 0, 1),
            (2.1, 0, 2),
            (4.0, -1, 1),
            (4.1, -1, 2),
            (0.3, 3, -13),
            (1e300, -4, 63),
        ] {
            assert_eq!(bucket_of(value, schema), bucket, "{value} at {schema}");
            assert!(upper_bound(bucket, schema) >= value && upper_bound(bucket - 1, schema) < value);
        }
        assert_eq!(bucket_of(f64::MAX, 8), 262_144);
    }

    #[test]
    fn the_resolution_is_halved_when_the_window_overflows() {
        let near = observed(&LAYOUT, &[1.0, 1.1, 0.0, -1.0]);
        let histogram = NativeHistogram::of(&LAYOUT, &near);
        assert_eq!((histogram.schema, histogram.zero_count), (3, 1.0));
        assert_eq!(histogram.positive.populated().collect::<Vec<_>>(), [(0, 1.0), (2, 1.0)]);
        assert_eq!(histogram.negative.populated().collect::<Vec<_>>(), [(0, 1.0)]);
        let far = observed(&LAYOUT, &[1.0, 1.1, 0.0, -1.0, 700.0]);
        let histogram = NativeHistogram::of(&LAYOUT, &far);
        assert_eq!(histogram.schema, 1);
        assert_eq!(histogram.positive.populated().collect::<Vec<_>>(), [(0, 1.0), (1, 1.0), (19, 1.0)]);
    }

    #[test]
    fn what_does_not_fit_the_coarsest_buckets_goes_to_the_nearest() {
        let layout = NativeLayout { positive: 2, ..LAYOUT };
        let cells = observed(&layout, &[1e-5, 1e200, 1e-5]);
        let histogram = NativeHistogram::of(&layout, &cells);
        assert_eq!((histogram.schema, histogram.positive.total()), (-4, 3.0));
    }

    #[test]
    fn a_range_needs_no_more_buckets_than_it_has() {
        let layout = |range| NativeLayout::for_range(3, 1e-9, 160, range);
        assert_eq!((layout((1.0, 2.0)).positive, layout((1.0, 2.0)).negative), (9, 0));
        assert_eq!((layout((0.0, 2.0)).positive, layout((-2.0, 2.0)).negative), (160, 160));
        assert_eq!(layout((f64::NEG_INFINITY, f64::INFINITY)).negative, 160);
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![
            -1e3..1e3f64,
            any::<f64>().prop_filter("finite", |value| value.is_finite()),
            Just(0.0),
            0.1..0.3f64
        ];
        prop::collection::vec(value, 1..60)
    }

    proptest! {
        /// Every observation is in the bucket that its bounds give.
        #[test]
        fn buckets_hold_what_was_observed(values in values(), positive in 140..170usize) {
            let layout = NativeLayout { positive, negative: 140, ..LAYOUT };
            let cells = observed(&layout, &values);
            let histogram = NativeHistogram::of(&layout, &cells);
            let is_near = |value: &&f64| value.abs() <= layout.zero_threshold;
            prop_assert_eq!(super::offset(super::whole(histogram.zero_count), 0), values.iter().filter(is_near).count());
            for (side, sign) in [(histogram.positive, 1.0), (histogram.negative, -1.0)] {
                let mut expected: Vec<i32> = values
                    .iter()
                    .filter(|value| value.abs() > layout.zero_threshold && **value * sign > 0.0)
                    .map(|value| bucket_of(value.abs(), histogram.schema))
                    .collect();
                expected.sort_unstable();
                let found = side.populated().flat_map(|(bucket, count)| vec![bucket; super::offset(super::whole(count), 0)]);
                prop_assert_eq!(found.collect::<Vec<_>>(), expected);
            }
        }

        #[test]
        fn spans_are_the_populated_buckets(values in values()) {
            let cells = observed(&LAYOUT, &values);
            let side = NativeHistogram::of(&LAYOUT, &cells).positive;
            let (mut at, mut found) = (0, Vec::new());
            for (offset, counts) in side.spans() {
                at += offset;
                for count in counts {
                    found.push((at, *count));
                    at += 1;
                }
            }
            let found: Vec<_> = found.into_iter().filter(|(_, count)| *count > 0.0).collect();
            prop_assert_eq!(found, side.populated().collect::<Vec<_>>());
        }
    }
}
