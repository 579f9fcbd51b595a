//! The server of the bus: its connection, its stream and its buckets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv::Store;
use async_nats::jetstream::{self, stream};
use async_nats::{Client, ConnectOptions};
use promemu_core::error::Error;

use super::link::Link;
use super::settings::BusSettings;

/// The most messages of a run's log that the stream keeps.
const LOG_MESSAGES_MAX: i64 = 10_000;
/// The longest time for which it keeps them.
pub(super) const LOG_AGE_MAX: Duration = Duration::from_hours(7 * 24);
/// A message that is sent again within this time is the same one: its sender waits for the server no longer, as a rule.
const DUPLICATE_WINDOW: Duration = Duration::from_hours(1);
/// The server answers within this time, or is away.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The stream of the logs of all runs, and the first part of all subjects.
pub(super) const STREAM: &str = "promemu";

/// A failure of the server in words.
pub(super) fn unanswered(error: impl fmt::Display) -> Error {
    Error::Run(format!(
        "the bus did not do as asked: {error}; start nats-server with --jetstream, and look at its log"
    ))
}

pub(super) async fn connect(settings: &BusSettings, link: &Arc<Link>) -> Result<Client, Error> {
    let told = Arc::clone(link);
    let mut options = ConnectOptions::new().name("promemu").connection_timeout(ANSWER_WITHIN).event_callback(
        move |event| {
            let link = Arc::clone(&told);
            async move { link.note(&event) }
        },
    );
    if let Some(path) = &settings.credentials {
        options = options.credentials_file(path).await.map_err(|source| {
            Error::Run(format!(
                "{}: credentials of the bus cannot be read: {source}; check --bus-credentials",
                path.display()
            ))
        })?;
    }
    if let Some(path) = &settings.ca {
        options = options.add_root_certificates(path.clone());
    }
    options.connect(settings.server.url()).await.map_err(|error| {
        Error::Run(format!(
            "the bus at {} cannot be reached: {error}; start nats-server with --jetstream, or mend --bus",
            link.server
        ))
    })
}

pub(super) async fn stream_of_logs(jetstream: &jetstream::Context) -> Result<stream::Stream, Error> {
    let config = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec![format!("{STREAM}.*.log")],
        max_messages_per_subject: LOG_MESSAGES_MAX,
        max_age: LOG_AGE_MAX,
        duplicate_window: DUPLICATE_WINDOW,
        ..stream::Config::default()
    };
    jetstream.get_or_create_stream(config).await.map_err(unanswered)
}

/// A key-value bucket. Its stream is made by hand, as a client of today does not read what a server of 2.9 says of its account.
/// The form of the stream is that of NATS' ADR-8, "`JetStream` based Key-Value Stores".
pub(super) async fn bucket(
    jetstream: &jetstream::Context,
    name: &str,
    max_age: Duration,
) -> Result<Store, Error> {
    let config = stream::Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        max_age,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        discard: stream::DiscardPolicy::New,
        ..stream::Config::default()
    };
    jetstream.get_or_create_stream(config).await.map_err(unanswered)?;
    jetstream.get_key_value(name).await.map_err(unanswered)
}
