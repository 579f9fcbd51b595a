//! The running hosts of one plan, and the step to another plan.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::warn;

use promemu_core::event::{HostId, RUN_FINISHED};
use promemu_core::host::EmulatedHost;
use promemu_core::plan::{Changes, HostPlan, Plan};
use promemu_core::rng::Seed;
use promemu_core::time::Time;

use super::live_fleet::Fleet;
use super::member_host::{HostEnd, MemberHost, Members};
use super::turns::Turns;
use crate::history::Past;
use crate::stop_flag::StopFlag;

/// Time for what the ends of hosts cause.
const ENDING_TIME: Duration = Duration::from_millis(500);
/// If none of the hosts that are to end does so for this long, they are held up.
const STUCK_AFTER: Duration = Duration::from_millis(500);
/// After so many hosts their start makes room for other work of its thread, as for the request to stop.
const STARTED_AT_ONCE: usize = 256;

/// The running hosts.
#[derive(Debug)]
pub(crate) struct FleetRunner {
    members: Arc<Members>,
    /// Number of hosts that were added or removed.
    edits: u64,
    seed: Seed,
    /// The runtime on which hosts have their turns.
    workers: Handle,
    /// Number of hosts that have not come to their end, as far as it has been waited for.
    running: usize,
    /// The task that rings the fleet's alarms.
    ringer: JoinSet<()>,
    stop: StopFlag,
}

impl Drop for FleetRunner {
    fn drop(&mut self) {
        if self.running > 0 {
            self.members.fleet.stop();
        }
    }
}

impl FleetRunner {
    /// Starts all hosts of the fleet on these workers, or continues those that come out of a history; no more of them once
    /// the run is to stop.
    pub(crate) async fn start(
        fleet: Arc<Fleet>,
        seed: Seed,
        start: Time,
        past: Option<Past>,
        workers: Handle,
        stop: StopFlag,
    ) -> Self {
        let hosts = fleet.plan().hosts.len();
        let turns = Turns::new(workers.clone());
        let members = Arc::new(Members { fleet, turns, ends: Arc::default() });
        let mut runner = Self { members, edits: 0, seed, workers, running: 0, ringer: JoinSet::new(), stop };
        runner.start_ringer();
        let Some(Past { hosts: past_hosts, of_run, .. }) = past else {
            runner.members.fleet.set_run_start(start, seed);
            runner.spawn_all(start, &vec![None; hosts], &mut []).await;
            return runner;
        };
        let run_start = past_hosts.first().map(|host| host.host().run_start());
        let run_start = run_start.or(of_run.as_ref().map(|run| run.start));
        runner.members.fleet.set_run_start(run_start.unwrap_or(start), seed);
        let log_position = of_run.map_or(0, |run| runner.members.fleet.go_on_with_log(run.log));
        for (id, host) in (0..).zip(past_hosts) {
            let host = MemberHost::resumed(host, log_position);
            if !runner.may_go_on(id).await {
                break;
            }
            runner.members.fleet.resume(id, host.host());
            if !host.has_ended() {
                runner.spawn(id, Box::new(host));
            }
        }
        runner
    }

    /// Lets the alarms of the fleet ring, and no longer those of the one before it.
    fn start_ringer(&mut self) {
        let fleet = Arc::clone(&self.members.fleet);
        self.ringer = JoinSet::new();
        self.ringer.spawn_on(async move { fleet.ring_alarms().await }, &self.workers);
    }

    pub(crate) fn fleet(&self) -> &Arc<Fleet> {
        &self.members.fleet
    }

    /// Number of hosts that were added or removed so far.
    pub(crate) const fn edits(&self) -> u64 {
        self.edits
    }

    /// `true` if no host runs.
    pub(crate) fn is_empty(&self) -> bool {
        self.running == 0
    }

    /// `true` if no host runs and none can be started again, although the run need not stop.
    pub(crate) fn is_over(&self) -> bool {
        self.running == 0 && !self.members.fleet.has_stopped_hosts() && !self.stop.is_set()
    }

    /// `false` if no further hosts are to start after this number of them.
    async fn may_go_on(&self, started: HostId) -> bool {
        if started > 0 && (started as usize).is_multiple_of(STARTED_AT_ONCE) {
            yield_now().await;
        }
        !self.stop.is_set()
    }

    /// Starts a host again that has ended.
    pub(crate) fn start_again(&mut self, id: HostId) {
        self.members.fleet.table().reset(id);
        self.spawn_new(id);
    }

    /// Adds a host. Its job has another host of its shape. No other host notices.
    pub(crate) fn add(&mut self, host: HostPlan) {
        let id = self.members.fleet.add_host(host);
        self.edits += 1;
        self.spawn_new(id);
    }

    /// Ends a host and removes it. No other host notices.
    pub(crate) async fn remove(&mut self, id: HostId) {
        self.members.fleet.stop_host(id);
        while !self.members.fleet.has_ended(id) && self.has_host_ended().await {}
        self.members.fleet.remove_host(id);
        self.edits += 1;
    }

    /// Starts a host that is there for the first time or anew.
    fn spawn_new(&mut self, id: HostId) {
        let plan = self.members.fleet.host(id);
        // A start time counts from the start of the run, which is long ago.
        let start = self.members.fleet.clock().now().before(plan.start_time);
        let host = EmulatedHost::new(plan, self.seed, start);
        self.spawn(id, Box::new(MemberHost::joining(self.members.fleet.joining(host))));
    }

    fn spawn(&mut self, id: HostId, host: Box<MemberHost>) {
        host.join(Arc::clone(&self.members), id);
        self.running += 1;
    }

