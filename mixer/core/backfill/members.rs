//! The samples of a host's pool members, with their labels, at the moments of a grid.
//!
//! Cells are held up to a limit and passed on in chunks, so a member may come in several.

use indexmap::IndexMap;

use crate::host::{EmulatedHost, Outbox};
use crate::metric::ABSENT;
use crate::series::LabelBlock;

/// The largest number of cells that are held before they are passed on.
const CELLS_MAX: usize = 2_000_000;

/// Consecutive samples of one pool member.
#[derive(Debug)]
pub struct MemberSamples<'a> {
    /// The member's number: counts up on its host.
    pub member: usize,
    /// The pool, as an index into the host shape's pools.
    pub pool: usize,
    /// The slot within the pool.
    pub slot: usize,
    /// The labels, including the host's.
    pub labels: &'a LabelBlock,
    /// The first moment.
    pub first: usize,
    /// Number of moments.
    pub moments: usize,
    /// `true` if the member had a sample at the moment before these.
    pub is_continued: bool,
    /// `true` if the member has no sample at the moment after these. There may be no moment then.
    pub ends: bool,
    /// The cells; the values of one cell are adjacent.
    pub cells: &'a [f64],
}

/// The consumer of samples. Those of one member come in order of time.
pub type MemberSink<'t> = &'t mut dyn FnMut(&MemberSamples<'_>);

/// Records the samples of the members of a host's pools.
#[derive(Debug, Default)]
pub(super) struct MemberRecorder {
    members: IndexMap<(usize, usize), LiveMember>,
    members_seen: usize,
    held: usize,
    moment: usize,
}

#[derive(Debug)]
struct LiveMember {
    number: usize,
    labels: LabelBlock,
    present: Vec<f64>,
    /// `true` if the member has a sample now.
    has_sample: bool,
    first: usize,
    /// `true` if it had a sample at the moment before `first`.
    is_continued: bool,
    /// The cells of all moments, moment by moment.
    cells: Vec<f64>,
    /// Number of moments without a sample after those of `cells`.
    missing: usize,
}

impl MemberRecorder {
    /// Applies a report.
    pub(super) fn apply_report(&mut self, host: &EmulatedHost, out: &Outbox, take: &mut MemberSink<'_>) {
        for change in &out.members {
            let key = (change.pool, change.slot);
            let shown = host.slot(change.pool, change.slot);
            if change.is_new
                && let Some(mut gone) = self.members.swap_remove(&key)
            {
                self.flush(key, &mut gone, true, take);
            }
            match (shown, self.members.get_mut(&key)) {
                (Some((_, cells)), Some(member)) => {
                    member.present.copy_from_slice(cells);
                    member.has_sample = true;
                }
                (None, Some(member)) => member.has_sample = false,
                (Some((labels, cells)), None) => {
                    let member = LiveMember {
                        number: self.members_seen,
                        labels: labels.clone(),
                        present: cells.to_vec(),
                        has_sample: true,
                        first: self.moment,
                        is_continued: false,
                        cells: Vec::new(),
                        missing: 0,
                    };
                    self.members_seen += 1;
                    self.members.insert(key, member);
                }
                (None, None) => {}
            }
        }
    }

    /// Ends a moment.
    pub(super) fn next_moment(&mut self, take: &mut MemberSink<'_>) {
        for member in self.members.values_mut() {
            if !member.has_sample {
                member.missing += 1;
                continue;
            }
            let missing = std::mem::take(&mut member.missing) * member.present.len();
            member.cells.extend(std::iter::repeat_n(ABSENT, missing));
            member.cells.extend_from_slice(&member.present);
            self.held += missing + member.present.len();
        }
        self.moment += 1;
        if self.held > CELLS_MAX {
            self.flush_all(false, take);
        }
    }

    /// Passes on everything held and forgets the members: the host has stopped.
    pub(super) fn end(&mut self, take: &mut MemberSink<'_>) {
        self.flush_all(true, take);
        self.members.clear();
    }

    /// Passes on everything held. The next moment is the first of another stretch.
    pub(super) fn end_stretch(&mut self, take: &mut MemberSink<'_>) {
        self.flush_all(false, take);
        self.moment = 0;
        self.members.values_mut().for_each(|member| member.first = 0);
    }

    fn flush_all(&mut self, is_over: bool, take: &mut MemberSink<'_>) {
        let mut members = std::mem::take(&mut self.members);
        for (key, member) in &mut members {
            self.flush(*key, member, is_over, take);
        }
        self.members = members;
    }

    /// Passes on the held samples of one member, for which it is over or not.
    fn flush(
        &mut self,
        (pool, slot): (usize, usize),
        member: &mut LiveMember,
        is_over: bool,
        take: &mut MemberSink<'_>,
    ) {
        let width = member.present.len();
        let moments = member.cells.len() / width.max(1);
        let had_sample = member.is_continued || moments > 0;
        let ends = had_sample && (is_over || member.missing > 0);
        if moments > 0 || ends {
            let mut cells = Vec::with_capacity(member.cells.len());
            for cell in 0..width {
                cells.extend(member.cells.iter().skip(cell).step_by(width));
            }
            let LiveMember { number, labels, first, is_continued, .. } = &*member;
            take(&MemberSamples {
                member: *number,
                pool,
                slot,
                labels,
                first: *first,
                moments,
                is_continued: *is_continued,
                ends,
                cells: &cells,
            });
        }
        self.held -= member.cells.len();
        (member.cells, member.missing, member.first) = (Vec::new(), 0, self.moment);
        member.is_continued = had_sample && !ends;
    }
}
