//! One attempt to claim, push or delete a job's group.
//!
//! It owns all it needs, so that several attempts run at the same time.

use std::sync::Arc;

use super::client::PushgatewayClient;
use crate::clock::Clock;
use crate::http::PushError;
use crate::self_metrics::{OutputTally, SelfMetrics};
use promemu_core::error::Error;
use promemu_core::series::Job;
use promemu_core::series::{LabelBlock, SeriesStore};
use promemu_wire::exposition::{Format, Group, encode};

/// Action for a job in a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Action {
    /// Pushes `promemu_run_info` alone, so that other runs see the owner before the first push.
    Claim,
    Push,
    Delete,
}

/// A job, and all that is needed to push or delete its group.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) client: Arc<PushgatewayClient>,
    pub(super) job: Arc<Job>,
    /// The run's own metrics, for the job that stands for them.
    pub(super) own: Option<Arc<SelfMetrics>>,
    /// The series that identifies the run.
    pub(super) run_info: Arc<SeriesStore>,
    pub(super) format: Format,
    pub(super) clock: Clock,
    pub(super) tally: OutputTally,
}

impl Attempt {
    /// Claims, pushes or deletes the job's group; returns the version that was pushed.
    pub(super) async fn carry_out(self, action: Action) -> Result<u64, PushError> {
        match action {
            Action::Claim => return self.claim().await,
            Action::Delete => return self.client.delete(self.job.name()).await.map(|()| 0),
            Action::Push => {}
        }
        let (begun, clock, tally) = (self.clock.now(), self.clock, self.tally.clone());
        let pushed = self.push().await;
        tally.push_seconds.observe(clock.now().since(begun).as_secs_f64());
        if pushed.is_err() {
            tally.push_failures.inc();
        }
        pushed
    }

    async fn claim(self) -> Result<u64, PushError> {
        let mut body = Vec::new();
        encode(self.format, &[Group { store: &self.run_info, labels: &LabelBlock::empty() }], &mut body);
        self.client.put(self.job.name(), self.format, body).await.map(|_| 0)
    }

    async fn push(self) -> Result<u64, PushError> {
        let Self { client, job, own, run_info, tally, .. } = self;
        // promemu's own metrics are encoded as text.
        let format = if own.is_some() { Format::Text } else { self.format };
        let name = Arc::clone(job.name());
        let encoded = tokio::task::spawn_blocking(move || {
            let mut body = own.map_or(Ok(Vec::new()), |own| own.own_page())?;
            Ok((encode_job(&job, &run_info, format, &mut body), body))
        });
        let encoded: Result<(u64, Vec<u8>), Error> =
            encoded.await.map_err(|error| PushError::Internal(error.to_string()))?;
        let (version, body) = encoded.map_err(|error| PushError::Internal(error.to_string()))?;
        let bytes = body.len() as u64;
        client.put(&name, format, body).await?;
        tally.bytes_sent.inc_by(bytes);
        Ok(version)
    }
}

/// Appends the newest state of a job and the run's identity; returns the state's version.
fn encode_job(job: &Job, run_info: &SeriesStore, format: Format, body: &mut Vec<u8>) -> u64 {
    let none = LabelBlock::empty();
    let store = job.store();
    let groups = [Group { store: &store, labels: &none }, Group { store: run_info, labels: &none }];
    encode(format, &groups, body);
    store.version()
}
