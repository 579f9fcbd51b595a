//! Models that go on learning, on systems that are known.

use std::collections::BTreeMap;

use promemu_core::rng::{Rng, Seed};
use promemu_wire::recording::Recording;

use super::super::tests::{STEP_MS, cycles, fitted, options, recorded};
use super::*;
use crate::Hyperparameters;

/// A level that follows an action, with a deviation of 0.5, and one that follows it; `change` moves the level at a row.
fn system(
    rows: i64,
    seed: u64,
    mut change: impl FnMut(i64, f64, &mut Rng) -> f64,
) -> (tempfile::TempDir, Recording) {
    let mut rng = Seed::new(seed).rng();
    let (on, levels) = cycles(rows, &mut Seed::new(seed).child("cycles").rng());
    let (mut temperature, mut pressure) = (50.0, 100.0);
    let mut metrics: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (row, level) in (0..).zip(levels) {
        temperature = 10.0 + 0.8 * temperature + 6.0 * level + 0.5 * rng.normal();
        temperature = change(row, temperature, &mut rng);
        pressure = 20.0 + 0.5 * pressure + 0.6 * temperature + rng.normal();
        metrics.entry("temperature").or_default().push(temperature);
        metrics.entry("pressure").or_default().push(pressure);
    }
    recorded(&metrics, &on)
}

/// A model of the system as it is.
fn model() -> Model {
    let (_dir, recording) = system(900, 5, |_, temperature, _| temperature);
    let numbers = Hyperparameters { members: 0, ..Hyperparameters::default() };
    let mut model = fitted(&recording, &options(numbers)).model;
    // Another recording follows, at the same times.
    model.lineage.times_ms = [-4, -3, -2, -1];
    model
}

fn learned(recording: &Recording) -> (Model, OnlineReport) {
    let mut learner = OnlineLearner::new(model());
    let report = learner.learn(recording, |_, _| {}).unwrap();
    (learner.model().clone(), report)
}

fn rows_of(report: &OnlineReport, is_one: impl Fn(&OnlineChange) -> bool) -> Vec<i64> {
    let own = report.events.iter().filter(|event| is_one(&event.change));
    own.map(|event| event.at_ms / STEP_MS).collect()
}

const fn is_drift(change: &OnlineChange) -> bool {
    matches!(change, OnlineChange::Drift { .. })
}

const fn is_promotion(change: &OnlineChange) -> bool {
    matches!(change, OnlineChange::Promoted { .. })
}

const fn is_rollback(change: &OnlineChange) -> bool {
    matches!(change, OnlineChange::RolledBack { .. })
}

#[test]
fn a_system_that_stays_as_it_is_has_no_drift() {
    let (_dir, recording) = system(4_000, 6, |_, temperature, _| temperature);
    let (_, report) = learned(&recording);
    assert_eq!(report.rows, 3_999);
    assert!(rows_of(&report, is_drift).is_empty(), "{:?}", report.events);
    assert!(rows_of(&report, is_rollback).is_empty(), "{:?}", report.events);
}

#[test]
fn a_shift_by_a_deviation_is_found_and_learned() {
    const SHIFT: i64 = 1_500;
    let shifted =
        |row: i64, temperature: f64, _: &mut Rng| temperature + if row >= SHIFT { 0.5 } else { 0.0 };
    let (_dir, recording) = system(3_500, 7, shifted);
    let (model, report) = learned(&recording);
    let found = rows_of(&report, is_drift);
    assert!(found.first().is_some_and(|row| (SHIFT..SHIFT + 250).contains(row)), "{:?}", report.events);
    assert!(found.len() <= 2, "one drift is told once, or twice as the model changes: {:?}", report.events);
    assert!(rows_of(&report, is_promotion).iter().any(|row| *row > SHIFT), "{:?}", report.events);
    let [first, own] = report.last_errors.map(|error| error * error);
    // The error of both without a shift.
    let (_dir, recording) = system(3_500, 7, |_, temperature, _| temperature);
    let [without, _] = learned(&recording).1.last_errors.map(|error| error * error);
    let regained = (first - own) / (first - without);
    assert!(first > 1.2 * without && regained >= 0.3, "{regained} of {first} - {without}");
    assert_eq!(model.lineage.times_ms[3], 3_499 * STEP_MS);
    assert_eq!(Model::from_bytes(&model.to_bytes().unwrap()).unwrap(), model);
}

#[test]
fn what_was_learned_from_poisoned_rows_is_rolled_back() {
    let poison = 1_000..1_700;
    let poisoned = |row: i64, temperature: f64, rng: &mut Rng| {
        if poison.contains(&row) { 70.0 + 3.0 * rng.normal() } else { temperature }
    };
    let (_dir, recording) = system(4_000, 8, poisoned);
    let (_, report) = learned(&recording);
    assert!(rows_of(&report, is_promotion).iter().any(|row| poison.contains(row)), "{:?}", report.events);
    assert!(rows_of(&report, is_rollback).iter().any(|row| *row >= poison.end), "{:?}", report.events);
    let [first, own] = report.last_errors;
    assert!(own <= 1.05 * first, "{own} and {first}");
}

#[test]
fn a_recording_that_grows_is_learned_as_if_it_had_been_there_at_once() {
    let steady = |rows: i64| system(rows, 9, |_, temperature, _| temperature);
    let ((_dir, short), (_other, long)) = (steady(600), steady(1_000));
    let mut grown = OnlineLearner::new(model());
    let rows: Vec<usize> =
        [&short, &long, &long].map(|recording| grown.learn(recording, |_, _| {}).unwrap().rows).to_vec();
    assert_eq!(rows, [599, 400, 0]);
    let (at_once, report) = learned(&long);
    assert_eq!(report.rows, 999);
    assert_eq!(grown.model().to_bytes().unwrap(), at_once.to_bytes().unwrap());
}
