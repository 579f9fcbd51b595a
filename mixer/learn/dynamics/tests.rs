//! Models of systems that are known.

use std::collections::BTreeMap;
use std::io;

use promemu_core::rng::{Rng, Seed};
use promemu_dynamics::role::Moment;
use promemu_dynamics::schema::{Predictor, Score};
use promemu_dynamics::series::rates;
use promemu_wire::recording::{Action, Recording, RecordingFolder, SourceEntry, append_actions};
use promemu_wire::samples::{ReadSeries, Selector};

use super::*;
use crate::load::Floats;

pub(super) const STEP_MS: i64 = 5_000;

/// A recording of these metrics of one host, of which one may have a label as in `name{zone=north}`, with the times at which an action
/// is on.
pub(super) fn recorded(
    metrics: &BTreeMap<&str, Vec<f64>>,
    on: &[(i64, i64)],
) -> (tempfile::TempDir, Recording) {
    let dir = tempfile::tempdir().unwrap();
    let folder = RecordingFolder::open(dir.path(), 2).unwrap();
    let source = SourceEntry::new("scrape", "x");
    folder.change(|manifest| drop(manifest.sources.insert("x".to_owned(), source))).unwrap();
    let mut slice = folder.begin_slice("x", 0);
    let mut end_ms = 0;
    for (metric, values) in metrics {
        let (metric, label) = metric.trim_end_matches('}').split_once('{').unwrap_or((*metric, ""));
        let mut labels =
            vec![("instance".to_owned(), "web:80".to_owned()), ("job".to_owned(), "web".to_owned())];
        labels.extend(label.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
        let floats: Floats = (0..).map(|n| n * STEP_MS).zip(values.iter().copied()).collect();
        end_ms = floats.last().unwrap().0;
        slice.put_floats(&ReadSeries { metric: metric.to_owned(), labels }, floats).unwrap();
    }
    folder.commit(slice, end_ms + 1, |_| {}).unwrap();
    let action = |(from, to): &(i64, i64)| Action {
        at_ms: from * STEP_MS,
        name: "load".to_owned(),
        target: String::new(),
        value: Some(1.0),
        until_ms: Some(to * STEP_MS),
    };
    append_actions(dir.path(), &on.iter().map(action).collect::<Vec<Action>>()).unwrap();
    let recording = Recording::open(dir.path()).unwrap();
    (dir, recording)
}

/// Times of different lengths at which an action is on, each begun and ended by a step, and its level in the step to each row.
pub(super) fn cycles(rows: i64, rng: &mut Rng) -> (Vec<(i64, i64)>, Vec<f64>) {
    let (mut on, mut at) = (Vec::new(), 5);
    let mut length =
        |low: i64, high: i64| low + i64::try_from(rng.below((high - low).unsigned_abs())).unwrap();
    while at < rows {
        let end = at + length(4, 25);
        on.push((at, end));
        at = end + length(4, 25);
    }
    let is_on = |row: i64| on.iter().any(|(from, to)| (*from..*to).contains(&(row - 1)));
    let levels = (0..rows).map(|row| f64::from(u8::from(is_on(row)))).collect();
    (on, levels)
}

/// A level that follows an action, and a counter that follows the level.
fn linear_system(rows: i64) -> (tempfile::TempDir, Recording) {
    let mut rng = Seed::new(5).rng();
    let (on, levels) = cycles(rows, &mut rng);
    let (mut temperature, mut total) = (50.0, 0.0);
    let mut metrics: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for level in levels {
        temperature = 10.0 + 0.8 * temperature + 6.0 * level + 0.5 * rng.normal();
        total += libm::rint(5.0 * (0.4 * temperature + 0.5 * rng.normal()).max(0.0));
        metrics.entry("temperature").or_default().push(temperature);
        metrics.entry("turns_total").or_default().push(total);
    }
    recorded(&metrics, &on)
}

pub(super) fn options(numbers: Hyperparameters) -> DynamicsOptions {
    DynamicsOptions { seed: 1, threads: 2, numbers, ..DynamicsOptions::default() }
}

pub(super) fn fitted(recording: &Recording, options: &DynamicsOptions) -> DynamicsFit {
    fit_dynamics(recording, options, &mut NoCheckpoints, &mut |_| {}).unwrap()
}

fn score<'s>(scores: &'s [Score], predictor: &str, metric: Option<&str>, horizon: usize) -> &'s Score {
    let is_of = |score: &&Score| {
        score.predictor == predictor && score.metric.as_deref() == metric && score.horizon == horizon
    };
    scores.iter().find(is_of).unwrap()
}

