//! A handle of a run, for who looks at it and steers it from outside.
//!
//! Looking is done on the newest fleet and costs what is shown, not what there is. Steering is asked of the run's
//! own loop, so that nothing is lost while hosts go from one fleet to the next.

mod commands;
mod events;
mod hosts;
mod series;
#[cfg(test)]
mod tests;
mod views;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

pub use commands::{CommandError, NewHost, Override};
pub use hosts::HostFilter;
pub use series::SeriesFilter;
pub use views::{
    EventView, FamiliesPage, FamilyView, HostDetail, HostView, HostsPage, JobView, ListenedEvent, OutputView,
    OverrideView, Overview, Posted, SeriesPage, SeriesView,
};

use crate::clock::Clock;
use crate::event_tap::TapReceiver;
use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;
use crate::outputs::output_set::Healths;
use crate::self_metrics::SelfMetrics;
use crate::settings::RunSettings;
use commands::{Command, Outcome};
use promemu_core::event::Event;
use promemu_core::series::Job;
use promemu_core::series::LabelBlock;
use promemu_wire::exposition::{ChunkedEncoder, Format, Group};

/// So many requests wait for a run; more wait before it.
const REQUESTS_WAITING: usize = 64;

/// A page is made of pieces of about so many bytes.
const PIECE_BYTES: usize = 128 << 10;

/// A handle of one run; it may outlive the run.
#[derive(Clone, Debug)]
pub struct RunHandle {
    fleets: watch::Receiver<Arc<Fleet>>,
    requests: mpsc::Sender<Request>,
    facts: Arc<Facts>,
}

/// What stays the same for a whole run.
#[derive(Debug)]
struct Facts {
    healths: Healths,
    own: Arc<SelfMetrics>,
    seed: u64,
    push_interval_secs: f64,
    clock: Clock,
}

/// Something that a run is asked to do.
#[derive(Debug)]
pub(crate) struct Request {
    act: Command,
    reply: oneshot::Sender<Result<Outcome, CommandError>>,
}

impl Request {
    /// Does what is asked, and says so. If there is another fleet then, all know it before.
    pub(crate) async fn carry_out(self, generation: &mut FleetRunner, fleets: &watch::Sender<Arc<Fleet>>) {
        let outcome = self.act.carry_out(generation).await;
        if !Arc::ptr_eq(&fleets.borrow(), generation.fleet()) {
            fleets.send_replace(Arc::clone(generation.fleet()));
        }
        // Whoever has asked may have gone.
        let _is_told = self.reply.send(outcome).is_ok();
    }
}

/// What a scrape adds to a job's series.
fn job_labels(job: &Job) -> LabelBlock {
    let has_instance = job.store().has_label("instance");
    let labels = [("instance", ""), ("job", job.name())];
    LabelBlock::new(labels.into_iter().filter(|(name, _)| !has_instance || *name != "instance"))
}

impl RunHandle {
    pub(crate) fn new(
        fleets: watch::Receiver<Arc<Fleet>>,
        settings: &RunSettings,
        healths: Healths,
        own: Arc<SelfMetrics>,
    ) -> (Self, mpsc::Receiver<Request>) {
        let (requests, received) = mpsc::channel(REQUESTS_WAITING);
        let clock = *fleets.borrow().clock();
        let (seed, push_interval_secs) = (settings.seed, settings.push_interval.as_secs_f64());
        let facts = Arc::new(Facts { healths, own, seed, push_interval_secs, clock });
        (Self { fleets, requests, facts }, received)
    }

    fn fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.fleets.borrow())
    }

    /// The run's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.facts.clock
    }

    /// The run's own metrics.
    #[must_use]
    pub fn self_metrics(&self) -> &Arc<SelfMetrics> {
        &self.facts.own
    }

    /// The names of its jobs.
    #[must_use]
    pub fn jobs(&self) -> Vec<Arc<str>> {
        self.fleet().jobs().iter().map(|job| Arc::clone(job.name())).collect()
    }

    /// The run's metrics as a page to scrape, in the text format; none if there are more series than these.
    #[must_use]
    pub fn page(&self, series_max: usize) -> Option<Vec<u8>> {
        let fleet = self.fleet();
        if fleet.series_count() > series_max {
            return None;
        }
        let jobs = fleet.jobs();
        let labels: Vec<LabelBlock> = jobs.iter().map(|job| job_labels(job)).collect();
        let mut pieces = {
            let stores: Vec<_> = jobs.iter().map(|job| job.store()).collect();
            ChunkedEncoder::new(Format::Text, stores.iter().map(|store| &**store))
        };
        // A job is locked for a piece at a time.
        let mut with_group = |index: usize, work: &mut dyn FnMut(&Group<'_>)| {
            work(&Group { store: &jobs[index].store(), labels: &labels[index] });
        };
        let mut page = Vec::new();
        while pieces.put_next(PIECE_BYTES, &mut with_group, &mut page) {}
        Some(page)
    }

    /// Hears all events of the run from now on.
    #[must_use]
    pub fn listen(&self) -> TapReceiver {
        self.fleet().audience().listen()
    }

    /// Remembers the newest events from now on.
    pub fn remember_events(&self) {
        self.fleet().audience().remember();
    }

    /// The newest events that are remembered, the oldest of them first.
    #[must_use]
    pub fn remembered_events(&self, count: usize) -> Vec<Arc<Event>> {
        self.fleet().audience().remembered(count)
    }

    async fn ask(&self, act: Command) -> Result<Outcome, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request { act, reply }).await.map_err(|_| CommandError::RunOver)?;
        answer.await.unwrap_or(Err(CommandError::RunOver))
    }
}
