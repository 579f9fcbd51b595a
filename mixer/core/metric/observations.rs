//! The observations of one update, and their distribution over buckets.
//!
//! Few observations are drawn one by one. Many are split over the buckets by the distribution, with the noise that
//! drawing them would have, so a million cost as much as a hundred.

use super::distribution::{Distribution, binomial};
use super::native::{NativeLayout, bucket_of, upper_bound};
use crate::rng::Rng;

/// The largest number of observations that are drawn one by one.
const DRAWN_MAX: u32 = 100;

/// Observations below this share of the largest one go into one bucket.
const SMALLEST_SHARE: f64 = 1e-7;

/// The observations of one update.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observations {
    pub(super) distribution: Distribution,
    pub(super) count: u32,
    /// The finite range to which they are clamped.
    pub(super) range: (f64, f64),
}

/// The sum of all observations, and the value of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed {
    pub(super) sum: f64,
    pub(super) last: f64,
}

impl Observations {
    /// Adds them to classic buckets, the last of which has no bound.
    pub(super) fn into_buckets(self, bounds: &[f64], counts: &mut [f64], rng: &mut Rng) -> Observed {
        let each = |value: f64, count: f64| {
            counts[bounds.partition_point(|bound| *bound < value)] += count;
        };
        if let Some(observed) = self.draw_each(rng, each) {
            return observed;
        }
        let mut remaining = Remaining::of(self.count);
        for (count, bound) in counts.iter_mut().zip(bounds) {
            *count += remaining.take(self.below(*bound), rng);
        }
        counts[bounds.len()] += remaining.count;
        self.sum_and_one(rng)
    }

    /// Adds them to the buckets of a native histogram.
    pub(super) fn into_native(self, layout: &NativeLayout, cells: &mut [f64], rng: &mut Rng) -> Observed {
        if let Some(observed) = self.draw_each(rng, |value, count| layout.count(cells, value, count)) {
            return observed;
        }
        let (lowest, highest) = self.extent();
        // Subnormal numbers have their buckets far below all others.
        let smallest = SMALLEST_SHARE * highest.abs().max(lowest.abs());
        let smallest = smallest.max(layout.zero_threshold).max(f64::MIN_POSITIVE);
        let schema = super::native::schema_in(cells);
        let mut remaining = Remaining::of(self.count);
        if lowest < -smallest {
            let (from, to) = (bucket_of(-lowest, schema), bucket_of(smallest.max(-highest), schema));
            for bucket in (to..=from).rev() {
                let count = remaining.take(self.below(-upper_bound(bucket - 1, schema)), rng);
                layout.count_in(cells, true, (bucket, schema), count);
            }
        }
        if lowest <= layout.zero_threshold {
            layout.count(cells, 0.0, remaining.take(self.below(layout.zero_threshold), rng));
        }
        if highest > smallest {
            let (from, to) = (bucket_of(smallest.max(lowest), schema), bucket_of(highest, schema));
            for bucket in from..to {
                let count = remaining.take(self.below(upper_bound(bucket, schema)), rng);
                layout.count_in(cells, false, (bucket, schema), count);
            }
            layout.count_in(cells, false, (to, schema), remaining.count);
        } else {
            layout.count(cells, highest, remaining.count);
        }
        self.sum_and_one(rng)
    }

    /// Adds observations that are all equal, or few. `None` if they are neither.
    fn draw_each(self, rng: &mut Rng, mut put: impl FnMut(f64, f64)) -> Option<Observed> {
        let (low, high) = self.range;
        if let Distribution::Constant(value) = self.distribution {
            let (value, count) = (value.clamp(low, high), f64::from(self.count));
            put(value, count);
            return Some(Observed { sum: value * count, last: value });
        }
        if self.count > DRAWN_MAX {
            return None;
        }
        let mut observed = Observed { sum: 0.0, last: low };
        for _ in 0..self.count {
            observed.last = self.distribution.draw(rng).clamp(low, high);
            observed.sum += observed.last;
            put(observed.last, 1.0);
        }
        Some(observed)
    }

    fn sum_and_one(self, rng: &mut Rng) -> Observed {
        Observed {
            sum: self.distribution.mean_within(self.range, rng) * f64::from(self.count),
            last: self.distribution.draw(rng).clamp(self.range.0, self.range.1),
        }
    }

    /// The share of them at or below the value.
    fn below(self, value: f64) -> f64 {
        let (low, high) = self.range;
        if value < low {
            0.0
        } else if value >= high {
            1.0
        } else {
            self.distribution.below(value)
        }
    }

    fn extent(self) -> (f64, f64) {
        let ((low, high), (lowest, highest)) = (self.range, self.distribution.extent());
        (lowest.clamp(low, high), highest.clamp(low, high))
    }
}

/// The observations without a bucket yet.
struct Remaining {
    count: f64,
    /// The share of observations that have a bucket.
    below: f64,
}

impl Remaining {
    fn of(count: u32) -> Self {
        Self { count: f64::from(count), below: 0.0 }
    }

