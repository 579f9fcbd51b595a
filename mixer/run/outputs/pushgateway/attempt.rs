//! One attempt: a job's newest state goes to the gateway, or its group leaves from there.
//!
//! It takes what it needs with it, so that several run at the same time.

use std::sync::Arc;

use super::{PushError, PushgatewayClient};
use crate::clock::Clock;
use crate::self_metrics::{OutputTally, SelfMetrics};
use promemu_core::error::Error;
use promemu_core::series::Job;
use promemu_core::series::{LabelBlock, SeriesStore};
use promemu_wire::exposition::{Format, Group, encode};

/// What to do with a job in a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Action {
    /// Nothing but whose the job is, so that another run sees it before the first push.
    Claim,
    Push,
    Delete,
}

/// A job, and all that is needed to push or delete it.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) client: Arc<PushgatewayClient>,
    pub(super) job: Arc<Job>,
    /// What is pushed with the job's series, if it stands for promemu's own metrics.
    pub(super) page: Option<Arc<SelfMetrics>>,
    /// What identifies the run.
    pub(super) run_info: Arc<SeriesStore>,
    pub(super) format: Format,
    pub(super) clock: Clock,
    /// Where the attempt itself is counted.
    pub(super) tally: OutputTally,
}

impl Attempt {
    /// Claims, pushes or deletes the job; gives the version that was pushed.
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
        self.client.put(self.job.name(), self.format, body).await.map(|()| 0)
    }

    async fn push(self) -> Result<u64, PushError> {
        let Self { client, job, page, run_info, tally, .. } = self;
        // The page is made as text.
        let format = if page.is_some() { Format::Text } else { self.format };
        let name = Arc::clone(job.name());
        let encoded = tokio::task::spawn_blocking(move || {
            let mut body = page.map_or(Ok(Vec::new()), |own| own.page())?;
            Ok((put_job(&job, &run_info, format, &mut body), body))
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

/// Appends the newest state of a job, with what identifies the run; gives its version.
fn put_job(job: &Job, run_info: &SeriesStore, format: Format, body: &mut Vec<u8>) -> u64 {
    let none = LabelBlock::empty();
    let store = job.store();
    let groups = [Group { store: &store, labels: &none }, Group { store: run_info, labels: &none }];
    encode(format, &groups, body);
    store.version()
}
