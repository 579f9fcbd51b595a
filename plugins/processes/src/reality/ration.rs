//! How much of the CPU each real process is asked for, in whole percents of a core.

/// How much of the CPU a process is to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    workers: u32,
    percent_each: u32,
}

/// How much of the CPU a process should use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Need {
    pub(super) cores: f64,
    /// By how many workers: at least 1, and no less than cores.
    pub(super) workers: u32,
}

impl Load {
    const fn of(percent_each: u32, workers: u32) -> Self {
        Self { workers: if percent_each == 0 { 0 } else { workers }, percent_each }
    }

    /// How many workers use it.
    pub(super) const fn workers(self) -> u32 {
        self.workers
    }

    /// How much each of them, in percents of a core.
    pub(super) const fn percent_each(self) -> u32 {
        self.percent_each
    }

    /// All of it, in percents of a core.
    pub(super) const fn percent(self) -> u32 {
        self.workers * self.percent_each
    }

    /// Whether it is worth to change to this from another one, for which something has to be begun anew: by how many
    /// percents, if by more than a tenth.
    pub(super) const fn change_from(self, other: Self) -> Option<u32> {
        let (to, from) = (self.percent(), other.percent());
        let change = to.abs_diff(from);
        if 10 * change > from + 5 { Some(change) } else { None }
    }
}

/// Gives all the same share of what they need, and as much as there is. What is lost by whole percents goes to those
/// who have lost most. Together they never get more than so many cores.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred percents at most")]
pub(super) fn ration(needs: &[Need], cores_max: f64) -> Vec<Load> {
    let all: f64 = needs.iter().map(|need| need.cores).sum();
    let share = if all > cores_max { cores_max / all } else { 1.0 };
    // A hair more, or 0.29 of a core would be 28 %.
    let whole = |percent: f64| (percent + 1e-9).clamp(0.0, 1e6) as u32;
    let percents_each = needs
        .iter()
        .map(|need| need.cores * share * 100.0 / f64::from(need.workers.max(1)))
        .collect::<Vec<_>>();
    let mut loads: Vec<Load> = percents_each
        .iter()
        .zip(needs)
        .map(|(each, need)| Load::of(whole(*each).min(100), need.workers.max(1)))
        .collect();
    let given: u32 = loads.iter().map(|load| load.percent()).sum();
    let mut left = whole(all.min(cores_max) * 100.0).saturating_sub(given);
    let mut losers: Vec<(f64, usize)> = percents_each.iter().map(|each| each.fract()).zip(0..).collect();
    losers.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    for (_, slot) in losers.into_iter().filter(|(lost, _)| *lost > 1e-6) {
        let (load, workers) = (&mut loads[slot], needs[slot].workers.max(1));
        if workers <= left && load.percent_each < 100 {
            left -= workers;
            *load = Load::of(load.percent_each + 1, workers);
        }
    }
    loads
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn need(cores: f64) -> Need {
        Need { cores, workers: workers(cores) }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few")]
    fn workers(cores: f64) -> u32 {
        cores.ceil().max(1.0) as u32
    }

    fn percents(cores: &[f64], cores_max: f64) -> Vec<u32> {
        let needs: Vec<Need> = cores.iter().copied().map(need).collect();
        ration(&needs, cores_max).iter().map(|load| load.percent()).collect()
    }

    #[test]
    fn all_get_what_they_need_or_the_same_share_of_it() {
        assert_eq!(percents(&[0.29, 0.0, 0.3], 1.0), [29, 0, 30]);
        assert_eq!(percents(&[0.8, 1.2], 1.0), [40, 60]);
        assert_eq!(percents(&[0.004, 0.004, 0.004], 1.0), [1, 0, 0], "one has what three have lost");
        assert_eq!(percents(&[0.5; 3], 0.05), [2, 2, 1]);
        assert_eq!(percents(&[], 1.0), [0; 0]);
        assert_eq!(percents(&[9.0], 0.001), [0]);
    }

    #[test]
    fn a_change_is_worth_it_by_more_than_a_tenth() {
        let change = |to, from| Load::of(to, 1).change_from(Load::of(from, 1));
        assert_eq!(
            [change(1, 0), change(0, 1), change(34, 30), change(6, 4)],
            [Some(1), Some(1), Some(4), Some(2)]
        );
        assert_eq!([change(33, 30), change(5, 5), change(6, 5), change(0, 0)], [None; 4]);
    }

    proptest! {
        #[test]
        fn together_they_get_no_more_than_there_is_and_each_what_it_should_but_for_a_percent(
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
