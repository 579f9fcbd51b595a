//! Poisson numbers: inversion for small means, and transformed rejection (`PTRS`) for others (Hörmann: "The transformed
//! rejection method for generating Poisson random variables", 1993).

use crate::random::Random;

/// The mean from which on rejection is used.
const REJECTION_FROM: f64 = 10.0;

/// A number from the Poisson distribution; 0 if the mean is not above 0.
pub(crate) fn poisson(mean: f64, random: &mut Random) -> u64 {
    if mean >= REJECTION_FROM {
        by_rejection(mean, random)
    } else if mean > 0.0 {
        by_inversion(mean, random)
    } else {
        0
    }
}

fn by_inversion(mean: f64, random: &mut Random) -> u64 {
    let mut left = random.unit();
    // The probability of 0 is this at least.
    if left <= 1.0 - mean {
        return 0;
    }
    let mut share = libm::exp(-mean);
    let mut number = 0u32;
    // The shares beyond are below the steps of a random number.
    while left > share && number < 100 {
        left -= share;
        number += 1;
        share *= mean / f64::from(number);
    }
    u64::from(number)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 0 or more")]
fn by_rejection(mean: f64, random: &mut Random) -> u64 {
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let v_r = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = random.unit() - 0.5;
        let v = random.unit();
        let us = 0.5 - u.abs();
        let number = ((2.0 * a / us + b) * u + mean + 0.43).floor();
        if us >= 0.07 && v <= v_r {
            return number as u64;
        }
        if number < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let density = -mean + number * libm::log(mean) - libm::lgamma(number + 1.0);
        if libm::log(v * inverse_alpha / (a / (us * us) + b)) <= density {
            return number as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::sampling::moments::{fits, moments};

    #[test]
    fn numbers_have_the_mean_and_the_variance_of_the_distribution() {
        for mean in [0.001, 0.3, 4.0, 9.9, 10.0, 80.0, 1e5, 1e9] {
            let mut random = Random::new(3, Purpose::Calls, 0, 0);
            let [found, variance] = moments(200_000, || poisson(mean, &mut random));
            assert!((found - mean).abs() < 5.0 * (mean / 200_000.0).sqrt(), "{mean}: {found}");
            let error = ((2.0 + 1.0 / mean) / 200_000.0).sqrt();
            assert!((variance / mean - 1.0).abs() < 5.0 * error, "{mean}: {variance}");
        }
        assert_eq!(poisson(0.0, &mut Random::new(1, Purpose::Calls, 0, 0)), 0);
    }

    #[test]
    fn numbers_have_the_probabilities_of_the_distribution() {
        for mean in [0.5, 9.0, 12.0, 40.0f64] {
            let mut random = Random::new(4, Purpose::Calls, 0, 0);
            let log = mean.ln();
            let probability = |k: f64| (k * log - mean - libm::lgamma(k + 1.0)).exp();
            fits(|| poisson(mean, &mut random), probability);
        }
    }
}
