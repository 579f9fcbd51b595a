//! Quantiles of two series.

/// Quantiles that are compared.
const SHARES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// The share of quantiles that differ by no more than this.
pub(super) fn quantiles_agree(a: &[(usize, f64)], b: &[(usize, f64)], tolerance: f64) -> f64 {
    let [a, b] = [a, b].map(|values| {
        let mut sorted: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    });
    let agrees = |share: f64| (quantile(&a, share) - quantile(&b, share)).abs() <= tolerance;
    SHARES.into_iter().map(|share| if agrees(share) { 0.2 } else { 0.0 }).sum()
}

/// The value below which this share of sorted values is, linear in between; not a number without values.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places are below 2^53 and from 0 on"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share * last as f64;
    let below = (place as usize).min(last);
    let (from, to) = (sorted[below], sorted[(below + 1).min(last)]);
    from + (to - from) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_values_in_another_order_agree_and_none_never_do() {
        let values = |seed: u32| -> Vec<(usize, f64)> {
            (0..101).map(|n: u32| (n as usize, f64::from(n * seed % 101))).collect()
        };
        assert!((quantiles_agree(&values(7), &values(31), 1e-9) - 1.0).abs() < 1e-9);
        assert!(quantiles_agree(&values(7), &[], 1e9).abs() < 1e-9);
    }
}
