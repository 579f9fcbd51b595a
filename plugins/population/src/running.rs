//! The sessions that run, in bins of their end.
//!
//! Faults never change what is planned here: sessions that users leave early are counted beside it, as lost, and end without
//! effect at their planned time.

use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::sampling::{binomial, take_without_return};

/// Sessions of all strata: one stratum for each kind of users and model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    strata: usize,
    buckets: usize,
    cells: u64,
    /// By the second of their end, the stratum, and the bucket of their duration.
    bins: Vec<EndBin>,
    planned: Vec<u64>,
    lost: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct EndBin {
    count: u32,
    /// Sum of their lengths in steps.
    steps: u32,
}

/// Sessions that end in one second, by the bucket of their duration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    /// Their number.
    pub(crate) counts: Vec<u64>,
    /// The sums of their lengths in steps.
    pub(crate) steps: Vec<u64>,
    /// `true` if lost ones were among them, whose lengths are not known.
    has_lost: bool,
}

impl Ended {
    /// Leaves out the length of one session, as long as the others of its bucket, after it has been taken from the counts.
    fn leave_out(&mut self, bucket: usize) {
        self.steps[bucket] -= self.steps[bucket] / (self.counts[bucket] + 1);
    }

    /// Takes out a session of this length in steps; its length, which is that of the others of its bucket if any were lost. `None`
    /// if none is left.
    pub(crate) fn take(&mut self, bucket: usize, steps: u64) -> Option<u64> {
        let (count, sum) = (&mut self.counts[bucket], &mut self.steps[bucket]);
        let mean = sum.checked_div(*count)?;
        let taken = if *count == 1 {
            *sum
        } else if self.has_lost {
            mean
        } else {
            steps.min(*sum)
        };
        *count -= 1;
        *sum -= taken;
        Some(taken)
    }
}

impl Running {
    /// No sessions. None lasts longer than so many seconds.
    pub(crate) fn new(strata: usize, buckets: usize, longest_secs: u64) -> Self {
        let cells = longest_secs + 2;
        let bins = usize::try_from(cells).unwrap_or(usize::MAX).saturating_mul(strata * buckets);
        Self {
            strata,
            buckets,
            cells,
            bins: vec![EndBin::default(); bins],
            planned: vec![0; strata],
            lost: vec![0; strata],
        }
    }

    /// So many sessions begin, whose ends are planned later.
    pub(crate) fn begin(&mut self, stratum: usize, count: u64) {
        self.planned[stratum] += count;
    }

    /// Plans the end of sessions, with the sum of their lengths in steps; that second is within the longest duration.
    pub(crate) fn plan(&mut self, stratum: usize, bucket: usize, ends_in: u64, (count, steps): (u64, u64)) {
        let start = self.start_of(stratum, ends_in);
        if let Some(bin) = self.bins.get_mut(start + bucket) {
            bin.count = bin.count.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            bin.steps = bin.steps.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the table is in memory")]
    fn start_of(&self, stratum: usize, cell: u64) -> usize {
        ((cell % self.cells) as usize * self.strata + stratum) * self.buckets
    }

    /// Takes out the sessions that end in a second, and drops the lost ones among them.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn end(&mut self, stratum: usize, cell: u64, random: &mut Random, ended: &mut Ended) {
        let start = self.start_of(stratum, cell);
        let bins = &mut self.bins[start..start + self.buckets];
        ended.counts.clear();
        ended.counts.extend(bins.iter().map(|bin| u64::from(bin.count)));
        ended.steps.clear();
        ended.steps.extend(bins.iter().map(|bin| u64::from(bin.steps)));
        bins.fill(EndBin::default());
        ended.has_lost = false;
        let count: u64 = ended.counts.iter().sum();
        let (planned, lost) = (self.planned[stratum], self.lost[stratum]);
        self.planned[stratum] -= count.min(planned);
        if count == 0 || lost == 0 {
            return;
        }
        let at_least = (count + lost).saturating_sub(planned);
        let gone = binomial(count, lost as f64 / planned as f64, random).clamp(at_least, lost.min(count));
        for _ in 0..gone {
            let Some(bucket) = take_without_return(&mut ended.counts, random) else { break };
            ended.leave_out(bucket);
        }
        ended.has_lost = gone > 0;
        self.lost[stratum] -= gone;
    }

    /// The number that would run without failures.
    pub(crate) fn planned(&self, stratum: usize) -> u64 {
        self.planned[stratum]
    }

    /// The number that runs.
    pub(crate) fn live(&self, stratum: usize) -> u64 {
        self.planned[stratum] - self.lost[stratum].min(self.planned[stratum])
    }

    /// Sessions end early; there are as many.
    pub(crate) fn lose(&mut self, stratum: usize, count: u64) {
        self.lost[stratum] += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn sessions_end_in_their_second_and_lost_ones_without_effect() {
        let mut running = Running::new(2, 3, 100);
        running.begin(1, 10);
        running.begin(0, 1);
        running.plan(1, 2, 150, (4, 400));
        running.plan(1, 0, 150, (6, 60));
        running.plan(0, 1, 150, (1, 30));
        running.lose(1, 7);
        assert_eq!((running.planned(1), running.live(1)), (10, 3));
        let (mut ended, random) = (Ended::default(), &mut Random::new(1, Purpose::Ends, 0, 0));
        running.end(1, 149, random, &mut ended);
        assert_eq!(ended.counts.iter().sum::<u64>(), 0);
        running.end(1, 150, random, &mut ended);
        // All that are lost must be among them, as no others are left.
        assert_eq!((ended.counts.iter().sum::<u64>(), running.live(1), running.planned(1)), (3, 0, 0));
        assert_eq!(ended.steps, [10 * ended.counts[0], 0, 100 * ended.counts[2]]);
        assert_eq!(running.live(0), 1);
    }
}
