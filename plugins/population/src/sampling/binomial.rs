//! Binomial numbers: inversion for small means, and transformed rejection (`BTRS`) for others (Hörmann: "The generation of
//! binomial random variates", 1993); and what is made of them.

use crate::random::Random;

/// The mean from which on rejection is used.
const REJECTION_FROM: f64 = 10.0;
/// The number of items up to which each is drawn by itself.
const DRAWN_EACH_MAX: u64 = 8;

/// The number of successes of so many tries with this probability.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn binomial(tries: u64, probability: f64, random: &mut Random) -> u64 {
    if tries == 0 || probability <= 0.0 {
        0
    } else if probability >= 1.0 {
        tries
    } else if probability > 0.5 {
        tries - binomial(tries, 1.0 - probability, random)
    } else if tries as f64 * probability >= REJECTION_FROM {
        by_rejection(tries, probability, random)
    } else {
        by_inversion(tries, probability, random)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn by_inversion(tries: u64, probability: f64, random: &mut Random) -> u64 {
    let mut left = random.unit();
    // The probability of 0 is this at least.
    if left <= 1.0 - tries as f64 * probability {
        return 0;
    }
    let odds = probability / (1.0 - probability);
    let mut share = libm::exp(tries as f64 * libm::log1p(-probability));
    let mut number = 0;
    while left > share && number < tries.min(200) {
        left -= share;
        share *= odds * (tries - number) as f64 / (number + 1) as f64;
        number += 1;
    }
    number
}

#[expect(clippy::many_single_char_names, reason = "the names of the paper")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts are far below 2^53, and checked to be 0 or more"
)]
fn by_rejection(tries: u64, p: f64, random: &mut Random) -> u64 {
    let (n, q) = (tries as f64, 1.0 - p);
    let deviation = (n * p * q).sqrt();
    let b = 1.15 + 2.53 * deviation;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let v_r = 0.92 - 4.2 / b;
    loop {
        let u = random.unit() - 0.5;
        let v = random.unit();
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + n * p + 0.5).floor();
        if k < 0.0 || k > n {
            continue;
        }
        if us >= 0.07 && v <= v_r {
            return k as u64;
        }
        let alpha = (2.83 + 5.1 / b) * deviation;
        let m = ((n + 1.0) * p).floor();
        let choices = |k: f64| libm::lgamma(k + 1.0) + libm::lgamma(n - k + 1.0);
        let density = choices(m) - choices(k) + (k - m) * libm::log(p / q);
        if libm::log(v * alpha / (a / (us * us) + b)) <= density {
            return k as u64;
        }
    }
}

/// Splits items over shares, whose sum is above 0, and adds each part with its index.
pub(crate) fn multinomial(items: u64, shares: &[f64], random: &mut Random, mut add: impl FnMut(usize, u64)) {
    let Some(last) = shares.len().checked_sub(1) else { return };
    let mut weight: f64 = shares.iter().sum();
    if items <= DRAWN_EACH_MAX {
        for _ in 0..items {
            let mut left = random.unit() * weight;
            let beyond = |share: &f64| {
                left -= share;
                left < 0.0
            };
            add(shares.iter().position(beyond).unwrap_or(last), 1);
        }
        return;
    }
    let mut left = items;
    for (index, share) in shares.iter().enumerate() {
        let part = if index == last { left } else { binomial(left, (share / weight).min(1.0), random) };
        if part > 0 {
            add(index, part);
        }
        left -= part;
        weight -= share;
        if left == 0 {
            return;
        }
    }
}

/// Takes one item at random out of these counts; its index. `None` if they are empty.
pub(crate) fn take_without_return(counts: &mut [u64], random: &mut Random) -> Option<usize> {
    let total: u64 = counts.iter().sum();
    let mut left = random.below(total);
    let index = counts.iter().position(|count| {
        let is_here = left < *count;
        left = left.saturating_sub(*count);
        is_here
    })?;
    counts[index] -= 1;
    Some(index)
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::sampling::moments::{fits, moments};

    fn random() -> Random {
        Random::new(5, Purpose::Split, 0, 0)
    }

    #[test]
    fn numbers_have_the_mean_and_the_variance_of_the_distribution() {
        for (tries, p) in [(1, 0.3), (20, 0.01), (20, 0.9), (50, 0.4), (100_000, 0.7), (1_000_000_000, 1e-3)]
        {
            let mut random = random();
            let [mean, variance] = moments(200_000, || binomial(tries, p, &mut random));
            let (expected, of) = (tries as f64 * p, tries as f64 * p * (1.0 - p));
            assert!((mean - expected).abs() < 5.0 * (of / 200_000.0).sqrt(), "{tries} {p}: {mean}");
            assert!((variance / of - 1.0).abs() < 0.03, "{tries} {p}: {variance}");
        }
        let mut random = random();
        assert_eq!([0.0, 1.0, 2.0].map(|p| binomial(7, p, &mut random)), [0, 7, 7]);
    }

    #[test]
    fn numbers_have_the_probabilities_of_the_distribution() {
        for (tries, p) in [(12u32, 0.3f64), (150, 0.2), (60, 0.7)] {
            let (n, mut random) = (f64::from(tries), random());
            let choices = |k| libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
            let probability = |k: f64| {
                if k > n { 0.0 } else { (choices(k) + k * p.ln() + (n - k) * (1.0 - p).ln()).exp() }
            };
            fits(|| binomial(u64::from(tries), p, &mut random), probability);
        }
    }

    #[test]
    fn parts_sum_up_to_the_items_and_follow_the_shares() {
        for items in [0, 3, 8, 9, 1_000, 1_000_000] {
            let (mut parts, mut random) = ([0u64; 3], random());
            for _ in 0..1_000 {
                let before: u64 = parts.iter().sum();
                multinomial(items, &[2.0, 0.0, 6.0], &mut random, |index, part| parts[index] += part);
                assert_eq!(parts.iter().sum::<u64>() - before, items);
            }
            assert_eq!(parts[1], 0);
            let share = parts[0] as f64 / (1_000 * items).max(1) as f64;
            assert!(items == 0 || (share - 0.25).abs() < 0.05, "{items}: {share}");
        }
    }

    #[test]
    fn items_are_taken_until_none_is_left() {
        let (mut counts, mut taken, mut random) = ([3, 0, 2], [0; 3], random());
        while let Some(index) = take_without_return(&mut counts, &mut random) {
            taken[index] += 1;
        }
        assert_eq!((counts, taken), ([0; 3], [3, 0, 2]));
    }
}
