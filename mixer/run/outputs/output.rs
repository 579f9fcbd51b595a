//! The contract of an output, from its settings to its end.
//!
//! Each kind of output is one file that implements [`OutputConfig`] for its settings and [`Output`] for what runs. The
//! rest of the run knows these two traits and no kind.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::health::Health;
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

    /// Makes the output, and takes the address or opens the file it needs. Nothing is sent yet.
    fn open<'a>(&'a self, context: &'a OutputContext<'a>) -> BoxFuture<'a, Result<Box<dyn Output>, Error>>;
}

/// The run that an output is opened for.
#[derive(Debug)]
pub(crate) struct OutputContext<'a> {
    /// `KIND=TARGET`: the output's name in logs and in promemu's own metrics.
    pub(crate) name: String,
    /// The config's name.
    pub(crate) config: &'a str,
    pub(crate) jobs: &'a [Arc<Job>],
    /// Emulated time.
    pub(crate) clock: Clock,
    /// promemu's own metrics of the run.
    pub(crate) own: &'a Arc<SelfMetrics>,
}

/// One output of a run, in a task of its own.
pub(crate) trait Output: Debug + Send {
    fn health(&self) -> &Arc<Health>;

    /// Where the jobs go, for the start-up log line.
    fn destination(&self, interval: Span) -> String;

    /// The address where jobs can be scraped, if they are served.
    fn scrape_address(&self) -> Option<SocketAddr> {
        None
    }

    /// First contact with the server. Takes no longer than `patience`: the rest is left to the rounds.
    fn start(&mut self, _patience: Duration) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Brings out the newest fleet's jobs until the run is stopped; then ends what is under way and cleans up.
    fn drive(self: Box<Self>, rounds: Rounds) -> BoxFuture<'static, ()>;
}
