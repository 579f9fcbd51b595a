//! The hosts of a fleet as seen from outside of them. A host keeps its id while others come and go; the id of an
//! added host that is removed goes to a later one of its shape.
//!
//! The table grows by chunks, so an entry never moves and is found without a lock.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use promemu_core::event::HostId;
use promemu_core::plan::{HostPlan, HostShape, Plan};

use super::active_overrides::ActiveOverrides;
use super::mailbox::Mailbox;

/// Number of entries of the first chunk behind the hosts of the plan; each further chunk is twice as long.
const CHUNK_LEN: usize = 64;

/// Maximum number of chunks: together they have more entries than a [`HostId`] can name.
const CHUNKS_MAX: usize = 27;

/// State of one host, as seen from outside of it.
#[derive(Debug, Default)]
pub(super) struct HostState {
    pub(super) started_at_nanos: AtomicU64,
    /// The host's row in its job's store.
    pub(super) row: AtomicU32,
    pub(super) has_ended: AtomicBool,
    /// `true` if it was asked to end; it may be started again.
    pub(super) is_stopped: AtomicBool,
    /// `true` if the run log has actions for it that it has not read.
    pub(super) has_actions: AtomicBool,
    is_removed: AtomicBool,
}

/// One host.
#[derive(Debug, Default)]
pub(super) struct HostEntry {
    pub(super) mailbox: Mailbox,
    pub(super) state: HostState,
}

/// One added host, or room for one.
#[derive(Debug)]
struct AddedHost {
    entry: HostEntry,
    plan: RwLock<Arc<HostPlan>>,
}

/// Ids of added hosts that are removed. They go to hosts of the same shape, so that whoever has looked one up in time
/// finds the metrics that it expects.
#[derive(Debug)]
struct FreeIds {
    shape: Arc<HostShape>,
    ids: Vec<HostId>,
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

/// All hosts.
#[derive(Debug)]
pub(crate) struct HostTable {
    planned: Box<[HostEntry]>,
    added: [OnceLock<Box<[AddedHost]>>; CHUNKS_MAX],
    /// All ids are lower than this.
    end: AtomicU32,
    /// Number of hosts that are not removed.
    count: AtomicUsize,
    free: Mutex<Vec<FreeIds>>,
    /// Number of hosts that run.
    pub(super) active: AtomicUsize,
    exit: OnceLock<ExitRequest>,
    /// Set when all hosts are to end: what they do then is cut short.
    pub(super) cuts_steps: Arc<AtomicBool>,
    /// Set when their ends take too long: what their last events cause is left out.
    pub(super) cuts_ends: Arc<AtomicBool>,
    overrides: Mutex<ActiveOverrides>,
}

impl HostTable {
    /// A table of a plan's hosts.
    pub(super) fn new(plan: &Plan) -> Self {
        let planned: Box<[HostEntry]> = plan.hosts.iter().map(|_| HostEntry::default()).collect();
        for job in &plan.jobs {
            for (row, id) in (0..).zip(&job.hosts) {
                planned[*id as usize].state.row.store(row, Ordering::Relaxed);
            }
        }
        Self {
            end: AtomicU32::new(u32::try_from(planned.len()).unwrap_or(u32::MAX)),
            count: AtomicUsize::new(planned.len()),
            planned,
            added: [const { OnceLock::new() }; CHUNKS_MAX],
            free: Mutex::default(),
            active: AtomicUsize::new(0),
            exit: OnceLock::new(),
            cuts_steps: Arc::default(),
            cuts_ends: Arc::default(),
            overrides: Mutex::default(),
        }
    }

    /// The entry of a host.
    pub(super) fn entry(&self, id: HostId) -> &HostEntry {
        self.planned.get(id as usize).unwrap_or_else(|| &self.added(id).entry)
    }

    fn added(&self, id: HostId) -> &AddedHost {
        let (chunk, index) = place(id as usize - self.planned.len());
        let chunk: &[AddedHost] = self.added[chunk].get().map_or(&[], |chunk| chunk);
        &chunk[index]
    }

