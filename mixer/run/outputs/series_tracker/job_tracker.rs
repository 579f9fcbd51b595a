//! Known series of one job.
//!
//! It decides for each series of a round: a sample, a staleness marker, or nothing.

use std::ops::Range;
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use indexmap::IndexMap;

use super::round::{MILLISECOND, Round, ShardEncoder};
use promemu_core::metric::{Layout, is_absent};
use promemu_core::rng::fnv1a;
use promemu_core::series::{Column, Family, Job, LabelBlock, SeriesStore};
use promemu_core::time::Time;
use promemu_wire::request::Encoder;

/// One job: its series, and the set of those that the server knows.
#[derive(Debug)]
pub(super) struct JobTracker<J> {
    job: Arc<Job>,
    prepared: J,
    row_groups: Vec<RowGroup>,
    columns: Vec<CellRange>,
    /// The rows from here on have one member or host after another.
    first_changing_row: usize,
    layout_version: u64,
    /// The labels of each row that the server knows.
    labels: Vec<LabelBlock>,
    /// The number of each row's first cell.
    cells: Vec<usize>,
    /// The first cells of the known series.
    known: FixedBitSet,
}

/// Neighbouring rows with the same columns.
#[derive(Debug, PartialEq)]
struct RowGroup {
    rows: Range<usize>,
    columns: Vec<usize>,
}

/// The cells of a column in a row, and its identity.
#[derive(Debug)]
struct CellRange {
    offset: usize,
    width: usize,
    identity: Identity,
    layout: Arc<Layout>,
}

/// Family and labels of a column: with the host's labels, the identity of its series in all plans.
type Identity = (Arc<str>, LabelBlock);

/// The position of a pass over a job.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    row_group: usize,
    row: usize,
    /// Among the row group's columns.
    column: usize,
}

/// The part of a round that a row is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Known series that are gone end.
    Gone,
    /// Series with a sample are sent.
    Present,
    /// Both.
    Both,
    /// All known series end.
    All,
}

/// A host, or a member of a pool.
struct Host<'a> {
    row: usize,
    labels: &'a LabelBlock,
    cells: &'a [f64],
    pass: Pass,
    /// Time of its samples.
    at: Time,
}

impl<J> JobTracker<J> {
    /// A job of which the server knows nothing yet.
    pub(super) fn open<E: Encoder<Job = J>>(id: u32, job: &Arc<Job>) -> Self {
        let store = job.store();
        let mut tracker = Self {
            job: Arc::clone(job),
            prepared: E::prepare(id, job.name(), &[]),
            row_groups: Vec::new(),
            columns: Vec::new(),
            first_changing_row: store.first_changing_row(),
            layout_version: store.layout_version(),
            labels: Vec::new(),
            cells: Vec::new(),
            known: FixedBitSet::new(),
        };
        tracker.lay_out::<E>(id, &store);
        tracker
    }

    /// `true` if the job has more rows than the tracker knows.
    pub(super) fn is_outgrown(&self) -> bool {
        self.job.store().layout_version() != self.layout_version
    }

    /// Takes in the rows that the job has in addition now. The others and their series stay as they are. `id` is a new
    /// one, as the job is prepared again.
    pub(super) fn grow<E: Encoder<Job = J>>(&mut self, id: u32) {
        let job = Arc::clone(&self.job);
        self.lay_out::<E>(id, &job.store());
    }

    fn lay_out<E: Encoder<Job = J>>(&mut self, id: u32, store: &SeriesStore) {
        let columns: Vec<(&Family, &Column)> = store.columns().collect();
        let cell_range = |(family, column): &(&Family, &Column)| CellRange {
            offset: column.offset,
            width: column.layout.width(),
            identity: (Arc::clone(&family.name), column.labels.clone()),
            layout: Arc::clone(&column.layout),
        };
        self.prepared = E::prepare(id, self.job.name(), &columns);
        self.row_groups = row_groups(&columns);
        self.columns = columns.iter().map(cell_range).collect();
        self.layout_version = store.layout_version();
        let known_rows = self.labels.len();
        if known_rows == 0 {
            self.labels.reserve_exact(store.rows());
            self.cells.reserve_exact(store.rows());
        }
        let mut count = self.known.len();
        for row in known_rows..store.rows() {
            self.labels.push(store.row_labels(row).clone());
            self.cells.push(count);
            count += store.row(row).len();
        }
        self.known.grow(count);
    }

