//! The connection to the bus: joining a run, and its tasks while it lives.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::kv::Store;
use async_nats::{Client, Subscriber};
use futures_util::StreamExt;
use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::plan::{Plan, Shard};
use promemu_core::rng::random_seed;
use promemu_core::time::Time;
use promemu_core::timeline::RunLog;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;

use super::link::{BusSender, Link, Outgoing};
use super::log_reader::LogReader;
use super::message::{Message, Payload};
use super::presence::{self, SIGN_INTERVAL, ShardPresence};
use super::server::{ANSWER_WITHIN, LOG_AGE_MAX, bucket, connect, stream_of_logs, unanswered};
use super::settings::BusSettings;
use super::start::{RunStart, agree};
use super::writer::Writer;
use super::{ShardCalls, subject};
use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::history::History;
use crate::self_metrics::SelfMetrics;

/// The most messages that wait to be sent.
const OUTGOING_MAX: usize = 16_384;

/// The connection of one shard. It has joined the run, and hears it.
pub struct Bus {
    settings: BusSettings,
    shard: Shard,
    /// A random number that no other process has.
    instance: u64,
    client: Client,
    jetstream: jetstream::Context,
    signs: Store,
    events: Subscriber,
    log: LogReader,
    outgoing: (mpsc::Sender<Outgoing>, mpsc::Receiver<Outgoing>),
    link: Arc<Link>,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("settings", &self.settings)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

/// A run that a shard has joined.
#[derive(Debug)]
pub struct Joined {
    /// The way to the other shards.
    pub bus: Bus,
    /// The start of the run.
    pub start: RunStart,
    /// All that clients have done to the run so far, in order.
    log: Vec<Payload>,
    /// `true` if the stream has forgotten the begin of it.
    is_cut: bool,
    /// The other shards know the events of this one up to this moment: they have started then, or it was there until then.
    told_to: Time,
}

impl Joined {
    /// The begin of the run as the history of this shard, whose log is that of the bus.
    #[must_use]
    pub fn history(&self, plan: &Plan, clock: &Clock, shard: Shard) -> History {
        let length = clock.started_at().since(self.start.started_at());
        History { told_to: Some(self.told_to), ..History::so_far(length, self.run_log(plan), Some(shard)) }
    }

    /// The log of the run so far.
    fn run_log(&self, plan: &Plan) -> RunLog {
        if self.is_cut {
            warn!(
                "the bus has forgotten the begin of the run's log; the state of this shard's hosts may differ"
            );
        }
        let mut log = RunLog::unbounded();
        for payload in self.log.iter().cloned() {
            match payload {
                Payload::Event(event) => log.append_event(Arc::new(event.event())),
                Payload::Action(targets, action) => {
                    if let Some((targets, sent)) = targets.targets().zip(action.sent(plan)) {
                        // A log without bounds is never full.
                        let _has_room = log.append(targets, Arc::new(sent)).is_ok();
                    }
                }
            }
        }
        log
    }
}

impl Bus {
    /// Connects, and joins the run of this name, or starts it. From then on nothing that other shards say is missed.
    ///
    /// # Errors
    ///
    /// The server does not answer, has no `JetStream`, or has another run of this name.
    pub async fn join(
        settings: BusSettings,
        shard: Shard,
        config: &str,
        seed: Option<u64>,
    ) -> Result<Joined, Error> {
        let server = settings.server.to_string();
        let joining = Self::joined(settings, shard, config, seed);
        timeout(ANSWER_WITHIN * 3, joining).await.unwrap_or_else(|_| {
            Err(Error::Run(format!(
                "the bus at {server} does not answer; start nats-server with --jetstream"
            )))
        })
    }

    async fn joined(
        settings: BusSettings,
        shard: Shard,
        config: &str,
        seed: Option<u64>,
    ) -> Result<Joined, Error> {
        let link = Arc::new(Link::new(settings.server.to_string())?);
        let client = connect(&settings, &link).await?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(ANSWER_WITHIN);
        let mut stream = stream_of_logs(&jetstream).await?;
        let starts = bucket(&jetstream, "promemu_starts", Duration::ZERO).await?;
        let signs = bucket(&jetstream, "promemu_shards", LOG_AGE_MAX).await?;
        let last = stream.info().await.map_err(unanswered)?.state.last_sequence;
        let own = RunStart::now(config, shard.count(), seed).with_log_from(last + 1);
        let run = &settings.run;
        let is_present = async || Ok(!presence::present(&signs, run).await?.is_empty());
        let start = agree(&starts, run, own, seed, is_present).await?;
        let instance = random_seed();
        let told_to = presence::last_sign(&signs, run, shard).await?.unwrap_or(start.started_at());
        let told_to = told_to.max(start.started_at());
        presence::show(&signs, run, &ShardPresence::now(shard)).await?;
        let events = client.subscribe(subject(run, "events")).await.map_err(unanswered)?;
        let first_kept = stream.info().await.map_err(unanswered)?.state.first_sequence;
        let (mut reader, waiting) =
            LogReader::begin(&jetstream, subject(run, "log"), start.log_from, link.returns()).await?;
        let log = reader.so_far(waiting).await?.into_iter().map(|message| message.payload).collect();
        let outgoing = mpsc::channel(OUTGOING_MAX);
        let bus =
            Self { settings, shard, instance, client, jetstream, signs, events, log: reader, outgoing, link };
        Ok(Joined {
            bus,
            is_cut: first_kept > start.log_from.max(1) && last >= start.log_from,
            start,
            log,
            told_to,
        })
    }