#[test]
fn a_linear_system_is_recovered_with_the_effect_of_its_action() {
    let (_dir, recording) = linear_system(900);
    let fit = fitted(&recording, &options(Hyperparameters { members: 0, ..Hyperparameters::default() }));
    let model = &fit.model.roles[0];
    assert!(
        model.role.columns.iter().all(|column| column.by == Predictor::Linear),
        "{:?}",
        model.role.columns
    );
    // The action is worth 6 in a step, and 30 in the end.
    let mut state = model.state(
        [model.role.columns[0].state(50.0), model.role.columns[1].state(20.0)].repeat(3),
        &[0.0],
        0,
    );
    let temperatures: Vec<f64> = (1..=40u32)
        .map(|n| {
            model.advance(&mut state, Moment { levels: &[1.0], at_secs: f64::from(n) }, None);
            rates(&model.role, state.x(model))[0]
        })
        .collect();
    assert!(
        (temperatures[0] - 56.0).abs() < 1.0 && (temperatures[39] - 80.0).abs() < 3.0,
        "{temperatures:?}"
    );
    let scores = &model.role.scores;
    let at_15 = |predictor: &str| score(scores, predictor, None, 15).nrmse;
    let own = at_15("model");
    assert!(
        own < 0.6 * at_15("persistence") && own < 0.7 * at_15("autoregression without actions"),
        "{scores:?}"
    );
    assert!(at_15("model, actions of another time") > 1.5 * own, "{scores:?}");
    for horizon in [1, 5, 15] {
        let coverage = score(scores, "model", None, horizon).coverage;
        assert!((0.8..=0.98).contains(&coverage), "{coverage} at {horizon}");
    }
    let found = validate_dynamics(&recording, &fit.model, 50, 1, |_, _, _| {}).unwrap();
    assert!((found.share - 0.2).abs() < 0.01 && found.hosts == 1, "{found:?}");
    let effect = found.effects.iter().find(|effect| effect.metric == "temperature").unwrap();
    let (_, [mean, low, high]) = effect.responses[2];
    let expected = 30.0 * (1.0 - libm::pow(0.8, 15.0));
    assert!((mean - expected).abs() < 2.0 && low <= mean && mean <= high, "{effect:?}");
}

#[test]
fn a_model_of_some_series_is_validated_on_these_alone() {
    let mut rng = Seed::new(6).rng();
    let (on, levels) = cycles(300, &mut rng);
    let north = levels.iter().map(|level| 20.0 + 6.0 * level + 0.5 * rng.normal()).collect();
    let south: Vec<f64> = (0..300).map(|n| f64::from(n % 7)).collect();
    let metrics = BTreeMap::from([
        ("pressure{zone=north}", south.clone()),
        ("temperature{zone=north}", north),
        ("temperature{zone=south}", south),
    ]);
    let (_dir, recording) = recorded(&metrics, &on);
    let numbers = Hyperparameters { members: 0, ..Hyperparameters::default() };
    let selectors = vec![Selector::parse("{zone=\"north\"}").unwrap()];
    let fit = fitted(&recording, &DynamicsOptions { selectors, ..options(numbers) });
    // The zone, which all series of the fit have in common, is the host's.
    assert_eq!(fit.model.roles[0].role.columns[1].shown(), "temperature");
    let found = validate_dynamics(&recording, &fit.model, 20, 1, |_, _, _| {}).unwrap();
    assert!(found.hosts == 1 && !found.roles[0].is_empty(), "{found:?}");
}

/// A queue whose waiting grows without bound near its capacity, and starts again from a limit: no line follows it.
fn queue(rows: i64) -> (tempfile::TempDir, Recording) {
    let mut rng = Seed::new(8).rng();
    let (on, levels) = cycles(rows, &mut rng);
    let (mut length, mut metrics): (f64, BTreeMap<&str, Vec<f64>>) = (5.0, BTreeMap::new());
    for level in levels {
        let arrivals = 6.0 + 8.0 * level + 0.3 * rng.normal();
        // A server that is slower, the longer the queue is, until work is thrown away.
        let served = 12.0 * length / (length + 4.0);
        length = (length + arrivals - served).clamp(0.0, 40.0);
        metrics.entry("queue_length").or_default().push(length);
        metrics.entry("wait_seconds").or_default().push(length * length / 400.0 + 0.02 * rng.unit());
    }
    recorded(&metrics, &on)
}

fn small() -> Hyperparameters {
    let stages = [(1, 60), (5, 60), (15, 80)].map(|(horizon, updates)| Stage { horizon, updates });
    Hyperparameters {
        members: 2,
        units: 12,
        windows: 8,
        learning_rate: 0.01,
        stages: stages.to_vec(),
        ..Hyperparameters::default()
    }
}

