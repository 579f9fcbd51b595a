//! The ends of hosts, for the one that waits for them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The ends that nobody has waited for yet.
#[derive(Debug)]
pub(super) struct HostEnds<T> {
    ends: Mutex<VecDeque<T>>,
    more: Notify,
}

impl<T> Default for HostEnds<T> {
    fn default() -> Self {
        Self { ends: Mutex::default(), more: Notify::new() }
    }
}

impl<T> HostEnds<T> {
    pub(super) fn add(&self, end: T) {
        self.ends().push_back(end);
        self.more.notify_one();
    }

    /// Waits for the next one. Dropping the future loses none.
    pub(super) async fn next(&self) -> T {
        loop {
            let end = self.ends().pop_front();
            match end {
                Some(end) => return end,
                None => self.more.notified().await,
            }
        }
    }

    fn ends(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn a_wait_that_is_given_up_loses_no_end() {
        let ends = HostEnds::default();
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(ends.next()).poll(&mut context).is_pending());
        ends.add(1);
        ends.add(2);
        assert_eq!(pin!(ends.next()).poll(&mut context), Poll::Ready(1));
        assert_eq!(pin!(ends.next()).poll(&mut context), Poll::Ready(2));
        assert!(pin!(ends.next()).poll(&mut context).is_pending());
    }
}
