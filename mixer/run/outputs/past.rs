//! Delivery of a past: nothing waits in a queue and nothing is dropped, so whoever makes the batches is held up by the server.
//!
//! A batch that the server cannot accept now is sent again, for as long as it is wanted. What it refuses for good is counted.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use promemu_core::error::Error;
use promemu_core::rng::{Seed, random_seed};
use promemu_core::time::Span;
use promemu_wire::request::Batch;
use tokio::runtime::Runtime;
use tracing::{info, warn};

use super::availability::BackOff;
use super::delivery::{BatchClient, Rejection, Splitting};
use super::remote_write::{RemoteWriteSettings, Version};
use super::stream::StreamConfig;
use crate::threads;

const BACK_OFF: BackOff = BackOff { first: Span::from_nanos(100_000_000), longest: Span::from_secs(10) };
/// Samples that are refused, while none is accepted, before it is given up.
const FRUITLESS_SAMPLES_MAX: u64 = 20_000;

/// Sends the batches of a past, from any threads that may block.
#[derive(Debug)]
pub struct PastSender {
    client: BatchClient,
    /// `None` when it is dropped.
    runtime: Option<Runtime>,
    is_away: AtomicBool,
    /// `true` while the server may have what is sent already.
    may_be_known: AtomicBool,
    accepted: AtomicU64,
    refused: Mutex<Refused>,
}

/// Samples that the server refused for good.
#[derive(Clone, Debug, Default)]
struct Refused {
    samples: u64,
    /// The reason for the first of them.
    reason: String,
}

impl PastSender {
    /// A sender to this server.
    pub fn new(settings: &RemoteWriteSettings) -> Result<Self, Error> {
        if settings.version != Version::V1 {
            let message = "remote write of a past has version 1 of the protocol; leave out version=2";
            return Err(Error::Usage(message.to_owned()));
        }
        let failed = |source| Error::System { what: "threads cannot be started".to_owned(), source };
        let runtime = threads::runtime("past", Some(1)).map_err(failed)?;
        let client = settings.client()?;
        Ok(Self {
            client,
            runtime: Some(runtime),
            is_away: AtomicBool::new(false),
            may_be_known: AtomicBool::new(false),
            accepted: AtomicU64::new(0),
            refused: Mutex::default(),
        })
    }

    /// From now on the server may have what is sent already, and refuse it as a duplicate.
    pub fn set_may_be_known(&self, may_be_known: bool) {
        self.may_be_known.store(may_be_known, Ordering::Relaxed);
    }

    /// Number of samples that were refused, and the reason for the first of them.
    #[must_use]
    pub fn refused(&self) -> Option<(u64, String)> {
        let Refused { samples, reason } = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (samples > 0).then_some((samples, reason))
    }

    /// Sends a batch, in parts if the server refuses it as a whole. Blocks until all of it is accepted or refused for good.
    ///
    /// # Errors
    ///
    /// The server has refused all that it got, or nobody wants the past any more.
    pub fn send(&self, batch: Batch, is_wanted: impl Fn() -> bool) -> io::Result<()> {
        let mut waiting = vec![batch];
        while let Some(part) = waiting.pop() {
            let Some(rejection) = self.deliver(&part, &is_wanted)? else {
                self.accepted.fetch_add(part.samples, Ordering::Relaxed);
                continue;
            };
            // A server that takes a request as a whole has all of it.
            let is_about_time = rejection.splitting == Splitting::ByHosts;
            if is_about_time && self.may_be_known.load(Ordering::Relaxed) {
                continue;
            }
            let splitting = if is_about_time { Splitting::BySeries } else { rejection.splitting };
            match self.client.split(&part, splitting) {
                Some([first, second]) => waiting.extend([second, first]),
                None => self.refuse(&part, rejection)?,
            }
        }
        Ok(())
    }

