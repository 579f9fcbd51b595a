//! The hosts of a fleet as their tasks and mailboxes know them: each has a key that stays the same while hosts are added
//! and removed.
//!
//! The table grows by chunks, so an entry never moves and is found without a lock.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use promemu_core::event::HostId;

use super::command_queue::CommandQueue;
use super::host_key::HostKey;
use super::mailbox::Mailbox;

/// Number of entries of the first chunk behind the hosts of the plan; each further chunk is twice as long.
const CHUNK_LEN: usize = 64;

/// Maximum number of chunks: together they have more keys than a [`HostKey`] can name.
const CHUNKS_MAX: usize = 27;

/// State of one host, as seen from outside its task.
#[derive(Debug, Default)]
pub(super) struct HostState {
    pub(super) started_at_nanos: AtomicU64,
    /// The host's index in the present plan.
    pub(super) id: AtomicU32,
    pub(super) has_ended: AtomicBool,
    /// `true` if it was asked to end; it may be started again.
    pub(super) is_stopped: AtomicBool,
    pub(super) has_commands: AtomicBool,
}

/// One host.
#[derive(Debug, Default)]
pub(super) struct HostEntry {
    pub(super) mailbox: Mailbox,
    pub(super) state: HostState,
}

/// A request to all hosts.
#[derive(Debug)]
pub(super) enum ExitRequest {
    EndAll,
    /// The hosts marked, by id, go on in another fleet; the others end.
    HandOver(Box<[bool]>),
}

/// A request to one host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Exit {
    End,
    HandOver,
}

/// Keys that are not in use.
#[derive(Debug)]
struct FreeKeys {
    next: u32,
    freed: Vec<HostKey>,
}

/// All hosts.
#[derive(Debug)]
pub(crate) struct HostTable {
    planned: Box<[HostEntry]>,
    added: [OnceLock<Box<[HostEntry]>>; CHUNKS_MAX],
    free: Mutex<FreeKeys>,
    /// Number of hosts that run.
    pub(super) active: AtomicUsize,
    exit: OnceLock<ExitRequest>,
    commands: Mutex<CommandQueue>,
}

impl HostTable {
    /// A table of this number of hosts, whose keys are their ids.
    pub(super) fn new(hosts: usize) -> Self {
        let planned: Box<[HostEntry]> = (0..hosts).map(|_| HostEntry::default()).collect();
        for (id, entry) in (0..).zip(&planned) {
            entry.state.id.store(id, Ordering::Relaxed);
        }
        Self {
            planned,
            added: [const { OnceLock::new() }; CHUNKS_MAX],
            free: Mutex::new(FreeKeys { next: u32::try_from(hosts).unwrap_or(u32::MAX), freed: Vec::new() }),
            active: AtomicUsize::new(0),
            exit: OnceLock::new(),
            commands: Mutex::default(),
        }
    }

    /// The key of a planned host, before any was added or removed.
    pub(super) const fn planned_key(id: HostId) -> HostKey {
        HostKey(id)
    }

    /// The entry of a host.
    pub(super) fn entry(&self, HostKey(key): HostKey) -> &HostEntry {
        let key = key as usize;
        if let Some(entry) = self.planned.get(key) {
            return entry;
        }
        let (chunk, index) = place(key - self.planned.len());
        let make = || (0..CHUNK_LEN << chunk).map(|_| HostEntry::default()).collect();
        &self.added[chunk].get_or_init(make)[index]
    }

    /// A key for one more host, which has this id.
    pub(super) fn add(&self, id: HostId) -> HostKey {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let key = free.freed.pop().unwrap_or_else(|| {
            let key = HostKey(free.next);
            free.next = free.next.saturating_add(1);
            key
        });
        drop(free);
        self.reset(key);
        self.entry(key).state.id.store(id, Ordering::Relaxed);
        key
    }

    /// Frees the key of a host that has ended and is gone for good.
    pub(super) fn remove(&self, key: HostKey) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).freed.push(key);
    }

    /// Resets the state of a host that starts, or starts again.
    pub(super) fn reset(&self, key: HostKey) {
        let state = &self.entry(key).state;
        state.started_at_nanos.store(0, Ordering::Relaxed);
        state.is_stopped.store(false, Ordering::Relaxed);
        state.has_ended.store(false, Ordering::Relaxed);
    }

    pub(super) fn request_exit(&self, request: ExitRequest) {
        let is_first = self.exit.set(request).is_ok();
        debug_assert!(is_first, "a fleet is asked once");
    }

    /// The request to a host, if there is one.
    pub(crate) fn exit(&self, key: HostKey) -> Option<Exit> {
        let state = &self.entry(key).state;
        let of_all = self.exit.get().map(|request| match request {
            ExitRequest::HandOver(kept) if kept[state.id.load(Ordering::Relaxed) as usize] => Exit::HandOver,
            ExitRequest::HandOver(_) | ExitRequest::EndAll => Exit::End,
        });
        of_all.or_else(|| state.is_stopped.load(Ordering::Relaxed).then_some(Exit::End))
    }

    pub(super) fn commands(&self) -> MutexGuard<'_, CommandQueue> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The chunk of an added host, and its index in the chunk.
const fn place(index: usize) -> (usize, usize) {
    let chunk = (index / CHUNK_LEN + 1).ilog2();
    (chunk as usize, index - CHUNK_LEN * ((1 << chunk) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_follow_each_other_without_a_gap() {
        let mut expected = (0, 0);
        for index in 0..10_000 {
            assert_eq!(place(index), expected);
            expected.1 += 1;
            if expected.1 == CHUNK_LEN << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn a_freed_key_is_used_again_without_its_past() {
        let table = HostTable::new(2);
        let first = table.add(2);
        table.entry(first).state.has_ended.store(true, Ordering::Relaxed);
        table.remove(first);
        let again = table.add(5);
        assert_eq!(again, first);
        let state = &table.entry(again).state;
        assert!(!state.has_ended.load(Ordering::Relaxed));
        assert_eq!(state.id.load(Ordering::Relaxed), 5);
        assert_ne!(table.add(6), first);
    }
}