#[test]
fn of_a_queue_that_saturates_the_network_is_kept_and_beats_the_linear_part() {
    let (_dir, recording) = queue(900);
    let fit = fitted(&recording, &options(small()));
    let model = &fit.model.roles[0];
    assert!(
        model.role.columns.iter().any(|column| column.by == Predictor::Network),
        "{:?}",
        model.role.columns
    );
    let scores = &model.role.scores;
    let at_15 = |predictor: &str| score(scores, predictor, None, 15).nrmse;

    assert!(at_15("model") < 0.85 * at_15("ridge with actions"), "{scores:?}");
    let found = validate_dynamics(&recording, &fit.model, 20, 1, |_, _, _| {}).unwrap();
    let of = |input: &str| found.importance.iter().find(|own| own.input == input).unwrap();
    for input in ["queue_length", "wait_seconds", "action load"] {
        assert!(of(input).error_without > 1.3 * of(input).error, "{:?}", found.importance);
    }
    let apart = &found.disagreement[0];
    assert!((1..=2).contains(&apart.member) && apart.spread > 0.0 && apart.spread < 0.5, "{apart:?}");
}

/// Checkpoints in memory, of which only so many can be kept.
#[derive(Default)]
struct Memory {
    kept: BTreeMap<String, Vec<u8>>,
    left: usize,
}

impl Checkpoints for Memory {
    fn load(&self, name: &str) -> Option<Vec<u8>> {
        self.kept.get(name).cloned()
    }

    fn save(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(|| io::Error::other("full"))?;
        self.kept.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

#[test]
fn a_model_does_not_depend_on_threads_nor_on_an_end_of_the_training_before_its_time() {
    let (_dir, recording) = queue(300);
    let stages = vec![Stage { horizon: 1, updates: 6 }, Stage { horizon: 5, updates: 6 }];
    let numbers = Hyperparameters { check_every: 2, stages, ..small() };
    let bytes = |threads: usize, checkpoints: &mut Memory| {
        let options =
            DynamicsOptions { threads, ..options(Hyperparameters { gain: 0.0, ..numbers.clone() }) };
        let fit = fit_dynamics(&recording, &options, checkpoints, &mut |_| {})?;
        Ok::<Vec<u8>, crate::LearnError>(fit.model.to_bytes().unwrap())
    };
    let whole = bytes(1, &mut Memory { left: 100, ..Memory::default() }).unwrap();
    assert!(whole == bytes(2, &mut Memory { left: 100, ..Memory::default() }).unwrap());
    let mut kept = Memory { left: 3, ..Memory::default() };
    assert!(matches!(bytes(1, &mut kept), Err(crate::LearnError::Checkpoint(_))));
    assert!(!kept.kept.is_empty());
    kept.left = 100;
    assert!(whole == bytes(2, &mut kept).unwrap());
    let other = DynamicsOptions { seed: 2, ..options(numbers.clone()) };
    let other = fit_dynamics(&recording, &other, &mut kept, &mut |_| {}).unwrap();
    assert!(other.model.to_bytes().unwrap() != whole, "checkpoints of another seed are not used");
}

#[test]
fn an_ensemble_is_assembled_of_members_that_were_trained_apart_and_a_missing_one_is_named() {
    let (_dir, recording) = queue(300);
    let stages = vec![Stage { horizon: 1, updates: 4 }];
    let numbers = Hyperparameters { check_every: 2, gain: 0.0, stages, ..small() };
    let options = options(numbers);
    let whole = fitted(&recording, &options).model.to_bytes().unwrap();
    let mut kept = Memory { left: 100, ..Memory::default() };
    train_member(&recording, &options, 1, &mut kept, &mut |_| {}).unwrap();
    let assembling = DynamicsOptions { assembles: true, ..options.clone() };
    let told = fit_dynamics(&recording, &assembling, &mut kept, &mut |_| {}).unwrap_err().to_string();
    assert!(told.starts_with("member 1 of 2 is not trained"), "{told}");
    train_member(&recording, &options, 0, &mut kept, &mut |_| {}).unwrap();
    assert_eq!(kept.kept.len(), 2);
    let assembled = fit_dynamics(&recording, &assembling, &mut kept, &mut |_| {}).unwrap();
    assert!(whole == assembled.model.to_bytes().unwrap());
}

#[test]
fn a_recording_whose_actions_change_too_seldom_says_what_to_record() {
    let metrics = BTreeMap::from([("temperature", (0..100).map(|n| f64::from(n % 7)).collect())]);
    let (_dir, recording) = recorded(&metrics, &[(10, 20), (30, 40)]);
    let told =
        fit_dynamics(&recording, &options(small()), &mut NoCheckpoints, &mut |_| {}).unwrap_err().to_string();
    assert!(
        told.contains("load is left out: it changes 4 times") && told.contains("record 2 more"),
        "{told}"
    );
    let metrics = BTreeMap::from([("temperature", vec![1.0; 20])]);
    let (_dir, recording) = recorded(&metrics, &[]);
    let told =
        fit_dynamics(&recording, &options(small()), &mut NoCheckpoints, &mut |_| {}).unwrap_err().to_string();
    assert!(told.contains("20 rows of 1 series"), "{told}");
}