    pub(super) const fn job(&self) -> &Arc<Job> {
        &self.job
    }

    pub(super) fn name(&self) -> &Arc<str> {
        self.job.name()
    }

    pub(super) const fn prepared(&self) -> &J {
        &self.prepared
    }

    /// `true` if the server knows a series that has not ended.
    pub(super) fn has_known_series(&self) -> bool {
        !self.known.is_clear()
    }

    /// Takes over the known series that are in both; the others stay with the old tracker.
    pub(super) fn inherit(&mut self, old: &mut Self) {
        if old.known.is_clear() {
            return;
        }
        let rows: IndexMap<LabelBlock, usize> = self.labels.iter().cloned().zip(0..).collect();
        let mut columns: IndexMap<&Identity, Vec<(&Range<usize>, &CellRange)>> = IndexMap::new();
        for row_group in &self.row_groups {
            for place in row_group.columns.iter().map(|column| &self.columns[*column]) {
                columns.entry(&place.identity).or_default().push((&row_group.rows, place));
            }
        }
        for row_group in &old.row_groups {
            for old_row in row_group.rows.clone() {
                let Some(row) = rows.get(&old.labels[old_row]) else { continue };
                for old_place in row_group.columns.iter().map(|column| &old.columns[*column]) {
                    let old_cell = old.cells[old_row] + old_place.offset;
                    if !old.known.contains(old_cell) {
                        continue;
                    }
                    let mut same = columns.get(&old_place.identity).into_iter().flatten();
                    let is_same = |(rows, place): &&(&Range<usize>, &CellRange)| {
                        rows.contains(row) && place.layout == old_place.layout
                    };
                    if let Some((_, place)) = same.find(is_same) {
                        old.known.remove(old_cell);
                        self.known.insert(self.cells[*row] + place.offset);
                    }
                }
            }
        }
    }

    /// Sends all series, or ends them.
    pub(super) fn go_through<E: Encoder<Job = J>>(&mut self, round: &mut Round<'_, E>) {
        let job = Arc::clone(&self.job);
        let changing_end_first = !round.ends && self.first_changing_row < self.labels.len();
        for changing_pass in changing_end_first.then_some(Pass::Gone).into_iter().chain([Pass::Present]) {
            let mut cursor = Cursor::default();
            loop {
                let full = self.fill(&job.store(), &mut cursor, changing_pass, round);
                let Some(shard) = full else { break };
                round.send(shard);
            }
        }
    }

    /// Fills requests until one is full, and returns its shard; `None` at the end of the job.
    fn fill<E: Encoder<Job = J>>(
        &mut self,
        store: &SeriesStore,
        cursor: &mut Cursor,
        changing_pass: Pass,
        round: &mut Round<'_, E>,
    ) -> Option<usize> {
        while cursor.row_group < self.row_groups.len() {
            let rows = self.row_groups[cursor.row_group].rows.clone();
            cursor.row = cursor.row.max(rows.start);
            while cursor.row < rows.end {
                // A removed host may be there again in another row.
                let is_removed = || self.layout_version > 0 && !store.has_row(cursor.row);
                let ends_first = cursor.row >= self.first_changing_row || is_removed();
                let pass = match (round.ends, ends_first) {
                    (true, _) => Pass::All,
                    (false, true) => changing_pass,
                    (false, false) => Pass::Both,
                };
                if ends_first || changing_pass != Pass::Gone {
                    let full = self.send_row(store, cursor, pass, round);
                    if full.is_some() {
                        return full;
                    }
                }
                (cursor.row, cursor.column) = (cursor.row + 1, 0);
            }
            cursor.row_group += 1;
        }
        None
    }

