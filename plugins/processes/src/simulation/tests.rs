#![expect(clippy::float_cmp, reason = "equal is what is meant")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{Filter, KillLimit, UsagePattern, UsageRange};

const START: u64 = 1_767_600_000 * NANOS_PER_SEC;

fn simulation(settings: Settings) -> Simulation {
    Simulation::new(settings, 7, START).unwrap()
}

/// No churn, no chaos.
fn calm(profile: Profile) -> Settings {
    Settings { churn_rate: 0.0, chaos: 0.0, ..Settings::of(profile) }
}

fn go_to(simulation: &mut Simulation, secs: u64) {
    simulation.advance(START + secs * NANOS_PER_SEC);
}

fn pids(simulation: &Simulation) -> Vec<(usize, u32)> {
    simulation.living().map(|(slot, process)| (slot, process.pid)).collect()
}

fn named(simulation: &Simulation, name: &str) -> Vec<u32> {
    simulation.living().filter(|(_, it)| it.name == name).map(|(_, it)| it.pid).collect()
}

/// Number of processes of a priority with another pid than before.
fn replaced(simulation: &Simulation, before: &[(usize, u32)], priority: Priority) -> usize {
    let is_other = |(slot, pid): &&(usize, u32)| {
        simulation.process(*slot).is_some_and(|it| it.pid != *pid && it.priority == priority)
    };
    before.iter().filter(is_other).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_saved_simulation_goes_on_as_the_one_it_was(seed in any::<u64>(), profile in 0..4usize, secs in 0..900u64) {
        let profile = Profile::of(Profile::NAMES[profile]).unwrap();
        let settings = Settings { chaos: 4.0, churn_rate: 0.5, ends_after_secs: Some(1_500), ..Settings::of(profile) };
        let mut simulation = Simulation::new(settings.clone(), seed, START).unwrap();
        simulation.advance(START + secs * NANOS_PER_SEC + 7);
        simulation.act(Action::kill(Filter::named("*"))).unwrap();
        let mut loaded = Simulation::load(settings, &simulation.save().unwrap()).unwrap();
        for more in [0, 1, 100, 1_600] {
            let now = START + (secs + more) * NANOS_PER_SEC + 9;
            simulation.advance(now);
            loaded.advance(now);
            prop_assert_eq!(format!("{simulation:?}"), format!("{loaded:?}"));
        }
    }
}

#[test]
fn a_saved_simulation_of_other_settings_is_refused() {
    let saved = simulation(calm(Profile::realistic())).save().unwrap();
    let load = |settings: Settings, saved: &[u8]| Simulation::load(settings, saved).unwrap_err();
    let fewer = Settings { process_count: 49, ..calm(Profile::realistic()) };
    assert_eq!(load(fewer, &saved), "saved simulation had other settings");
    assert!(!load(calm(Profile::realistic()), &saved[..40]).is_empty());
}

