//! What a server was told: which series it was shown last, so that it hears of their end.
//!
//! A sink that sends samples goes through all series once per round ([`Rounds::round`]). One that had a
//! sample before and has none now gets a staleness marker, once; so does one whose slot has other labels
//! now, and each at the end of the run. Jobs are locked while they are gone through, but not while a batch
//! waits for room.
//!
//! A series that has left its slot may be in another one in the same round, and a server takes neither two
//! samples of one moment nor an older one after a newer one. So series of pools end first, and a moment
//! earlier.

mod job_tracker;

use std::sync::Arc;
use std::time::Duration;

use super::delivery::Intake;
use job_tracker::JobTracker;
use promemu_core::series::Job;
use promemu_core::series::LabelBlock;
use promemu_core::time::{Span, Time};
use promemu_wire::request::{Batch, Cut, Encoder};

/// A ledger, whatever it writes with.
pub(super) trait Rounds: std::fmt::Debug + Send {
    /// Goes on with other jobs. Series that are in both are the same ones; those that were shown and are not
    /// there any more end with the next round.
    fn replace_jobs(&mut self, jobs: &[Arc<Job>]);

    /// Shows all series as they are now, with this time. A round that is not later than the one before it
    /// is left out.
    fn round(&mut self, at: Time, intake: &Intake, patience: Duration);

    /// Ends all series that were shown.
    fn end(&mut self, at: Time, intake: &Intake, patience: Duration);
}

/// How large a request may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchSize {
    pub(super) samples: usize,
    pub(super) bytes: usize,
}

/// All series of a run's jobs, as a server knows them.
#[derive(Debug)]
pub(super) struct SeriesTracker<E: Encoder> {
    pages: Vec<JobTracker<E::Job>>,
    /// Jobs of the plan before, with series that are not there any more.
    gone: Vec<JobTracker<E::Job>>,
    desks: Vec<ShardEncoder<E>>,
    prepared: u32,
    rounds: u64,
    last: Option<Time>,
    described: Option<Time>,
}

/// An encoder, and how many samples its request has so far.
#[derive(Debug)]
struct ShardEncoder<E> {
    encoder: E,
    samples: usize,
    size: BatchSize,
    cuts: Vec<Cut>,
}

/// One time that all series are gone through.
struct Round<'a, E> {
    at: Time,
    /// When those ended that may have a sample in this very round.
    ended_at: Time,
    /// Whether all of them end.
    ends: bool,
    desks: &'a mut [ShardEncoder<E>],
    intake: &'a Intake,
    number: u64,
    /// How long a batch may wait for room. After one has found none in time, none waits again.
    patience: Duration,
}

/// Families are described again after this time.
const DESCRIBE_EVERY: Span = Span::from_secs(60);
const MILLISECOND: Span = Span::from_nanos(1_000_000);

impl<E: Encoder> SeriesTracker<E> {
    /// A ledger in which nothing was shown yet, with an encoder per shard.
    pub(super) fn new(jobs: &[Arc<Job>], encoders: impl IntoIterator<Item = E>, size: BatchSize) -> Self {
        let desks = encoders
            .into_iter()
            .map(|encoder| ShardEncoder { encoder, samples: 0, size, cuts: Vec::new() })
            .collect();
        let (pages, gone) = (Vec::new(), Vec::new());
        let mut ledger = Self { pages, gone, desks, prepared: 0, rounds: 0, last: None, described: None };
        ledger.pages = ledger.open(jobs);
        ledger
    }

    fn open(&mut self, jobs: &[Arc<Job>]) -> Vec<JobTracker<E::Job>> {
        let page = |job| {
            self.prepared += 1;
            JobTracker::open::<E>(self.prepared, job)
        };
        jobs.iter().map(page).collect()
    }

    fn go_through(&mut self, at: Time, ends: bool, intake: &Intake, patience: Duration) {
        if self.last.is_some_and(|last| at.unix_millis() <= last.unix_millis()) {
            return;
        }
        let before = at.before(MILLISECOND);
        let ended_at = self.last.replace(at).map_or(before, |last| before.max(last + MILLISECOND));
        self.rounds += 1;
        let desks = &mut self.desks;
        let mut round = Round { at, ended_at, ends, desks, intake, number: self.rounds, patience };
        // A series that came back in another form has a sample in this very round.
        (round.at, round.ends) = (ended_at, true);
        self.gone.drain(..).for_each(|mut page| page.go_through(&mut round));
        (round.at, round.ends) = (at, ends);
        if !ends && self.described.is_none_or(|described| at.since(described) >= DESCRIBE_EVERY) {
            self.described = Some(at);
            if let Some(desk) = round.desks.first_mut() {
                self.pages.iter().for_each(|page| desk.encoder.describe(page.prepared()));
            }
        }
        self.pages.iter_mut().for_each(|page| page.go_through(&mut round));
        (0..round.desks.len()).for_each(|shard| round.send(shard));
    }
}

impl<E: Encoder> Rounds for SeriesTracker<E> {
    fn replace_jobs(&mut self, jobs: &[Arc<Job>]) {
        let pages = self.open(jobs);
        let mut old = std::mem::replace(&mut self.pages, pages);
        for page in &mut self.pages {
            if let Some(old) = old.iter_mut().find(|old| old.name() == page.name()) {
                page.inherit(old);
            }
        }
        self.gone.extend(old.into_iter().filter(JobTracker::is_shown));
        self.described = None;
    }

    fn round(&mut self, at: Time, intake: &Intake, patience: Duration) {
        self.go_through(at, false, intake, patience);
    }

    fn end(&mut self, at: Time, intake: &Intake, patience: Duration) {
        // At the moment of the last round they have a sample.
        let at = self.last.map_or(at, |last| at.max(last + MILLISECOND));
        self.go_through(at, true, intake, patience);
    }
}

impl<E: Encoder> Round<'_, E> {
    /// Hands over what a shard's request has.
    fn send(&mut self, shard: usize) {
        let desk = &mut self.desks[shard];
        if desk.encoder.len() == 0 {
            return;
        }
        let samples = std::mem::take(&mut desk.samples) as u64;
        let cuts = desk.cuts.drain(..).collect();
        let batch = Batch { body: desk.encoder.take().into(), samples, round: self.number, cuts };
        if !self.intake.put(shard, batch, self.patience) {
            self.patience = Duration::ZERO;
        }
    }
}

impl<E: Encoder> ShardEncoder<E> {
    /// What comes is a host's, and of this time.
    fn begin_host(&mut self, job: &E::Job, labels: &LabelBlock, at: Time) {
        if E::IS_CUT_BY_HOSTS && self.samples > 0 {
            self.cuts.push(Cut { bytes: self.encoder.len(), samples: self.samples as u64 });
        }
        self.encoder.host(job, labels, at);
    }

    fn is_full(&self) -> bool {
        self.samples >= self.size.samples || self.encoder.len() >= self.size.bytes
    }
}

#[cfg(test)]
mod tests;
