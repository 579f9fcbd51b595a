//! A request to end work before it is done.
//!
//! Whoever starts long work keeps one end and may set it; the work looks at the other between its steps. It knows no
//! clock: a deadline is set by whoever has one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::interrupt::interruptible;

/// A flag that ends work. All clones are one flag; the default one is never set.
#[derive(Clone, Debug, Default)]
pub struct Stop(Option<Arc<AtomicBool>>);

impl Stop {
    /// A flag that can be set.
    #[must_use]
    pub fn new() -> Self {
        Self(Some(Arc::default()))
    }

    /// Asks the work to end.
    pub fn set(&self) {
        if let Some(flag) = &self.0 {
            flag.store(true, Ordering::Relaxed);
        }
    }

    /// `true` if the work is to end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Runs `work` of hosts, which [leaves off](interruptible) soon after the flag is set: its outcome is of no use then.
    pub fn interrupts<R>(&self, work: impl FnOnce() -> R) -> R {
        match &self.0 {
            Some(flag) => interruptible(flag, work),
            None => work(),
        }
    }
}

/// Sets its flag when it is dropped: nobody waits for the work any more.
#[derive(Debug)]
pub struct StopOnDrop(pub Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::is_interrupted;

    #[test]
    fn all_clones_of_a_stop_are_set_at_once_and_the_default_one_never() {
        let stop = Stop::new();
        let (seen, never) = (stop.clone(), Stop::default());
        assert!(!seen.is_set());
        stop.set();
        never.set();
        assert!(seen.is_set() && !never.is_set());
    }

    #[test]
    fn a_dropped_end_stops_the_work_of_hosts() {
        let stop = Stop::new();
        let end = StopOnDrop(stop.clone());
        assert!(!stop.interrupts(is_interrupted));
        drop(end);
        assert!(stop.interrupts(is_interrupted) && !Stop::default().interrupts(is_interrupted));
    }
}