#[test]
fn the_processes_of_a_seed_never_change() {
    let settings = Settings { process_count: 20, churn_rate: 0.5, ..Settings::of(Profile::realistic()) };
    let mut simulation = simulation(settings);
    simulation.advance(START + 600_500_000_000);
    let line = |(slot, it): (usize, Process<'_>)| {
        format!(
            "{slot} {} {} {}: {:.3} s, {} B, {} threads, {} files, since {}\n",
            it.name,
            it.pid,
            it.priority.word(),
            it.cpu_seconds,
            it.memory_bytes,
            it.threads,
            it.open_fds,
            it.start_time_seconds
        )
    };
    insta::assert_snapshot!(simulation.living().map(line).collect::<String>(), @r#"
    0 systemd 305 critical: 1.865 s, 12771328 B, 1 threads, 62 files, since 1767600000
    1 sshd 312 critical: 1.331 s, 8560640 B, 1 threads, 8 files, since 1767600000
    2 postgres 315 critical: 89.290 s, 292675584 B, 1 threads, 64 files, since 1767600000
    3 nginx 316 high: 68.688 s, 28528640 B, 1 threads, 49 files, since 1767600000
    4 java 317 high: 657.908 s, 800387072 B, 86 threads, 400 files, since 1767600000
    5 redis-server 322 critical: 37.988 s, 187863040 B, 4 threads, 38 files, since 1767600000
    6 systemd-journald 328 high: 11.108 s, 100274176 B, 1 threads, 41 files, since 1767600000
    7 postgres-worker 330 medium: 88.516 s, 132878336 B, 1 threads, 58 files, since 1767600000
    8 python3 336 medium: 295.204 s, 82472960 B, 4 threads, 29 files, since 1767600000
    9 node 342 medium: 87.692 s, 172044288 B, 11 threads, 30 files, since 1767600000
    10 containerd 343 medium: 15.441 s, 57040896 B, 12 threads, 23 files, since 1767600000
    11 containerd-shim 346 medium: 1.217 s, 12120064 B, 10 threads, 12 files, since 1767600000
    12 rsyslogd 353 medium: 3.099 s, 6631424 B, 4 threads, 10 files, since 1767600000
    13 cron 763 low: 0.012 s, 3145728 B, 1 threads, 5 files, since 1767600589
    14 ssh 711 low: 0.245 s, 9437184 B, 1 threads, 6 files, since 1767600517
    15 bash 768 low: 0.134 s, 5242880 B, 1 threads, 7 files, since 1767600595
    16 php-fpm 739 low: 6.942 s, 120553472 B, 1 threads, 10 files, since 1767600553
    17 logrotate 758 low: 0.295 s, 4395008 B, 1 threads, 5 files, since 1767600571
    18 apt-check 752 low: 0.710 s, 107192320 B, 1 threads, 6 files, since 1767600565
    19 java 380 high: 777.023 s, 1756745728 B, 120 threads, 600 files, since 1767600000
    "#);
}

#[test]
fn each_program_has_a_process_before_any_has_a_second_one() {
    let profile = Profile::realistic();
    let programs = profile.programs.len();
    let few = simulation(Settings { process_count: programs, ..calm(profile.clone()) });
    let names: Vec<_> = few.living().map(|(_, it)| it.name.to_owned()).collect();
    assert_eq!(names, profile.programs.iter().map(|it| it.name.clone()).collect::<Vec<_>>());

    let many = simulation(Settings { process_count: 2000, ..calm(profile) });
    assert_eq!(named(&many, "systemd").len(), 1);
    let (nginx, java) = (named(&many, "nginx").len(), named(&many, "java").len());
    assert!(nginx > 2 * java && java > 50, "{nginx} and {java}");
}

#[test]
fn high_cardinality_has_more_than_500_names() {
    let settings = Settings { process_count: 1000, ..calm(Profile::high_cardinality()) };
    let simulation = simulation(settings);
    let names: BTreeSet<_> = simulation.living().map(|(_, it)| it.name).collect();
    assert_eq!(names.len(), 640);
}

#[test]
fn churn_replaces_its_share_each_minute() {
    for (rate, minutes, churned) in
        [(0.1, 10, 100), (0.5, 10, 500), (0.001, 100, 10), (2.0, 1, 200), (0.0, 5, 0)]
    {
        let settings = Settings { process_count: 100, churn_rate: rate, ..calm(Profile::high_churn()) };
        let mut simulation = simulation(settings);
        go_to(&mut simulation, minutes * 60);
        // Sums of thirds are not exact.
        assert!(simulation.ends().churned.sum().abs_diff(churned) <= 1, "{rate}: {:?}", simulation.ends());
    }
}

#[test]
fn churn_takes_the_lowest_priority_and_never_a_critical_one() {
    let mut profile = Profile::realistic();
    for (left, gone) in [
        (Priority::Low, None),
        (Priority::Medium, Some(Priority::Low)),
        (Priority::High, Some(Priority::Medium)),
    ] {
        profile.programs.retain(|program| Some(program.priority) != gone);
        let mut simulation = simulation(Settings { churn_rate: 5.0, ..calm(profile.clone()) });
        let before = pids(&simulation);
        go_to(&mut simulation, 600);
        for priority in Priority::ALL {
            assert_eq!(
                replaced(&simulation, &before, priority) > 0,
                priority == left,
                "{left:?} {priority:?}"
            );
        }
    }
    profile.programs.retain(|program| program.priority == Priority::Critical);
    let mut simulation = simulation(Settings { churn_rate: 5.0, process_count: 3, ..calm(profile) });
    let before = pids(&simulation);
    go_to(&mut simulation, 600);
    assert_eq!(pids(&simulation), before);
}

#[test]
fn many_processes_share_the_cpu_of_the_host() {
    let settings = Settings { process_count: 500, cores: 2.0, ..calm(Profile::high_churn()) };
    let mut simulation = simulation(settings);
    go_to(&mut simulation, 100);
    let used: f64 = simulation.living().map(|(_, it)| it.cpu_seconds).sum();
    assert!((used - 2.0 * 0.98 * 100.0).abs() < 1e-6, "{used}");
}

#[test]
fn a_spike_loads_only_the_selected_processes() {
    let settings = Settings { cores: 64.0, ..calm(Profile::realistic()) };
    let (mut with, mut without) = (simulation(settings.clone()), simulation(settings));
    with.act(Action::CpuSpike { filter: Filter::named("java"), cores: 3.0, secs: 10 }).unwrap();
    for simulation in [&mut with, &mut without] {
        go_to(simulation, 60);
    }
    let used = |simulation: &Simulation, is_java| -> f64 {
        simulation
            .living()
            .filter(|(_, it)| (it.name == "java") == is_java)
            .map(|(_, it)| it.cpu_seconds)
            .sum()
    };
    assert_eq!(used(&with, false), used(&without, false));
    // Each uses 3 cores for 10 seconds instead of up to 2.
    let more = (used(&with, true) - used(&without, true))
        / f64::from(u32::try_from(named(&with, "java").len()).unwrap());
    assert!((10.0..=30.0).contains(&more), "{more}");
}

#[test]
fn a_leak_ends_in_a_new_process_and_a_critical_one_stays_at_its_limit() {
    let mut simulation = simulation(calm(Profile::realistic()));
    let before = (named(&simulation, "nginx"), named(&simulation, "postgres"));
    let filter = Filter { name: "*".to_owned(), priority: None };
    simulation.act(Action::MemoryLeak { filter, bytes_per_sec: 1e8, secs: 60 }).unwrap();
    go_to(&mut simulation, 60);
    let after = (named(&simulation, "nginx"), named(&simulation, "postgres"));
    assert!(before.0.iter().all(|pid| !after.0.contains(pid)));
    assert_eq!(before.1, after.1);
    assert_eq!(before.0.len(), after.0.len());
    let (_, postgres) = simulation.living().find(|(_, it)| it.name == "postgres").unwrap();
    assert_eq!(postgres.memory_bytes, 2048.0 * 1024.0 * 1024.0);
    let critical = simulation.living().filter(|(_, it)| it.priority == Priority::Critical).count();
    assert_eq!(simulation.ends().out_of_memory.sum(), (50 - critical) as u64);
}

#[test]
fn a_kill_spares_critical_processes_unless_it_names_their_priority() {
    let mut simulation = simulation(calm(Profile::realistic()));
    let before = pids(&simulation);
    let critical = |simulation: &Simulation| replaced(simulation, &before, Priority::Critical);
    simulation.act(Action::kill(Filter::named("*"))).unwrap();
    assert_eq!(pids(&simulation), before, "it waits for the next second");
    go_to(&mut simulation, 1);
    assert_eq!((critical(&simulation), simulation.ends().killed.sum()), (0, 45));
    simulation
        .act(Action::kill(Filter { name: "s*".to_owned(), priority: Some(Priority::Critical) }))
        .unwrap();
    go_to(&mut simulation, 2);
    assert_eq!((critical(&simulation), simulation.ends().killed.sum()), (2, 47));
    assert_eq!(simulation.living().count(), 50);
}

#[test]
fn a_kill_may_have_a_bound_and_ends_are_counted_by_priority() {
    let kill = |limit: KillLimit| {
        let mut simulation = simulation(calm(Profile::realistic()));
        simulation.act(Action::Kill { filter: Filter::named("*"), limit }).unwrap();
        go_to(&mut simulation, 1);
        let killed = simulation.ends().killed;
        assert_eq!(killed.of(Priority::Critical), 0);
        assert_eq!(Priority::ALL.map(|priority| killed.of(priority)).iter().sum::<u64>(), killed.sum());
        (killed.sum(), killed.of(Priority::Low) > 0)
    };
    assert_eq!(kill(KillLimit::ALL), (45, true));
    assert_eq!(
        kill(KillLimit { count: 2, percent: 100.0 }),
        (2, false),
        "nginx and java are first, of high priority"
    );
    assert_eq!(kill(KillLimit { count: usize::MAX, percent: 20.0 }).0, 9);
    assert_eq!(kill(KillLimit { count: 3, percent: 20.0 }).0, 3);
    assert_eq!(kill(KillLimit { count: usize::MAX, percent: 0.1 }).0, 1);
    assert_eq!(kill(KillLimit { count: 0, percent: 100.0 }).0, 0);
}

#[test]
fn a_fork_storm_is_bounded_and_ends() {
    let mut simulation = simulation(Settings { children_max: 30, ..calm(Profile::realistic()) });
    for _ in 0..2 {
        simulation.act(Action::ForkStorm { filter: Filter::named("ngin?"), children: 20, secs: 60 }).unwrap();
    }
    let nginx = named(&simulation, "nginx").len();
    go_to(&mut simulation, 1);
    assert_eq!(simulation.living().count(), 80);
    assert_eq!(named(&simulation, "nginx").len(), nginx + 30);
    assert!((50..80).all(|slot| simulation.process(slot).unwrap().priority == Priority::Low));
    go_to(&mut simulation, 45);
    assert!((51..80).contains(&simulation.living().count()));
    go_to(&mut simulation, 61);
    assert_eq!(simulation.living().count(), 50);
    assert_eq!(simulation.ends(), EndCounts { storms: 30, ..EndCounts::default() });
}

#[test]
fn chaos_starts_every_kind_of_fault() {
    let mut simulation = simulation(Settings::of(Profile::chaos()));
    let mut most = 0;
    for minute in 1..=120 {
        go_to(&mut simulation, minute * 60);
        most = simulation.living().count().max(most);
    }
    let ends = simulation.ends();
    assert!(
        ends.churned.sum() > 0 && ends.killed.sum() > 0 && ends.out_of_memory.sum() > 0 && ends.storms > 0,
        "{ends:?}"
    );
    assert!(most > 50 && most <= 100, "{most}");
}

#[test]
fn a_simulation_is_created_started_and_completed() {
    let mut simulation = simulation(Settings { ends_after_secs: Some(60), ..calm(Profile::realistic()) });
    assert_eq!(simulation.stage(), Stage::Created);
    go_to(&mut simulation, 59);
    assert_eq!((simulation.stage(), simulation.living().count()), (Stage::Started, 50));
    let mut changes = Vec::new();
    simulation.take_changes(&mut changes);
    assert_eq!(changes, (0..50).collect::<Vec<_>>());
    go_to(&mut simulation, 1000);
    assert_eq!((simulation.stage(), simulation.living().count()), (Stage::Completed, 0));
    changes.clear();
    simulation.take_changes(&mut changes);
    assert_eq!(changes, (0..50).collect::<Vec<_>>());
    simulation.act(Action::kill(Filter::named("*"))).unwrap();
    go_to(&mut simulation, 1001);
    assert_eq!(simulation.living().count(), 0);
}

#[test]
fn impossible_settings_are_refused() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = Settings::of(Profile::realistic());
        change(&mut settings);
        Simulation::new(settings, 7, START).unwrap_err()
    };
    let errors = [
        refused(|it| it.process_count = 0),
        refused(|it| it.children_max = 2_000_000),
        refused(|it| it.churn_rate = -1.0),
        refused(|it| it.chaos = f64::NAN),
        refused(|it| it.cores = 0.0),
        refused(|it| it.profile.programs.clear()),
        refused(|it| it.profile.programs.iter_mut().for_each(|program| program.weight = 0)),
    ];
    insta::assert_snapshot!(errors.join("\n"), @"
    process_count must be 1 or more, and with children_max no more than 1048576, but is 0 and 50
    process_count must be 1 or more, and with children_max no more than 1048576, but is 50 and 2000000
    churn_rate must be from 0 to 60 a minute, but is -1
    chaos must be from 0 to 60 a minute, but is NaN
    cores must be above 0, but is 0
    profile must have programs
    profile needs a program with a weight, to have more than 19 processes
    ");
    let mut simulation = simulation(Settings::of(Profile::realistic()));
    let filter = Filter::named("*");
    let error = simulation.act(Action::CpuSpike { filter, cores: f64::NAN, secs: 1 }).unwrap_err();
    assert_eq!(error, "cores must be 0 or more, but is NaN");
}

