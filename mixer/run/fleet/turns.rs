//! Turns: who is awake works for a moment, one after another, in as many tasks as there are threads at most.
//!
//! There is no task while all sleep: one for each host would take more memory than most hosts do. Each is in one place at a
//! time: where it sleeps, in this queue, or in the hands of a task. It knows nothing of hosts.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::task::yield_now;

/// Room for this many is kept in an empty queue.
const AWAKE_KEPT: usize = 1_024;

/// Work that is done in turns.
pub(super) trait Turn: Debug + Send + 'static {
    /// Works for a moment. Gives itself back for another turn, unless it sleeps or has ended.
    ///
    /// One that panics is dropped. The others go on.
    fn take_turn(self: Box<Self>) -> Option<Box<Self>>;
}

/// Those who are awake and wait for their turn.
#[derive(Debug)]
pub(super) struct Turns<T> {
    queue: Mutex<Queue<T>>,
    /// The runtime of the tasks.
    workers: Handle,
    tasks_max: usize,
}

#[derive(Debug)]
struct Queue<T> {
    awake: VecDeque<Box<T>>,
    /// Number of tasks that give turns.
    tasks: usize,
}

impl<T: Turn> Turns<T> {
    /// Turns on these workers.
    pub(super) fn new(workers: Handle) -> Arc<Self> {
        let queue = Mutex::new(Queue { awake: VecDeque::new(), tasks: 0 });
        Arc::new(Self { queue, tasks_max: workers.metrics().num_workers().max(1), workers })
    }

    /// Gives a turn, after those who wait already.
    pub(super) fn give(self: &Arc<Self>, awake: Box<T>) {
        let mut queue = self.queue();
        queue.awake.push_back(awake);
        // The tasks that there are may be held up.
        let needs_task = queue.tasks < self.tasks_max;
        queue.tasks += usize::from(needs_task);
        drop(queue);
        if needs_task {
            self.workers.spawn(Arc::clone(self).give_all());
        }
    }

    async fn give_all(self: Arc<Self>) {
        while let Some(next) = self.next() {
            let again = catch_unwind(AssertUnwindSafe(|| next.take_turn())).unwrap_or_default();
            if let Some(again) = again {
                self.queue().awake.push_back(again);
            }
            yield_now().await;
        }
    }

    /// The next in the queue. If there is none, the task that asks is over.
    fn next(&self) -> Option<Box<T>> {
        let mut queue = self.queue();
        let next = queue.awake.pop_front();
        if next.is_none() {
            queue.tasks -= 1;
            // All begin at once, and never again wait together.
            queue.awake.shrink_to(AWAKE_KEPT);
        }
        next
    }

    fn queue(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Sends its number in each turn, and panics in the last one if it is odd.
    #[derive(Debug)]
    struct Counted {
        number: u32,
        turns: u32,
        seen: Sender<(u32, u32)>,
    }

    impl Turn for Counted {
        fn take_turn(mut self: Box<Self>) -> Option<Box<Self>> {
            self.turns -= 1;
            self.seen.send((self.number, self.turns)).unwrap();
            assert!(self.turns > 0 || self.number.is_multiple_of(2), "a bug");
            (self.turns > 0).then_some(self)
        }
    }

    #[test]
    fn all_have_their_turns_although_some_panic() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let turns = Turns::new(runtime.handle().clone());
        for round in 0..3 {
            let (seen, all) = channel();
            for number in 0..50 {
                turns.give(Box::new(Counted { number, turns: 1 + number % 3, seen: seen.clone() }));
            }
            drop(seen);
            // It ends when all are dropped.
            let mut all: Vec<_> = all.into_iter().collect();
            all.sort_unstable();
            let expected = (0..50).flat_map(|number| (0..=number % 3).map(move |left| (number, left)));
            assert_eq!(all, expected.collect::<Vec<_>>(), "round {round}");
        }
    }

    /// Holds up a thread until it is told to go on.
    #[derive(Debug)]
    struct HeldUp(Mutex<Receiver<()>>);

    /// Either of both.
    #[derive(Debug)]
    enum Any {
        HeldUp(HeldUp),
        Counted(Counted),
    }

    impl Turn for Any {
        fn take_turn(self: Box<Self>) -> Option<Box<Self>> {
            match *self {
                Self::HeldUp(HeldUp(go_on)) => {
                    // The sender is dropped.
                    assert!(go_on.lock().unwrap().recv().is_err());
                    None
                }
                Self::Counted(counted) => {
                    Box::new(counted).take_turn().map(|counted| Box::new(Self::Counted(*counted)))
                }
            }
        }
    }

    #[test]
    fn one_who_is_held_up_holds_up_none_behind_it() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let turns = Turns::new(runtime.handle().clone());
        let (go_on, waits) = channel();
        turns.give(Box::new(Any::HeldUp(HeldUp(Mutex::new(waits)))));
        let (seen, all) = channel();
        turns.give(Box::new(Any::Counted(Counted { number: 0, turns: 3, seen })));
        assert_eq!(all.into_iter().count(), 3);
        drop(go_on);
    }
}
