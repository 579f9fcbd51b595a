//! Splits the memory that all real processes may hold together, in bytes.

/// Memory is held in multiples of this, and less than this is not held at all: it would only fill the pipe that holds the
/// program back.
const STEP_BYTES: u64 = 256 * 1024;
/// A change by this share is worth a new program that holds the memory.
const CHANGE_SHARE: u64 = 8;

/// Memory that all processes may hold together.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryBudget {
    pub(super) bytes_max: u64,
}

impl MemoryBudget {
    /// Share of its demand that each process gets.
    pub(super) fn share(self, demands: &[f64]) -> f64 {
        let all: f64 = demands.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
        let max = self.bytes_max as f64;
        if all > max { max / all } else { 1.0 }
    }

    /// Bytes to hold for each demand, all the same share of it; `held` are the present ones, which stay if the change is small. The
    /// sum never exceeds the budget.
    pub(super) fn split(self, demands: &[f64], held: &[u64]) -> Vec<u64> {
        let share = self.share(demands);
        let best: Vec<u64> = demands.iter().map(|demand| whole_steps(demand * share)).collect();
        let kept =
            || best.iter().zip(held).map(|(best, held)| if is_small(*best, *held) { *held } else { *best });
        let is_over_budget = kept().sum::<u64>() > self.bytes_max;
        kept().zip(&best).map(|(kept, best)| if is_over_budget { kept.min(*best) } else { kept }).collect()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
const fn whole_steps(bytes: f64) -> u64 {
    bytes as u64 / STEP_BYTES * STEP_BYTES
}

const fn is_small(to: u64, from: u64) -> bool {
    to.abs_diff(from) <= from / CHANGE_SHARE && (to == 0) == (from == 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[expect(clippy::cast_precision_loss, reason = "some MiB")]
    fn split(demands_mib: &[u64], held_mib: &[u64], max_mib: u64) -> Vec<u64> {
        let demands: Vec<f64> = demands_mib.iter().map(|mib| (mib * MIB) as f64).collect();
        let held: Vec<u64> = held_mib.iter().map(|mib| mib * MIB).collect();
        let split = MemoryBudget { bytes_max: max_mib * MIB }.split(&demands, &held);
        split.into_iter().map(|bytes| bytes / MIB).collect()
    }

    #[test]
    fn each_holds_its_demand_or_the_same_share_of_it() {
        assert_eq!(split(&[10, 0, 30], &[0; 3], 64), [10, 0, 30]);
        assert_eq!(split(&[100, 300], &[0; 2], 64), [16, 48]);
        assert_eq!(split(&[100], &[0], 0), [0]);
        let tiny = MemoryBudget { bytes_max: MIB }.split(&[200_000.0, 0.0], &[0; 2]);
        assert_eq!(tiny, [0; 2]);
    }

    #[test]
    fn a_small_change_is_not_worth_a_restart_unless_the_budget_is_exceeded() {
        assert_eq!(split(&[33, 40, 1], &[32, 32, 0], 100), [32, 40, 1]);
        assert_eq!(split(&[31, 0], &[32, 32], 100), [32, 0]);
        assert_eq!(split(&[31, 33], &[32, 32], 64), [32, 32]);
        assert_eq!(split(&[30, 34], &[32, 32], 60), [28, 31]);
    }

    proptest! {
        #[test]
        fn the_sum_stays_within_the_budget(
            demands in prop::collection::vec((0.0..1e9f64, 0..1_000_000_000u64), 0..40),
            bytes_max in 0..4_000_000_000u64,
        ) {
            let (demands, held): (Vec<f64>, Vec<u64>) = demands.into_iter().unzip();
            let sum: u64 = MemoryBudget { bytes_max }.split(&demands, &held).iter().sum();
            prop_assert!(sum <= bytes_max);
        }
    }
}