#[test]
fn ten_thousand_processes_stay_ten_thousand() {
    let settings = Settings { process_count: 10_000, churn_rate: 0.1, ..calm(Profile::realistic()) };
    let mut simulation = simulation(settings);
    let mut changes = Vec::new();
    simulation.take_changes(&mut changes);
    changes.clear();
    go_to(&mut simulation, 120);
    simulation.take_changes(&mut changes);
    assert_eq!(simulation.living().count(), 10_000);
    assert!(simulation.ends().churned.sum().abs_diff(2000) <= 1);
    assert!((1000..=2000).contains(&changes.len()));
}

fn any_program() -> impl Strategy<Value = crate::Program> {
    let pattern = prop::sample::select(vec![
        UsagePattern::Steady,
        UsagePattern::Spiky,
        UsagePattern::Growing,
        UsagePattern::Random,
    ]);
    let range = move |high: f64| {
        (pattern.clone(), 0.0..high, 0.0..high).prop_map(|(pattern, low, more)| UsageRange {
            pattern,
            low,
            high: low + more,
        })
    };
    let priority = prop::sample::select(Priority::ALL.to_vec());
    ("[a-c]{1,2}", priority, 1_u32..4, range(2.0), range(1e9), (1_u32..4, 0_u32..9), (0_u32..9, 0_u32..99))
        .prop_map(|(name, priority, weight, cpu_cores, memory_bytes, threads, files)| crate::Program {
            owner: "root".to_owned(),
            name,
            priority,
            weight,
            cpu_cores,
            memory_bytes,
            threads: (threads.0, threads.0 + threads.1),
            open_fds: (files.0, files.0 + files.1),
        })
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let programs = prop::collection::vec(any_program(), 1..6);
    (programs, 1_usize..20, 0.0..20.0, 0.0..20.0, 0.1..9.0, 0_usize..10).prop_map(
        |(programs, process_count, churn_rate, chaos, cores, children_max)| Settings {
            profile: Profile { name: "any".to_owned(), programs, churn_rate: 0.0, chaos: 0.0 },
            process_count,
            churn_rate,
            chaos,
            cores,
            children_max,
            ends_after_secs: None,
        },
    )
}