    /// Waits until one more host has ended. Gives `false` if none is left.
    pub(crate) async fn has_host_ended(&mut self) -> bool {
        self.next_end().await.is_some()
    }

    /// Waits for the end of one more host. Gives `None` if none is left.
    async fn next_end(&mut self) -> Option<HostEnd> {
        if self.running == 0 {
            return None;
        }
        let end = self.members.ends.next().await;
        self.running -= 1;
        Some(end)
    }

    /// Ends all hosts. Their last events have some time to cause others; a host that does not come to its end is left
    /// behind.
    pub(crate) async fn end(&mut self) {
        self.members.fleet.stop();
        let hurries_at = Instant::now() + ENDING_TIME;
        while let Ok(true) = timeout_at(hurries_at, self.has_host_ended()).await {}
        self.members.fleet.cut_ends();
        loop {
            match timeout(STUCK_AFTER, self.has_host_ended()).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => {
                    warn!(
                        hosts = self.running,
                        "hosts are held up, as by a plugin that does not return; the run ends without them"
                    );
                    self.running = 0;
                    break;
                }
            }
        }
        self.members.fleet.publish_own(RUN_FINISHED);
    }

    /// Goes on with another plan. Hosts that did not change run on with their series and events, and with the new levers
    /// and faults of the run; the others end, and new ones start now.
    pub(crate) async fn replace(&mut self, plan: Plan) -> Changes {
        let (ids, old_hosts): (Vec<_>, Vec<_>) = self.members.fleet.hosts().unzip();
        let changes = Changes::from_hosts(self.members.fleet.plan(), &old_hosts, &plan);
        let kept: Vec<_> = changes.kept.iter().map(|index| index.map(|index| ids[index as usize])).collect();
        let mut is_kept = vec![false; self.members.fleet.table().end()];
        for id in kept.iter().flatten() {
            is_kept[*id as usize] = true;
        }
        let mut hosts: Vec<Option<Box<MemberHost>>> = is_kept.iter().map(|_| None).collect();
        self.members.fleet.hand_over(is_kept.into());
        while let Some(end) = self.next_end().await {
            if let HostEnd::HandedOver(id, host) = end {
                hosts[id as usize] = Some(host);
            }
        }
        let next = self.members.fleet.successor(plan, &kept, |id| hosts[id as usize].is_some());
        next.renumber_levers(self.members.fleet.plan());
        self.members = Arc::new(Members {
            fleet: Arc::new(next),
            turns: Turns::new(self.workers.clone()),
            ends: Arc::clone(&self.members.ends),
        });
        self.start_ringer();
        let now = self.members.fleet.clock().now();
        self.spawn_all(now, &kept, &mut hosts).await;
        changes
    }

    /// Starts all hosts. Those that are `kept` continue with the host that was handed over, and have ended if
    /// there is none; the others count from `start`.
    async fn spawn_all(
        &mut self,
        start: Time,
        kept: &[Option<HostId>],
        hosts: &mut [Option<Box<MemberHost>>],
    ) {
        let fleet = Arc::clone(&self.members.fleet);
        for ((id, plan), kept) in (0..).zip(&fleet.plan().hosts).zip(kept) {
            if !self.may_go_on(id).await {
                return;
            }
            let plan = Arc::clone(plan);
            let host = match kept.map(|old_id| hosts[old_id as usize].take()) {
                None => {
                    let host = EmulatedHost::new(plan, self.seed, start);
                    Box::new(MemberHost::joining(fleet.joining(host)))
                }
                Some(Some(host)) => {
                    let actions = fleet.timeline_actions(&plan);
                    Box::new(host.with_plan(plan, self.seed, start).with_actions(actions))
                }
                Some(None) => continue,
            };
            self.spawn(id, host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::self_metrics::SelfMetrics;
    use promemu_core::config::{ConfigFile, LoadOptions};

    const HOSTS: usize = 2_000;

    fn fleet() -> Arc<Fleet> {
        let text = format!(
            "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: {HOSTS}), name: \"h-{{i}}\", ttl: \"inf\", \
             interval: 5, metrics: [Metric(name: \"up\")])])"
        );
        let clock = Clock::start();
        let options = LoadOptions::starting_at(clock.started_at());
        let plan = ConfigFile::from_text("test", &text).plan(&options).unwrap().plan;
        Arc::new(Fleet::new(plan, clock, SelfMetrics::new().unwrap().tally().clone(), Arc::default()))
    }

    #[tokio::test]
    async fn no_further_hosts_start_once_the_run_is_to_stop_and_those_that_run_end() {
        let (fleet, stop) = (fleet(), StopFlag::default());
        let now = fleet.clock().now();
        let starting =
            FleetRunner::start(Arc::clone(&fleet), Seed::new(1), now, None, Handle::current(), stop.clone());
        let (mut runner, ()) = tokio::join!(starting, async { stop.set() });
        assert_eq!(runner.running, STARTED_AT_ONCE);
        runner.end().await;
        assert!(runner.is_empty() && !runner.is_over(), "the run is stopped, not over");

        let (fleet, plan) = (self::fleet(), Plan::clone(fleet.plan()));
        let now = fleet.clock().now();
        let mut runner =
            FleetRunner::start(fleet, Seed::new(1), now, None, Handle::current(), StopFlag::default()).await;
        assert_eq!(runner.running, HOSTS);
        let stop = runner.stop.clone();
        tokio::join!(runner.replace(plan), async { stop.set() });
        assert!(runner.running < HOSTS, "a reload starts no further hosts either");
        runner.end().await;
        assert!(runner.is_empty());
    }
}
