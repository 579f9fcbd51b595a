//! The promises of the configs of simulated processes.

use indexmap::{IndexMap, IndexSet};

use super::{Watched, assert_near};
use crate::config::{ConfigFile, LoadOptions};
use crate::plugin::tests::bring_plugins;

/// A process and its metrics.
#[derive(Clone, Debug)]
struct Process {
    host: String,
    name: String,
    pid: String,
    priority: String,
    cpu_seconds: f64,
    memory_bytes: f64,
    uptime_seconds: f64,
}

impl Watched {
    /// All processes of all hosts.
    fn processes(&self) -> Vec<Process> {
        let mut all = Vec::new();
        for (plan, host) in self.plan.hosts.iter().zip(self.world.hosts()) {
            for (kind, pools) in plan.shape.pools.iter().enumerate() {
                let living = (0..pools.max).filter_map(|slot| host.host().slot(kind, slot));
                for (labels, cells) in living {
                    let label = |name: &str| labels.get(name).unwrap().to_owned();
                    let value = |name: &str| {
                        let metric = pools.shape.metrics.iter().find(|metric| &*metric.name == name);
                        cells[metric.unwrap().offset]
                    };
                    all.push(Process {
                        host: plan.name.to_string(),
                        name: label("process"),
                        pid: label("pid"),
                        priority: label("priority"),
                        cpu_seconds: value("process_cpu_seconds_total"),
                        memory_bytes: value("process_memory_bytes"),
                        uptime_seconds: value("process_uptime_seconds"),
                    });
                }
            }
        }
        all
    }

    /// The processes every 5 s, once all hosts have started.
    fn watch(&mut self, from: u64, to: u64) -> Vec<Vec<Process>> {
        let steps = (from / 5..to / 5).map(|step| {
            self.run_to(step * 5 + 3);
            self.processes()
        });
        steps.collect()
    }
}

/// All processes seen, by host and pid.
fn seen(moments: &[Vec<Process>]) -> IndexSet<(String, String)> {
    moments.iter().flatten().map(|it| (it.host.clone(), it.pid.clone())).collect()
}

fn sum(processes: &[Process], name: &str, of: impl Fn(&Process) -> f64) -> f64 {
    processes.iter().filter(|it| it.name == name).map(of).sum()
}

#[test]
fn a_machines_own_metrics_add_up_those_of_its_processes() {
    let mut world = Watched::of("processes_realistic", &[]);
    let mut used = IndexMap::from([("server-01", Vec::new()), ("server-02", Vec::new())]);
    for secs in (8..=600).step_by(5) {
        world.run_to(secs);
        let processes = world.processes();
        for (host, used) in &mut used {
            let own: Vec<_> = processes.iter().filter(|it| it.host == *host).cloned().collect();
            let of = [("name", *host)];
            assert_eq!(own.len(), 60);
            assert_near(world.sum("machine_processes_pids", &of), 60.0, 0.0);
            let memory: f64 = own.iter().map(|it| it.memory_bytes).sum();
            assert_near(world.sum("machine_memory_used_bytes", &of), memory, 1e-6);
            let share = world.sum("machine_cpu_usage_percent", &of) / 100.0;
            assert!((0.0..=0.98).contains(&share), "{share}");
            used.push(share * world.sum("machine_cpu_cores", &of));
            assert!(own.iter().all(|it| it.cpu_seconds <= 16.0 * it.uptime_seconds));
        }
    }
    for (host, used) in &used {
        let cores = used.iter().sum::<f64>() / 119.0;
        // Ended processes have taken some seconds with them.
        let processes = world.processes();
        let seconds: f64 = processes.iter().filter(|it| it.host == *host).map(|it| it.cpu_seconds).sum();
        assert_near(seconds / 600.0, cores, 0.1);
    }
}

#[test]
fn many_services_have_hundreds_of_names() {
    let mut world = Watched::of("processes_high_cardinality", &[]);
    let moments = world.watch(0, 60);
    let last = moments.last().unwrap();
    let names: IndexSet<_> = last.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((last.len(), names.len()), (1000, 640));
    // 2 % a minute.
    assert!((1010..1025).contains(&seen(&moments).len()), "{}", seen(&moments).len());
}

#[test]
fn under_churn_the_number_of_processes_is_constant_and_that_of_seen_ones_grows() {
    let mut world = Watched::of("processes_churn", &[]);
    let early = world.watch(0, 60);
    let late = world.watch(60, 600);
    for moment in early.iter().chain(&late) {
        assert_eq!(moment.len(), 100);
        assert_eq!(seen(std::slice::from_ref(moment)).len(), 100);
    }
    // 50 a minute; some live for less than the time between two looks.
    let (first, all) = (seen(&early).len(), seen(&[early, late.clone()].concat()).len());
    assert!((140..=150).contains(&first) && (560..=600).contains(&all), "{first} and {all}");
    let critical = |moment: &[Process]| -> Vec<String> {
        moment.iter().filter(|it| it.priority == "critical").map(|it| it.pid.clone()).collect()
    };
    assert_eq!(critical(&late[0]), critical(late.last().unwrap()));
    assert_eq!(world.plan.series_count(), 604, "six of each, and the machine's own");

    let mut world = Watched::of("processes_churn", &[("profile", "realistic"), ("churn_rate", "0")]);
    assert_eq!(seen(&world.watch(0, 120)).len(), 100);
}