fn any_action() -> impl Strategy<Value = Action> {
    let lower = prop::sample::select(vec![None, Some(Priority::Low), Some(Priority::High)]);
    let filter = ("[a-c*?]{1,2}", lower).prop_map(|(name, priority)| Filter { name, priority });
    (0..4, filter, 0.0..1e9, 0_u64..100).prop_map(|(kind, filter, amount, secs)| match kind {
        0 => Action::CpuSpike { filter, cores: amount / 1e8, secs },
        1 => Action::MemoryLeak { filter, bytes_per_sec: amount / 10.0, secs },
        2 => Action::kill(filter),
        _ => Action::ForkStorm { filter, children: 5, secs },
    })
}

/// Checks the invariants, `secs` after the start.
fn check_all(simulation: &Simulation, secs: f64) -> Result<(), TestCaseError> {
    let settings = &simulation.settings;
    let (mut used, mut seen) = (0.0, BTreeSet::new());
    for (slot, it) in simulation.living() {
        let program = &settings.profile.programs[simulation.slots[slot].program];
        prop_assert!(seen.insert(it.pid), "pid {} twice", it.pid);
        let cores = f64::from(program.threads.1).min(settings.cores);
        prop_assert!(it.cpu_seconds <= cores * it.uptime_seconds + 1e-9, "{it:?}");
        prop_assert!(it.cpu_seconds >= 0.0 && it.memory_bytes >= 0.0, "{it:?}");
        prop_assert!(it.memory_bytes <= program.memory_bytes.high, "{it:?}");
        prop_assert!(program.threads.0 <= it.threads && it.threads <= program.threads.1, "{it:?}");
        prop_assert!(program.open_fds.0 <= it.open_fds && it.open_fds <= program.open_fds.1, "{it:?}");
        let since_start = it.start_time_seconds + it.uptime_seconds - 1_767_600_000.0;
        prop_assert!((since_start - secs).abs() < 1e-5, "{it:?} at {secs}");
        used += it.cpu_seconds;
    }
    prop_assert!(used <= settings.cores * secs + 1e-9, "{used} in {secs}");
    prop_assert!((0..settings.process_count).all(|slot| simulation.process(slot).is_some()));
    Ok(())
}

