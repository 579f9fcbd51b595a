//! The real processes, and the thread that looks after them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::driver::Driver;
use super::group::Burner;
use crate::Process;

/// Whether there is one: the share of the machine is for all of promemu.
static IS_THERE: AtomicBool = AtomicBool::new(false);

/// What a real process is to be like.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// The pid of the simulated one. Another one is another process.
    pub(super) life: u32,
    pub(super) name: String,
    /// How many cores it is to use from now on.
    pub(super) cores: f64,
    /// How much CPU the simulated one has used, in seconds.
    pub(super) cpu_seconds: f64,
}

/// What there is to be in each slot, at a time in seconds since whenever.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    pub(super) now_secs: f64,
    pub(super) slots: Vec<Option<Order>>,
}

/// A real process, as it was when it was counted last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    /// As [`Order::life`].
    pub(super) life: u32,
    pub(super) pid: u32,
    pub(super) cpu_seconds: f64,
    pub(super) memory_bytes: f64,
    pub(super) threads: u32,
    pub(super) open_fds: u32,
    /// Since the Unix epoch.
    pub(super) start_time_seconds: f64,
    pub(super) uptime_seconds: f64,
}

impl Seen {
    /// The simulated process as it really is.
    pub(super) fn process<'a>(&self, simulated: Process<'a>) -> Process<'a> {
        Process {
            pid: self.pid,
            cpu_seconds: self.cpu_seconds,
            memory_bytes: self.memory_bytes,
            threads: self.threads,
            open_fds: self.open_fds,
            start_time_seconds: self.start_time_seconds,
            uptime_seconds: self.uptime_seconds,
            ..simulated
        }
    }
}

/// What the thread tells.
#[derive(Debug, Default)]
pub(super) struct News {
    /// For each slot.
    pub(super) seen: Vec<Option<Seen>>,
    /// What has gone wrong, for the log.
    pub(super) complaint: Option<String>,
}

/// The real processes.
#[derive(Debug)]
pub(super) struct Crew {
    orders: SyncSender<Orders>,
    news: Arc<Mutex<News>>,
    /// What they use the CPU by, in words.
    pub(super) told: String,
    _claim: Claim,
}

/// That it is the only one.
#[derive(Debug)]
struct Claim;

impl Claim {
    fn new() -> Result<Self, String> {
        if IS_THERE.swap(true, Ordering::SeqCst) {
            return Err("another host of this run has real processes, and only one can".to_owned());
        }
        Ok(Self)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        IS_THERE.store(false, Ordering::SeqCst);
    }
}

impl Crew {
    /// Real processes that together use no more than so many cores.
    pub(super) fn start(cores_max: f64) -> Result<Self, String> {
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        Self::start_on(path, cores_max)
    }

    fn start_on(path: String, cores_max: f64) -> Result<Self, String> {
        let claim = Claim::new()?;
        let burner = Burner::on_path(&path);
        let told = match &burner {
            Burner::StressNg(program) => program.display().to_string(),
            Burner::Shell => "loops of the shell, as there is no stress-ng".to_owned(),
        };
        let news = Arc::<Mutex<News>>::default();
        // What waits when the next one comes is out of date.
        let (orders, ordered) = sync_channel::<Orders>(1);
        let mut driver = Driver::new(burner, path, cores_max, Arc::clone(&news));
        let thread = std::thread::Builder::new().name("real processes".to_owned());
        let thread = thread.spawn(move || {
            while let Ok(orders) = ordered.recv() {
                driver.round(&orders);
            }
        });
        thread.map_err(|error| format!("no thread can be started for real processes: {error}"))?;
        Ok(Self { orders, news, told, _claim: claim })
    }

    /// Says what there is to be, and gives what there was when that was looked at last.
    pub(super) fn go_on(&self, orders: Orders) -> Result<MutexGuard<'_, News>, String> {
        match self.orders.try_send(orders) {
            // It is at work; the next ones come soon.
            Ok(()) | Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => {
                return Err("the real processes have ended because of a bug".to_owned());
            }
        }
        Ok(self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
