//! Series that a server knows, so that it gets a staleness marker when one ends.
//!
//! Each round passes over all series ([`SampleSource::round`]). A series that had a sample before and has none now gets a
//! staleness marker, once; so does one whose slot has other labels now, and every series at the end of the run. Jobs are
//! locked during the pass, but not while a batch waits for room in the queue.
//!
//! A series that has left its slot may be in another one in the same round, and a server accepts neither two samples of
//! one time nor an older one after a newer one. So series of pools and of added hosts end first, and a millisecond earlier.

mod job_tracker;
mod round;

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::delivery::Intake;
use job_tracker::JobTracker;
use promemu_core::series::Job;
use promemu_core::time::{Span, Time};
use promemu_wire::request::Encoder;
pub(super) use round::BatchSize;
use round::{MILLISECOND, Round, ShardEncoder};

/// A tracker with any encoder.
pub(super) trait SampleSource: std::fmt::Debug + Send {
    /// Goes on with these jobs. Those that it has stay as they are. Series that are in two jobs of one name are the same
    /// ones; known ones that are gone end with the next round.
    fn replace_jobs(&mut self, jobs: &[Arc<Job>]);

    /// Sends all series as they are now, with this time. A round that is not later than the one before it is left out.
    fn round(&mut self, at: Time, intake: &Intake, patience: Duration);

    /// Ends all known series.
    fn end(&mut self, at: Time, intake: &Intake, patience: Duration);
}

/// All series of a run's jobs that a server knows.
#[derive(Debug)]
pub(super) struct SeriesTracker<E: Encoder> {
    jobs: Vec<JobTracker<E::Job>>,
    /// Jobs of the plan before, with known series that are gone.
    gone: Vec<JobTracker<E::Job>>,
    shards: Vec<ShardEncoder<E>>,
    prepared: u32,
    rounds: u64,
    last: Option<Time>,
    described: Option<Time>,
}

/// Families are described again after this time.
const DESCRIBE_EVERY: Span = Span::from_secs(60);

impl<E: Encoder> SeriesTracker<E> {
    /// A tracker that has sent nothing yet, with an encoder per shard.
    pub(super) fn new(jobs: &[Arc<Job>], encoders: impl IntoIterator<Item = E>, size: BatchSize) -> Self {
        let shards = encoders.into_iter().map(|encoder| ShardEncoder::new(encoder, size)).collect();
        let gone = Vec::new();
        let mut tracker =
            Self { jobs: Vec::new(), gone, shards, prepared: 0, rounds: 0, last: None, described: None };
        tracker.jobs = jobs.iter().map(|job| tracker.open(job)).collect();
        tracker
    }

    fn open(&mut self, job: &Arc<Job>) -> JobTracker<E::Job> {
        self.prepared += 1;
        JobTracker::open::<E>(self.prepared, job)
    }

    /// Takes in the rows of hosts that were added to the jobs.
    fn grow(&mut self) {
        for job in &mut self.jobs {
            if job.is_outgrown() {
                self.prepared += 1;
                job.grow::<E>(self.prepared);
            }
        }
    }

    fn go_through(&mut self, at: Time, ends: bool, intake: &Intake, patience: Duration) {
        if self.last.is_some_and(|last| at.unix_millis() <= last.unix_millis()) {
            return;
        }
        let before = at.before(MILLISECOND);
        let ended_at = self.last.replace(at).map_or(before, |last| before.max(last + MILLISECOND));
        self.rounds += 1;
        self.grow();
        let shards = &mut self.shards;
        let mut round = Round { at, ended_at, ends, shards, intake, number: self.rounds, patience };
        // A series that came back in another form has a sample in this very round.
        (round.at, round.ends) = (ended_at, true);
        self.gone.drain(..).for_each(|mut job| job.go_through(&mut round));
        (round.at, round.ends) = (at, ends);
        if !ends && self.described.is_none_or(|described| at.since(described) >= DESCRIBE_EVERY) {
            self.described = Some(at);
            if let Some(shard) = round.shards.first_mut() {
                self.jobs.iter().for_each(|job| shard.encoder.describe(job.prepared()));
            }
        }
        self.jobs.iter_mut().for_each(|job| job.go_through(&mut round));
        (0..round.shards.len()).for_each(|shard| round.send(shard));
    }
}

impl<E: Encoder> SampleSource for SeriesTracker<E> {
    fn replace_jobs(&mut self, jobs: &[Arc<Job>]) {
        let known = std::mem::take(&mut self.jobs).into_iter();
        let mut known: IndexMap<Arc<str>, _> = known.map(|job| (Arc::clone(job.name()), job)).collect();
        for job in jobs {
            let tracker = match known.swap_remove(job.name()) {
                Some(same) if Arc::ptr_eq(same.job(), job) => same,
                old => {
                    self.described = None;
                    let mut tracker = self.open(job);
                    if let Some(mut old) = old {
                        tracker.inherit(&mut old);
                        self.gone.extend(Some(old).filter(JobTracker::has_known_series));
                    }
                    tracker
                }
            };
            self.jobs.push(tracker);
        }
        self.gone.extend(known.into_values().filter(JobTracker::has_known_series));
    }

    fn round(&mut self, at: Time, intake: &Intake, patience: Duration) {
        self.go_through(at, false, intake, patience);
    }

    fn end(&mut self, at: Time, intake: &Intake, patience: Duration) {
        // They have a sample at the time of the last round.
        let at = self.last.map_or(at, |last| at.max(last + MILLISECOND));
        self.go_through(at, true, intake, patience);
    }
}

#[cfg(test)]
mod tests;
