//! The thread of the load: a runtime of its own, from the first collection until the stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::settings::{Pace, Settings};
use crate::{closed_loop, open_loop};

/// Pools are looked after in this interval.
const POOL_INTERVAL: Duration = Duration::from_secs(1);
/// Interval in which requests that are under way at the end are waited for.
const END_INTERVAL: Duration = Duration::from_millis(10);

/// Messages of the run to the load.
#[derive(Debug)]
pub(crate) struct Control {
    seed: AtomicU64,
    /// Bits of the number by which the rate or the workers are multiplied.
    factor: AtomicU64,
    is_ending: AtomicBool,
    /// Told at the begin and at the end.
    changed: Notify,
    has_begun: AtomicBool,
    /// Time for requests that are under way at the end, in nanoseconds.
    grace_nanos: AtomicU64,
}

impl Control {
    fn new() -> Self {
        Self {
            seed: AtomicU64::new(0),
            factor: AtomicU64::new(1.0f64.to_bits()),
            is_ending: AtomicBool::new(false),
            changed: Notify::new(),
            has_begun: AtomicBool::new(false),
            grace_nanos: AtomicU64::new(0),
        }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed.load(Ordering::Relaxed)
    }

    pub(crate) fn factor(&self) -> f64 {
        f64::from_bits(self.factor.load(Ordering::Relaxed))
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Acquire)
    }
}

/// A load whose thread runs.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) client: Arc<Client>,
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// Starts the thread, which waits for [`Self::begin`].
    pub(crate) fn start(settings: Settings) -> Result<Self, String> {
        let client = Client::new(settings)?;
        let control = Arc::new(Control::new());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("cannot start a runtime: {error}"))?;
        let (of_client, of_control) = (Arc::clone(&client), Arc::clone(&control));
        let thread = Builder::new()
            .name("memcached load".to_owned())
            .spawn(move || run(&runtime, &of_client, &of_control))
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(Self { client, control, thread: Some(thread) })
    }

    /// Begins to make requests.
    pub(crate) fn begin(&self, seed: u64, now_nanos: u64) {
        self.client.set_writer(seed, now_nanos);
        self.control.seed.store(seed, Ordering::Relaxed);
        self.control.has_begun.store(true, Ordering::Release);
        self.control.changed.notify_one();
    }

    pub(crate) fn set_factor(&self, factor: f64) {
        self.control.factor.store(factor.max(0.0).to_bits(), Ordering::Relaxed);
    }

    /// `false` once the thread has ended by itself, which it should not.
    pub(crate) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Makes no more requests, waits this long for those under way, and ends the thread.
    pub(crate) fn stop(&mut self, grace: Duration) {
        let nanos = u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX);
        self.control.grace_nanos.store(nanos, Ordering::Relaxed);
        self.control.is_ending.store(true, Ordering::Release);
        self.control.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic has been printed by Rust.
            drop(thread.join());
        }
    }
}

fn run(runtime: &Runtime, client: &Arc<Client>, control: &Arc<Control>) {
    runtime.block_on(async {
        while !control.has_begun.load(Ordering::Acquire) && !control.is_ending() {
            control.changed.notified().await;
        }
        let mut tasks = JoinSet::new();
        tasks.spawn(close_old(Arc::clone(client)));
        match client.settings.pace {
            Pace::Open { rate, queue } => {
                open_loop::start(client, control, rate, queue, &mut tasks);
                while !control.is_ending() {
                    control.changed.notified().await;
                }
            }
            Pace::Closed { workers } => closed_loop::run(client, control, workers, &mut tasks).await,
        }
        let until = client.clock.now() + Duration::from_nanos(control.grace_nanos.load(Ordering::Relaxed));
        while client.state().servers.iter().any(|server| server.in_flight > 0) && client.clock.now() < until {
            tokio::time::sleep(END_INTERVAL).await;
        }
    });
}

async fn close_old(client: Arc<Client>) {
    loop {
        tokio::time::sleep(POOL_INTERVAL).await;
        client.pools().iter().for_each(crate::pool::Pool::close_old);
    }
}
