//! The key of a host in a fleet's host table.

/// A host's place in the table. It stays the same while hosts are added and removed, and ids shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct HostKey(pub(super) u32);
