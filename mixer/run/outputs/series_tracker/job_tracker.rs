//! One job in the ledger.

use std::ops::Range;
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use indexmap::IndexMap;

use super::{Encoder, MILLISECOND, Round, ShardEncoder};
use promemu_core::metric::{Layout, is_absent};
use promemu_core::rng::fnv1a;
use promemu_core::series::Job;
use promemu_core::series::{Column, Family, LabelBlock, SeriesStore};
use promemu_core::time::Time;

/// One job: its series, and which of them were shown.
#[derive(Debug)]
pub(super) struct JobTracker<J> {
    job: Arc<Job>,
    prepared: J,
    stretches: Vec<Stretch>,
    columns: Vec<Place>,
    /// The rows from here on are pools.
    first_pool_row: usize,
    /// The labels that each row was shown with.
    labels: Vec<LabelBlock>,
    /// The number of each row's first cell.
    cells: Vec<usize>,
    /// The first cells of the series that were shown.
    shown: FixedBitSet,
}

/// Neighbouring rows with the same columns.
#[derive(Debug, PartialEq)]
struct Stretch {
    rows: Range<usize>,
    columns: Vec<usize>,
}

/// A column: where its cells are in a row, and what they are.
#[derive(Debug)]
struct Place {
    offset: usize,
    width: usize,
    identity: Identity,
    layout: Arc<Layout>,
}

/// What makes a column's series the same as those of another plan, together with the host's labels.
type Identity = (Arc<str>, LabelBlock);

/// How far a page has been gone through.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    stretch: usize,
    row: usize,
    /// Among the stretch's columns.
    column: usize,
}

/// What is done with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// Series that were shown and are not there any more end.
    Gone,
    /// Series that are there are shown.
    There,
    /// Both.
    Both,
    /// All series that were shown end.
    All,
}

/// A host, or a slot, as it is shown.
struct Host<'a> {
    row: usize,
    labels: &'a LabelBlock,
    cells: &'a [f64],
    pass: Pass,
    /// When its samples were made: now, unless it says something else.
    at: Time,
}

