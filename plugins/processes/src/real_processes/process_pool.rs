//! The real processes, and the thread that looks after them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::machine_limits;
use super::pool_state::{PoolSpec, PoolStatus};
use super::programs::Programs;
use super::reconciler::{Budgets, Reconciler};

/// `true` while a pool exists: all of promemu shares one budget of the machine's CPU.
static POOL_EXISTS: AtomicBool = AtomicBool::new(false);

/// All real processes. There is at most one pool.
#[derive(Debug)]
pub(super) struct ProcessPool {
    specs: SyncSender<PoolSpec>,
    status: Arc<Mutex<PoolStatus>>,
    pub(super) programs: Programs,
    _lease: PoolLease,
}

/// Right to be the only pool.
#[derive(Debug)]
struct PoolLease;

impl PoolLease {
    fn acquire() -> Result<Self, String> {
        if POOL_EXISTS.swap(true, Ordering::SeqCst) {
            return Err("another host of this run has real processes; only one host can".to_owned());
        }
        Ok(Self)
    }
}

impl Drop for PoolLease {
    fn drop(&mut self) {
        POOL_EXISTS.store(false, Ordering::SeqCst);
    }
}

impl ProcessPool {
    /// Starts the thread of a pool of this many processes at most, within these budgets.
    ///
    /// # Errors
    ///
    /// If another pool exists, the machine has no room for so many processes, or the thread cannot be started.
    pub(super) fn start(processes: usize, budgets: Budgets) -> Result<Self, String> {
        let lease = PoolLease::acquire()?;
        machine_limits::make_room(processes, budgets.memory.bytes_max)?;
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        let programs = Programs::on_path(&path);
        let status = Arc::<Mutex<PoolStatus>>::default();
        // One spec at most waits: by the next update it is out of date.
        let (specs, received) = sync_channel::<PoolSpec>(1);
        let mut reconciler = Reconciler::new(programs.clone(), budgets, Arc::clone(&status));
        std::thread::Builder::new()
            .name("real processes".to_owned())
            .spawn(move || {
                while let Ok(spec) = received.recv() {
                    reconciler.reconcile(&spec);
                }
            })
            .map_err(|error| format!("cannot start a thread for real processes: {error}"))?;
        Ok(Self { specs, status, programs, _lease: lease })
    }

    /// Sets the desired state and returns the latest observed one, without waiting for the thread.
    pub(super) fn apply(&self, spec: PoolSpec) -> Result<MutexGuard<'_, PoolStatus>, String> {
        match self.specs.try_send(spec) {
            // A busy thread misses this spec; the next one follows soon.
            Ok(()) | Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => {
                return Err("the thread of the real processes has panicked".to_owned());
            }
        }
        Ok(self.status.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
