//! Those who live in a host's pools, each with its labels, at the moments of a grid.

use indexmap::IndexMap;

use crate::host::{EmulatedHost, Outbox};
use crate::metric::ABSENT;
use crate::series::LabelBlock;

/// More cells than this are not held; what there is of them is handed on.
const CELLS_MAX: usize = 2_000_000;

/// A stretch of the samples of one who lives in a slot.
#[derive(Debug)]
pub struct MemberSamples<'a> {
    /// Who it is: a number that counts up on its host.
    pub generation: usize,
    /// The slot's kind, as an index into the shape's.
    pub kind: usize,
    /// The slot's number among those of the kind.
    pub slot: usize,
    /// The labels, with those of the host.
    pub labels: &'a LabelBlock,
    /// The first moment.
    pub first: usize,
    /// How many moments it has.
    pub moments: usize,
    /// The cells; those of one cell are neighbours.
    pub cells: &'a [f64],
}

/// What is done with stretches: those of one generation come in their order.
pub type MemberSink<'t> = &'t mut dyn FnMut(&MemberSamples<'_>);

/// Writes down who lives in a host's pools.
pub(super) struct MemberRecorder<'t> {
    take: MemberSink<'t>,
    living: IndexMap<(usize, usize), LiveMember>,
    generations: usize,
    held: usize,
    moment: usize,
}

struct LiveMember {
    generation: usize,
    labels: LabelBlock,
    now: Vec<f64>,
    /// Whether there is a sample now.
    is_there: bool,
    first: usize,
    /// One moment after the other.
    cells: Vec<f64>,
    /// Moments behind them without a sample.
    missing: usize,
}

impl<'t> MemberRecorder<'t> {
    pub(super) fn new(take: MemberSink<'t>) -> Self {
        Self { take, living: IndexMap::new(), generations: 0, held: 0, moment: 0 }
    }

    /// Takes note of a report.
    pub(super) fn note(&mut self, host: &EmulatedHost, out: &Outbox) {
        for change in &out.pools {
            let key = (change.kind, change.slot);
            let member = host.slot(change.kind, change.slot);
            if change.is_new
                && let Some(mut gone) = self.living.swap_remove(&key)
            {
                self.flush(key, &mut gone);
            }
            match (member, self.living.get_mut(&key)) {
                (Some((_, cells)), Some(living)) => {
                    living.now.copy_from_slice(cells);
                    living.is_there = true;
                }
                (None, Some(living)) => living.is_there = false,
                (Some((labels, cells)), None) => {
                    let living = LiveMember {
                        generation: self.generations,
                        labels: labels.clone(),
                        now: cells.to_vec(),
                        is_there: true,
                        first: self.moment,
                        cells: Vec::new(),
                        missing: 0,
                    };
                    self.generations += 1;
                    self.living.insert(key, living);
                }
                (None, None) => {}
            }
        }
    }

    /// A moment is over.
    pub(super) fn next_moment(&mut self) {
        for living in self.living.values_mut() {
            if !living.is_there {
                living.missing += 1;
                continue;
            }
            let missing = std::mem::take(&mut living.missing) * living.now.len();
            living.cells.extend(std::iter::repeat_n(ABSENT, missing));
            living.cells.extend_from_slice(&living.now);
            self.held += missing + living.now.len();
        }
        self.moment += 1;
        if self.held > CELLS_MAX {
            self.flush_all();
        }
    }

    /// The host has ended.
    pub(super) fn end(&mut self) {
        self.flush_all();
        self.living.clear();
    }

    fn flush_all(&mut self) {
        let mut living = std::mem::take(&mut self.living);
        for (key, living) in &mut living {
            self.flush(*key, living);
        }
        self.living = living;
    }

    /// Hands on what is held of somebody.
    fn flush(&mut self, (kind, slot): (usize, usize), living: &mut LiveMember) {
        let width = living.now.len();
        let moments = living.cells.len() / width.max(1);
        if moments > 0 {
            let mut cells = Vec::with_capacity(living.cells.len());
            for cell in 0..width {
                cells.extend(living.cells.iter().skip(cell).step_by(width));
            }
            let LiveMember { generation, labels, first, .. } = &*living;
            (self.take)(&MemberSamples {
                generation: *generation,
                kind,
                slot,
                labels,
                first: *first,
                moments,
                cells: &cells,
            });
        }
        self.held -= living.cells.len();
        (living.cells, living.missing, living.first) = (Vec::new(), 0, self.moment);
    }
}
