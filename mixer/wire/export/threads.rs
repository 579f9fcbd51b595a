//! The threads of an export, whose number changes no byte.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

/// Does one thing on each of several threads, and returns the outcomes in order. Without a thread it is done here.
pub(super) fn on_threads<T: Send, R: Send>(
    inputs: Vec<T>,
    work: impl Fn(T) -> io::Result<R> + Sync,
) -> io::Result<Vec<R>> {
    let inputs: Vec<_> = inputs.into_iter().map(|input| Mutex::new(Some(input))).collect();
    let work = |input: &Mutex<Option<T>>| {
        let input = input.lock().unwrap_or_else(PoisonError::into_inner).take();
        input.map_or_else(|| Err(thread_panicked()), &work)
    };
    scope(|scope| {
        let work = &work;
        let spawn = |input| (input, Builder::new().spawn_scoped(scope, move || work(input)));
        let threads: Vec<_> = inputs.iter().map(spawn).collect();
        let outcomes = threads.into_iter().map(|(input, thread)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err(thread_panicked())),
            Err(_) => work(input),
        });
        outcomes.collect()
    })
}

/// The error of a thread that is gone without a result.
pub(super) fn thread_panicked() -> io::Error {
    io::Error::other("an export thread panicked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_in_the_order_of_the_inputs_and_a_panic_is_an_error() {
        assert_eq!(on_threads(vec![3, 1, 2], |n| Ok(n * 2)).unwrap(), [6, 2, 4]);
        let failed = on_threads(vec![0, 1], |n| if n == 1 { panic!("a bug") } else { Ok(n) });
        assert_eq!(failed.unwrap_err().to_string(), thread_panicked().to_string());
    }
}
