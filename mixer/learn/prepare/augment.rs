//! Copies of values with noise, in another scale, and at another speed: T. T. Um et al., "Data augmentation of wearable sensor data
//! for Parkinson's disease monitoring using convolutional neural networks", 2017.
//!
//! All that is drawn depends on the series, the copy and the time alone, so that any part of a copy is the same as in the whole.

use std::f64::consts::TAU;

use promemu_core::rng::Seed;

use super::cells::Grid;
use super::spec::{Augment, Part};
use super::split::{Stretch, stretch_at};
use crate::statistics::{index, number};

/// A copy of values; cells that are not of training stay.
pub(super) fn copied(
    values: &[f64],
    (grid, stretches): (&Grid, &[Stretch]),
    augment: &Augment,
    (seed, deviation): (Seed, f64),
) -> Vec<f64> {
    let mut copy = values.to_vec();
    for (place, value) in copy.iter_mut().enumerate() {
        let at_ms = grid.at_ms(place);
        let Some(stretch) = stretch_at(stretches, at_ms).filter(|stretch| stretch.part == Part::Train) else {
            continue;
        };
        let from = warped(place, (grid, stretch), augment, seed);
        let below = index(from).min(values.len() - 1);
        let (low, high) = (values[below], values[(below + 1).min(values.len() - 1)]);
        let share = from - number(below);
        // A place between a value and a gap is a gap, but a value itself is none.
        let found = if share > 0.0 { low + (high - low) * share } else { low };
        let of = |name: &str, time: i64| seed.child(name).child_of_bytes(&time.to_le_bytes()).rng();
        let factor = 1.0 + augment.scaling * of("scaling", stretch.begin_ms).normal();
        let noise = augment.jitter * deviation * of("jitter", at_ms).normal();
        *value = found * factor + noise;
    }
    copy
}

/// The place whose value a cell gets. Within its stretch of steps time goes faster first and slower then, or the other way
/// round, so it arrives where it would; the share of a period is moved by s / 2π · sin(2π · share), |s| < 1.
fn warped(place: usize, (grid, stretch): (&Grid, &Stretch), augment: &Augment, seed: Seed) -> f64 {
    let Ok(steps) = i64::try_from(augment.warp_steps) else { return number(place) };
    if steps == 0 {
        return number(place);
    }
    let cell = grid.first + i64::try_from(place).unwrap_or(0);
    let begin = cell.div_euclid(steps) * steps;
    let is_whole =
        begin * grid.step_ms >= stretch.begin_ms && (begin + steps) * grid.step_ms < stretch.end_ms;
    let since = usize::try_from(cell - begin).unwrap_or(0);
    if !is_whole || since > place || place - since + augment.warp_steps >= grid.len {
        return number(place);
    }
    let change =
        seed.child("warp").child_of_bytes(&begin.to_le_bytes()).rng().uniform(-augment.warp, augment.warp);
    let share = number(since) / number(augment.warp_steps);
    let moved = share + change / TAU * libm::sin(TAU * share);
    number(place - since) + moved * number(augment.warp_steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn augment(jitter: f64, scaling: f64, warp: f64) -> Augment {
        Augment { copies: 1, seed: 7, jitter, scaling, warp, warp_steps: 16 }
    }

    fn ramp() -> Vec<f64> {
        (0..128).map(|n| f64::from(n) + 1.0).collect()
    }

    const STRETCHES: [Stretch; 2] = [
        Stretch { begin_ms: 1_000, end_ms: 1_640, part: Part::Train },
        Stretch { begin_ms: 1_640, end_ms: 2_280, part: Part::Test },
    ];

    fn copy(augment: &Augment, from: usize) -> Vec<f64> {
        let grid = Grid { step_ms: 10, first: 100 + i64::try_from(from).unwrap(), len: 128 - from };
        copied(&ramp()[from..], (&grid, &STRETCHES), augment, (Seed::new(7), 2.0))
    }

    #[test]
    fn only_training_changes_and_a_copy_of_nothing_is_the_original() {
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&copy(&augment(0.0, 0.0, 0.0), 0)), bits(&ramp()));
        let all = copy(&augment(0.1, 0.2, 0.5), 0);
        assert_eq!(bits(&all[64..]), bits(&ramp()[64..]));
        assert!(all[..64].iter().zip(ramp()).all(|(copy, own)| copy.to_bits() != own.to_bits()));
    }

    #[test]
    fn a_part_of_a_copy_is_as_in_the_whole() {
        let (all, part) = (copy(&augment(0.1, 0.2, 0.5), 0), copy(&augment(0.1, 0.2, 0.5), 28));
        // The first stretch of warped steps that the part has as a whole begins at 112 steps.
        for (place, own) in part.iter().enumerate().skip(4) {
            assert_eq!(own.to_bits(), all[place + 28].to_bits(), "{place}");
        }
    }

    #[test]
    fn warped_time_goes_forward_and_arrives() {
        let warped = copy(&augment(0.0, 0.0, 0.9), 0);
        assert!(warped.windows(2).all(|pair| pair[0] < pair[1]));
        // A stretch begins at each multiple of 16 steps since the epoch: at places 12, 28, …
        for place in [12, 28, 44] {
            assert!((warped[place] - ramp()[place]).abs() < 1e-9);
        }
        assert!((warped[16] - ramp()[16]).abs() > 1e-3);
    }
}