    /// Sends a row; returns the shard whose request is full before the row is done.
    fn send_row<E: Encoder<Job = J>>(
        &mut self,
        store: &SeriesStore,
        cursor: &mut Cursor,
        pass: Pass,
        round: &mut Round<'_, E>,
    ) -> Option<usize> {
        let (row, cells, labels) = (cursor.row, store.row(cursor.row), store.row_labels(cursor.row));
        let is_same = row < self.first_changing_row || self.labels[row] == *labels;
        let old = (!is_same).then(|| self.labels[row].clone());
        let known = old.as_ref().unwrap_or(labels);
        let own_time = store.own_time(row);
        // A series ends after its last sample, even if that was ahead of the time.
        let after_own = |at: Time| own_time.map_or(at, |own_time| at.max(own_time + MILLISECOND));
        let (pass, at) = match pass {
            Pass::Gone if is_same => (pass, after_own(round.ended_at)),
            // The own time is that of the member in the slot now. The one before may have a sample of that time elsewhere.
            Pass::Gone => {
                let before_own = own_time.map(|own_time| own_time.before(MILLISECOND));
                (Pass::All, before_own.map_or(round.ended_at, |before| before.max(round.ended_at)))
            }
            // Its member changed after the pass that ended the gone ones; the next round sends it.
            Pass::Present if !is_same => return None,
            Pass::Both if own_time.is_some() && (!store.has_row(row) || store.is_down(row)) => {
                (pass, after_own(round.at))
            }
            Pass::Present | Pass::Both => (pass, own_time.unwrap_or(round.at)),
            Pass::All => (pass, after_own(round.at)),
        };
        let shard = shard_of(known, round.shards.len());
        let host = Host { row, labels: known, cells, pass, at };
        if self.send(&host, cursor, &mut round.shards[shard]) {
            return Some(shard);
        }
        if !is_same && !round.ends {
            self.labels[row] = labels.clone();
        }
        None
    }

    /// Sends a host's series, or their ends; `true` if the request is full before they are done.
    fn send<E: Encoder<Job = J>>(
        &mut self,
        host: &Host<'_>,
        cursor: &mut Cursor,
        shard: &mut ShardEncoder<E>,
    ) -> bool {
        let columns = &self.row_groups[cursor.row_group].columns;
        let first_cell = self.cells[host.row];
        let mut has_begun = false;
        while let Some(column) = columns.get(cursor.column) {
            cursor.column += 1;
            let CellRange { offset, width, .. } = self.columns[*column];
            let is_present = host.pass != Pass::All && !is_absent(host.cells[offset]);
            let cell = first_cell + offset;
            let is_sent = match host.pass {
                Pass::Present | Pass::Both if is_present => {
                    self.known.insert(cell);
                    true
                }
                Pass::Present => false,
                _ => {
                    let ends = !is_present && self.known.contains(cell);
                    if ends {
                        self.known.remove(cell);
                    }
                    ends
                }
            };
            if !is_sent {
                continue;
            }
            if !std::mem::replace(&mut has_begun, true) {
                shard.begin_host(&self.prepared, host.labels, host.at);
            }
            let cells = is_present.then(|| &host.cells[offset..offset + width]);
            shard.samples += shard.encoder.put(&self.prepared, *column, cells);
            if shard.is_full() {
                return true;
            }
        }
        false
    }
}

/// All series of a host go the same way, in all rounds and plans.
fn shard_of(labels: &LabelBlock, shards: usize) -> usize {
    if shards == 1 {
        return 0;
    }
    let hash = fnv1a(labels.as_protobuf());
    // Its low bits alone are not well mixed.
    usize::try_from((hash >> 32 ^ hash) % shards as u64).unwrap_or(0)
}

fn row_groups(columns: &[(&Family, &Column)]) -> Vec<RowGroup> {
    let ends = |column: &Column| [column.first_row, column.first_row + column.rows];
    let mut cuts: Vec<usize> = columns.iter().flat_map(|(_, column)| ends(column)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let row_group = |cut: &[usize]| RowGroup { rows: cut[0]..cut[1], columns: Vec::new() };
    let mut row_groups: Vec<RowGroup> = cuts.windows(2).map(row_group).collect();
    for (index, (_, column)) in columns.iter().enumerate() {
        let [first, end] = ends(column).map(|row| cuts.partition_point(|cut| *cut < row));
        for row_group in &mut row_groups[first..end] {
            row_group.columns.push(index);
        }
    }
    row_groups.retain(|row_group| !row_group.columns.is_empty());
    row_groups
}
