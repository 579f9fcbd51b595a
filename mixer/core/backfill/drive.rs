//! One host driven through virtual time.

use super::replayed_host::ReplayedHost;
use crate::host::{DrivenHost, Outbox, UpdateCounts};
use crate::interrupt::is_interrupted;
use crate::time::Time;

/// Advances one host until a time, or until the work is [to leave off](crate::interrupt). `visit` is called after each step.
pub fn drive(
    host: &mut ReplayedHost<'_>,
    until: Time,
    out: &mut Outbox,
    mut visit: impl FnMut(Time, &DrivenHost, &Outbox),
) -> UpdateCounts {
    let mut counts = UpdateCounts::default();
    while let Some(at) = host.step(until, out) {
        counts.add(out);
        visit(at, host.driven(), out);
        if is_interrupted() {
            break;
        }
    }
    counts
}
