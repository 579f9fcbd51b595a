//! How long sessions last: lognormal, truncated, by inversion.
//!
//! The durations are cut into bins, none of which crosses a bound of the histogram, so that the cost of sessions does not depend
//! on their number.

use crate::random::Random;
use crate::sampling::{normal_cdf, normal_quantile};
use crate::settings::{Kind, Settings};

/// The number of bins, beside those that bounds of the histogram make.
const BINS: u32 = 16;
/// The number of pieces of a bin, each with the same share of its durations; in a piece all durations are as probable.
const PIECES: usize = 8;

/// The durations of a kind.
#[derive(Clone, Debug)]
pub(crate) struct Durations {
    /// Logarithm of the median.
    mu: f64,
    sigma: f64,
    /// Shares of the untruncated distribution up to the shortest and the longest one.
    cut: (f64, f64),
    /// Mean of the truncated distribution in seconds.
    pub(crate) mean_secs: f64,
    /// The bins.
    pub(crate) bins: Vec<Bin>,
    /// Shares of the sessions in each bin.
    pub(crate) shares: Vec<f64>,
}

/// Durations from one to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bin {
    /// The ends of its pieces, in seconds.
    ends: [f64; PIECES + 1],
}

impl Durations {
    #[expect(clippy::cast_precision_loss, reason = "a bin has few pieces")]
    pub(crate) fn new(kind: &Kind, settings: &Settings) -> Self {
        let (mu, sigma) = (libm::log(kind.session_secs), kind.sigma);
        let (low, high) = settings.session_secs;
        let up_to = |secs: f64, shift: f64| normal_cdf((libm::log(secs) - mu) / sigma - shift);
        let cut = (up_to(low, 0.0), up_to(high, 0.0));
        let untruncated = libm::exp(mu + sigma * sigma / 2.0);
        let mean_secs = untruncated * (up_to(high, sigma) - up_to(low, sigma)) / (cut.1 - cut.0);
        let ratio = libm::log(high / low) / f64::from(BINS);
        let mut edges: Vec<f64> = (0..BINS).map(|n| low * libm::exp(ratio * f64::from(n))).collect();
        edges.push(high);
        edges.extend(settings.session_bounds.iter().filter(|bound| (low..high).contains(*bound)));
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        let mut durations = Self { mu, sigma, cut, mean_secs, bins: Vec::new(), shares: Vec::new() };
        for edge in edges.windows(2) {
            let of = (up_to(edge[0], 0.0), up_to(edge[1], 0.0));
            let share = (of.1 - of.0) / (cut.1 - cut.0);
            if share > 1e-12 {
                let mut ends = [edge[1]; PIECES + 1];
                ends[0] = edge[0];
                for (end, number) in ends[1..PIECES].iter_mut().zip(1u32..) {
                    let at = f64::from(number) / PIECES as f64;
                    *end = durations.at(of.0 + (of.1 - of.0) * at).clamp(edge[0], edge[1]);
                }
                durations.bins.push(Bin { ends });
                durations.shares.push(share);
            }
        }
        durations
    }

    /// The share of sessions that last longer than so many seconds.
    pub(crate) fn longer_than(&self, secs: f64) -> f64 {
        let up_to = self.up_to(secs).clamp(self.cut.0, self.cut.1);
        (self.cut.1 - up_to) / (self.cut.1 - self.cut.0)
    }

    /// A duration of more than so many seconds.
    pub(crate) fn draw_longer(&self, secs: f64, random: &mut Random) -> f64 {
        let from = self.up_to(secs).clamp(self.cut.0, self.cut.1);
        self.at(from + (self.cut.1 - from) * random.unit()).max(secs)
    }

    fn up_to(&self, secs: f64) -> f64 {
        if secs > 0.0 { normal_cdf((libm::log(secs) - self.mu) / self.sigma) } else { 0.0 }
    }

    /// The duration up to which this share of the untruncated distribution lies.
    fn at(&self, share: f64) -> f64 {
        libm::exp(self.mu + self.sigma * normal_quantile(share.clamp(1e-300, 1.0 - 1e-16)))
    }
}

impl Bin {
    /// A duration, in seconds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "it is below the number of pieces"
    )]
    pub(crate) fn draw(&self, random: &mut Random) -> f64 {
        let place = random.unit() * PIECES as f64;
        let (piece, into) = (place as usize, place.fract());
        self.ends[piece] + (self.ends[piece + 1] - self.ends[piece]) * into
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::sampling::multinomial;
    use crate::settings::examples::three_kinds;

    #[test]
    fn durations_follow_the_truncated_distribution() {
        let settings = three_kinds(100);
        for kind in &settings.kinds {
            let durations = Durations::new(kind, &settings);
            let shares: f64 = durations.shares.iter().sum();
            assert!((shares - 1.0).abs() < 1e-9, "{shares}");
            let (mut found, random) = (Vec::new(), &mut Random::new(9, Purpose::Durations, 0, 0));
            let mut bins = Vec::new();
            for _ in 0..3_000 {
                multinomial(4, &durations.shares, random, |bin, count| bins.push((bin, count)));
                for (bin, count) in bins.drain(..) {
                    (0..count).for_each(|_| found.push(durations.bins[bin].draw(random)));
                }
            }
            found.sort_by(f64::total_cmp);
            let count = found.len() as f64;
            assert!(found[0] >= 9.999 && found[found.len() - 1] <= 7200.001);
            let distance = found.iter().zip(0u32..).map(|(secs, n)| {
                let up_to = 1.0 - durations.longer_than(*secs);
                (up_to - f64::from(n) / count).abs().max((up_to - f64::from(n + 1) / count).abs())
            });
            let distance = distance.fold(0.0, f64::max);
            // The Kolmogorov-Smirnov test: p is above 0.001.
            assert!(distance < 1.95 / count.sqrt(), "{}: {distance} of {count}", kind.name);
            let mean = found.iter().sum::<f64>() / count;
            assert!((mean / durations.mean_secs - 1.0).abs() < 0.04, "{mean} {}", durations.mean_secs);
        }
    }
}
