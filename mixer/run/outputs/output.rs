//! The contract of an output, from its settings to its end.
//!
//! Each kind of output is one file that implements [`OutputConfig`] for its settings and [`Output`] for what a run drives.
//! Most kinds are opened by each run for itself ([`RunOutputConfig`]); pages and files are opened once in a process, and
//! its runs join them ([`SharedOutputConfig`]). The rest of the run knows these traits and no kind.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::watch;

use super::health::Health;
use super::leftovers::Leftovers;
use super::readiness::Readiness;
use super::rounds::Rounds;
use crate::clock::Clock;
use crate::self_metrics::SelfMetrics;
use promemu_core::error::Error;
use promemu_core::series::Job;
use promemu_core::time::Span;

/// Settings of one output.
pub(crate) trait OutputConfig {
    /// The kind, as `--output` names it.
    fn kind(&self) -> &'static str;

    /// The server or file, without secrets.
    fn target(&self) -> String;

    /// `true` if it sends samples, which a server may refuse one by one; `false` if it sends jobs.
    fn sends_samples(&self) -> bool {
        false
    }

    /// `true` if the last values stay there when the run is over.
    fn leaves_last_values(&self) -> bool {
        false
    }
}

/// Settings of an output that each run has for itself.
pub(crate) trait RunOutputConfig: OutputConfig {
    /// Makes the output. Nothing is sent yet.
    fn open(&self, context: &OutputContext<'_>) -> Result<Box<dyn Output>, Error>;
}

/// Settings of an output that all runs of the process share.
pub(crate) trait SharedOutputConfig: OutputConfig {
    /// Takes the address or opens the file that it needs. `name` is the output's, as in [`OutputContext`].
    fn open_shared<'a>(
        &'a self,
        name: &'a str,
        process: &'a ProcessState,
    ) -> BoxFuture<'a, Result<Arc<dyn SharedOutput>, Error>>;
}

/// The state of the process that shared outputs show.
#[derive(Debug)]
pub(crate) struct ProcessState {
    /// promemu's own metrics, those of all runs included.
    pub(crate) own: Arc<SelfMetrics>,
    pub(crate) readiness: Arc<Readiness>,
}

/// An output that runs join and leave.
pub(crate) trait SharedOutput: Debug + Send + Sync {
    /// The part of a run, which leaves when it is dropped.
    fn join(self: Arc<Self>, context: &OutputContext<'_>) -> Box<dyn Output>;

    /// Serves until this becomes `true`, if it serves.
    fn serve(self: Arc<Self>, _stopped: watch::Receiver<bool>) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// The run that an output is opened for.
#[derive(Debug)]
pub(crate) struct OutputContext<'a> {
    /// `KIND=TARGET`: the output's name in logs and in promemu's own metrics.
    pub(crate) name: String,
    /// The run's id.
    pub(crate) run: Arc<str>,
    /// The config's name.
    pub(crate) config: &'a str,
    pub(crate) jobs: &'a [Arc<Job>],
    /// Emulated time.
    pub(crate) clock: Clock,
    /// promemu's own metrics of the run.
    pub(crate) own: &'a Arc<SelfMetrics>,
    /// Clean-up after outputs that are dropped.
    pub(crate) leftovers: &'a Arc<Leftovers>,
}

/// One run's part of an output, in a task of its own.
pub(crate) trait Output: Debug + Send {
    fn health(&self) -> &Arc<Health>;

    /// Where the jobs go, for the start-up log line.
    fn destination(&self, interval: Span) -> String;

    /// First contact with the server. Takes no longer than `patience`: the rest is left to the rounds.
    fn start(&mut self, _patience: Duration) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Brings out the newest fleet's jobs until the run is stopped; then ends what is under way and cleans up.
    fn drive(self: Box<Self>, rounds: Rounds) -> BoxFuture<'static, ()>;
}