/// Checks the invariants between two times, with the slots that changed.
fn check_both(before: &Simulation, after: &Simulation, changes: &[usize]) -> Result<(), TestCaseError> {
    for slot in 0..after.slot_count() {
        let (old, new) = (before.process(slot), after.process(slot));
        let is_same = old.map(|it| it.pid) == new.map(|it| it.pid);
        // A child may start and end in between.
        let may_differ = old.is_none() && new.is_none();
        prop_assert!(may_differ || is_same != changes.contains(&slot), "{old:?} {new:?}");
        let (Some(old), Some(new)) = (old, new) else { continue };
        if is_same {
            prop_assert_eq!((old.name, old.priority), (new.name, new.priority));
            prop_assert_eq!(old.start_time_seconds, new.start_time_seconds);
            prop_assert!(old.cpu_seconds <= new.cpu_seconds && old.uptime_seconds <= new.uptime_seconds);
        } else {
            prop_assert!(old.start_time_seconds < new.start_time_seconds);
            prop_assert!(old.priority != Priority::Critical, "{old:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn invariants_hold_under_any_faults(
        settings in any_settings(),
        seed in any::<u64>(),
        steps in prop::collection::vec((0_u64..40_000, prop::option::of(any_action())), 1..20),
    ) {
        let mut simulation = Simulation::new(settings, seed, START).unwrap();
        let (mut now_millis, mut changes) = (0, Vec::new());
        simulation.take_changes(&mut changes);
        for (wait_millis, action) in steps {
            now_millis += wait_millis;
            let before = simulation.clone();
            simulation.advance(START + now_millis * 1_000_000);
            changes.clear();
            simulation.take_changes(&mut changes);
            check_both(&before, &simulation, &changes)?;
            #[expect(clippy::cast_precision_loss, reason = "some minutes")]
            check_all(&simulation, now_millis as f64 / 1000.0)?;
            if let Some(action) = action {
                simulation.act(action).unwrap();
            }
        }
    }

    #[test]
    fn the_result_does_not_depend_on_the_number_of_advances(
        settings in any_settings(),
        seed in any::<u64>(),
        looks in prop::collection::vec(0_u64..300_000, 0..20),
        action in any_action(),
    ) {
        let mut looks = looks;
        looks.sort_unstable();
        let run = |looks: &[u64]| {
            let mut simulation = Simulation::new(settings.clone(), seed, START).unwrap();
            simulation.act(action.clone()).unwrap();
            for millis in looks {
                simulation.advance(START + millis * 1_000_000);
                simulation.take_changes(&mut Vec::new());
            }
            simulation.advance(START + 300_500_000_000);
            (format!("{:?}", simulation.living().collect::<Vec<_>>()), simulation.ends())
        };
        prop_assert_eq!(run(&looks), run(&[]));
    }
}
