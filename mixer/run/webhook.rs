//! A receiver of an Alertmanager's notifications
//! (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>): it keeps the alerts that fire, with the time at which
//! they came.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, routing::post};
use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::verdict::{AlertSeries, Notification};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::wall_now;
use crate::http::server;

/// Maximum number of notifications that are kept.
const RECEIVED_MAX: usize = 100_000;

/// The receiver. It ends when it is dropped.
#[derive(Debug)]
pub struct Webhook {
    received: Received,
    _stop: watch::Sender<bool>,
    _server: JoinSet<()>,
}

type Received = Arc<Mutex<Vec<Notification>>>;

/// The body of a request.
#[derive(Deserialize)]
struct Message {
    receiver: String,
    alerts: Vec<MessageAlert>,
}

#[derive(Deserialize)]
struct MessageAlert {
    status: String,
    labels: IndexMap<String, String>,
}

impl Webhook {
    /// Listens at an address, `HOST:PORT`, and takes notifications at any path.
    ///
    /// # Errors
    ///
    /// The address is not free, or none of this machine.
    pub async fn bind(address: &str) -> Result<Self, Error> {
        let refused = |source| {
            let what =
                format!("cannot listen on {address}; choose a free address of this machine with --webhook");
            Error::System { what, source }
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let received = Received::default();
        let router = Router::new().fallback(post(receive)).with_state(Arc::clone(&received));
        let (stop, stopped) = watch::channel(false);
        let mut server = JoinSet::new();
        server.spawn(server::serve(listener, None, router, stopped));
        Ok(Self { received, _stop: stop, _server: server })
    }

    /// All notifications so far, in the order in which they came.
    #[must_use]
    pub fn received(&self) -> Vec<Notification> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn receive(State(received): State<Received>, Json(message): Json<Message>) -> StatusCode {
    let at = wall_now();
    let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
    for MessageAlert { status, mut labels } in message.alerts {
        if status != "firing" || received.len() >= RECEIVED_MAX {
            continue;
        }
        let name = labels.shift_remove("alertname").unwrap_or_default();
        labels.sort_unstable_keys();
        let alert = AlertSeries { name, labels: labels.into_iter().collect(), ..AlertSeries::default() };
        received.push(Notification { receiver: message.receiver.clone(), alert, at });
    }
    StatusCode::OK
}
