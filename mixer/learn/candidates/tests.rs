//! Which candidate takes which values.

use super::*;
use crate::grid::GridSeries;

/// Values every 10 s.
fn found(values: impl IntoIterator<Item = f64>) -> Option<Candidate> {
    let values = values.into_iter().collect();
    let grid = GridSeries { begin_ms: 1_767_571_200_000, step_secs: 10.0, sample_secs: 10.0, values };
    simplest(&Profile::of(grid, 1_767_571_200_000), &Toggles::default())
}

fn name(values: impl IntoIterator<Item = f64>) -> &'static str {
    found(values).map_or("", |found| found.call.name)
}

/// Numbers from 0 to 1 without memory, always the same.
fn units(seed: u64) -> impl Iterator<Item = f64> {
    let mut rng = promemu_core::rng::Seed::new(seed).rng();
    std::iter::repeat_with(move || rng.unit())
}

fn normals(seed: u64) -> impl Iterator<Item = f64> {
    let mut rng = promemu_core::rng::Seed::new(seed).rng();
    std::iter::repeat_with(move || rng.normal())
}

#[test]
fn values_that_stand_still_need_no_scenario_and_gaps_are_none() {
    assert!(found([5.0; 20]).is_none());
    assert!(found([5.0, f64::NAN, 5.0]).is_none());
    assert_eq!(name([5.0, 6.0, 5.5]), "random_in_range", "few values are a range");
}

#[test]
fn a_line_is_a_formula_and_the_clock_is_the_time() {
    let line = found((0..50).map(|n| 3.0 + 0.2 * f64::from(n))).unwrap();
    let numbers: Vec<f64> = line.call.numbers().into_iter().map(|(_, number)| number).collect();
    // A sample shows an update that is one sample old.
    assert!((numbers[0] - 3.2).abs() < 1e-2 && (numbers[1] - 0.02).abs() < 1e-6, "{numbers:?}");
    let clock = found((0..50).map(|n| 1_767_571_195.0 + 10.0 * f64::from(n))).unwrap();
    assert!(clock.call.numbers().is_empty() && clock.measured.contains("time"), "{clock:?}");
}

#[test]
fn two_values_that_take_turns_are_a_toggle_and_others_levels() {
    let toggle = found((0..200).map(|n| f64::from(u8::from(n % 30 >= 18)))).unwrap();
    assert_eq!(toggle.call.name, "feature_toggle");
    let numbers: Vec<f64> = toggle.call.numbers().into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers[1..], [120.0, 180.0, 1.0, 0.0]);
    let irregular = units(1).flat_map(|unit| vec![(unit * 3.0).floor() * 7.0; 9]).take(400);
    assert_eq!(name(irregular), "variety_selection");
}

#[test]
fn noise_is_told_apart_by_its_distribution() {
    assert_eq!(name(units(2).take(2_000)), "random_in_range");
    assert_eq!(name(normals(3).take(2_000)), "script");
    assert_eq!(name(units(4).map(|unit| unit * unit * unit).take(2_000)), "empirical");
    let rare = units(5).map(|unit| f64::from(u8::from(unit < 0.01)) * 100.0);
    assert_eq!(name(rare.take(2_000)), "variety_selection");
}

#[test]
fn what_wanders_is_told_apart_by_its_steps() {
    let mut at = 50.0;
    let walk = units(6).map(|unit| {
        at += 4.0 * unit - 2.0;
        at
    });
    assert_eq!(name(walk.take(2_000)), "random_walk");
    let mut at = 50.0;
    let reverting = normals(7).map(|normal| {
        at = 50.0 + 0.8 * (at - 50.0) + normal;
        at
    });
    assert_eq!(name(reverting.take(2_000)), "brownian");
    let mut at: f64 = 0.0;
    let skewed = normals(8).map(|normal| {
        at = 0.8 * at + normal;
        at.exp()
    });
    let skewed = found(skewed.take(5_000)).unwrap();
    assert_eq!(skewed.call.name, "empirical");
    let (_, correlation) = *skewed.call.numbers().last().unwrap();
    assert!((correlation - 0.8).abs() < 0.05, "{correlation}");
}

#[test]
fn a_wave_with_noise_is_a_sum() {
    let wave = (0..1_000).map(|n| 10.0 * libm::sin(f64::from(n) / 9.0));
    let noisy: Vec<f64> = wave.clone().zip(units(9)).map(|(wave, unit)| wave + 8.0 * unit).collect();
    assert_eq!(name(wave), "sine_wave");
    let found = found(noisy).unwrap();
    assert_eq!(found.call.name, "sum");
    assert!(found.call.shape().contains("random_in_range"), "{}", found.call.shape());
}

#[test]
fn a_shape_that_comes_again_is_a_cycle_and_one_that_did_not_yet_is_a_course() {
    let shape = |n: u32| if n % 42 < 12 { 90.0 } else { 20.0 + f64::from(n % 42) };
    let noise = || units(11).map(|unit| 6.0 * unit);
    let job = found((0..400).map(shape).zip(noise()).map(|(value, noise)| value + noise)).unwrap();
    let cycle = match job.call.field("of") {
        Some(Value::Records(of)) => of[0].clone(),
        other => panic!("{other:?} {job:?}"),
    };
    assert_eq!((cycle.name, cycle.field("period")), ("cycle", Some(&Value::Secs(420.0))), "{job:?}");
    // A wave stays one, with noise around it, too.
    let wave = |n: u32| 30.0 * libm::sin(f64::from(n) / 7.0);
    let waves = found((0..400).map(wave).zip(noise()).map(|(value, noise)| value + noise)).unwrap();
    assert!(waves.call.shape().contains("sine_wave"), "{waves:?}");
    // Half of a bump, with a distribution of its own around it.
    let bump = |n: u32| 500.0 / (1.0 + libm::exp(-f64::from(n) / 30.0 + 5.0)) - 0.8 * f64::from(n);
    let rare = units(12).map(|unit| 60.0 * unit * unit * unit);
    let course = found((0..300).map(bump).zip(rare).map(|(value, rare)| value + rare)).unwrap();
    assert!(course.call.shape().contains("cycle") && course.measured.contains("course"), "{course:?}");
}

#[test]
fn noise_that_is_on_a_part_of_a_shape_alone_stays_there() {
    let busy = |n: u32| n % 42 < 30;
    let values = (0..840).zip(units(13)).map(|(n, unit)| if busy(n) { 90.0 + 60.0 * unit } else { 20.0 });
    let found = found(values).unwrap();
    assert_eq!(found.call.shape().matches("cycle").count(), 2, "{found:?}");
    let sizes = match found.call.field("of") {
        Some(Value::Records(of)) => match of[1].field("of") {
            Some(Value::Records(of)) => of[0].numbers(),
            other => panic!("{other:?} {found:?}"),
        },
        other => panic!("{other:?} {found:?}"),
    };
    let sizes: Vec<f64> =
        sizes.into_iter().filter(|(name, _)| *name == "values").map(|(_, size)| size).collect();
    let [busy, idle] = [sizes[sizes.len() / 3], sizes[sizes.len() * 6 / 7]];
    assert!(busy > 10.0 * idle, "{sizes:?}");
}
