//! Splits the CPU budget of all real processes, in whole percents of a core.

/// CPU that the workers of a process are told to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CpuLoad {
    workers: u32,
    percent_each: u32,
}

/// CPU that a process should use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct CpuDemand {
    pub(super) cores: f64,
    /// Workers that share the load: at least 1, and no fewer than cores.
    pub(super) workers: u32,
}

/// CPU that all processes may use together.
#[derive(Clone, Copy, Debug)]
pub(super) struct CpuBudget {
    pub(super) cores_max: f64,
}

impl CpuLoad {
    const fn new(percent_each: u32, workers: u32) -> Self {
        Self { workers: if percent_each == 0 { 0 } else { workers }, percent_each }
    }

    pub(super) const fn workers(self) -> u32 {
        self.workers
    }

    /// Load of one worker, in percent of a core.
    pub(super) const fn percent_each(self) -> u32 {
        self.percent_each
    }

    /// Load of all workers, in percent of a core.
    pub(super) const fn percent(self) -> u32 {
        self.workers * self.percent_each
    }

    /// Difference to another load in percent of a core, if it is above a tenth; below that it is not worth the restart
    /// of the workers.
    pub(super) const fn change_from(self, other: Self) -> Option<u32> {
        let (to, from) = (self.percent(), other.percent());
        let change = to.abs_diff(from);
        if 10 * change > from + 5 { Some(change) } else { None }
    }
}

impl CpuBudget {
    /// One load for each demand, all the same share of it. The sum never exceeds the budget; rounding loss goes to the
    /// processes that lost most.
    pub(super) fn split(self, demands: &[CpuDemand]) -> Vec<CpuLoad> {
        let all: f64 = demands.iter().map(|demand| demand.cores).sum();
        let share = if all > self.cores_max { self.cores_max / all } else { 1.0 };
        let percents_each = demands
            .iter()
            .map(|demand| demand.cores * share * 100.0 / f64::from(demand.workers.max(1)))
            .collect::<Vec<_>>();
        let mut loads: Vec<CpuLoad> = percents_each
            .iter()
            .zip(demands)
            .map(|(each, demand)| CpuLoad::new(floor(*each).min(100), demand.workers.max(1)))
            .collect();
        let used: u32 = loads.iter().map(|load| load.percent()).sum();
        let mut left = floor(all.min(self.cores_max) * 100.0).saturating_sub(used);
        let mut losses: Vec<(f64, usize)> = percents_each.iter().map(|each| each.fract()).zip(0..).collect();
        losses.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        for (_, slot) in losses.into_iter().filter(|(loss, _)| *loss > 1e-6) {
            let (load, workers) = (&mut loads[slot], demands[slot].workers.max(1));
            if workers <= left && load.percent_each < 100 {
                left -= workers;
                *load = CpuLoad::new(load.percent_each + 1, workers);
            }
        }
        loads
    }
}

/// Rounds down, but for the error of a float: 0.29 of a core is 29 %.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred percent at most")]
fn floor(percent: f64) -> u32 {
    (percent + 1e-9).clamp(0.0, 1e6) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn demand(cores: f64) -> CpuDemand {
        CpuDemand { cores, workers: workers(cores) }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few")]
    fn workers(cores: f64) -> u32 {
        cores.ceil().max(1.0) as u32
    }

    fn percents(cores: &[f64], cores_max: f64) -> Vec<u32> {
        let demands: Vec<CpuDemand> = cores.iter().copied().map(demand).collect();
        CpuBudget { cores_max }.split(&demands).iter().map(|load| load.percent()).collect()
    }

    #[test]
    fn each_gets_its_demand_or_the_same_share_of_it() {
        assert_eq!(percents(&[0.29, 0.0, 0.3], 1.0), [29, 0, 30]);
        assert_eq!(percents(&[0.8, 1.2], 1.0), [40, 60]);
        assert_eq!(percents(&[0.004, 0.004, 0.004], 1.0), [1, 0, 0], "one gets the rounding loss of three");
        assert_eq!(percents(&[0.5; 3], 0.05), [2, 2, 1]);
        assert_eq!(percents(&[], 1.0), [0; 0]);
        assert_eq!(percents(&[9.0], 0.001), [0]);
    }

    #[test]
    fn a_change_above_a_tenth_is_worth_a_restart() {
        let change = |to, from| CpuLoad::new(to, 1).change_from(CpuLoad::new(from, 1));
        assert_eq!(
            [change(1, 0), change(0, 1), change(34, 30), change(6, 4)],
            [Some(1), Some(1), Some(4), Some(2)]
        );
        assert_eq!([change(33, 30), change(5, 5), change(6, 5), change(0, 0)], [None; 4]);
    }

    proptest! {
        #[test]
        fn the_sum_stays_within_the_budget_and_each_load_within_a_percent_of_its_share(
            cores in prop::collection::vec(0.0..5.0f64, 0..64),
            cores_max in 0.01..8.0f64,
        ) {
            let loads = percents(&cores, cores_max);
            prop_assert!(f64::from(loads.iter().sum::<u32>()) <= cores_max * 100.0 + 1e-6);
            let share = (cores_max / cores.iter().sum::<f64>()).min(1.0);
            for (cores, percent) in cores.iter().zip(loads) {
                let off = f64::from(percent) - cores * share * 100.0;
                prop_assert!(off.abs() <= f64::from(workers(*cores)) + 1e-6, "{off} of {cores}");
            }
        }
    }
}
