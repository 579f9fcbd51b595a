//! Calls from one shard to another: a request and its answer, by NATS' request and reply on the subject
//! `promemu.RUN.calls.SHARD`. It knows nothing of what they say.
//!
//! A shard that is not there is known at once, as the server says that nobody listens; one that hangs, after three seconds.

use std::fmt;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, HeaderMap, Message};
use futures_util::StreamExt;
use promemu_core::plan::Shard;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;

use super::settings::RunName;
use super::subject;

/// A shard answers within this time, or is missing.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// The most calls that a shard works on at the same time; further ones are refused.
const CALLS_MAX: usize = 32;
/// The share of a message that its headers may take.
const HEADERS_BYTES_MAX: usize = 4_096;

/// The names of headers.
const METHOD: &str = "promemu-method";
const PATH: &str = "promemu-path";
const STATUS: &str = "promemu-status";
const PAGE: &str = "promemu-page";

/// The status of an answer that was not asked for, as too many calls are under way.
const BUSY: u16 = 429;
/// The status of an answer that is too large for a message.
const TOO_LARGE: u16 = 413;

/// A request, in the words of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The address of the page of the shard that answers; `None` if it has none, or one that only it knows.
    pub page: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// `true` if the call was done.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    const fn of_status(status: u16) -> Self {
        Self { status, page: None, body: Vec::new() }
    }
}

/// The way of one shard to the others of its run, for calls.
#[derive(Clone)]
pub struct ShardCalls {
    client: Client,
    run: RunName,
    shard: Shard,
}

impl fmt::Debug for ShardCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardCalls")
            .field("run", &self.run)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

impl ShardCalls {
    pub(super) const fn new(client: Client, run: RunName, shard: Shard) -> Self {
        Self { client, run, shard }
    }

    /// The shard of this process.
    #[must_use]
    pub const fn shard(&self) -> Shard {
        self.shard
    }

    fn subject_of(&self, shard: Shard) -> String {
        subject(&self.run, &format!("calls.{}", shard.number()))
    }

    /// Asks another shard; `None` if it gives no answer in time, is too busy, or the bus is away.
    pub async fn ask(&self, shard: Shard, call: Call) -> Option<Reply> {
        if self.client.connection_state() != State::Connected {
            return None;
        }
        let mut headers = HeaderMap::new();
        headers.insert(METHOD, call.method.as_str());
        headers.insert(PATH, call.path.as_str());
        let asked = self.client.request_with_headers(self.subject_of(shard), headers, call.body.into());
        let message = timeout(ANSWER_WITHIN, asked).await.ok()?.ok()?;
        let header = |name| message.headers.as_ref()?.get(name);
        let status = header(STATUS)?.as_str().parse().ok()?;
        if status == BUSY {
            return None;
        }
        let page = header(PAGE).map(|page| page.as_str().to_owned());
        Some(Reply { status, page, body: message.payload.to_vec() })
    }

    /// Answers the calls of other shards until it is dropped, several at the same time.
    pub async fn serve<F>(self, answer: impl Fn(Call) -> F)
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let mut calls = match self.client.subscribe(self.subject_of(self.shard)).await {
            Ok(calls) => calls,
            Err(error) => {
                warn!("other shards cannot ask this one: {error}");
                return;
            }
        };
        let mut under_way: JoinSet<()> = JoinSet::new();
        while let Some(message) = calls.next().await {
            while under_way.try_join_next().is_some() {}
            let Some((to, call)) = call_of(&message) else { continue };
            let client = self.client.clone();
            if under_way.len() >= CALLS_MAX {
                reply(&client, to, Reply::of_status(BUSY)).await;
                continue;
            }
            let answer = answer(call);
            under_way.spawn(async move { reply(&client, to, answer.await).await });
        }
    }
}

/// A message as a call, with the subject of its answer; `None` if it is none.
fn call_of(message: &Message) -> Option<(async_nats::Subject, Call)> {
    let headers = message.headers.as_ref()?;
    let header = |name| headers.get(name).map(|value| value.as_str().to_owned());
    let call = Call { method: header(METHOD)?, path: header(PATH)?, body: message.payload.to_vec() };
    Some((message.reply.clone()?, call))
}

async fn reply(client: &Client, to: async_nats::Subject, answer: Reply) {
    let bytes_max = client.server_info().max_payload.saturating_sub(HEADERS_BYTES_MAX);
    let answer = if answer.body.len() > bytes_max { Reply::of_status(TOO_LARGE) } else { answer };
    let mut headers = HeaderMap::new();
    headers.insert(STATUS, answer.status.to_string());
    if let Some(page) = answer.page {
        headers.insert(PAGE, page);
    }
    // Without it the shard that asks waits for a second, and goes on.
    let _is_sent = client.publish_with_headers(to, headers, answer.body.into()).await.is_ok();
}
