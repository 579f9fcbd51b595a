//! Threads by purpose: the hosts of all runs have workers of their own, and so have the servers. Hosts that are never done
//! hold up neither a health check nor the end of a run, and a run that takes long to begin holds up no server.
//!
//! Everything else (mixers, outputs, clean-up) runs on the runtime of the program, whose tasks are short.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Handle, Runtime};
use tracing::warn;

/// Number of threads of the servers. Handlers that take long run on blocking threads.
const SERVER_THREADS: usize = 2;

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

fn workers(name: &str, threads: Option<usize>) -> Option<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().thread_name(name);
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    let started = builder.build();
    started
        .inspect_err(|error| warn!(%error, workers = name, "threads cannot be started; their work is shared"))
        .ok()
}

/// The runtime's handle; without it, that of the caller.
fn handle(runtime: Option<&Runtime>) -> Handle {
    runtime.map_or_else(Handle::current, |runtime| runtime.handle().clone())
}
