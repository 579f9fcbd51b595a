//! The sending end of the bus: messages in their order, and those of clients again once the server is back.
//!
//! Events of hosts are of the moment: they are dropped while the server is away. What clients do holds on, so it waits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, HeaderMap, jetstream};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::link::{Link, Outgoing};
use super::message::{Message, Payload};
use super::server::ANSWER_WITHIN;

/// The most actions and events of clients that wait for the server; further ones are lost.
const WAITING_MAX: usize = 1_000;
/// The time from one look for the server to the next.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Sends messages.
pub(super) struct Writer {
    instance: u64,
    client: Client,
    jetstream: jetstream::Context,
    /// Of events, and of the log.
    subjects: [String; 2],
    link: Arc<Link>,
    /// Messages for the log, each with its number, the oldest first.
    waiting: VecDeque<(u64, Payload)>,
    /// Number of messages for the log so far.
    kept: u64,
}

impl Writer {
    pub(super) const fn new(
        instance: u64,
        client: Client,
        jetstream: jetstream::Context,
        subjects: [String; 2],
        link: Arc<Link>,
    ) -> Self {
        Self { instance, client, jetstream, subjects, link, waiting: VecDeque::new(), kept: 0 }
    }

    /// Sends what comes, until nobody sends any more.
    pub(super) async fn send_all(mut self, mut outgoing: mpsc::Receiver<Outgoing>) {
        let mut retry = interval(RETRY_INTERVAL);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                next = outgoing.recv() => match next {
                    Some(Outgoing { payload, is_kept: true }) => {
                        let has_waited = !self.waiting.is_empty();
                        self.wait_with(payload);
                        if !has_waited {
                            self.send_waiting().await;
                        }
                    }
                    Some(Outgoing { payload, is_kept: false }) => {
                        let is_sent = self.is_connected() && self.send_event(payload).await;
                        self.count(is_sent);
                    }
                    None => return,
                },
                _ = retry.tick(), if !self.waiting.is_empty() => self.send_waiting().await,
            }
        }
    }

    fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    fn count(&self, is_sent: bool) {
        let tally = &self.link.tally;
        if is_sent { &tally.sent } else { &tally.lost }.inc();
    }

    /// Adds a message for the log, if there is room.
    fn wait_with(&mut self, payload: Payload) {
        if self.waiting.len() >= WAITING_MAX {
            self.count(false);
            return;
        }
        self.kept += 1;
        self.waiting.push_back((self.kept, payload));
    }

    /// Sends the messages for the log, until one is not taken.
    async fn send_waiting(&mut self) {
        while self.is_connected()
            && let Some((number, payload)) = self.waiting.front()
            && self.send_kept(*number, payload.clone()).await
        {
            self.waiting.pop_front();
            self.count(true);
        }
    }

    fn body(&self, payload: Payload) -> Option<Vec<u8>> {
        serde_json::to_vec(&Message { instance: self.instance, payload }).ok()
    }

    async fn send_event(&self, payload: Payload) -> bool {
        let Some(body) = self.body(payload) else { return false };
        self.client.publish(self.subjects[0].clone(), body.into()).await.is_ok()
    }

    /// Sends a message for the log. The stream drops one that it has already, whose answer was lost.
    async fn send_kept(&self, number: u64, payload: Payload) -> bool {
        let Some(body) = self.body(payload) else { return false };
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", format!("{:x}-{number}", self.instance));
        let log = self.subjects[1].clone();
        let sent =
            async { self.jetstream.publish_with_headers(log, headers, body.into()).await.ok()?.await.ok() };
        matches!(timeout(ANSWER_WITHIN, sent).await, Ok(Some(_)))
    }
}
