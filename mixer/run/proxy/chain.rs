//! The toxics on one direction of one connection, in order.

use promemu_core::rng::Seed;
use tokio::time::Instant;

use super::stage::{Item, Stage, Timed};
use super::toxic::{Stream, Toxic, ToxicList};
use super::toxics::Start;

/// The stages that items pass one after the other.
#[derive(Debug)]
pub(super) struct Chain {
    stream: Stream,
    seed: Seed,
    links: Vec<Link>,
    /// The time of the last item that came out: the order of bytes never changes.
    last_at: Instant,
}

#[derive(Debug)]
struct Link {
    id: u64,
    version: u64,
    /// `None` if the toxic does nothing to this connection.
    stage: Option<Box<dyn Stage>>,
}

/// The consequence of a change of the toxics for what is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// A toxic was removed whose bytes are lost: the connection closes.
    pub(super) closes: bool,
    /// A toxic was changed or removed: whatever waits goes on at once.
    pub(super) releases: bool,
}

impl Chain {
    /// A chain without toxics for a connection with this seed.
    pub(super) fn new(stream: Stream, seed: Seed, now: Instant) -> Self {
        Self { stream, seed: seed.child(stream.name()), links: Vec::new(), last_at: now }
    }

    /// `true` if items pass as they are.
    pub(super) fn is_clear(&self) -> bool {
        self.links.iter().all(|link| link.stage.is_none())
    }

    /// Takes over the present toxics.
    pub(super) fn follow(&mut self, toxics: &ToxicList, now: Instant) -> Change {
        let mut old = std::mem::take(&mut self.links);
        let mut change = Change::default();
        for toxic in toxics.of(self.stream) {
            let known = old.iter().position(|link| link.id == toxic.id).map(|at| old.remove(at));
            let link = match known {
                Some(link) if link.version == toxic.version => link,
                known => {
                    let before = known.and_then(|link| link.stage);
                    change.releases |= before.is_some();
                    self.begin(toxic, before.map_or(0, |stage| stage.bytes_passed()), now)
                }
            };
            self.links.push(link);
        }
        for removed in old.into_iter().filter_map(|link| link.stage) {
            change.releases = true;
            change.closes |= removed.closes_when_removed();
        }
        change
    }

    /// The beginning of a toxic, if chance lets it disturb this connection.
    fn begin(&self, toxic: &Toxic, bytes_passed: u64, now: Instant) -> Link {
        let Toxic { id, version, .. } = *toxic;
        let mut random = self.seed.child(&format!("{id}.{version}")).rng();
        let is_applied = random.unit() < toxic.toxicity;
        let start = || Start { now, random, bytes_passed, shared: toxic.shared.clone() };
        Link { id, version, stage: is_applied.then(start).and_then(|start| toxic.kind.stage(start)) }
    }

    /// Passes an item through all stages, and adds what comes out.
    pub(super) fn take(&mut self, timed: Timed, out: &mut impl Extend<Timed>) {
        self.pass(0, vec![timed], out);
    }

    /// The next time at which something comes without an item.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.stages().filter_map(Stage::deadline).min()
    }

    /// Adds what comes by itself up to this time.
    pub(super) fn expire(&mut self, now: Instant, out: &mut impl Extend<Timed>) {
        for number in 0..self.links.len() {
            let Some(stage) = &mut self.links[number].stage else { continue };
            if stage.deadline().is_some_and(|deadline| deadline <= now) {
                let mut made = Vec::new();
                stage.expire(&mut made);
                self.pass(number + 1, made, out);
            }
        }
    }

    fn stages(&self) -> impl Iterator<Item = &dyn Stage> {
        self.links.iter().filter_map(|link| link.stage.as_deref())
    }

    /// Passes items through the stages from this one on.
    fn pass(&mut self, first: usize, mut items: Vec<Timed>, out: &mut impl Extend<Timed>) {
        for stage in self.links[first..].iter_mut().filter_map(|link| link.stage.as_deref_mut()) {
            let mut made = Vec::with_capacity(items.len());
            for timed in items {
                stage.take(timed, &mut made);
            }
            items = made;
        }
        out.extend(items.into_iter().map(|timed| {
            self.last_at = self.last_at.max(timed.at);
            Timed { at: self.last_at, ..timed }
        }));
    }

    /// Waiting items go on now, so those that follow may, too.
    pub(super) fn release(&mut self, now: Instant) {
        self.last_at = now;
    }
}

impl Item {
    /// `true` if nothing follows it.
    pub(super) const fn is_last(&self) -> bool {
        !matches!(self, Self::Data(_))
    }
}