    /// The plan of an added host.
    pub(super) fn added_plan(&self, id: HostId) -> Arc<HostPlan> {
        Arc::clone(&self.added(id).plan.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a host with this row in its job's store, and gives its id.
    pub(super) fn add(&self, plan: &Arc<HostPlan>, row: usize) -> HostId {
        let is_same = |free: &&mut FreeIds| Arc::ptr_eq(&free.shape, &plan.shape);
        let free = self.free().iter_mut().find(is_same).and_then(|free| free.ids.pop());
        let id = free.unwrap_or_else(|| self.end.load(Ordering::Relaxed));
        let (chunk, index) = place(id as usize - self.planned.len());
        let room = || AddedHost { entry: HostEntry::default(), plan: RwLock::new(Arc::clone(plan)) };
        let chunk = self.added[chunk].get_or_init(|| (0..CHUNK_LEN << chunk).map(|_| room()).collect());
        let AddedHost { entry, plan: known } = &chunk[index];
        *known.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(plan);
        entry.mailbox.mail().events.clear();
        entry.state.row.store(u32::try_from(row).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.reset(id);
        entry.state.is_removed.store(false, Ordering::Release);
        if free.is_none() {
            self.end.store(id.saturating_add(1), Ordering::Release);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        id
    }

    /// Removes a host that has ended.
    pub(super) fn remove(&self, id: HostId) {
        self.entry(id).state.is_removed.store(true, Ordering::Release);
        self.count.fetch_sub(1, Ordering::Relaxed);
        if self.is_added(id) {
            let (shape, mut free) = (Arc::clone(&self.added_plan(id).shape), self.free());
            match free.iter_mut().find(|free| Arc::ptr_eq(&free.shape, &shape)) {
                Some(free) => free.ids.push(id),
                None => free.push(FreeIds { shape, ids: vec![id] }),
            }
        }
    }

    /// `true` if the host is not of the plan.
    pub(super) const fn is_added(&self, id: HostId) -> bool {
        id as usize >= self.planned.len()
    }

    pub(super) fn is_removed(&self, id: HostId) -> bool {
        self.entry(id).state.is_removed.load(Ordering::Acquire)
    }

    /// The ids of all hosts that are not removed.
    pub(super) fn ids(&self) -> impl Iterator<Item = HostId> {
        (0..self.end.load(Ordering::Acquire)).filter(|id| !self.is_removed(*id))
    }

    /// The ids of the added ones among them.
    pub(super) fn added_ids(&self) -> impl Iterator<Item = HostId> {
        let planned = u32::try_from(self.planned.len()).unwrap_or(u32::MAX);
        (planned..self.end.load(Ordering::Acquire)).filter(|id| !self.is_removed(*id))
    }

    /// A number that is larger than all ids.
    pub(super) fn end(&self) -> usize {
        self.end.load(Ordering::Acquire) as usize
    }

    /// Number of hosts that are not removed.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn free(&self) -> MutexGuard<'_, Vec<FreeIds>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resets the state of a host that starts, or starts again.
    pub(super) fn reset(&self, id: HostId) {
        let state = &self.entry(id).state;
        state.started_at_nanos.store(0, Ordering::Relaxed);
        state.is_stopped.store(false, Ordering::Relaxed);
        state.has_ended.store(false, Ordering::Relaxed);
    }

    pub(super) fn request_exit(&self, request: ExitRequest) {
        let ends_all = matches!(request, ExitRequest::EndAll);
        let is_first = self.exit.set(request).is_ok();
        self.cuts_steps.store(ends_all, Ordering::Relaxed);
        debug_assert!(is_first, "a fleet is asked once");
        self.ids().for_each(|id| self.entry(id).mailbox.wake());
    }

    /// The request to a host, if there is one.
    pub(crate) fn exit(&self, id: HostId) -> Option<Exit> {
        let of_all = self.exit.get().map(|request| match request {
            ExitRequest::HandOver(kept) if kept[id as usize] => Exit::HandOver,
            ExitRequest::HandOver(_) | ExitRequest::EndAll => Exit::End,
        });
        of_all.or_else(|| self.entry(id).state.is_stopped.load(Ordering::Relaxed).then_some(Exit::End))
    }

    pub(super) fn overrides(&self) -> MutexGuard<'_, ActiveOverrides> {
        self.overrides.lock().unwrap_or_else(PoisonError::into_inner)
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
    use promemu_core::config::{ConfigFile, LoadOptions};
    use promemu_core::time::Time;

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
    fn a_free_id_is_used_again_without_its_past() {
        let text = r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "{i}", metrics: [Metric(name: "up")])])"#;
        let options = LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000));
        let plan = ConfigFile::from_text("test", text).plan(&options).unwrap().plan;
        let table = HostTable::new(&plan);
        let [one, two] = [&plan.hosts[0], &plan.hosts[1]];
        let first = table.add(one, 7);
        table.entry(first).state.has_ended.store(true, Ordering::Relaxed);
        table.remove(first);
        assert_eq!((table.ids().collect::<Vec<_>>(), table.count()), (vec![0, 1], 2));
        let again = table.add(two, 8);
        assert_eq!((first, again), (2, 2));
        let state = &table.entry(again).state;
        assert!(!state.has_ended.load(Ordering::Relaxed));
        assert_eq!(state.row.load(Ordering::Relaxed), 8);
        assert!(Arc::ptr_eq(&table.added_plan(again), two));
        table.remove(0);
        assert_eq!(table.add(one, 9), 3, "ids of planned hosts are not used again");
        assert_eq!(table.ids().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
