//! The way to standard error: whoever logs puts a line into a queue, and one thread writes it.
//!
//! Nobody waits for a reader of standard error, as hosts, servers and signals must go on while it is stuck. The queue is
//! bounded in bytes; a line beyond that is dropped and counted, and the log says so once it is read again.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::warn;

/// A queue with as much takes no more lines. It may be exceeded by one line, as a status may be as long.
const BYTES_MAX: usize = 1 << 20;

/// Pause before the next attempt at a standard error that another program has made non-blocking.
const RETRY: Duration = Duration::from_millis(10);

static STDERR: LazyLock<Arc<LogQueue>> = LazyLock::new(|| LogQueue::start(io::stderr()));

/// The queue of standard error.
#[must_use]
pub fn stderr() -> &'static LogQueue {
    &STDERR
}

/// Lines that wait to be written, and the number of those that did not get there.
#[derive(Debug, Default)]
pub struct LogQueue {
    state: Mutex<State>,
    has_lines: Condvar,
    is_drained: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<u8>,
    /// `true` while the thread has lines that are not written yet.
    is_writing: bool,
    /// Lines dropped since the log last said so.
    untold: u64,
    /// `true` if the system gave no thread, so that lines are written where they arise.
    has_no_thread: bool,
}

impl LogQueue {
    /// An empty queue, and a thread that writes what is put into it.
    fn start(writer: impl Write + Send + 'static) -> Arc<Self> {
        let queue = Arc::new(Self::default());
        let of_thread = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("log".to_owned());
        if thread.spawn(move || of_thread.write_all_to(writer)).is_err() {
            queue.state().has_no_thread = true;
        }
        queue
    }

    /// Puts lines, each with its line feed, into the queue, or drops them if it is full.
    pub fn put(&self, lines: &[u8]) {
        self.put_within(BYTES_MAX, lines);
    }

    /// The same for the last lines of a process, which are taken by a full queue, too.
    pub fn put_last(&self, lines: &[u8]) {
        self.put_within(usize::MAX, lines);
    }

    fn put_within(&self, bytes_max: usize, lines: &[u8]) {
        let mut state = self.state();
        if state.has_no_thread {
            drop(state);
            // There is nobody to tell.
            let _is_written = io::stderr().write_all(lines).is_ok();
            return;
        }
        if state.pending.len() >= bytes_max {
            let count = line_count(lines);
            state.untold += count;
            self.dropped.fetch_add(count, Ordering::Relaxed);
            return;
        }
        state.pending.extend_from_slice(lines);
        drop(state);
        self.has_lines.notify_one();
    }

    /// Waits until all lines are written, for this time at most; without a bound if there is none. `true` if they are.
    pub fn flush(&self, patience: Option<Duration>) -> bool {
        let is_busy = |state: &mut State| state.is_writing || !state.pending.is_empty();
        let Some(patience) = patience else {
            drop(self.is_drained.wait_while(self.state(), is_busy).unwrap_or_else(PoisonError::into_inner));
            return true;
        };
        let waited = self.is_drained.wait_timeout_while(self.state(), patience, is_busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// The number of lines that were dropped since the start, and of those that could not be written.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all_to(&self, mut writer: impl Write) {
        let mut lines = Vec::new();
        loop {
            let untold = self.next(&mut lines);
            if untold > 0 {
                warn!(lines = untold, "log lines were dropped, as standard error was not read");
                continue;
            }
            if write_whole(&mut writer, &lines).is_err() {
                self.dropped.fetch_add(line_count(&lines), Ordering::Relaxed);
            }
            lines.clear();
            lines.shrink_to(2 * BYTES_MAX);
        }
    }

    /// Waits for lines and takes them. Without any, the number of dropped ones that is to be told.
    fn next(&self, lines: &mut Vec<u8>) -> u64 {
        let mut state = self.state();
        state.is_writing = false;
        if state.pending.is_empty() {
            if state.untold > 0 {
                // A flush waits for the next line, too.
                state.is_writing = true;
                return std::mem::take(&mut state.untold);
            }
            self.is_drained.notify_all();
        }
        let is_idle = |state: &mut State| state.pending.is_empty();
        let mut state = self.has_lines.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.pending, lines);
        state.is_writing = true;
        0
    }
}

/// Writes all bytes, also to a writer that takes none for a while.
fn write_whole(writer: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match writer.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(RETRY),
            Err(error) => return Err(error),
        }
    }
    writer.flush()
}

fn line_count(lines: &[u8]) -> u64 {
    lines.split_inclusive(|byte| *byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Generous, as machines may be slow.
    const PATIENCE: Option<Duration> = Some(Duration::from_secs(30));

    /// A reader that takes a piece when it is asked to.
    struct Slow(SyncSender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Arc<LogQueue>, Receiver<Vec<u8>>) {
        let (sender, reader) = sync_channel(0);
        (LogQueue::start(Slow(sender)), reader)
    }

    #[test]
    fn a_stuck_reader_stops_nobody_and_gets_what_the_queue_holds() {
        let (queue, reader) = slow();
        let line = [b'x'; 1023].iter().chain(b"\n").copied().collect::<Vec<u8>>();
        let put = 4 * BYTES_MAX / line.len();
        for _ in 0..put {
            queue.put(&line);
        }
        assert!(!queue.flush(Some(Duration::from_millis(1))), "nobody reads");
        queue.put_last(b"the end\n");
        let mut kept = Vec::new();
        while !kept.ends_with(b"the end\n") {
            kept.extend(reader.recv_timeout(PATIENCE.unwrap()).expect("a full queue takes the last line"));
        }
        assert!(kept.len() <= 2 * BYTES_MAX + 2 * line.len(), "{} bytes", kept.len());
        assert!(queue.dropped() > 0);
    }

    #[test]
    fn dropped_lines_are_counted() {
        let (queue, reader) = slow();
        let status = vec![b'x'; 3 * BYTES_MAX];
        queue.put(&status);
        assert_eq!(reader.recv().unwrap().len(), status.len(), "a line may be longer than the queue");
        // The thread may take one of them before the next is put.
        for _ in 0..4 {
            queue.put(&status);
        }
        queue.put(b"one\ntwo\n");
        assert!((4..=5).contains(&queue.dropped()), "{}", queue.dropped());
    }

    #[test]
    fn a_closed_standard_error_costs_lines_and_nothing_else() {
        let (queue, reader) = slow();
        drop(reader);
        queue.put(b"one\ntwo\n");
        assert!(queue.flush(PATIENCE));
        assert_eq!(queue.dropped(), 2);
    }

    /// Takes a byte at every second attempt.
    struct NonBlocking(bool, Arc<Mutex<Vec<u8>>>);

    impl Write for NonBlocking {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = !self.0;
            if self.0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.1.lock().unwrap().push(bytes[0]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_non_blocking_standard_error_gets_whole_lines() {
        let written = Arc::default();
        let queue = LogQueue::start(NonBlocking(false, Arc::clone(&written)));
        queue.put(b"a line\n");
        assert!(queue.flush(PATIENCE));
        assert_eq!((&*written.lock().unwrap(), queue.dropped()), (&b"a line\n".to_vec(), 0));
    }
}
