//! Files of a small model, and what is damaged in them.

use super::*;
use crate::bounds::Bounds;
use crate::network::Shape;
use crate::role::Moment;
use crate::schema::{Column, Host, Kind, Parts, Predictor, Sum};
use crate::series::{Series, rates};

fn column(metric: &str, kind: Kind, high: Option<f64>) -> Column {
    Column {
        metric: metric.to_owned(),
        labels: Vec::new(),
        help: String::new(),
        is_whole: kind == Kind::Counter,
        kind,
        bounds: Bounds { is_positive: true, high, softness: 0.1 },
        mean: 0.5,
        deviation: 0.2,
        low: -4.0,
        high: 4.0,
        by: Predictor::Network,
        noise: 1.0,
        noise_factor: 1.5,
    }
}

/// Numbers that look random, between -1 and 1, the same each time.
fn noise(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 23) - 1.0
    }
}

/// A share, three counters of which one is a sum, and one action; its weights are large, so that it is wild.
fn model() -> Model {
    let role = Role {
        hosts: vec![Host { name: "a".to_owned(), job: "j".to_owned(), labels: Vec::new() }],
        columns: vec![
            column("busy_ratio", Kind::Gauge, Some(1.0)),
            column("hits_total", Kind::Counter, None),
            column("misses_total", Kind::Counter, None),
        ],
        sums: vec![Sum {
            metric: "gets_total".to_owned(),
            labels: Vec::new(),
            help: String::new(),
            of: vec![1, 2],
        }],
        parts: vec![Parts { of: vec![1, 2], sum: 4.0 }],
        lags: 2,
        gaps: vec![1],
        has_season: true,
        units: 4,
        members: 1,
        scores: Vec::new(),
    };
    let mut next = noise(7);
    let mut numbers = |count: usize| -> Vec<f64> { (0..count).map(|_| 3.0 * next()).collect() };
    let shape: Shape = role.shape(1);
    let network = Network { shape, weights: numbers(shape.size()) };
    let linear = numbers(role.features(1) * 3);
    let (residuals, newest) = (numbers(30), numbers(6));
    let action = Action {
        name: "load".to_owned(),
        target: String::new(),
        is_of_host: false,
        lever: "load".to_owned(),
        low: 0.0,
        high: 1.0,
        toggles: 9,
    };
    let model =
        RoleModel { role, step_secs: 5.0, actions: 1, linear, members: vec![network], residuals, newest };
    Model { step_secs: 5.0, actions: vec![action], roles: vec![model], lineage: Lineage::default() }
}

#[test]
fn a_model_is_read_as_it_was_written() {
    let model = model();
    let bytes = model.to_bytes().unwrap();
    let again = Model::from_bytes(&bytes).unwrap();
    assert_eq!((&again, again.weights_hash()), (&model, model.weights_hash()));
    assert_eq!(again.to_bytes().unwrap(), bytes, "the same bytes each time");
}

#[test]
fn a_damaged_file_is_an_error_that_says_so() {
    let bytes = model().to_bytes().unwrap();
    for place in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x04;
        assert!(Model::from_bytes(&damaged).is_err(), "byte {place}");
        assert!(Model::from_bytes(&bytes[..place]).is_err(), "only {place} bytes");
    }
    let mut last = bytes.clone();
    *last.last_mut().unwrap() ^= 1;
    let told = Model::from_bytes(&last).unwrap_err().to_string();
    assert!(told.starts_with("is damaged: its content does not have the checksum"), "{told}");
    let foreign = Model::from_bytes(b"no model at all, but a text").unwrap_err();
    assert!(matches!(foreign, ContainerError::Foreign), "{foreign}");
}

#[test]
fn whatever_the_weights_are_no_step_breaks_a_bound() {
    let model = model();
    let role = &model.roles[0];
    let (mut state, mut draw) = (role.newest(0, &[0.0], 0), noise(3));
    let mut series = Series::of(role, &state);
    for n in 0..100_000u32 {
        let mut unit = || f64::midpoint(draw(), 1.0);
        let level = if unit() < 0.5 { 0.0 } else { 1.0 };
        let moment = Moment { levels: &[level], at_secs: 5.0 * f64::from(n) };
        role.advance(&mut state, moment, Some(&mut unit));
        let before = series.clone();
        series.advance(role, &state);
        assert!((0.0..=1.0).contains(&series.value(0)), "{series:?}");
        assert!((1..3).all(|column| series.value(column) >= before.value(column)), "{series:?}");
        let sum = series.value(1) + series.value(2);
        assert_eq!(series.sum(&[1, 2]).to_bits(), sum.to_bits());
        let rates = rates(&role.role, state.x(role));
        assert!((rates[1] + rates[2] - 4.0).abs() < 1e-9, "{rates:?}");
    }
    assert!((series.sum(&[1, 2]) - 4.0 * 5.0 * 100_000.0).abs() < 3.0, "{series:?}");
}
