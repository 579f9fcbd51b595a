//! Quantiles of classic histograms.

/// As `PromQL`'s `histogram_quantile`: linear between two bounds, from 0 if the first bound is positive, and never above
/// the last one. Counts are not cumulative, the last one is up to `+Inf`. Not a number without observations.
#[must_use]
pub fn histogram_quantile(q: f64, bounds: &[f64], counts: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    if total <= 0.0 {
        return f64::NAN;
    }
    let mut below = 0.0;
    for (n, (count, bound)) in counts.iter().zip(bounds).enumerate() {
        if below + count >= q * total {
            let low = if n > 0 { bounds[n - 1] } else { bound.min(0.0) };
            let is_open = n == 0 && *bound <= 0.0;
            return if is_open { *bound } else { low + (bound - low) * (q * total - below) / count };
        }
        below += count;
    }
    bounds.last().copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::histogram_quantile;

    #[test]
    fn quantiles_are_those_of_promql() {
        let bounds = [1.0, 2.0, 4.0];
        let is = |q: f64, counts: [f64; 4], value: f64| {
            let quantile = histogram_quantile(q, &bounds, &counts);
            assert!((quantile - value).abs() < 1e-9, "{q} of {counts:?}: {quantile}");
        };
        is(0.5, [4.0, 0.0, 0.0, 0.0], 0.5);
        is(0.5, [2.0, 2.0, 0.0, 0.0], 1.0);
        is(0.99, [0.0, 0.0, 100.0, 0.0], 3.98);
        is(0.99, [1.0, 0.0, 0.0, 99.0], 4.0);
        assert!(histogram_quantile(0.5, &bounds, &[0.0; 4]).is_nan());
        assert_eq!(histogram_quantile(0.5, &[-1.0, 1.0], &[3.0, 1.0, 0.0]).to_bits(), (-1.0f64).to_bits());
    }
}
