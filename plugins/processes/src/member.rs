//! A process as a member of the host's pool.

use promemu_plugin::Tables;

use crate::{NamingScheme, Process};

/// Begins the row of a process in a slot.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(crate) fn begin_member<N: NamingScheme>(it: &Process<'_>, slot: u32, tables: &mut Tables<'_>) {
    let labels = N::labels(it);
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    tables.begin(0, slot, (it.start_time_seconds * 1e9) as u64, &labels);
}
