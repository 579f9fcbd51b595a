//! Consistent hashing of keys to servers: a key stays with its server when another server is added or removed.

use crate::random::mix;

/// Points of each server on the ring; so many keep their shares within a few percent of each other.
const POINTS: u32 = 160;

/// The servers' points, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Ring(Vec<(u64, u16)>);

impl Ring {
    /// A ring of servers with these names, of which there is at least one and at most 65 536.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let servers = names.into_iter().zip(0u16..);
        let points = |(name, server): (&str, u16)| {
            let name = hash(name);
            (0..POINTS).map(move |point| (mix(name ^ mix(u64::from(point) + 1)), server))
        };
        let mut points: Vec<_> = servers.flat_map(points).collect();
        points.sort_unstable();
        Self(points)
    }

    /// The server of a key: that of the first point from the key's hash on.
    pub(crate) fn server(&self, key: &str) -> u16 {
        let hash = hash(key);
        let next = self.0.partition_point(|(point, _)| *point < hash);
        self.0.get(next).or(self.0.first()).map_or(0, |(_, server)| *server)
    }
}

/// FNV-1a, spread.
fn hash(text: &str) -> u64 {
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(fnv)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> impl Iterator<Item = String> {
        (0..30_000).map(|number| format!("key{number}"))
    }

    #[test]
    fn each_server_gets_about_its_share_of_the_keys() {
        let ring = Ring::new(["memcache1", "memcache2", "memcache3"]);
        let mut counts = [0u32; 3];
        keys().for_each(|key| counts[usize::from(ring.server(&key))] += 1);
        assert!(counts.iter().all(|count| (8_000..12_000).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_server_that_leaves_moves_its_own_keys_only() {
        let (three, two) = (Ring::new(["a", "b", "c"]), Ring::new(["a", "b"]));
        let moved = keys().filter(|key| three.server(key) < 2 && three.server(key) != two.server(key));
        assert_eq!(moved.count(), 0);
        assert!(keys().any(|key| three.server(&key) == 2));
    }
}
