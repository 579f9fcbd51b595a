//! What a host shows goes into its job's store.

use super::pool::Pool;
use super::{EmulatedHost, MemberChange};
use crate::event::HostId;
use crate::plan::PoolRows;
use crate::series::SeriesStore;

/// Where a host has its rows in a store.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The host.
    pub host: HostId,
    /// Its own row.
    pub row: usize,
    /// Those of the job's pools.
    pub pools: &'a PoolRows,
}

impl EmulatedHost {
    /// Hands over its row, and the pools that have changed.
    pub fn show(&self, changes: &[MemberChange], place: &Place<'_>, store: &mut SeriesStore) {
        store.report(place.row, self.row());
        let stamp = self.stamp();
        let put_stamp = |store: &mut SeriesStore, row| {
            if let Some(stamp) = stamp {
                store.stamp(row, stamp.own_time, stamp.is_down);
            }
        };
        put_stamp(store, place.row);
        for change in changes {
            let Some(row) = place.pools.row(place.host, change.kind, change.slot) else { continue };
            let Some((labels, cells)) = self.slot(change.kind, change.slot) else {
                store.remove(row);
                continue;
            };
            // A change may have been told while nobody was to be seen here: the labels wait until somebody is.
            if change.is_new || !store.has_row(row) {
                store.set_row_labels(row, labels);
            }
            store.report(row, cells);
            put_stamp(store, row);
        }
    }

    /// Hands over everything.
    pub fn show_all(&self, place: &Place<'_>, store: &mut SeriesStore) {
        let changes = self.pools().map(Pool::all).unwrap_or_default();
        self.show(&changes, place, store);
    }
}
