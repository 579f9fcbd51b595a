//! The client: performs operations on servers, each through the server's circuit breaker and pool, within the timeouts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool::managed::Object;
use tokio::time::timeout;

use crate::Rejection;
use crate::clock::Clock;
use crate::connection::{Answer, Broken, Connection};
use crate::key_space::{Key, KeySpace};
use crate::operation::{Operation, Outcome};
use crate::pool::{NoConnection, Pool};
use crate::random::{Random, mix};
use crate::ring::Ring;
use crate::settings::Settings;
use crate::state::LoadState;
use crate::value::{self, Stamp};

/// One operation to perform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    pub(crate) key: Key,
    pub(crate) server: usize,
    /// Time at which it should be sent.
    pub(crate) intended: Duration,
    /// Length of the value, for a set.
    value_bytes: u32,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    keys: KeySpace,
    pools: Vec<Pool>,
    state: Mutex<LoadState>,
    /// Number of this run in its values.
    writer: AtomicU64,
    sequence: AtomicU64,
}

/// The end of one try.
struct Tried {
    outcome: Outcome,
    /// Time at which it was sent; `None` if it was not.
    sent: Option<Duration>,
}

impl Client {
    pub(crate) fn new(settings: Settings) -> Result<Arc<Self>, String> {
        let ring = Ring::new(settings.servers.iter().map(|server| server.name.as_str()));
        let pools = settings
            .servers
            .iter()
            .map(|server| Pool::new(&server.address, settings.pool, settings.timeouts));
        Ok(Arc::new(Self {
            keys: KeySpace::new(settings.keys, &ring),
            pools: pools.collect::<Result<_, _>>()?,
            state: Mutex::new(LoadState::new(&settings)?),
            clock: Clock::start(),
            writer: AtomicU64::new(0),
            sequence: AtomicU64::new(0),
            settings,
        }))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, LoadState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// Sets the run's number in values. Runs of the same seed that follow each other must differ, so it is mixed with a time.
    pub(crate) fn set_writer(&self, seed: u64, now_nanos: u64) {
        self.writer.store(mix(seed ^ mix(now_nanos)), Ordering::Relaxed);
    }

    /// Draws an operation that should be sent at this time, and counts it as attempted.
    pub(crate) fn draw(&self, random: &mut Random, intended: Duration) -> Request {
        let operation = self.settings.mix.draw(random);
        let key = self.keys.draw(operation, random);
        let (low, high) = self.settings.value_bytes;
        let value_bytes = low + random.below(high - low + 1);
        let server = self.keys.server(key);
        self.state().attempt(server);
        Request { operation, key, server, intended, value_bytes }
    }

    /// Performs an operation that is attempted, with its retries. Returns its outcome.
    pub(crate) async fn perform(&self, request: &Request) -> Outcome {
        let mut retries_left = if request.operation.can_repeat() { self.settings.retries } else { 0 };
        let (mut outcome, mut sent);
        loop {
            Tried { outcome, sent } = self.try_once(request).await;
            if outcome.is_success() || outcome.is_local() || retries_left == 0 {
                break;
            }
            retries_left -= 1;
            self.state().servers[request.server].retries += 1;
        }
        let now = self.clock.now();
        let latencies = sent.map(|sent| (now.saturating_sub(request.intended), now.saturating_sub(sent)));
        self.state().end(request.server, request.operation, outcome, latencies);
        outcome
    }

    async fn try_once(&self, request: &Request) -> Tried {
        let started = self.state().servers[request.server].guard.start(self.clock.now());
        let ticket = match started {
            Ok(ticket) => ticket,
            Err(Rejection::Open) => return Tried { outcome: Outcome::BreakerOpen, sent: None },
            Err(Rejection::TooManyRequests) => return Tried { outcome: Outcome::BreakerBusy, sent: None },
        };
        let tried = self.send(request).await;
        let mut state = self.state();
        state.servers[request.server].guard.finish(ticket, tried.outcome.verdict(), self.clock.now());
        tried
    }

    async fn send(&self, request: &Request) -> Tried {
        let mut lease = match self.pools[request.server].acquire().await {
            Ok(lease) => lease,
            Err(why) => {
                let server = &mut self.state().servers[request.server];
                server.acquire_errors += 1;
                let outcome = match &why {
                    NoConnection::Full => Outcome::PoolFull,
                    NoConnection::Refused(_) => Outcome::Connection,
                };
                server.tell_first(outcome, || why.to_string());
                return Tried { outcome, sent: None };
            }
        };
        let is_set = request.operation == Operation::Set;
        if is_set {
            self.state().servers[request.server].ledger.send();
        }
        let sent = self.clock.now();
        let exchanged = timeout(self.settings.timeouts.request, self.exchange(&mut lease, request)).await;
        let (outcome, is_usable) = match exchanged {
            Ok(Ok(answer)) => self.outcome(request, &answer, lease.value()),
            Ok(Err(Broken::Io(error))) => self.failed(request, Outcome::Connection, || error.to_string()),
            Ok(Err(Broken::NotOurs(answer))) => self.failed(request, Outcome::WrongAnswer, || answer.clone()),
            Err(_) => self.failed(request, Outcome::Timeout, || {
                format!("no answer within {:?}", self.settings.timeouts.request)
            }),
        };
        if is_set {
            self.state().servers[request.server].ledger.end(outcome == Outcome::Stored);
        }
        if !is_usable {
            drop(Object::take(lease));
        }
        Tried { outcome, sent: Some(sent) }
    }

    async fn exchange(&self, connection: &mut Connection, request: &Request) -> Result<Answer, Broken> {
        let &Request { operation, key, value_bytes, .. } = request;
        match operation {
            Operation::Get => connection.get(key).await,
            Operation::Set => {
                let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
                let stamp = Stamp { key, writer: self.writer.load(Ordering::Relaxed), sequence };
                let mut value = Vec::with_capacity(value_bytes as usize + 64);
                value::write(stamp, value_bytes as usize, &mut value);
                connection.set(key, &value, self.settings.expiry_secs).await
            }
            Operation::Delete => connection.delete(key).await,
            Operation::Incr => connection.incr(key, self.settings.expiry_secs).await,
        }
    }

    /// The outcome of an answer, and `true` if the connection can be used again.
    fn outcome(&self, request: &Request, answer: &Answer, value: &[u8]) -> (Outcome, bool) {
        let is_right = || match request.operation {
            Operation::Get => value::is_right(
                value,
                Stamp {
                    key: request.key,
                    writer: self.writer.load(Ordering::Relaxed),
                    sequence: self.sequence.load(Ordering::Relaxed),
                },
            ),
            _ => std::str::from_utf8(value).is_ok_and(|number| number.trim_end().parse::<u64>().is_ok()),
        };
        match (request.operation, answer) {
            (_, Answer::Refused(words)) => (self.failed(request, Outcome::Refused, || words.clone()).0, true),
            (Operation::Get, Answer::Absent) => (Outcome::Miss, true),
            (Operation::Get, Answer::Value) if is_right() => (Outcome::Hit, true),
            (Operation::Incr, Answer::Value) if is_right() => (Outcome::Counted, true),
            (Operation::Set, Answer::Done) => (Outcome::Stored, true),
            (Operation::Delete, Answer::Done) => (Outcome::Deleted, true),
            (Operation::Delete, Answer::Absent) => (Outcome::NotFound, true),
            _ => self.failed(request, Outcome::WrongAnswer, || {
                let start = String::from_utf8_lossy(&value[..value.len().min(60)]).into_owned();
                format!("{answer:?} to {} of {}: {start}", request.operation.word(), request.key.text())
            }),
        }
    }

    /// The outcome of a failure after which the connection cannot be used again.
    fn failed(&self, request: &Request, outcome: Outcome, why: impl FnOnce() -> String) -> (Outcome, bool) {
        self.state().servers[request.server].tell_first(outcome, why);
        (outcome, false)
    }
}
