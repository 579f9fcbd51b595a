//! The log of a run, read from its stream: message by message, each once, also across the server's absence.
//!
//! The client's own way to go on after a loss waits for missing heartbeats, and begins at the stream's begin if nothing has come
//! before; this one begins again right behind the last message, as soon as the server is back.

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{self, OrderedConfig};
use async_nats::jetstream::{self, stream};
use futures_util::StreamExt;
use promemu_core::error::Error;
use tokio::sync::watch;
use tokio::time::{Duration, sleep, timeout};
use tracing::debug;

use super::message::Message;
use super::server::{ANSWER_WITHIN, stream_of_logs, unanswered};

/// The pause before another try to begin again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// A reader of the log of one run.
pub(super) struct LogReader {
    jetstream: jetstream::Context,
    subject: String,
    /// The number in the stream of the message that comes next, or a smaller one.
    next: u64,
    messages: pull::Ordered,
    /// Changes when the server is back.
    returns: watch::Receiver<u64>,
}

impl LogReader {
    /// Reads from a number in the stream on; also gives the number of messages that are there.
    pub(super) async fn begin(
        jetstream: &jetstream::Context,
        subject: String,
        from: u64,
        returns: watch::Receiver<u64>,
    ) -> Result<(Self, u64), Error> {
        let stream = stream_of_logs(jetstream).await?;
        let (messages, waiting) = consume(&stream, &subject, from).await?;
        Ok((Self { jetstream: jetstream.clone(), subject, next: from, messages, returns }, waiting))
    }

    /// The messages that are there already.
    pub(super) async fn so_far(&mut self, waiting: u64) -> Result<Vec<Message>, Error> {
        let mut log = Vec::new();
        for _ in 0..waiting {
            let next = timeout(ANSWER_WITHIN, self.messages.next()).await;
            let message = next.ok().flatten().ok_or_else(|| unanswered("the run's log ends early"))?;
            log.extend(self.read(&message.map_err(unanswered)?));
        }
        Ok(log)
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Message {
        loop {
            tokio::select! {
                changed = self.returns.changed() => {
                    // Its sender lives as long as the connection.
                    if changed.is_ok() { self.begin_again().await } else { sleep(RETRY_INTERVAL).await }
                }
                next = self.messages.next() => match next {
                    Some(Ok(message)) => {
                        if let Some(message) = self.read(&message) {
                            return message;
                        }
                    }
                    Some(Err(error)) => {
                        debug!("the run's log is read again: {error}");
                        sleep(RETRY_INTERVAL).await;
                    }
                    None => self.begin_again().await,
                },
            }
        }
    }

    /// The contents of a message; `None` if it is none of promemu's, or was read before.
    fn read(&mut self, message: &jetstream::Message) -> Option<Message> {
        let number = message.info().ok()?.stream_sequence;
        if number < self.next {
            return None;
        }
        self.next = number + 1;
        serde_json::from_slice(&message.payload).ok()
    }

    /// Begins again behind the last message, once the server takes it.
    async fn begin_again(&mut self) {
        loop {
            self.returns.mark_unchanged();
            match timeout(ANSWER_WITHIN, self.consume_on()).await {
                Ok(Ok(messages)) => {
                    self.messages = messages;
                    return;
                }
                Ok(Err(error)) => debug!("the run's log cannot be read yet: {error}"),
                Err(_) => debug!("the run's log cannot be read yet"),
            }
            sleep(RETRY_INTERVAL).await;
        }
    }

    async fn consume_on(&mut self) -> Result<pull::Ordered, Error> {
        let mut stream = stream_of_logs(&self.jetstream).await?;
        let last = stream.info().await.map_err(unanswered)?.state.last_sequence;
        // The server has lost its store: all that is there is new.
        if last + 1 < self.next {
            self.next = 1;
        }
        Ok(consume(&stream, &self.subject, self.next).await?.0)
    }
}

async fn consume(stream: &stream::Stream, subject: &str, from: u64) -> Result<(pull::Ordered, u64), Error> {
    let config = OrderedConfig {
        filter_subject: subject.to_owned(),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from },
        ..OrderedConfig::default()
    };
    let consumer = stream.create_consumer(config).await.map_err(unanswered)?;
    let waiting = consumer.cached_info().num_pending;
    Ok((consumer.messages().await.map_err(unanswered)?, waiting))
}