    /// Takes out the observations up to the value that has the share `below` at or below it.
    fn take(&mut self, below: f64, rng: &mut Rng) -> f64 {
        let left = 1.0 - self.below;
        let probability = if left > 0.0 { ((below - self.below) / left).clamp(0.0, 1.0) } else { 1.0 };
        self.below = below.max(self.below);
        let taken = if self.count > 0.0 { binomial(self.count, probability, rng) } else { 0.0 };
        self.count -= taken;
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::{NativeHistogram, SCHEMAS};
    use crate::rng::Seed;

    const ANY: (f64, f64) = (f64::MIN, f64::MAX);

    /// A native histogram after `updates` updates.
    fn native(
        distribution: Distribution,
        count: u32,
        updates: u32,
        range: (f64, f64),
    ) -> (NativeLayout, Vec<f64>) {
        let layout = NativeLayout::for_range(3, 1e-12, 160, range);
        let mut cells = vec![0.0; layout.width()];
        layout.clear(&mut cells);
        let mut rng = Seed::new(1).rng();
        for _ in 0..updates {
            let observed =
                Observations { distribution, count, range }.into_native(&layout, &mut cells, &mut rng);
            cells[0] += f64::from(count);
            cells[1] += observed.sum;
        }
        (layout, cells)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// `histogram_quantile` gives the configured quantiles within 5 %.
        #[test]
        fn quantiles_of_native_histograms_are_those_of_the_distribution(
            median in 1e-4..1e4f64,
            ratio in 1.2..10.0f64,
            share in 0.03..0.3f64,
            count in prop_oneof![1..=100u32, 101..1_000_000u32],
        ) {
            let p99 = median * ratio;
            for distribution in [
                Distribution::normal(median, median * ratio.min(3.0)),
                Distribution::lognormal(median, p99),
                Distribution::bimodal(median, p99, share),
            ] {
                let is_normal = matches!(distribution, Distribution::Normal(_));
                let p99 = if is_normal { median * ratio.min(3.0) } else { p99 };
                let updates = (150_000 / count).max(5);
                let (layout, cells) = native(distribution, count, updates, ANY);
                let histogram = NativeHistogram::of(&layout, &cells);
                let p99_found = histogram.quantile(0.99);
                prop_assert!((p99_found / p99 - 1.0).abs() < 0.05, "{distribution:?} {count}: p99 {p99_found}");
                let median_found = histogram.quantile(0.5);
                prop_assert!((median_found / median - 1.0).abs() < 0.05, "{distribution:?} {count}: {median_found}");
                let buckets: f64 = histogram.zero_count
                    + histogram.positive.populated().chain(histogram.negative.populated()).map(|(_, count)| count).sum::<f64>();
                prop_assert!((buckets - f64::from(count) * f64::from(updates)).abs() < 0.5);
            }
        }

        #[test]
        fn classic_buckets_have_as_many_as_the_distribution_says(
            ratio in 1.2..20.0f64,
            count in 101..1_000_000u32,
            seed: u64,
        ) {
            let bounds: Vec<f64> = (-10..40).map(|n| 1.2f64.powi(n)).collect();
            let distribution = Distribution::lognormal(1.0, ratio);
            let mut counts = vec![0.0; bounds.len() + 1];
            let observations = Observations { distribution, count, range: (0.5, 1e3) };
            let observed = observations.into_buckets(&bounds, &mut counts, &mut Seed::new(seed).rng());
            let count = f64::from(count);
            prop_assert!((counts.iter().sum::<f64>() - count).abs() < 0.5);
            let mut cumulative = 0.0;
            for (found, bound) in counts.iter().zip(&bounds) {
                cumulative += found;
                let expected = observations.below(*bound) * count;
                prop_assert!((cumulative - expected).abs() <= 6.0 * expected.sqrt() + 3.0);
            }
            let spread = (1.0, ratio);
            prop_assert!(observed.sum / count > 0.5 && observed.sum / count < spread.1 * 2.0);
        }
    }

    #[test]
    fn ranges_and_odd_distributions_lose_nothing() {
        for (distribution, range) in [
            (Distribution::normal(0.0, 1.0), ANY),
            (Distribution::normal(-5.0, -4.0), ANY),
            (Distribution::normal(0.0, 1.0), (-0.5, 0.5)),
            (Distribution::normal(0.0, 1.0), (0.0, 0.0)),
            (Distribution::lognormal(1.0, 1e9), ANY),
            (Distribution::lognormal(1e-200, 1e200), ANY),
            (Distribution::exponential(3.0), (0.0, 4.0)),
            (Distribution::lognormal(1.0, 2.0), (5.0, 9.0)),
            (Distribution::lognormal(1.0, 2.0), (-9.0, -5.0)),
        ] {
            for count in [1, 50, 5_000] {
                let (layout, cells) = native(distribution, count, 3, range);
                let histogram = NativeHistogram::of(&layout, &cells);
                let all = histogram.positive.populated().chain(histogram.negative.populated());
                let found = all.map(|(_, count)| count).sum::<f64>() + histogram.zero_count;
                assert!(
                    (found - 3.0 * f64::from(count)).abs() < 0.5,
                    "{distribution:?} {range:?} {count}: {found}"
                );
                assert!(histogram.schema >= SCHEMAS.0);
                assert!(
                    histogram.sum / histogram.count >= range.0 && histogram.sum / histogram.count <= range.1
                );
            }
        }
    }

    #[test]
    fn the_smallest_of_numbers_have_a_bucket() {
        let tiny = f64::from_bits(1);
        let distribution = Distribution::lognormal(tiny * 10.0, tiny * 900.0);
        for zero_threshold in [0.0, tiny] {
            let layout = NativeLayout::for_range(3, zero_threshold, 160, ANY);
            let mut cells = vec![0.0; layout.width()];
            layout.clear(&mut cells);
            let observations = Observations { distribution, count: 5_000, range: ANY };
            observations.into_native(&layout, &mut cells, &mut Seed::new(1).rng());
            let histogram = NativeHistogram::of(&layout, &cells);
            let found: f64 = histogram.positive.populated().map(|(_, count)| count).sum();
            assert!((found + histogram.zero_count - 5_000.0).abs() < 0.5, "{found}");
        }
    }
}
