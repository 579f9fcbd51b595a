//! The ledger of a server's sets: each is acknowledged, unknown, or still under way.
//!
//! A set whose answer did not come may have been done or not. So a server has done at least the acknowledged ones, and at
//! most all that were sent.

/// Numbers of sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// All of them, from when their first byte may have been sent.
    pub(crate) sent: u64,
    /// Those that the server said to have stored.
    pub(crate) acknowledged: u64,
    /// Those without such an answer.
    pub(crate) unknown: u64,
}

impl Ledger {
    pub(crate) const fn send(&mut self) {
        self.sent += 1;
    }

    pub(crate) const fn end(&mut self, is_acknowledged: bool) {
        if is_acknowledged {
            self.acknowledged += 1;
        } else {
            self.unknown += 1;
        }
    }
}