    /// Sends one part until the server answers.
    fn deliver(&self, part: &Batch, is_wanted: &impl Fn() -> bool) -> io::Result<Option<Rejection>> {
        let Some(runtime) = &self.runtime else { return Err(io::ErrorKind::NotConnected.into()) };
        let (mut failures, mut rng) = (0, Seed::new(random_seed()).rng());
        loop {
            if !is_wanted() {
                return Err(io::Error::other("it was stopped"));
            }
            match runtime.block_on(self.client.send(part)) {
                Ok(rejection) => {
                    if self.is_away.swap(false, Ordering::Relaxed) {
                        info!("remote write is back");
                    }
                    return Ok(rejection);
                }
                Err(error) => {
                    if !self.is_away.swap(true, Ordering::Relaxed) {
                        warn!(%error, "remote write is away; it is tried again");
                    }
                }
            }
            thread::sleep(BACK_OFF.pause(failures, &mut rng).duration());
            failures += 1;
        }
    }

    fn refuse(&self, part: &Batch, rejection: Rejection) -> io::Result<()> {
        let samples = rejection.samples.min(part.samples);
        let accepted =
            self.accepted.fetch_add(part.samples - samples, Ordering::Relaxed) + part.samples - samples;
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.samples == 0 {
            warn!(samples, reason = rejection.reason, "samples are refused; further ones are counted");
            refused.reason = rejection.reason;
        }
        refused.samples += samples;
        if accepted == 0 && refused.samples >= FRUITLESS_SAMPLES_MAX {
            return Err(io::Error::other(format!("the server accepts no sample: {}", refused.reason)));
        }
        Ok(())
    }
}

impl Drop for PastSender {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::time::Duration;

    use axum::Router;
    use axum::extract::State;
    use axum::http::StatusCode;
    use axum::routing::post;
    use indexmap::IndexMap;

    use super::*;

    type Script = Arc<Mutex<VecDeque<(u16, &'static str)>>>;

    async fn respond(State(script): State<Script>) -> (StatusCode, &'static str) {
        let (status, text) = script.lock().unwrap().pop_front().unwrap_or((200, ""));
        (StatusCode::from_u16(status).unwrap(), text)
    }

    /// A sender to a server that has these responses first, and accepts everything after them.
    async fn sender(responses: &[(u16, &'static str)]) -> Arc<PastSender> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/write", listener.local_addr().unwrap());
        let script: Script = Arc::new(Mutex::new(responses.iter().copied().collect()));
        let router = Router::new().route("/write", post(respond)).with_state(script);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let settings =
            RemoteWriteSettings::take_from(&url, &mut IndexMap::new(), Duration::from_secs(10)).unwrap();
        Arc::new(PastSender::new(&settings).unwrap())
    }

    fn batch(samples: u64) -> Batch {
        Batch { body: vec![1].into(), samples, round: 0, cuts: Box::default() }
    }

    async fn send(sender: &Arc<PastSender>, batch: Batch, is_wanted: bool) -> io::Result<()> {
        let sender = Arc::clone(sender);
        tokio::task::spawn_blocking(move || sender.send(batch, || is_wanted)).await.unwrap()
    }

    #[tokio::test]
    async fn a_batch_is_sent_again_until_the_server_is_there_and_while_it_is_wanted() {
        let there = sender(&[(503, ""), (503, "")]).await;
        send(&there, batch(1), true).await.unwrap();
        assert_eq!(there.refused(), None);
        assert!(send(&sender(&[(503, "")]).await, batch(1), false).await.is_err());
    }

    #[tokio::test]
    async fn what_is_refused_is_counted_unless_the_server_may_have_it_already() {
        let strict = sender(&[(400, "out of order sample"), (400, "out of order sample")]).await;
        strict.set_may_be_known(true);
        send(&strict, batch(5), true).await.unwrap();
        assert_eq!(strict.refused(), None);
        strict.set_may_be_known(false);
        send(&strict, batch(7), true).await.unwrap();
        let (samples, reason) = strict.refused().unwrap();
        assert_eq!(samples, 7);
        assert!(reason.contains("out of order sample"), "{reason}");
    }

    #[tokio::test]
    async fn a_server_that_accepts_nothing_is_given_up() {
        let closed = sender(&[(400, "no"), (400, "no")]).await;
        send(&closed, batch(FRUITLESS_SAMPLES_MAX - 1), true).await.unwrap();
        let error = send(&closed, batch(1), true).await.unwrap_err().to_string();
        assert!(error.contains("accepts no sample"), "{error}");
    }
}