    /// The end to send with.
    pub(crate) fn sender(&self) -> BusSender {
        BusSender { outgoing: self.outgoing.0.clone(), tally: self.link.tally.clone() }
    }

    /// The way to ask the other shards, and to answer them.
    #[must_use]
    pub fn calls(&self) -> ShardCalls {
        ShardCalls::new(self.client.clone(), self.settings.run.clone(), self.shard)
    }

    /// Adds its metrics.
    pub(crate) fn register(&self, own: &SelfMetrics) -> Result<(), Error> {
        self.link.tally.register(own)
    }

    /// Works for the newest of these fleets until it is dropped. Events of others up to `known_to` are known; `untold` ones of
    /// this shard are sent first.
    pub(crate) fn go_live(
        self,
        fleets: &watch::Receiver<Arc<Fleet>>,
        known_to: Time,
        untold: Vec<Payload>,
    ) -> LiveBus {
        let sender = self.sender();
        for payload in untold {
            sender.send(payload, false);
        }
        let Self { settings, shard, instance, client, jetstream, signs, events, log, outgoing, link } = self;
        let mut tasks = JoinSet::new();
        let run = settings.run;
        let subjects = [subject(&run, "events"), subject(&run, "log")];
        let writer = Writer::new(instance, client.clone(), jetstream, subjects, Arc::clone(&link));
        tasks.spawn(writer.send_all(outgoing.1));
        tasks.spawn(hear_events(events, fleets.clone(), instance, known_to));
        tasks.spawn(hear_log(log, fleets.clone(), instance));
        let (signs_own, run_own) = (signs.clone(), run.clone());
        tasks.spawn(async move {
            loop {
                let own = ShardPresence::now(shard);
                if presence::show(&signs_own, &run_own, &own).await.is_ok()
                    && let Ok(present) = presence::present(&signs_own, &run_own).await
                {
                    link.tally.present.set(i64::try_from(present.len()).unwrap_or(i64::MAX));
                }
                tokio::time::sleep(SIGN_INTERVAL).await;
            }
        });
        LiveBus { tasks, client, signs, run, shard }
    }
}

/// The bus of a run that lives.
pub(crate) struct LiveBus {
    tasks: JoinSet<()>,
    client: Client,
    signs: Store,
    run: super::RunName,
    shard: Shard,
}

impl fmt::Debug for LiveBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveBus").field("run", &self.run).finish_non_exhaustive()
    }
}

impl LiveBus {
    /// Leaves the run.
    pub(crate) async fn end(mut self) {
        self.tasks.abort_all();
        let leaving = async {
            presence::leave(&self.signs, &self.run, self.shard).await;
            // The last messages are on their way.
            let _is_sent = self.client.flush().await.is_ok();
        };
        let _has_left = timeout(Duration::from_secs(2), leaving).await.is_ok();
    }
}

/// Hears events and actions that are new. Each source sends its events in order, and its actions; one that comes back may send its
/// last ones again.
async fn hear_events(mut events: Subscriber, fleets: watch::Receiver<Arc<Fleet>>, own: u64, known_to: Time) {
    let mut heard: IndexMap<(String, bool), (u64, u64)> = IndexMap::new();
    while let Some(message) = events.next().await {
        let Some(payload) = of_others(&message.payload, own).filter(|payload| payload.time() > known_to)
        else {
            continue;
        };
        let (source, order) = payload.order();
        let of = (source.to_owned(), matches!(payload, Payload::Action(..)));
        if heard.get(&of).is_some_and(|last| order <= *last) {
            continue;
        }
        heard.insert(of, order);
        let fleet = Arc::clone(&fleets.borrow());
        fleet.hear(payload);
    }
}

async fn hear_log(mut log: LogReader, fleets: watch::Receiver<Arc<Fleet>>, own: u64) {
    loop {
        let message = log.next().await;
        if message.instance != own {
            let fleet = Arc::clone(&fleets.borrow());
            fleet.hear(message.payload);
        }
    }
}

fn of_others(body: &[u8], own: u64) -> Option<Payload> {
    let message: Message = serde_json::from_slice(body).ok()?;
    (message.instance != own).then_some(message.payload)
}
