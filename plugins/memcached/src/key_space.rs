//! The keys of the load, how often each is used, and the server of each.

use crate::operation::Operation;
use crate::random::Random;
use crate::ring::Ring;

/// The most keys: a number and a server of each are kept.
pub(crate) const KEYS_MAX: u32 = 1_000_000;

/// Numbers and shares of keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct KeySettings {
    /// Number of keys, from 1 to [`KEYS_MAX`].
    pub(crate) count: u32,
    /// Exponent of Zipf's law: the key of rank r is used r^-zipf times as often as the first; 0: all alike.
    pub(crate) zipf: f64,
    /// Number of hot keys, which are the first.
    pub(crate) hot: u32,
    /// Share of the operations that use a hot key.
    pub(crate) hot_share: f64,
}

/// The keys, each with its server.
#[derive(Debug)]
pub(crate) struct KeySpace {
    settings: KeySettings,
    /// Sums of the weights of the keys up to each; empty if all are alike.
    sums: Vec<f64>,
    servers: [Vec<u16>; 2],
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Values of counters are numbers, so counters have keys of their own.
    pub(crate) is_counter: bool,
    pub(crate) number: u32,
}

impl Key {
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let prefix: &[u8] = if self.is_counter { b"promemu:n" } else { b"promemu:k" };
        out.extend_from_slice(prefix);
        out.extend_from_slice(self.number.to_string().as_bytes());
    }

    pub(crate) fn text(self) -> String {
        let mut text = Vec::new();
        self.write(&mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

impl KeySpace {
    pub(crate) fn new(settings: KeySettings, ring: &Ring) -> Self {
        let weight = |sum: &mut f64, number: u32| {
            *sum += (f64::from(number) + 1.0).powf(-settings.zipf);
            Some(*sum)
        };
        let sums =
            if settings.zipf > 0.0 { (0..settings.count).scan(0.0, weight).collect() } else { Vec::new() };
        let servers = [false, true].map(|is_counter| {
            (0..settings.count).map(|number| ring.server(&Key { is_counter, number }.text())).collect()
        });
        Self { settings, sums, servers }
    }

    pub(crate) fn draw(&self, operation: Operation, random: &mut Random) -> Key {
        let KeySettings { count, hot, hot_share, .. } = self.settings;
        let number = if hot > 0 && random.unit() < hot_share {
            random.below(hot.min(count))
        } else if let Some(sum) = self.sums.last() {
            let wanted = random.unit() * sum;
            let rank = self.sums.partition_point(|sum| *sum < wanted);
            u32::try_from(rank).unwrap_or(0).min(count - 1)
        } else {
            random.below(count)
        };
        Key { is_counter: operation == Operation::Incr, number }
    }

    pub(crate) fn server(&self, key: Key) -> usize {
        self.servers[usize::from(key.is_counter)][key.number as usize].into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hot_keys_and_low_ranks_are_used_as_often_as_is_said() {
        let settings = KeySettings { count: 1000, zipf: 1.0, hot: 10, hot_share: 0.3 };
        let keys = KeySpace::new(settings, &Ring::new(["a"]));
        let mut random = Random::new(1, 0);
        let mut counts = vec![0u32; 1000];
        (0..100_000).for_each(|_| counts[keys.draw(Operation::Get, &mut random).number as usize] += 1);
        // By Zipf's law with exponent 1, the first of 1000 keys has a share of 1/7.485 of the 70 %.
        let first = 100_000.0 * (0.03 + 0.7 / 7.485);
        assert!((f64::from(counts[0]) - first).abs() < 0.05 * first, "{} instead of {first}", counts[0]);
        let tenths = f64::from(counts[19]) / f64::from(counts[199]);
        assert!((7.0..14.0).contains(&tenths), "rank 20 is used 10 times as often as rank 200: {tenths}");
    }

    #[test]
    fn the_same_seed_draws_the_same_keys() {
        let settings = KeySettings { count: 50, zipf: 0.0, hot: 0, hot_share: 0.3 };
        let keys = KeySpace::new(settings, &Ring::new(["a", "b"]));
        let draws = |seed| {
            let mut random = Random::new(seed, 0);
            (0..100).map(|_| keys.draw(Operation::Set, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }
}
