//! Members of the hosts' pools: each has series of its own, from its first sample to its last.

use std::io;

use indexmap::IndexSet;
use promemu_core::backfill::{HostSamples, MemberSamples};
use promemu_core::metric::ABSENT;
use promemu_core::plan::MetricPlan;
use promemu_core::rng::fnv1a;

use super::spool::Spool;

/// The spooled samples of one pool member. There may be millions of members.
#[derive(Debug)]
pub(super) struct SpooledMember {
    /// The pool, as an index into those of the host's shape.
    pub(super) pool: usize,
    /// Offset and length of its labels in the spool: those of the host and its own, as text.
    labels: (u64, usize),
    /// `true` if an earlier member of the pool had the same labels.
    pub(super) is_continuation: bool,
    first: SpooledStretch,
    /// Later stretches; few members have any.
    more: Vec<SpooledStretch>,
}

/// The place of neighbouring samples in the spool.
#[derive(Clone, Copy, Debug)]
struct SpooledStretch {
    offset: u64,
    /// First moment.
    first: usize,
    moments: usize,
}

/// Spools the samples of one host's pool members.
#[derive(Debug, Default)]
pub(super) struct MemberSpooler {
    /// By number; `None` for a member that has had no sample.
    members: Vec<Option<SpooledMember>>,
    /// Pools, and hashes of labels that a member of them has had.
    known_labels: IndexSet<(usize, u64)>,
}

impl MemberSpooler {
    /// Spools a stretch of samples, whose moments count from `start`.
    pub(super) fn put(&mut self, samples: &MemberSamples<'_>, start: usize, spool: &Spool) -> io::Result<()> {
        if samples.moments == 0 {
            return Ok(());
        }
        let offset = spool.append_cells(samples.cells)?;
        let spooled = SpooledStretch { offset, first: start + samples.first, moments: samples.moments };
        if self.members.len() <= samples.member {
            self.members.resize_with(samples.member + 1, || None);
        }
        let place = &mut self.members[samples.member];
        if let Some(member) = place {
            member.more.push(spooled);
        } else {
            let (pool, text) = (samples.pool, samples.labels.as_text());
            let labels = (spool.append(text)?, text.len());
            let is_continuation = !self.known_labels.insert((pool, fnv1a(text)));
            *place = Some(SpooledMember { pool, labels, is_continuation, first: spooled, more: Vec::new() });
        }
        Ok(())
    }

    /// The members that have had a sample, in the order in which they joined.
    pub(super) fn into_members(self) -> Vec<SpooledMember> {
        self.members.into_iter().flatten().collect()
    }
}

impl SpooledMember {
    /// The first moment, and a metric's samples from there on.
    pub(super) fn samples(&self, metric: &MetricPlan, spool: &Spool) -> io::Result<(usize, HostSamples)> {
        let start = self.first.first;
        let (moments, width) = (self.moments(), metric.cells.width());
        let mut samples = vec![ABSENT; width * moments];
        for stretch in std::iter::once(&self.first).chain(&self.more) {
            let count = stretch.moments;
            let wanted = metric.offset * count..(metric.offset + width) * count;
            let cells = spool.appended_cells(stretch.offset, wanted)?;
            for (cell, values) in cells.chunks(count).enumerate() {
                let from = cell * moments + stretch.first - start;
                samples[from..from + count].copy_from_slice(values);
            }
        }
        let cells = metric.offset..metric.offset + width;
        Ok((start, HostSamples::from_cells(samples, cells, moments)))
    }

    /// Number of moments from its first sample to its last.
    pub(super) fn moments(&self) -> usize {
        let last = self.more.last().unwrap_or(&self.first);
        last.first + last.moments - self.first.first
    }

    /// The labels of the host and the member, as text.
    pub(super) fn labels(&self, spool: &Spool) -> io::Result<Vec<u8>> {
        let (offset, len) = self.labels;
        spool.appended(offset, len)
    }
}