impl<J> JobTracker<J> {
    /// A page on which nothing was shown yet.
    pub(super) fn open<E: Encoder<Job = J>>(id: u32, job: &Arc<Job>) -> Self {
        let store = job.store();
        let columns: Vec<(&Family, &Column)> = store.columns().collect();
        let place = |(family, column): &(&Family, &Column)| Place {
            offset: column.offset,
            width: column.layout.width(),
            identity: (Arc::clone(&family.name), column.labels.clone()),
            layout: Arc::clone(&column.layout),
        };
        let mut count = 0;
        let start = |row| {
            let start = count;
            count += store.row(row).len();
            start
        };
        Self {
            job: Arc::clone(job),
            prepared: E::prepare(id, job.name(), &columns),
            stretches: stretches(&columns),
            columns: columns.iter().map(place).collect(),
            first_pool_row: store.first_pool_row(),
            labels: (0..store.rows()).map(|row| store.row_labels(row).clone()).collect(),
            cells: (0..store.rows()).map(start).collect(),
            shown: FixedBitSet::with_capacity(count),
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        self.job.name()
    }

    pub(super) const fn prepared(&self) -> &J {
        &self.prepared
    }

    /// Whether any of its series was shown and has not ended.
    pub(super) fn is_shown(&self) -> bool {
        !self.shown.is_clear()
    }

    /// Takes over what is shown of series that are in both; the others stay with the old page.
    pub(super) fn inherit(&mut self, old: &mut Self) {
        if old.shown.is_clear() {
            return;
        }
        let rows: IndexMap<LabelBlock, usize> = self.labels.iter().cloned().zip(0..).collect();
        let mut columns: IndexMap<&Identity, Vec<(&Range<usize>, &Place)>> = IndexMap::new();
        for stretch in &self.stretches {
            for place in stretch.columns.iter().map(|column| &self.columns[*column]) {
                columns.entry(&place.identity).or_default().push((&stretch.rows, place));
            }
        }
        for stretch in &old.stretches {
            for old_row in stretch.rows.clone() {
                let Some(row) = rows.get(&old.labels[old_row]) else { continue };
                for old_place in stretch.columns.iter().map(|column| &old.columns[*column]) {
                    let old_cell = old.cells[old_row] + old_place.offset;
                    if !old.shown.contains(old_cell) {
                        continue;
                    }
                    let mut same = columns.get(&old_place.identity).into_iter().flatten();
                    let is_same = |(rows, place): &&(&Range<usize>, &Place)| {
                        rows.contains(row) && place.layout == old_place.layout
                    };
                    if let Some((_, place)) = same.find(is_same) {
                        old.shown.remove(old_cell);
                        self.shown.insert(self.cells[*row] + place.offset);
                    }
                }
            }
        }
    }

    /// Shows all series, or ends them.
    pub(super) fn go_through<E: Encoder<Job = J>>(&mut self, round: &mut Round<'_, E>) {
        let job = Arc::clone(&self.job);
        let pools_end_first = !round.ends && self.first_pool_row < self.labels.len();
        for of_pools in pools_end_first.then_some(Pass::Gone).into_iter().chain([Pass::There]) {
            let mut cursor = Cursor::default();
            loop {
                let full = self.fill(&job.store(), &mut cursor, of_pools, round);
                let Some(shard) = full else { break };
                round.send(shard);
            }
        }
    }

    /// Fills requests until one is full, and says which; none when it has come to the end.
    fn fill<E: Encoder<Job = J>>(
        &mut self,
        store: &SeriesStore,
        cursor: &mut Cursor,
        of_pools: Pass,
        round: &mut Round<'_, E>,
    ) -> Option<usize> {
        while cursor.stretch < self.stretches.len() {
            let rows = self.stretches[cursor.stretch].rows.clone();
            cursor.row = cursor.row.max(rows.start);
            while cursor.row < rows.end {
                let is_slot = cursor.row >= self.first_pool_row;
                let pass = match (round.ends, is_slot) {
                    (true, _) => Pass::All,
                    (false, true) => of_pools,
                    (false, false) => Pass::Both,
                };
                if is_slot || of_pools != Pass::Gone {
                    let full = self.show_row(store, cursor, pass, round);
                    if full.is_some() {
                        return full;
                    }
                }
                (cursor.row, cursor.column) = (cursor.row + 1, 0);
            }
            cursor.stretch += 1;
        }
        None
    }

    /// Shows a row; says whether a request is full before it is through, and which.
    fn show_row<E: Encoder<Job = J>>(
        &mut self,
        store: &SeriesStore,
        cursor: &mut Cursor,
        pass: Pass,
        round: &mut Round<'_, E>,
    ) -> Option<usize> {
        let (row, cells, labels) = (cursor.row, store.row(cursor.row), store.row_labels(cursor.row));
        let is_same = row < self.first_pool_row || self.labels[row] == *labels;
        let old = (!is_same).then(|| self.labels[row].clone());
        let known = old.as_ref().unwrap_or(labels);
        let own_time = store.own_time(row);
        // A series ends after its last sample, also if that was ahead of the time.
        let after_own = |at: Time| own_time.map_or(at, |own_time| at.max(own_time + MILLISECOND));
        let (pass, at) = match pass {
            Pass::Gone if is_same => (pass, after_own(round.ended_at)),
            // The time is that of whoever is in the slot now. Who was there may have such a sample elsewhere.
            Pass::Gone => {
                let before_own = own_time.map(|own_time| own_time.before(MILLISECOND));
                (Pass::All, before_own.map_or(round.ended_at, |before| before.max(round.ended_at)))
            }
            // It has changed since those who are gone have ended; the next round has it.
            Pass::There if !is_same => return None,
            Pass::Both if own_time.is_some() && (!store.has_row(row) || store.is_down(row)) => {
                (pass, after_own(round.at))
            }
            Pass::There | Pass::Both => (pass, own_time.unwrap_or(round.at)),
            Pass::All => (pass, after_own(round.at)),
        };
        let shard = shard_of(known, round.desks.len());
        let host = Host { row, labels: known, cells, pass, at };
        if self.show(&host, cursor, &mut round.desks[shard]) {
            return Some(shard);
        }
        if !is_same && !round.ends {
            self.labels[row] = labels.clone();
        }
        None
    }

    /// Shows a host's series, or their end; says whether the request is full before they are through.
    fn show<E: Encoder<Job = J>>(
        &mut self,
        host: &Host<'_>,
        cursor: &mut Cursor,
        desk: &mut ShardEncoder<E>,
    ) -> bool {
        let columns = &self.stretches[cursor.stretch].columns;
        let first_cell = self.cells[host.row];
        let mut is_announced = false;
        while let Some(column) = columns.get(cursor.column) {
            cursor.column += 1;
            let Place { offset, width, .. } = self.columns[*column];
            let is_there = host.pass != Pass::All && !is_absent(host.cells[offset]);
            let cell = first_cell + offset;
            let is_said = match host.pass {
                Pass::There | Pass::Both if is_there => {
                    self.shown.insert(cell);
                    true
                }
                Pass::There => false,
                _ => {
                    let ends = !is_there && self.shown.contains(cell);
                    if ends {
                        self.shown.remove(cell);
                    }
                    ends
                }
            };
            if !is_said {
                continue;
            }
            if !std::mem::replace(&mut is_announced, true) {
                desk.begin_host(&self.prepared, host.labels, host.at);
            }
            let cells = is_there.then(|| &host.cells[offset..offset + width]);
            desk.samples += desk.encoder.put(&self.prepared, *column, cells);
            if desk.is_full() {
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

fn stretches(columns: &[(&Family, &Column)]) -> Vec<Stretch> {
    let ends = |column: &Column| [column.first_row, column.first_row + column.rows];
    let mut cuts: Vec<usize> = columns.iter().flat_map(|(_, column)| ends(column)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let stretch = |cut: &[usize]| Stretch { rows: cut[0]..cut[1], columns: Vec::new() };
    let mut stretches: Vec<Stretch> = cuts.windows(2).map(stretch).collect();
    for (index, (_, column)) in columns.iter().enumerate() {
        let [first, end] = ends(column).map(|row| cuts.partition_point(|cut| *cut < row));
        for stretch in &mut stretches[first..end] {
            stretch.columns.push(index);
        }
    }
    stretches.retain(|stretch| !stretch.columns.is_empty());
    stretches
}
