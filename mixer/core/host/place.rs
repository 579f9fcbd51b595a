//! A host's rows in its job's series store, and the copy of its cells into them.

use super::MemberChange;
use super::emulated_host::EmulatedHost;
use super::faults::Stamp;
use crate::fault::Presence;
use crate::series::SeriesStore;

/// A host's row in a store.
#[derive(Clone, Copy, Debug)]
pub struct Place(pub usize);

/// Numbers of the members that have come and gone with a report. Those of a host that is down have not gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberCounts {
    /// Members that the store had not shown before.
    pub begun: u64,
    /// Members that it does not show any more.
    pub ended: u64,
}

impl Place {
    /// Copies the host's row and the changed members of its pools into the store.
    pub fn report(
        self,
        host: &EmulatedHost,
        changes: &[MemberChange],
        store: &mut SeriesStore,
    ) -> MemberCounts {
        let Self(own_row) = self;
        let mut counts = MemberCounts::default();
        let stamp = host.stamp();
        if let Some(Stamp { presence, .. }) = stamp {
            // Samples pushed before the host went down stay.
            store.keep_last(own_row, presence == Presence::Down);
        }
        store.report(own_row, &host.shown_row());
        let put_stamp = |store: &mut SeriesStore, row| {
            if let Some(Stamp { own_time, presence }) = stamp {
                store.stamp(row, own_time, presence != Presence::Up);
            }
        };
        put_stamp(store, own_row);
        for change in changes {
            let Some(rows) = store.pool_rows(own_row).get(change.pool) else { continue };
            let row = rows.start + change.slot;
            let Some((labels, cells)) = host.slot(change.pool, change.slot) else {
                let is_down = stamp.is_some_and(|stamp| stamp.presence != Presence::Up);
                counts.ended += u64::from(!is_down && store.has_row(row));
                store.remove(row);
                continue;
            };
            // A change may be noted while the slot shows nothing: its labels are then set when it does.
            if change.is_new || !store.has_row(row) {
                counts.begun += u64::from(change.is_new);
                counts.ended += u64::from(store.has_row(row));
                store.set_row_labels(row, labels);
            }
            store.report(row, cells);
            put_stamp(store, row);
        }
        counts
    }

    /// Copies everything that the host shows into the store.
    pub fn report_all(self, host: &EmulatedHost, store: &mut SeriesStore) {
        self.report(host, &host.all_members(), store);
    }
}
