//! A change of a pool's member, as outputs need it.

/// A slot whose member, or whose member's cells, changed since the last report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberChange {
    /// The pool, as an index into the shape's.
    pub pool: usize,
    /// The numbered place in the pool.
    pub slot: usize,
    /// `true` if another member is there than at the last report.
    pub is_new: bool,
}
