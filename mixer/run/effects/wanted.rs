//! The effects that are to be on at a moment, by the course of the run. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use promemu_core::fault::{Course, Cycle, Effect, Loss, Stress, Toxic};
use promemu_core::plan::{Plan, RunFault};
use promemu_core::rng::Seed;
use promemu_core::time::{Span, Time};

/// The effects that are to be on at a moment.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) toxics: Vec<On<WantedToxic>>,
    /// The servers whose proxies are to be disabled.
    pub(super) down: BTreeSet<Arc<str>>,
    pub(super) losses: Vec<On<WantedLoss>>,
    pub(super) loads: Vec<On<Stress>>,
    /// The next moment at which they change by themselves.
    pub(super) next: Time,
}

/// The work of a fault since it began.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct On<T> {
    /// The id of the fault.
    pub(super) fault: Arc<str>,
    /// Begin of the fault.
    pub(super) begin: Time,
    pub(super) work: T,
}

/// A toxic on one server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WantedToxic {
    pub(super) server: Arc<str>,
    pub(super) toxic: Toxic,
}

/// A loss of packets of one server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WantedLoss {
    /// The server, or the name of the port.
    pub(super) server: Arc<str>,
    /// `None` for the port of the server's proxy.
    pub(super) port: Option<u16>,
    pub(super) share: f64,
    pub(super) netns: Option<Arc<str>>,
}

impl Wanted {
    /// The effects at a moment.
    pub(super) fn at(plan: &Plan, course: &Course, seed: Seed, now: Time) -> Self {
        let toxiproxy = plan.effects.as_ref().and_then(|effects| effects.toxiproxy.as_ref());
        let known = toxiproxy.map_or(&[][..], |toxiproxy| &toxiproxy.servers);
        let mut wanted = Self {
            toxics: Vec::new(),
            down: BTreeSet::new(),
            losses: Vec::new(),
            loads: Vec::new(),
            next: Time::NEVER,
        };
        for fault in &plan.faults {
            let Some(effect) = &fault.effect else { continue };
            wanted.next = wanted.next.min(course.next_edge(fault.timed(), now));
            let Some((begin, _)) = course.window(fault.timed(), now) else { continue };
            let seed = seed.child("effect").child(&fault.id);
            let servers = effect.servers().map(|choice| choice.servers(known, seed)).unwrap_or_default();
            wanted.add((fault, begin), effect, servers, now);
        }
        wanted
    }

    /// Adds the effect of a fault that is on since its begin.
    fn add(&mut self, of: (&RunFault, Time), effect: &Effect, servers: Vec<Arc<str>>, now: Time) {
        match effect {
            Effect::Toxic(_, toxic) => {
                self.toxics.extend(
                    servers.into_iter().map(|server| on(of, WantedToxic { server, toxic: toxic.clone() })),
                );
            }
            Effect::Disabled(_, cycle) => {
                let (is_off, next) = cycle.map_or((true, Time::NEVER), |cycle| turn(cycle, of.1, now));
                self.next = self.next.min(next);
                self.down.extend(servers.into_iter().filter(|_| is_off));
            }
            Effect::Loss(loss) => {
                let of_ports = loss.ports.iter().map(|port| (Loss::port_name(*port), Some(*port)));
                let of_servers = servers.into_iter().map(|server| (server, None));
                self.losses.extend(of_servers.chain(of_ports).map(|(server, port)| {
                    on(of, WantedLoss { server, port, share: loss.share, netns: loss.netns.clone() })
                }));
            }
            Effect::Stress(stress) => self.loads.push(on(of, stress.clone())),
        }
    }
}

fn on<T>((fault, begin): (&RunFault, Time), work: T) -> On<T> {
    On { fault: Arc::clone(&fault.id), begin, work }
}

/// `true` in the part of a cycle in which the fault is on, and the end of the part.
fn turn(cycle: Cycle, begin: Time, now: Time) -> (bool, Time) {
    let length = cycle.off.plus(cycle.on).max(Span::from_nanos(1));
    let turns = now.since(begin).as_nanos() / length.as_nanos();
    let start = begin + length.times(turns);
    let edge = start + cycle.off;
    if now < edge { (false, edge) } else { (true, start + length) }
}

#[cfg(test)]
mod tests {
    use promemu_core::config::{ConfigFile, LoadOptions};

    use super::*;

    const START: Time = Time::from_unix_secs(1_767_600_000);

    fn plan(faults: &str) -> Plan {
        let text =
            format!("Config(toxiproxy: Toxiproxy(servers: [\"a\", \"b\", \"c\"]), faults: [{faults}])");
        ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(START)).unwrap().plan
    }

    fn at(plan: &Plan, secs: f64) -> Wanted {
        let seed = Seed::new(7);
        let now = START + Span::from_secs_f64(secs).unwrap();
        Wanted::at(plan, &Course::new(START, seed), seed, now)
    }

    fn down(wanted: &Wanted) -> Vec<&str> {
        wanted.down.iter().map(|server| &**server).collect()
    }

    #[test]
    fn effects_are_on_while_their_faults_are() {
        let plan = plan(
            r#"Fault(id: "slow", at: "10s", lasts: "5s", every: "20s", kind: latency(latency: "1s", random: 2)),
            Fault(id: "cut", at: "12s", lasts: "1s", kind: partition(servers: "c")),
            Fault(id: "busy", at: "12s", lasts: "1s", kind: cpu_stress(workers: 1)),
            Fault(id: "lost", at: "12s", lasts: "1s", kind: packet_loss(p: 0.5, ports: [80]))"#,
        );
        assert!(at(&plan, 9.9).toxics.is_empty());
        assert_eq!(at(&plan, 9.9).next, START + Span::from_secs(10));
        let wanted = at(&plan, 12.0);
        let servers = |wanted: &Wanted| -> Vec<Arc<str>> {
            wanted.toxics.iter().map(|on| Arc::clone(&on.work.server)).collect()
        };
        assert_eq!((servers(&wanted).len(), down(&wanted), wanted.loads.len()), (2, vec!["c"], 1));
        assert_eq!((&*wanted.losses[0].work.server, wanted.losses[0].work.port), ("port_80", Some(80)));
        let again = at(&plan, 32.0);
        assert_eq!(servers(&again), servers(&wanted), "the same servers each time");
        assert_ne!(again.toxics[0], wanted.toxics[0], "another toxic each time");
        assert!(at(&plan, 15.0).toxics.is_empty(), "the end is exclusive");
    }

    #[test]
    fn a_flaky_server_is_down_in_each_turn_after_a_time_up() {
        let plan = plan(r#"Fault(id: "flaky", at: "10s", kind: flaky(up: "3s", down: "2s", servers: "a"))"#);
        for (secs, is_down, next) in
            [(10.0, false, 13), (12.9, false, 13), (13.0, true, 15), (15.0, false, 18)]
        {
            let wanted = at(&plan, secs);
            assert_eq!(down(&wanted), if is_down { vec!["a"] } else { vec![] }, "{secs}");
            assert_eq!(wanted.next, START + Span::from_secs(next), "{secs}");
        }
    }
}
