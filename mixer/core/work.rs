//! The work that hosts do, in counted steps: operations of scripts, values, events.
//!
//! It is the same on every machine, so it may bound what hosts do without making values depend on the machine.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::interrupt::interruptible;

thread_local! {
    /// Steps so far on this thread; only differences count.
    static DONE: Cell<u64> = const { Cell::new(0) };
    static LIMIT: RefCell<Option<Arc<WorkLimit>>> = const { RefCell::new(None) };
}

/// Maximum number of steps of some work, on any number of threads.
#[derive(Debug)]
pub struct WorkLimit {
    left: AtomicU64,
    is_reached: Arc<AtomicBool>,
}

impl WorkLimit {
    /// A limit of this number of steps.
    #[must_use]
    pub fn new(steps: u64) -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(steps), is_reached: Arc::default() })
    }

    /// Runs a part of the work, which [leaves off](interruptible) soon after the limit is reached.
    pub fn within<R>(self: &Arc<Self>, work: impl FnOnce() -> R) -> R {
        LIMIT.set(Some(Arc::clone(self)));
        let outcome = interruptible(&self.is_reached, work);
        LIMIT.set(None);
        outcome
    }

    /// `true` if the work has left off, so that its outcome is of no use.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.is_reached.load(Ordering::Relaxed)
    }

    fn spend(&self, steps: u64) {
        // It wraps around only after the flag is set.
        if self.left.fetch_sub(steps, Ordering::Relaxed) < steps {
            self.is_reached.store(true, Ordering::Relaxed);
        }
    }
}

/// Counts steps that this thread has done.
pub(crate) fn add(steps: u64) {
    DONE.set(done().wrapping_add(steps));
    LIMIT.with_borrow(|limit| {
        if let Some(limit) = limit {
            limit.spend(steps);
        }
    });
}

/// Number of steps of this thread so far, of which only differences count.
pub(crate) fn done() -> u64 {
    DONE.get()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::is_interrupted;

    #[test]
    fn work_beyond_its_limit_leaves_off_on_all_threads_and_other_work_does_not() {
        let limit = WorkLimit::new(10);
        limit.within(|| add(10));
        assert!(!limit.is_reached());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                limit.within(|| {
                    add(1);
                    assert!(is_interrupted());
                });
                assert!(!is_interrupted());
            });
        });
        assert!(limit.is_reached() && limit.within(is_interrupted));
        add(100);
        assert!(!is_interrupted());
    }

    #[test]
    fn steps_are_counted_without_a_limit_too() {
        let before = done();
        add(7);
        assert_eq!(done().wrapping_sub(before), 7);
    }
}
