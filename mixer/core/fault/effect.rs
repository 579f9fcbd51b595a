//! Effects: faults that are done for real, outside of the emulated world. A kind describes its effect; a live run has it done.

use std::fmt;
use std::sync::Arc;

use super::spec::{Cycle, FaultSpec};
use crate::number::Shown;
use crate::rng::Seed;

/// The real work of a fault while it is on.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A toxic on each of some proxies.
    Toxic(ServerChoice, Toxic),
    /// Some proxies are disabled, with a cycle again and again: they take no connections, and end those that they have.
    Disabled(ServerChoice, Option<Cycle>),
    /// Packets are lost.
    Loss(Loss),
    /// This machine has load.
    Stress(Stress),
}

/// A loss of packets.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// The servers whose proxies' packets are lost, unless there are ports.
    pub servers: ServerChoice,
    /// The ports whose packets are lost.
    pub ports: Vec<u16>,
    /// The share of packets.
    pub share: f64,
    /// The network namespace; `None` for that of promemu.
    pub netns: Option<Arc<str>>,
}

/// A load on this machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Stress {
    /// Processes that calculate.
    Cpu {
        /// Their number; `None` for one for each CPU.
        workers: Option<f64>,
        /// The share of a CPU that each takes.
        load: f64,
    },
    /// A process that holds memory.
    Memory {
        /// Its size.
        bytes: f64,
    },
}

impl Effect {
    /// The servers whose proxies it is for; `None` if it needs no proxy.
    #[must_use]
    pub const fn servers(&self) -> Option<&ServerChoice> {
        match self {
            Self::Toxic(servers, _) | Self::Disabled(servers, _) => Some(servers),
            Self::Loss(loss) if loss.ports.is_empty() => Some(&loss.servers),
            Self::Loss(_) | Self::Stress(_) => None,
        }
    }

    /// Its target in words.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Toxic(servers, _) | Self::Disabled(servers, _) => servers.to_string(),
            Self::Loss(loss) => loss.to_string(),
            Self::Stress(_) => "localhost".to_owned(),
        }
    }
}

/// The proxies that an effect is for, by the names of their servers.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerChoice {
    /// Their names; empty for all that the config knows.
    pub named: Vec<Arc<str>>,
    /// Number of them that are drawn by the seed; `None` for all of them.
    pub drawn: Option<usize>,
    /// The part of these that is drawn, at least one; 1 for all of them.
    pub part: f64,
}

impl ServerChoice {
    /// The servers from which it chooses.
    #[must_use]
    pub fn candidates<'a>(&'a self, known: &'a [Arc<str>]) -> &'a [Arc<str>] {
        if self.named.is_empty() { known } else { &self.named }
    }

    /// The chosen servers, in the order of their names in the config.
    #[must_use]
    pub fn servers(&self, known: &[Arc<str>], seed: Seed) -> Vec<Arc<str>> {
        let mut left = self.candidates(known).to_vec();
        let drawn = left.len().min(self.drawn.unwrap_or(usize::MAX));
        let wanted = (1..drawn).find(|count| part_of(*count, drawn) >= self.part).unwrap_or(drawn);
        let mut random = seed.child("servers").rng();
        while left.len() > wanted {
            let at = random.below(left.len() as u64);
            left.remove(usize::try_from(at).unwrap_or_default());
        }
        left
    }
}

#[expect(clippy::cast_precision_loss, reason = "a config has far fewer servers than 2^52")]
fn part_of(count: usize, all: usize) -> f64 {
    count as f64 / all as f64
}

impl fmt::Display for ServerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.part < 1.0 {
            write!(f, "{} % of ", Shown(self.part * 100.0))?;
        }
        if let Some(drawn) = self.drawn {
            write!(f, "{drawn} of ")?;
        }
        if self.named.is_empty() { f.write_str("all") } else { f.write_str(&self.named.join(",")) }
    }
}

impl Loss {
    /// The name that a port has among servers.
    #[must_use]
    pub fn port_name(port: u16) -> Arc<str> {
        format!("port_{port}").into()
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ports.is_empty() {
            return self.servers.fmt(f);
        }
        let ports: Vec<String> = self.ports.iter().map(ToString::to_string).collect();
        write!(f, "ports {}", ports.join(","))
    }
}

/// A toxic as Toxiproxy's API has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Toxic {
    /// The name of its type.
    pub kind: &'static str,
    /// The direction of the bytes that it is for.
    pub stream: Stream,
    /// The share of connections that it is for.
    pub toxicity: f64,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
    /// `true` if a Toxiproxy does not have it: it needs `promemu proxy`.
    pub is_own: bool,
}

/// A direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    Downstream,
}

impl Stream {
    /// The word for it in configs and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }
}

/// An attribute of a toxic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribute {
    /// Its name in the API.
    pub name: &'static str,
    /// Its name in metrics, with the unit.
    pub param: &'static str,
    /// Its value.
    pub value: f64,
}

/// A fault that is done for real.
#[derive(Clone, Debug, PartialEq)]
pub struct RealFault(pub Effect);

impl FaultSpec for RealFault {
    fn effect(&self) -> Option<&Effect> {
        Some(&self.0)
    }

    fn describe(&self) -> String {
        match &self.0 {
            Effect::Toxic(servers, toxic) => {
                let values = toxic.attributes.iter();
                let values = values.map(|it| format!("{} {}", it.param, Shown(it.value)));
                format!("{}: {}, on {servers}", toxic.kind, values.collect::<Vec<_>>().join(", "))
            }
            Effect::Disabled(servers, _) => format!("on {servers}"),
            Effect::Loss(loss) => format!("share {}, on {loss}", Shown(loss.share)),
            Effect::Stress(Stress::Cpu { workers, load }) => {
                let workers =
                    workers.map_or_else(|| "one for each CPU".to_owned(), |it| Shown(it).to_string());
                format!("workers {workers}, load {}", Shown(*load))
            }
            Effect::Stress(Stress::Memory { bytes }) => format!("bytes {}", Shown(*bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Arc<str>> {
        ["a", "b", "c"].map(Arc::from).to_vec()
    }

    #[test]
    fn servers_are_drawn_by_the_seed_and_keep_their_order() {
        let two = ServerChoice { named: Vec::new(), drawn: Some(2), part: 1.0 };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let servers = two.servers(&known(), Seed::new(seed));
            assert_eq!(servers, two.servers(&known(), Seed::new(seed)));
            assert!(servers.len() == 2 && servers.is_sorted(), "{servers:?}");
            seen.insert(servers);
        }
        assert_eq!(seen.len(), 3, "each pair comes");
        assert_eq!(two.to_string(), "2 of all");
    }

    #[test]
    fn named_servers_are_all_of_them() {
        let named = ServerChoice { named: vec!["c".into(), "a".into()], drawn: None, part: 1.0 };
        assert_eq!(named.servers(&known(), Seed::new(1)), ["c".into(), "a".into()]);
        assert_eq!(named.to_string(), "c,a");
    }

    #[test]
    fn a_part_of_the_servers_is_at_least_one_of_them() {
        for (part, count) in [(0.01, 1), (0.33, 1), (0.34, 2), (0.67, 3), (1.0, 3)] {
            let some = ServerChoice { named: Vec::new(), drawn: None, part };
            assert_eq!(some.servers(&known(), Seed::new(1)).len(), count, "{part}");
        }
    }
}
