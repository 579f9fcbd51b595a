//! Scores of what is alike, and of what is not.

use promemu_wire::recording::{RecordingFolder, SourceEntry};

use super::*;

/// Numbers that look random, between -1 and 1, the same each time.
fn noise(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 23) - 1.0
    }
}

fn name(metric: &str) -> ReadSeries {
    ReadSeries { metric: metric.to_owned(), labels: vec![("job".to_owned(), "x".to_owned())] }
}

/// A wave of 40 steps with noise.
fn wave(seed: u32, amplitude: f64) -> Floats {
    let mut noise = noise(seed);
    let value = |n: u32| 50.0 + amplitude * libm::sin(f64::from(n) * std::f64::consts::TAU / 40.0);
    (0..800).map(|n| (i64::from(n) * 15_000, value(n) + noise())).collect()
}

/// A process that remembers.
fn walk(seed: u32) -> Floats {
    let (mut noise, mut value) = (noise(seed), 0.0);
    (0..800)
        .map(|n| {
            value = 0.95 * value + noise();
            (i64::from(n) * 15_000, value)
        })
        .collect()
}

fn recorded(series: &[(&str, Floats)]) -> (tempfile::TempDir, Recording) {
    let dir = tempfile::tempdir().unwrap();
    let folder = RecordingFolder::open(dir.path(), 2).unwrap();
    let source = SourceEntry::new("scrape", "x");
    folder.change(|manifest| drop(manifest.sources.insert("x".to_owned(), source))).unwrap();
    let mut slice = folder.begin_slice("x", 0);
    for (metric, floats) in series {
        slice.put_floats(&name(metric), floats.iter().copied()).unwrap();
    }
    folder.commit(slice, 800 * 15_000, |_| {}).unwrap();
    let recording = Recording::open(dir.path()).unwrap();
    (dir, recording)
}

fn runs(of: impl Fn(u32) -> Vec<(&'static str, Floats)>) -> Vec<EmulatedRun> {
    (1..=20)
        .map(|seed| of(seed).into_iter().map(|(metric, floats)| (name(metric), floats)).collect())
        .collect()
}

const OPTIONS: ValidationOptions = ValidationOptions { selectors: Vec::new(), held_out: 0.3, folds: 2 };

fn skill<'v>(validation: &'v Validation, predictor: &str, horizon: usize) -> &'v Skill {
    let is_of = |skill: &&Skill| skill.predictor == predictor && skill.horizon == horizon;
    validation.skills.iter().find(is_of).unwrap()
}

#[test]
fn a_config_that_is_like_the_recording_beats_persistence_and_cannot_be_told_from_it() {
    let (_dir, recording) = recorded(&[("wave", wave(100, 10.0)), ("walk", walk(100))]);
    let own = runs(|seed| vec![("wave", wave(seed, 10.0)), ("walk", walk(seed))]);
    let found = validate(&recording, &own, &OPTIONS, |_, _, _| {}).unwrap();
    assert_eq!((found.series.len(), found.folds.len(), found.missing.len()), (2, 2, 0));
    let wave = &found.series.iter().find(|score| score.series.starts_with("wave")).unwrap();
    let of = |predictor: &str, horizon| {
        wave.skills.iter().find(|skill| skill.predictor == predictor && skill.horizon == horizon).unwrap()
    };
    // Noise of 0.58 on a deviation of 7.1.
    assert!(of("config", 15).nrmse < 0.12, "{:?}", of("config", 15));
    assert!(of("config", 15).nrmse < 0.2 * of("persistence", 15).nrmse);
    assert!((of("config", 15).coverage - 0.9).abs() < 0.1, "{:?}", of("config", 15));
    for good in ["ar", "ridge", "seasonal naive"] {
        assert!(of(good, 15).nrmse < 0.5 * of("persistence", 15).nrmse, "{:?}", of(good, 15));
    }
    // A process that remembers is better known from its last value.
    let walk = &found.series.iter().find(|score| score.series.starts_with("walk")).unwrap();
    let first =
        |predictor: &str| walk.skills.iter().find(|skill| skill.predictor == predictor).unwrap().nrmse;
    assert!(first("ar") < 0.5 * first("config"), "{:?}", walk.skills);
    assert!(found.ks < 0.15 && found.autocorrelation < 0.2, "{} {}", found.ks, found.autocorrelation);
    assert!(found.discriminative.unwrap() < 0.65, "{:?}", found.discriminative);
    assert!(skill(&found, "config", 60).targets > 300);
}

#[test]
fn a_config_that_is_not_like_the_recording_is_told_from_it() {
    let (_dir, recording) = recorded(&[("wave", wave(100, 10.0)), ("other", walk(3))]);
    let own = runs(|seed| vec![("wave", wave(seed, 2.0))]);
    let found = validate(&recording, &own, &OPTIONS, |_, _, _| {}).unwrap();
    assert_eq!(found.missing, ["other{job=\"x\"}"]);
    assert!(found.ks > 0.2 && found.discriminative.unwrap() > 0.8, "{} {:?}", found.ks, found.discriminative);
    assert!(skill(&found, "config", 1).nrmse > 0.5);
}

#[test]
fn nothing_in_common_is_an_error() {
    let (_dir, recording) = recorded(&[("wave", wave(1, 10.0))]);
    let told =
        validate(&recording, &runs(|seed| vec![("x", walk(seed))]), &OPTIONS, |_, _, _| {}).unwrap_err();
    assert!(told.to_string().contains("has none of the 1 recorded series"), "{told}");
}
