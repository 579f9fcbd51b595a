use proptest::prelude::*;

use super::*;
use crate::observed::Observed;
use crate::random::draws;
use crate::settings::examples::three_kinds;
use crate::settings::{ERROR_TYPES, TOKEN_TYPES};

const START: u64 = 1_767_600_000 * NANOS;
const STEADY: Levers = Levers { load: 1.0, users: 1.0, capacity: 1.0 };

fn population(settings: Settings, seed: u64) -> Population {
    Population::new(settings, seed, START, STEADY)
}

/// Without bursts and changes of activity.
fn constant(total: u64) -> Settings {
    let mut settings = three_kinds(total);
    settings.burst.secs = 0.0;
    settings.kinds.iter_mut().for_each(|kind| kind.volatility = 0.0);
    settings
}

fn go(population: &mut Population, to_secs: u64) {
    population.advance(START + to_secs * NANOS, &mut |_| STEADY);
}

fn outage(of: &str) -> (&'static str, String) {
    ("model_outage", format!(r#"{{"model": "{of}", "duration": 300}}"#))
}

fn hear(population: &mut Population, (name, data): &(&'static str, String), at_secs: u64) {
    let event = Event { name, source: "a", data };
    population.hear(&event, START + at_secs * NANOS).unwrap();
}

#[test]
fn totals_do_not_depend_on_how_often_they_are_looked_at() {
    let run = |interval: u64| {
        let mut population = population(three_kinds(3000), 7);
        let mut seen = Vec::new();
        for at in (interval..=1200).step_by(usize::try_from(interval).unwrap()) {
            go(&mut population, at);
            if at == 600 {
                hear(&mut population, &outage("large"), at);
            }
            if at % 60 == 0 {
                seen.push(postcard::to_allocvec(&population.state.totals).unwrap());
            }
        }
        (seen, population.save().unwrap())
    };
    let each = run(1);
    assert!(each == run(15) && each == run(60));
}

#[test]
fn a_saved_population_goes_on_as_if_it_had_not_been() {
    let mut first = population(three_kinds(3000), 7);
    go(&mut first, 500);
    hear(&mut first, &outage("small"), 500);
    let mut second = Population::load(three_kinds(3000), &first.save().unwrap()).unwrap();
    go(&mut first, 900);
    go(&mut second, 900);
    assert!(first.save() == second.save());
}

/// Sums over all users of a kind.
fn sums(population: &mut Population) -> Vec<u64> {
    let settings = population.settings().clone();
    let named = population.visible().users.clone();
    let mut sums = Vec::new();
    for kind in 0..settings.kinds.len() {
        let of = |(row, (_, its)): (usize, &(String, usize))| (*its == kind).then_some(row);
        let mut users: Vec<usize> = named.iter().enumerate().filter_map(of).collect();
        users.push(named.len() + kind);
        let totals = population.totals();
        let mut sum = |get: &mut dyn FnMut(&mut Totals, usize) -> u64| {
            sums.push(users.iter().map(|user| get(totals, *user)).sum());
        };
        sum(&mut |totals, user| *totals.sessions(user));
        sum(&mut |totals, user| *totals.commits(user));
        for model in 0..settings.models.len() {
            (0..TOKEN_TYPES.len()).for_each(|of| sum(&mut |totals, user| *totals.tokens(user, model, of)));
        }
        for tool in 0..settings.tools.len() {
            sum(&mut |totals, user| *totals.done(user, tool));
            (0..ERROR_TYPES.len()).for_each(|of| sum(&mut |totals, user| *totals.errors(user, tool, of)));
        }
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn sums_over_users_do_not_depend_on_how_many_have_names(seed in any::<u64>(), named in 1..60u64, is_out in any::<bool>()) {
        let run = |visible_users| {
            let mut settings = three_kinds(60);
            settings.sessions_per_hour = 2.0;
            settings.visible_users = visible_users;
            let mut population = population(settings, seed);
            if is_out {
                hear(&mut population, &outage("large"), 0);
            }
            go(&mut population, 1200);
            let active: Vec<u64> = (0..3).map(|kind| population.active(kind)).collect();
            let (mut sessions, users) = (vec![(0, 0.0); 6 * 9], population.visible().users.clone());
            let bounds = population.settings().session_bounds.clone();
            population.sessions.take(|Observed { row, value, count }| {
                let kind = users.get(row / 2).map_or_else(|| row / 2 - users.len(), |(_, kind)| *kind);
                let bucket = bounds.partition_point(|bound| *bound < value);
                let sum: &mut (u64, f64) = &mut sessions[(2 * kind + row % 2) * 9 + bucket];
                *sum = (sum.0 + count, sum.1 + value * count as f64);
            });
            (sums(&mut population), active, sessions)
        };
        prop_assert_eq!(run(0), run(named));
    }
}

#[test]
fn users_with_names_have_their_part() {
    let mut settings = three_kinds(100);
    settings.visible_users = 50;
    settings.sessions_per_hour = 4.0;
    let mut population = population(settings, 3);
    go(&mut population, 8 * 3600);
    let named = population.visible().users.len();
    let mut part = |get: fn(&mut Totals, usize) -> u64| {
        let (mut theirs, mut all) = (0, 0);
        for user in 0..named + 3 {
            let count = get(population.totals(), user);
            theirs += if user < named { count } else { 0 };
            all += count;
        }
        theirs as f64 / all as f64
    };
    for share in [
        part(|totals, user| *totals.sessions(user)),
        part(|totals, user| *totals.commits(user)),
        part(|totals, user| *totals.tokens(user, 0, 1)),
        part(|totals, user| *totals.done(user, 0)),
    ] {
        assert!((share - 0.5).abs() < 0.05, "{share}");
    }
}

#[test]
fn counts_of_sessions_are_poisson_and_as_many_run_as_rate_times_duration() {
    let mut settings = constant(2_000_000);
    settings.after_failure.leave = 0.0;
    let mut population = population(settings.clone(), 11);
    let (minutes, mut counts, mut active) = (1500u64, vec![Vec::new(); 3], [0.0; 3]);
    let mut before = [0; 3];
    for minute in 1..=minutes {
        go(&mut population, minute * 60);
        for kind in 0..3 {
            let row = population.visible().users.len() + kind;
            let named = population.visible().by_kind[kind];
            let own = (named.0..).take(usize::try_from(named.1).unwrap());
            let all: u64 = own.chain([row]).map(|user| *population.totals().sessions(user)).sum();
            counts[kind].push((all - before[kind]) as f64);
            before[kind] = all;
            active[kind] += population.active(kind) as f64;
        }
    }
    let (mut squares, mut freedom) = (0.0, 0.0);
    for kind in 0..3 {
        let count = minutes as f64;
        let mean = counts[kind].iter().sum::<f64>() / count;
        let rate = population.arrivals(kind, 1.0) * 60.0;
        assert!((mean / rate - 1.0).abs() < 4.0 / (rate * count).sqrt(), "{mean} {rate}");
        squares += counts[kind].iter().map(|number| (number - mean).powi(2)).sum::<f64>() / mean;
        freedom += count - 1.0;
        let expected = rate / 60.0 * population.durations[kind].mean_secs;
        let found = active[kind] / count;
        assert!((found / expected - 1.0).abs() < 0.01, "{kind}: {found} {expected}");
    }
    assert!((squares / freedom - 1.0).abs() < 0.05, "{}", squares / freedom);
}

#[test]
fn sessions_begin_as_a_poisson_process_whose_rate_follows_activity_season_and_bursts() {
    let mut settings = three_kinds(5_000);
    settings.hours = (0..24).map(|hour| if hour % 2 == 0 { 1.5 } else { 0.5 }).collect();
    for kind in 0..3 {
        let mut population = population(settings.clone(), 17);
        let random = &mut crate::random::Random::new(23, Purpose::Split, kind, 0);
        let kind = usize::try_from(kind).unwrap();
        let (mut elapsed, mut last, mut before, mut gaps) = (0.0, 0.0, 0, Vec::new());
        for second in 0..6 * 3600 {
            go(&mut population, second + 1);
            let factor = population.factor(STEADY, START + second * NANOS);
            let expected = population.arrivals(kind, factor);
            let (first, named) = population.visible().by_kind[kind];
            let users =
                (first..).take(usize::try_from(named).unwrap()).chain([population.visible().others(kind)]);
            let all: u64 = users.map(|user| *population.totals().sessions(user)).sum();
            // In a second, where the rate is constant, they begin anywhere.
            let mut at: Vec<f64> = (before..all).map(|_| elapsed + expected * random.unit()).collect();
            at.sort_by(f64::total_cmp);
            for at in at {
                gaps.push(at - last);
                last = at;
            }
            (before, elapsed) = (all, elapsed + expected);
        }
        gaps.sort_by(f64::total_cmp);
        let count = gaps.len() as f64;
        let distance = gaps.iter().zip(0u32..).map(|(gap, number)| {
            let up_to = -(-gap).exp_m1();
            (up_to - f64::from(number) / count).abs().max((up_to - f64::from(number + 1) / count).abs())
        });
        let distance = distance.fold(0.0, f64::max);
        // The Kolmogorov-Smirnov test against the exponential distribution: p is above 0.001.
        assert!(count > 200.0 && distance < 1.95 / count.sqrt(), "{kind}: {distance} of {count}");
    }
}

#[test]
fn the_work_of_a_second_is_bounded_whatever_the_number_of_users() {
    let cost = |total| {
        let mut population = population(three_kinds(total), 5);
        let before = draws();
        go(&mut population, 600);
        (draws() - before, population.save().unwrap().capacity())
    };
    let [thousand, million, most] = [1_000, 1_000_000, 1_000_000_000].map(cost);
    assert_eq!((thousand.1, million.1), (million.1, most.1));
    // Random numbers in a second.
    assert!(million.0 / 600 < 150 && most.0 / 600 < 400, "{thousand:?} {million:?} {most:?}");
}

#[test]
fn in_an_outage_a_models_tokens_stop_and_the_draws_of_others_stay() {
    let run = |is_out: bool| {
        let mut settings = three_kinds(3000);
        (settings.after_failure.fallback, settings.after_failure.leave) = (0.0, 0.1);
        let mut population = population(settings, 13);
        go(&mut population, 600);
        if is_out {
            hear(&mut population, &outage("large"), 600);
        }
        let tokens = |population: &mut Population, model: usize| -> u64 {
            let users = 0..population.visible().users.len() + 3;
            users.map(|user| *population.totals().tokens(user, model, 0)).sum()
        };
        let before = [0, 1].map(|model| tokens(&mut population, model));
        go(&mut population, 900);
        let after = [0, 1].map(|model| tokens(&mut population, model));
        let active: u64 = (0..3).map(|kind| population.active(kind)).sum();
        (after[0] - before[0], after[1] - before[1], active)
    };
    let (with, without) = (run(true), run(false));
    assert_eq!(with.0, 0);
    assert!(without.0 > 0);
    assert_eq!(with.1, without.1);
    assert!(with.2 < without.2, "some have left: {with:?} {without:?}");
}

#[test]
fn the_lever_capacity_is_as_many_replicas_of_the_service() {
    let late = |capacity: f64, lever: f64| {
        let mut settings = constant(5_000);
        settings.service.capacity = capacity;
        let mut population = population(settings, 3);
        population.advance(START + 1800 * NANOS, &mut |_| Levers { capacity: lever, ..STEADY });
        let saved = population.save().unwrap();
        (saved, population.active(0))
    };
    let (one, two) = (late(1.0, 2.0), late(2.0, 1.0));
    assert_eq!(one, two, "two replicas are as one of twice the capacity");
    assert_ne!(one.1, late(1.0, 0.5).1, "users of a service that is too small leave");
}
