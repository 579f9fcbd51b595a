//! The hosts of one plan, each in its task, and the way from them to those of the next plan.

use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use tracing::error;

use crate::fleet::Fleet;
use crate::fleet::host_task::HostTask;
use promemu_core::event::{HostId, RUN_FINISHED};
use promemu_core::host::{DrivenHost, EmulatedHost};
use promemu_core::plan::{Changes, Plan};
use promemu_core::rng::Seed;
use promemu_core::time::Time;

/// The running hosts.
#[derive(Debug)]
pub(crate) struct FleetRunner {
    fleet: Arc<Fleet>,
    seed: Seed,
    /// Lives are boxed: a future has room twice for what it is given.
    tasks: JoinSet<Option<(HostId, Box<HostTask>)>>,
}

impl FleetRunner {
    /// Starts all hosts of the fleet, or lets those go on that come out of the past.
    pub(crate) fn start(fleet: Arc<Fleet>, seed: Seed, start: Time, past: Option<Vec<DrivenHost>>) -> Self {
        let hosts = fleet.plan().hosts.len();
        let mut generation = Self { fleet, seed, tasks: JoinSet::new() };
        let Some(past) = past else {
            generation.spawn(start, &vec![None; hosts], &mut []);
            return generation;
        };
        let lives = past.into_iter().map(HostTask::resumed);
        for (id, life) in (0..).zip(lives) {
            generation.fleet.resumed(id, life.host());
            if !life.has_ended() {
                generation.tasks.spawn(Box::new(life).lived(Arc::clone(&generation.fleet), id));
            }
        }
        generation
    }

    pub(crate) const fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// Whether no host lives.
    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Whether no host lives, and none waits to be started again.
    pub(crate) fn is_over(&self) -> bool {
        self.tasks.is_empty() && !self.fleet.has_stopped_hosts()
    }

    /// Starts a host anew that was asked to end.
    pub(crate) fn start_again(&mut self, id: HostId) {
        self.fleet.begin_again(id);
        let plan = Arc::clone(&self.fleet.plan().hosts[id as usize]);
        // Its start time was counted from the start of the run, which is long ago.
        let start = self.fleet.clock().now().before(plan.start_time);
        let host = EmulatedHost::new(plan, self.seed, start);
        self.tasks.spawn(Box::new(HostTask::new(host)).lived(Arc::clone(&self.fleet), id));
    }

    /// Waits until one more host has ended; false if there is none left.
    pub(crate) async fn has_host_ended(&mut self) -> bool {
        self.tasks.join_next().await.map(handed_over).is_some()
    }

    /// Ends all hosts.
    pub(crate) async fn end(&mut self) {
        self.fleet.stop();
        while self.has_host_ended().await {}
        self.fleet.publish_own(RUN_FINISHED);
    }

    /// Goes on with another plan. Hosts that did not change live on, with their series and their mail; the
    /// others end, and those of the new plan that are not there yet start now.
    pub(crate) async fn replace(&mut self, plan: Plan) -> Changes {
        let old_count = self.fleet.plan().hosts.len();
        let changes = Changes::between(self.fleet.plan(), &plan);
        let mut stay = vec![false; old_count];
        for id in changes.kept.iter().flatten() {
            stay[*id as usize] = true;
        }
        self.fleet.hand_over(stay.into());
        let mut lives: Vec<Option<Box<HostTask>>> = (0..old_count).map(|_| None).collect();
        while let Some(ended) = self.tasks.join_next().await {
            if let Some((id, life)) = handed_over(ended) {
                lives[id as usize] = Some(life);
            }
        }
        let next = self.fleet.successor(plan, &changes.kept, |id| lives[id as usize].is_some());
        self.fleet = Arc::new(next);
        let now = self.fleet.clock().now();
        self.spawn(now, &changes.kept, &mut lives);
        changes
    }

    /// Gives each host its task: those that are `kept` go on with their lives, and have ended if
    /// they have none; the others count from `start`.
    fn spawn(&mut self, start: Time, kept: &[Option<HostId>], lives: &mut [Option<Box<HostTask>>]) {
        for ((id, plan), kept) in (0..).zip(&self.fleet.plan().hosts).zip(kept) {
            let plan = Arc::clone(plan);
            let life = match kept.map(|old_id| lives[old_id as usize].take()) {
                None => Box::new(HostTask::new(EmulatedHost::new(plan, self.seed, start))),
                Some(Some(life)) => Box::new(life.with_plan(plan)),
                Some(None) => continue,
            };
            self.tasks.spawn(life.lived(Arc::clone(&self.fleet), id));
        }
    }
}

fn handed_over(ended: Result<Option<(HostId, Box<HostTask>)>, JoinError>) -> Option<(HostId, Box<HostTask>)> {
    ended.unwrap_or_else(|problem| {
        error!("a host's task ended by a bug, the others go on: {problem}");
        None
    })
}
