//! The samples of one host, and of the members of its pools, over neighbouring moments.

use indexmap::IndexMap;
use promemu_core::backfill::{Grid, HostSampler, HostSamples, MemberSamples};
use promemu_core::metric::ABSENT;
use promemu_core::plan::HostPlan;
use promemu_core::series::LabelBlock;

/// The samples of one host over neighbouring moments.
pub(super) struct Stretch {
    pub(super) samples: HostSamples,
    /// By pool and labels: a member that comes back under its old labels has the same series again.
    pub(super) members: IndexMap<(usize, LabelBlock), MemberStretch>,
}

/// The samples of the pool members that have the same labels.
pub(super) struct MemberStretch {
    /// First moment.
    pub(super) first: usize,
    /// `true` if there was a sample at the moment before.
    pub(super) is_continued: bool,
    pub(super) samples: HostSamples,
}

/// A part of a member's samples: its first moment, its number of moments, its cells.
struct Piece {
    first: usize,
    moments: usize,
    cells: Vec<f64>,
}

/// The parts of a [`MemberStretch`], in order of time.
struct MemberPieces {
    is_continued: bool,
    pieces: Vec<Piece>,
    /// `true` if the last part is followed by a moment without a sample.
    ends: bool,
}

impl Stretch {
    /// Samples a host over the moments of a grid.
    pub(super) fn of(driven: &mut HostSampler<'_>, grid: &Grid, host: &HostPlan) -> Self {
        let mut members: IndexMap<(usize, LabelBlock), MemberPieces> = IndexMap::new();
        let mut put = |samples: &MemberSamples<'_>| {
            let MemberSamples { first, moments, is_continued, ends, .. } = *samples;
            let new = || MemberPieces { is_continued, pieces: Vec::new(), ends };
            let member = members.entry((samples.pool, samples.labels.clone())).or_insert_with(new);
            member.pieces.push(Piece { first, moments, cells: samples.cells.to_vec() });
            member.ends = ends;
        };
        let samples = driven.sample(grid, |_| {}, Some(&mut put));
        let moments = grid.count();
        let members = members.into_iter().map(|(key, member)| {
            let width = host.shape.pools[key.0].shape.width;
            (key, member.joined(width, moments))
        });
        Self { samples, members: members.collect() }
    }
}

impl MemberPieces {
    /// The parts as one, of at most as many moments as there are.
    fn joined(self, width: usize, moments_max: usize) -> MemberStretch {
        let first = self.pieces.first().map_or(0, |piece| piece.first);
        let last = self.pieces.last().map_or(0, |piece| piece.first + piece.moments);
        let moments = (last + usize::from(self.ends)).min(moments_max) - first;
        let mut cells = vec![ABSENT; width * moments];
        for piece in self.pieces.iter().filter(|piece| piece.moments > 0) {
            for (cell, values) in piece.cells.chunks(piece.moments).enumerate() {
                let start = cell * moments + piece.first - first;
                cells[start..start + piece.moments].copy_from_slice(values);
            }
        }
        let samples = HostSamples::from_cells(cells, 0..width, moments);
        MemberStretch { first, is_continued: self.is_continued, samples }
    }
}

/// The times of a grid's moments, in milliseconds since the Unix epoch.
pub(super) fn times_of(grid: &Grid) -> Vec<i64> {
    grid.iter().map(|moment| moment.unix_millis().cast_signed()).collect()
}
