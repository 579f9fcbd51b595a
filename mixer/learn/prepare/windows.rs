//! Stretches of time for learning, each within one block of a part; of those of training so many that some have an action.

use promemu_core::rng::Seed;

use super::actions::{ActionTime, names_on};
use super::spec::{Part, Windows};
use super::split::Stretch;
use crate::statistics::{index, number};

/// A window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) begin_ms: i64,
    pub(super) end_ms: i64,
    pub(super) part: Part,
    /// Names of actions that are on in it.
    pub(super) action: String,
}

/// The windows that are taken, in order of time, and the number of those that are not.
pub(super) fn windows(
    wanted: &Windows,
    stretches: &[Stretch],
    to_ms: i64,
    actions: &[ActionTime],
) -> (Vec<Window>, u64) {
    let mut all = Vec::new();
    for stretch in stretches {
        let end_ms = stretch.end_ms.min(to_ms);
        let mut begin_ms = -(-stretch.begin_ms).div_euclid(wanted.stride_ms) * wanted.stride_ms;
        while begin_ms + wanted.length_ms <= end_ms {
            let action = names_on(actions, begin_ms, begin_ms + wanted.length_ms);
            all.push(Window { begin_ms, end_ms: begin_ms + wanted.length_ms, part: stretch.part, action });
            begin_ms += wanted.stride_ms;
        }
    }
    let count = all.len();
    if let Some(share) = wanted.balance {
        balance(&mut all, share, Seed::new(wanted.seed).child("windows"));
    }
    let left_out = (count - all.len()) as u64;
    (all, left_out)
}

/// Leaves windows of training out, until this share of them has an action. Without any of one kind all stay.
fn balance(all: &mut Vec<Window>, share: f64, seed: Seed) {
    let is_of = |window: &Window, has_action: bool| {
        window.part == Part::Train && window.action.is_empty() != has_action
    };
    let count = |has_action| all.iter().filter(|window| is_of(window, has_action)).count();
    let (with, without) = (count(true), count(false));
    if with == 0 || without == 0 {
        return;
    }
    let keep_without = index(libm::round(number(with) * (1.0 - share) / share)).min(without);
    let keep_with = index(libm::round(number(without) * share / (1.0 - share))).clamp(1, with);
    for (has_action, keep) in [(true, keep_with), (false, keep_without.max(1))] {
        let drawn = |window: &Window| seed.child_of_bytes(&window.begin_ms.to_le_bytes()).rng().next_u64();
        let mut order: Vec<(u64, i64)> = all
            .iter()
            .filter(|window| is_of(window, has_action))
            .map(|window| (drawn(window), window.begin_ms))
            .collect();
        order.sort_unstable();
        let mut gone: Vec<i64> = order.into_iter().skip(keep).map(|(_, begin)| begin).collect();
        gone.sort_unstable();
        all.retain(|window| !is_of(window, has_action) || gone.binary_search(&window.begin_ms).is_err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_stay_within_a_block_and_actions_have_their_share() {
        let stretch = |begin_ms, end_ms, part| Stretch { begin_ms, end_ms, part };
        let stretches = [stretch(3, 1_000, Part::Train), stretch(1_010, 1_100, Part::Test)];
        let actions = [ActionTime { begin_ms: 205, end_ms: 215, name: "kill".to_owned() }];
        let wanted = Windows { length_ms: 20, stride_ms: 10, balance: None, seed: 7 };
        let (all, left_out) = windows(&wanted, &stretches, 1_095, &actions);
        assert_eq!((all[0].begin_ms, all.len(), left_out), (10, 98 + 7, 0));
        assert!(all.iter().all(|window| split_holds(window, &stretches)));
        let with: Vec<i64> =
            all.iter().filter(|window| window.action == "kill").map(|window| window.begin_ms).collect();
        assert_eq!(with, [190, 200, 210]);
        let balanced = Windows { balance: Some(0.5), ..wanted };
        let (chosen, left_out) = windows(&balanced, &stretches, 1_095, &actions);
        let count = |part, has_action: bool| {
            chosen
                .iter()
                .filter(|window| window.part == part && window.action.is_empty() != has_action)
                .count()
        };
        assert_eq!(
            [count(Part::Train, true), count(Part::Train, false), count(Part::Test, false)],
            [3, 3, 7]
        );
        assert_eq!(left_out, 92);
        assert_eq!(chosen, windows(&balanced, &stretches, 1_095, &actions).0);
        let other = Windows { seed: 8, ..balanced };
        assert_ne!(chosen, windows(&other, &stretches, 1_095, &actions).0);
    }

    fn split_holds(window: &Window, stretches: &[Stretch]) -> bool {
        stretches.iter().any(|stretch| stretch.begin_ms <= window.begin_ms && window.end_ms <= stretch.end_ms)
    }
}
