//! A fleet without outputs.

mod drivers;
mod random_run;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::plan::{HostPlan, Plan};
use promemu_core::time::Time;

use super::host_table::{Exit, HostEntry};
use super::live_fleet::Fleet;
use super::member_host::MemberHost;
use crate::clock::Clock;
use crate::self_metrics::{SelfMetrics, Tally};

fn plan(hosts: &str) -> Plan {
    let metrics = "metrics: [Metric(name: \"up\", default_value: 1, listen_events: [\"go\"])]";
    let text = format!("Config(hosts: [{}])", hosts.replace("..", metrics));
    let file = ConfigFile::from_text("test", &text);
    file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))).unwrap().plan
}

fn tally() -> Tally {
    SelfMetrics::new().unwrap().tally().clone()
}

fn fleet(hosts: &str) -> Fleet {
    Fleet::new(plan(hosts), Clock::start(), tally(), Arc::default())
}

fn start_all(fleet: &Fleet) {
    for (id, value) in fleet.ids().zip([7.0, 8.0, 9.0]) {
        fleet.mark_started(id, Time::from_unix_secs(1_767_600_000));
        let (job, row) = fleet.place(id);
        job.store().report(row, &[value]);
    }
}

#[test]
fn kept_hosts_keep_their_events_and_series_and_ended_ones_stay_ended() {
    let old = fleet("Host(name: \"gone\", ..), Host(name: \"over\", ..), Host(name: \"on\", ..)");
    start_all(&old);
    old.mark_ended(1);
    old.publish_own("go");
    let plan = plan("Host(name: \"new\", ..), Host(name: \"on\", ..), Host(name: \"over\", ..)");
    let new = old.successor(plan, &[None, Some(2), Some(1)], |id| id == 2);
    assert_eq!(new.jobs()[0].store().rows_present(), 1, "no gap before the outputs go on");
    let (job, row) = new.place(1);
    assert_eq!(job.store().row(row), [9.0]);
    let events = |id| new.take_events(id).len();
    new.publish_own("go");
    assert_eq!((events(0), events(1), events(2)), (1, 2, 0));
    let started = |id| new.state(id).started_at_nanos.load(Ordering::Relaxed);
    assert!(started(0) == 0 && started(1) > 0 && started(2) > 0);
    assert_eq!(new.counters.own_events.load(Ordering::Relaxed), 2, "its numbers go on");
}

#[test]
fn an_edit_leaves_the_other_hosts_ids_events_and_series_and_all_jobs() {
    let hosts = "Host(name: \"a\", ..), Host(name: \"b\", ..), Host(name: \"c\", job_name: \"other\", ..)";
    let fleet = fleet(hosts);
    start_all(&fleet);
    fleet.publish_own("go");
    let jobs = fleet.jobs();
    let added = fleet.add_host(HostPlan { name: "b2".into(), ..HostPlan::clone(&fleet.host(1)) });
    fleet.mark_started(added, Time::from_unix_secs(1_767_600_000));
    fleet.stop_host(0);
    fleet.mark_ended(0);
    fleet.remove_host(0);
    let shown = |name: &str| {
        let id = fleet.id_of(name)?;
        let (job, row) = fleet.place(id);
        let store = job.store();
        Some((store.has_row(row), store.row(row)[0], fleet.mailbox(id).mail().events.len()))
    };
    assert_eq!(shown("a"), None);
    assert_eq!(shown("b"), Some((true, 8.0, 1)));
    assert_eq!(shown("c"), Some((true, 9.0, 1)));
    assert_eq!(shown("b2").map(|(is_there, ..)| is_there), Some(false));
    assert_eq!(fleet.ids().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((fleet.host_count(), fleet.active_hosts(), fleet.series_max()), (3, 3, 3));
    assert!(jobs.iter().zip(fleet.jobs()).all(|(old, new)| Arc::ptr_eq(old, &new)));
    fleet.publish_own("go");
    assert_eq!(shown("b2").map(|(.., events)| events), Some(1), "it listens");
    fleet.mark_ended(added);
    fleet.remove_host(added);
    assert_eq!((shown("b2"), fleet.has_ended(added)), (None, true));
    let again = fleet.add_host(HostPlan { name: "a".into(), ..HostPlan::clone(&fleet.host(1)) });
    assert_eq!((again, fleet.id_of("a")), (added, Some(added)), "not the planned host of that name");
    fleet.mark_ended(1);
    fleet.remove_host(1);
    assert_eq!(fleet.jobs().len(), 2);
    fleet.remove_host(again);
    let left: Vec<_> = fleet.jobs().iter().map(|job| job.name().to_string()).collect();
    assert_eq!(left, ["other"], "a job without hosts is gone");
}

#[test]
fn kept_hosts_are_handed_over_and_the_others_end() {
    let fleet = fleet("Host(name: \"a\", ..), Host(name: \"b\", ..)");
    assert_eq!(fleet.table().exit(0), None);
    fleet.hand_over([true, false].into());
    let exits = fleet.ids().map(|id| fleet.table().exit(id));
    assert_eq!(exits.collect::<Vec<_>>(), [Some(Exit::HandOver), Some(Exit::End)]);
}

#[test]
fn a_host_takes_little_memory_in_its_fleet() {
    assert!(size_of::<MemberHost>() <= 232);
    assert!(size_of::<HostEntry>() <= 72);
}
