//! The part of a run that is real: its proxies, and the readings of them that its metrics show.

use std::sync::Arc;

use super::Plan;
use crate::fault::{Effect, Loss};

/// The proxies of a run, and the readings of its effects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EffectsPlan {
    /// The proxies; `None` if no effect needs them.
    pub toxiproxy: Option<ToxiproxyPlan>,
    /// The readings that the host of the ground truth shows. Each has a lever of that host, in this order.
    pub readings: Vec<Reading>,
    /// The lever of the first reading; behind those of the readings are those of [`OUTCOME_LEVERS`].
    pub first_lever: usize,
    /// The label of the counters of outcomes.
    pub scenario: Arc<str>,
}

/// The proxies of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToxiproxyPlan {
    /// URL of the API.
    pub url: String,
    /// The servers, by the names of their proxies.
    pub servers: Vec<Arc<str>>,
    /// The proxies that are created if they are missing.
    pub create: Vec<NewProxy>,
}

/// A proxy that is created if it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProxy {
    /// Its name.
    pub name: Arc<str>,
    /// The address at which it listens.
    pub listen: String,
    /// The address of its server.
    pub upstream: String,
}

/// A reading: a number that a proxy says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    /// The server.
    pub server: Arc<str>,
    /// The type of a toxic; [`DOWN`] for a proxy that is disabled.
    pub toxic: &'static str,
    /// The attribute, and its name with the unit; `None` for 1 while there is such a toxic.
    pub attribute: Option<(&'static str, &'static str)>,
}

/// The name of the host that shows the ground truth and the readings.
pub const TRUTH_HOST: &str = "timeline";

/// The family that counts runs with effects by their outcome.
pub const OUTCOMES: &str = "scenario_runs_total";

/// The levers of the counters of outcomes, that of successes first. Only the host of the ground truth has them.
pub const OUTCOME_LEVERS: [&str; 2] = ["_succeeded", "_failed"];

/// The type of a reading that is 1 while a proxy is disabled.
pub const DOWN: &str = "down";

/// The type of a reading of lost packets.
pub const PACKET_LOSS: &str = "packet_loss";

/// The attributes of a loss of packets, and their names in metrics.
pub const LOSS_ATTRIBUTES: [(&str, &str); 3] =
    [("rate", "packet_loss_rate"), ("seen", "packets"), ("dropped", "packets_lost")];

/// The attribute that every toxic has.
pub const TOXICITY: (&str, &str) = ("toxicity", "toxicity");

impl Plan {
    /// Has the counters of outcomes begin with these numbers of runs, those that have succeeded first.
    pub fn begin_outcomes(&mut self, counts: [f64; 2]) {
        let Some(first) = self.effects.as_ref().map(|effects| effects.first_outcome()) else { return };
        let Some(host) = self.hosts.iter_mut().find(|host| &*host.name == TRUTH_HOST) else { return };
        let Some(part) = &mut Arc::make_mut(&mut Arc::make_mut(host).setup).run else { return };
        let part = Arc::make_mut(part);
        let mut levers = part.levers.to_vec();
        for (lever, count) in levers.iter_mut().skip(first).zip(counts) {
            lever.default = count;
        }
        part.levers = levers.into();
    }
}

impl EffectsPlan {
    /// The first of [`OUTCOME_LEVERS`].
    #[must_use]
    pub const fn first_outcome(&self) -> usize {
        self.first_lever + self.readings.len()
    }

    /// Adds the readings of an effect, those that are not there yet.
    pub(crate) fn read(&mut self, effect: &Effect) {
        let servers = self.toxiproxy.as_ref().map(|toxiproxy| toxiproxy.servers.clone()).unwrap_or_default();
        let (choice, toxic, attributes) = match effect {
            Effect::Toxic(choice, toxic) => {
                let attributes = toxic.attributes.iter().map(|it| (it.name, it.param));
                (choice, toxic.kind, attributes.chain([TOXICITY]).collect())
            }
            Effect::Disabled(choice, _) => (choice, DOWN, Vec::new()),
            Effect::Loss(loss) => (&loss.servers, PACKET_LOSS, LOSS_ATTRIBUTES.to_vec()),
            Effect::Stress(_) => return,
        };
        let ports: Vec<Arc<str>> = match effect {
            Effect::Loss(loss) => loss.ports.iter().map(|port| Loss::port_name(*port)).collect(),
            _ => Vec::new(),
        };
        let servers = if ports.is_empty() { choice.candidates(&servers) } else { &ports };
        for server in servers {
            for attribute in std::iter::once(None).chain(attributes.iter().copied().map(Some)) {
                let reading = Reading { server: Arc::clone(server), toxic, attribute };
                if !self.readings.contains(&reading) {
                    self.readings.push(reading);
                }
            }
        }
    }
}
