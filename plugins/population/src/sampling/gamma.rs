//! Gamma and beta numbers (Marsaglia, Tsang: "A simple method for generating gamma variables", 2000).

use super::normal::normal;
use crate::random::Random;

/// A number from the gamma distribution with scale 1; 0 if the shape is not above 0.
#[expect(clippy::many_single_char_names, reason = "the names of the paper")]
pub(crate) fn gamma(shape: f64, random: &mut Random) -> f64 {
    if shape <= 0.0 {
        return 0.0;
    }
    if shape < 1.0 {
        let below = libm::pow(random.unit(), 1.0 / shape);
        return gamma(shape + 1.0, random) * below;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(random);
        let root = 1.0 + c * x;
        if root <= 0.0 {
            continue;
        }
        let v = root * root * root;
        let u = random.unit();
        let x2 = x * x;
        if u < 1.0 - 0.0331 * x2 * x2 || libm::log(u) < 0.5 * x2 + d * (1.0 - v + libm::log(v)) {
            return d * v;
        }
    }
}

/// A number from the beta distribution. Neither shape is below 0, and their sum is above it.
pub(crate) fn beta(first: f64, second: f64, random: &mut Random) -> f64 {
    let (first, second) = (gamma(first, random), gamma(second, random));
    first / (first + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn numbers_have_the_mean_and_the_variance_of_the_distribution() {
        for shape in [0.3, 1.0, 2.5, 400.0, 1e6] {
            let mut random = Random::new(6, Purpose::Tokens, 0, 0);
            let numbers: Vec<f64> = (0..100_000).map(|_| gamma(shape, &mut random)).collect();
            let mean = numbers.iter().sum::<f64>() / 1e5;
            let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / 1e5;
            assert!((mean - shape).abs() < 5.0 * (shape / 1e5).sqrt(), "{shape}: {mean}");
            assert!((variance / shape - 1.0).abs() < 0.05, "{shape}: {variance}");
        }
        let mut random = Random::new(7, Purpose::Tokens, 0, 0);
        let mean = (0..100_000).map(|_| beta(2.0, 6.0, &mut random)).sum::<f64>() / 1e5;
        assert!((mean - 0.25).abs() < 0.003, "{mean}");
        assert_eq!(gamma(0.0, &mut random).to_bits(), 0);
    }
}
