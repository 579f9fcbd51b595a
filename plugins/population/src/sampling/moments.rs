//! Checks of samplers.

/// Mean and variance of so many numbers.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn moments(count: u32, mut draw: impl FnMut() -> u64) -> [f64; 2] {
    let numbers: Vec<f64> = (0..count).map(|_| draw() as f64).collect();
    let mean = numbers.iter().sum::<f64>() / f64::from(count);
    let squares = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>();
    [mean, squares / f64::from(count - 1)]
}

/// A chi-square test of numbers below 200 against their probabilities.
pub(crate) fn fits(mut draw: impl FnMut() -> u64, probability: impl Fn(f64) -> f64) {
    const COUNT: u32 = 200_000;
    let mut counts = [0u32; 200];
    for _ in 0..COUNT {
        counts[usize::try_from(draw()).unwrap().min(199)] += 1;
    }
    let (mut square, mut freedom) = (0.0, -1.0f64);
    for (number, count) in (0u32..).zip(counts) {
        let expected = f64::from(COUNT) * probability(f64::from(number));
        if expected > 10.0 {
            square += (f64::from(count) - expected).powi(2) / expected;
            freedom += 1.0;
        }
    }
    // About 4.5 standard deviations.
    assert!(
        square < freedom + 4.5 * (2.0 * freedom).sqrt() + 10.0,
        "{square} with {freedom} degrees of freedom"
    );
}
