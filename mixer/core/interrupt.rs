//! The end of a run in the middle of a host's step. A driver that ends a run discards the step, so it changes no value: wall
//! time only ends a run.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    static FLAG: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Runs `work`, which leaves off soon after the flag is set: scripts fail, and what events cause is left out.
pub fn interruptible<R>(flag: &Arc<AtomicBool>, work: impl FnOnce() -> R) -> R {
    FLAG.set(Some(Arc::clone(flag)));
    let outcome = work();
    FLAG.set(None);
    outcome
}

/// `true` if the work of this thread is to leave off.
pub(crate) fn is_interrupted() -> bool {
    FLAG.with_borrow(|flag| flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_leaves_off_once_its_flag_is_set_and_other_work_does_not() {
        let flag = Arc::new(AtomicBool::new(false));
        assert!(!interruptible(&flag, is_interrupted));
        flag.store(true, Ordering::Relaxed);
        assert!(interruptible(&flag, is_interrupted));
        assert!(!is_interrupted());
    }
}