#[test]
fn the_operator_follows_its_turn() {
    let args = [("chaos", "0"), ("churn_rate", "0"), ("update_interval", "1s")];
    let mut world = Watched::of("processes_chaos", &args);
    let turn = |world: &Watched| {
        let (_, _, cells) = world.cells("operator_turn", &[])[0];
        cells[0]
    };
    let cpu = |world: &Watched| sum(&world.processes(), "nginx", |it| it.cpu_seconds);
    let nginx = |world: &Watched| sum(&world.processes(), "nginx", |_| 1.0);
    world.run_to(51);
    let calm = world.processes();
    let (before, of_calm) = (cpu(&world), turn(&world));
    world.run_to(66);
    let in_spike = cpu(&world);
    world.run_to(116);
    let spike = (cpu(&world) - in_spike) / 50.0 / nginx(&world);
    assert_near(spike, 2.0, 0.01);
    assert!(before / 51.0 / nginx(&world) < 0.3 && of_calm.abs() < 0.1 && (turn(&world) - 1.0).abs() < 0.1);

    let memory = |world: &Watched| sum(&world.processes(), "python3", |it| it.memory_bytes);
    let lean = memory(&world);
    world.run_to(130);
    let early = memory(&world);
    world.run_to(150);
    let pythons = sum(&world.processes(), "python3", |_| 1.0);
    assert_near(memory(&world) - early, pythons * 20.0 * 20_971_520.0, 0.1);
    assert!(early > 1.5 * lean);

    let postgres = |processes: &[Process]| -> Vec<String> {
        processes.iter().filter(|it| it.name == "postgres").map(|it| it.pid.clone()).collect()
    };
    world.run_to(176);
    assert_eq!(postgres(&world.processes()), postgres(&calm));
    world.run_to(191);
    assert_ne!(postgres(&world.processes()), postgres(&calm), "it was killed");
    assert_near(world.sum("machine_processes_pids", &[]), 60.0, 0.0);
    world.run_to(251);
    assert_near(world.sum("machine_processes_pids", &[]), 100.0, 0.0);
    world.run_to(311);
    assert_near(world.sum("machine_processes_pids", &[]), 60.0, 0.0);
    assert!(turn(&world).abs() < 0.1, "it is calm again");
}

#[test]
fn chaos_causes_failures() {
    let run = |chaos: &str| {
        let args = [("chaos", chaos), ("churn_rate", "0"), ("incidents_every", "inf")];
        let moments = Watched::of("processes_chaos", &args).watch(0, 600);
        let counts: IndexSet<usize> = moments.iter().map(Vec::len).collect();
        (seen(&moments).len(), counts.len())
    };
    assert_eq!(run("0"), (60, 1));
    let (seen, counts) = run("4");
    assert!(seen > 80 && counts > 5, "{seen} were seen, as {counts} numbers at one time");
}

#[test]
fn a_fault_of_a_host_acts_on_its_processes() {
    bring_plugins();
    let plan = |faults: &str| {
        let pool = r#"pools: [Pool(workload: processes(profile: realistic, process_count: 40), update_interval: "1s")]"#;
        let text = format!(
            r#"Config(hosts: [Host(name: "a", interval: "1s", faults: [{faults}], {pool}), Host(name: "b", interval: "1s", {pool})])"#
        );
        ConfigFile::from_text("test", &text).plan(&LoadOptions::starting_at(super::START)).unwrap().plan
    };
    let processes = |faults: &str| {
        let mut world = Watched::from(plan(faults), super::START);
        let pids = |world: &Watched, of: &str| -> IndexSet<String> {
            let named = world.processes().into_iter().filter(|it| it.name.starts_with(of));
            named.map(|it| format!("{} {}", it.host, it.pid)).collect()
        };
        world.run_to(20);
        let before = [pids(&world, "nginx"), pids(&world, "")];
        world.run_to(60);
        let cpu = sum(&world.processes(), "nginx", |it| it.cpu_seconds);
        (before, [pids(&world, "nginx"), pids(&world, "")], cpu)
    };
    let (before, after, calm) = processes("");
    assert_eq!((before.len(), &before), (2, &after), "by itself nothing changes");
    let (before, after, _) = processes(r#"kill(at: "30s", pattern: "nginx")"#);
    let ended: Vec<&String> = before[0].difference(&after[0]).collect();
    let own: Vec<&String> = before[0].iter().filter(|it| it.starts_with("a ")).collect();
    assert!(!own.is_empty() && ended == own, "those of the other host live on: {before:?} {after:?}");
    assert_eq!(before[1].difference(&after[1]).count(), own.len(), "and so do those of other names");
    let (.., busy) = processes(r#"cpu_spike(at: "25s", lasts: "20s", pattern: "nginx", intensity: 2)"#);
    assert!(busy > calm + 10.0, "{calm} {busy}");
}
