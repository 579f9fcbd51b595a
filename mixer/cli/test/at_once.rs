//! Work on several items, one after the other or at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use promemu_core::error::Error;

/// Does the work of each item, if `is_at_once` by as many threads as there are processors; the results in the order of the items, or the
/// error of the first one that has one.
pub(super) fn each<T: Sync, R: Send>(
    items: &[T],
    is_at_once: bool,
    work: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    each_by(items, if is_at_once { processors } else { 1 }, work)
}

/// As [`each`], by so many threads.
pub(super) fn each_by<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(items.len())));
    let take = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { break };
            let result = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            // Without another thread this one does the work.
            if thread::Builder::new().name("test".to_owned()).spawn_scoped(scope, take).is_err() {
                break;
            }
        }
        take();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_and_the_first_error_is_returned() {
        let items: Vec<u64> = (0..50).collect();
        for is_at_once in [false, true] {
            let squares = each(&items, is_at_once, |item| Ok(item * item)).unwrap();
            assert!(squares.iter().zip(&items).all(|(square, item)| *square == item * item));
            let failed = each(&items, is_at_once, |item| match item % 20 {
                7 => Err(Error::Run(format!("no {item}"))),
                _ => Ok(()),
            });
            assert_eq!(failed.unwrap_err().to_string(), "no 7");
        }
    }
}
