//! Threads by purpose: the hosts of all runs have workers of their own, and so have the servers. Hosts that are never done
//! hold up neither a health check nor the end of a run, and a run that takes long to begin holds up no server.
//!
//! Everything else (mixers, outputs, clean-up) runs on the runtime of the program, whose tasks are short.

use std::num::NonZero;
use std::os::unix::net::UnixStream;
use std::sync::{LazyLock, RwLock};
use std::time::Duration;
use std::{fs, io, thread};

use tokio::runtime::{Builder, Handle, Runtime};
use tracing::warn;

/// Number of threads of the servers. Handlers that take long run on blocking threads.
const SERVER_THREADS: usize = 2;

/// Attempts to see that the threads of a probe are gone, which takes microseconds.
const PROBE_POLLS_MAX: usize = 1_000;

/// Time for which threads that block outlive their work: longer than any run.
const KEEP_ALIVE: Duration = Duration::from_hours(24 * 365 * 10);

/// Pairs of sockets that take as many files as a runtime with its signals.
const PROBE_PAIRS: usize = 3;

static HOSTS: LazyLock<Option<Runtime>> = LazyLock::new(|| workers("hosts", None));
static SERVERS: LazyLock<Option<Runtime>> = LazyLock::new(|| workers("servers", Some(SERVER_THREADS)));

/// The workers of hosts: one for each core.
pub(crate) fn of_hosts() -> Handle {
    handle(HOSTS.as_ref())
}

/// The workers of servers.
pub(crate) fn of_servers() -> Handle {
    handle(SERVERS.as_ref())
}

/// A runtime with workers of this name: this many, or one for each core.
///
/// # Errors
///
/// The system gives no threads, or no file that the runtime needs.
pub fn runtime(name: &str, workers: Option<usize>) -> io::Result<Runtime> {
    let workers = workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
    // Tokio panics if a thread of it cannot be started; one more is for work that blocks.
    probe(workers + 1)?;
    probe_files()?;
    let mut builder = Builder::new_multi_thread();
    let builder = builder.enable_all().thread_name(name).worker_threads(workers);
    let runtime = builder.thread_keep_alive(KEEP_ALIVE).build()?;
    // With a thread that blocks already, further work waits for it if the system gives no other; without one Tokio panics.
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}

/// Opens and closes as many files as a runtime and its signals need.
///
/// # Errors
///
/// The system does not give them.
pub fn probe_files() -> io::Result<()> {
    // Tokio panics if its pair for signals cannot be opened beside the files of the runtime.
    let pairs = (0..PROBE_PAIRS).map(|_| UnixStream::pair());
    pairs.collect::<io::Result<Vec<_>>>().map(drop)
}

/// Starts the workers of hosts and servers, before other threads may take their places.
pub fn start() {
    LazyLock::force(&HOSTS);
    LazyLock::force(&SERVERS);
}

/// Starts this many threads, ends them, and waits until the system has forgotten them.
fn probe(count: usize) -> io::Result<()> {
    let before = thread_count();
    let barrier = RwLock::new(());
    let is_held = barrier.write();
    let started = thread::scope(|scope| {
        let hold = || drop(barrier.read());
        let threads = (0..count).map(|_| thread::Builder::new().spawn_scoped(scope, hold).map(drop));
        let started = threads.collect::<io::Result<()>>();
        drop(is_held);
        started
    });
    // A thread that has been joined counts for a moment. Without /proc there is nothing to wait for.
    for _ in 0..PROBE_POLLS_MAX {
        if thread_count() <= before {
            break;
        }
        thread::yield_now();
    }
    started
}

/// The number of threads of this process, where the system tells it.
fn thread_count() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

fn workers(name: &str, threads: Option<usize>) -> Option<Runtime> {
    runtime(name, threads)
        .inspect_err(|error| warn!(%error, workers = name, "threads cannot be started; their work is shared"))
        .ok()
}

/// The runtime's handle; without it, that of the caller.
fn handle(runtime: Option<&Runtime>) -> Handle {
    runtime.map_or_else(Handle::current, |runtime| runtime.handle().clone())
}
