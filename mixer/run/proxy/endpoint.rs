//! An endpoint: an address that listens, and the upstream behind it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use promemu_core::rng::Seed;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::sleep;
use tracing::{info, warn};

use super::connection;
use super::refusal::Refusal;
use super::toxic::{Stream, Toxic, ToxicList};
use super::traffic::Traffics;

/// Pause after an accept that failed, as for too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Time limit of a connection to the upstream.
const CONNECT_TIMEOUT: Duration = Duration::from_mins(1);

/// An endpoint.
#[derive(Debug)]
pub(super) struct Endpoint {
    name: String,
    listen: String,
    upstream: String,
    toxics: watch::Sender<ToxicList>,
    seed: Seed,
    traffics: Traffics,
    /// The task that accepts connections, while the endpoint is enabled. Its end ends all connections.
    accepting: Option<JoinHandle<()>>,
    /// The removals of toxics that last for a time.
    removals: Vec<AbortHandle>,
}

/// An endpoint as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct EndpointView {
    name: String,
    listen: String,
    upstream: String,
    enabled: bool,
    /// Toxiproxy shows its logger, which has no field that can be seen.
    #[serde(rename = "Logger")]
    logger: Logger,
    toxics: Vec<Toxic>,
}

#[derive(Debug, Serialize)]
struct Logger {}

impl Endpoint {
    /// An endpoint that does not listen yet.
    pub(super) fn new(
        [name, listen, upstream]: [String; 3],
        toxics: ToxicList,
        seed: Seed,
        traffics: Traffics,
    ) -> Self {
        let seed = seed.child(&name);
        let toxics = watch::Sender::new(toxics);
        let mut new =
            Self { name, listen, upstream, toxics, seed, traffics, accepting: None, removals: Vec::new() };
        let timed: Vec<Toxic> = new.toxics().listed();
        for toxic in &timed {
            new.remove_later(toxic);
        }
        new
    }

    pub(super) fn view(&self) -> EndpointView {
        EndpointView {
            name: self.name.clone(),
            listen: self.listen.clone(),
            upstream: self.upstream.clone(),
            enabled: self.is_enabled(),
            logger: Logger {},
            toxics: self.toxics().listed(),
        }
    }

    pub(super) fn addresses(&self) -> [&str; 2] {
        [&self.listen, &self.upstream]
    }

    pub(super) const fn is_enabled(&self) -> bool {
        self.accepting.is_some()
    }

    /// The present toxics.
    pub(super) fn toxics(&self) -> ToxicList {
        self.toxics.borrow().clone()
    }

    /// Changes the toxics, if `change` succeeds; all connections follow.
    pub(super) fn change_toxics<T>(
        &mut self,
        change: impl FnOnce(&mut ToxicList) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut toxics = self.toxics();
        let changed = change(&mut toxics)?;
        self.toxics.send_replace(toxics);
        Ok(changed)
    }

    /// Removes a toxic when its time is over.
    pub(super) fn remove_later(&mut self, toxic: &Toxic) {
        let Toxic { id, lasts: Some(lasts), .. } = *toxic else { return };
        let toxics = self.toxics.clone();
        let removal = tokio::spawn(async move {
            sleep(lasts).await;
            toxics.send_if_modified(|toxics| toxics.remove_id(id));
        });
        self.removals.retain(|removal| !removal.is_finished());
        self.removals.push(removal.abort_handle());
    }

    /// Takes over other addresses, which end its connections, and listens or does not.
    pub(super) async fn update(
        &mut self,
        [listen, upstream]: [String; 2],
        enabled: bool,
    ) -> Result<(), Refusal> {
        if [&*listen, &*upstream] != self.addresses() {
            self.stop().await;
            (self.listen, self.upstream) = (listen, upstream);
        }
        if enabled {
            return self.start().await;
        }
        self.stop().await;
        Ok(())
    }

    /// Listens. Does nothing if it does already.
    pub(super) async fn start(&mut self) -> Result<(), Refusal> {
        if self.is_enabled() {
            return Ok(());
        }
        let refused = |error: io::Error| Refusal::Listen(listen_error(&self.listen, &error));
        let listener = TcpListener::bind(&*self.listen).await.map_err(refused)?;
        self.listen = listener.local_addr().map_err(refused)?.to_string();
        info!(proxy = %self.name, listen = %self.listen, upstream = %self.upstream, "proxy listens");
        let labels = [&*self.name, &*self.listen, &*self.upstream];
        let accepting = Accepting {
            name: self.name.clone(),
            upstream: self.upstream.clone(),
            toxics: self.toxics.subscribe(),
            seed: self.seed,
            traffics: [Stream::Upstream, Stream::Downstream].map(|stream| self.traffics.of(stream, labels)),
        };
        self.accepting = Some(tokio::spawn(accepting.run(listener)));
        Ok(())
    }

    /// Ends all connections, and frees its address.
    pub(super) async fn stop(&mut self) {
        let Some(accepting) = self.accepting.take() else { return };
        accepting.abort();
        // The address is free when the task is gone.
        let _is_over = accepting.await.is_ok();
        info!(proxy = %self.name, "proxy is disabled");
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        for removal in &self.removals {
            removal.abort();
        }
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

/// The words of Toxiproxy for an address at which nothing can listen.
fn listen_error(address: &str, error: &io::Error) -> String {
    if !address.contains(':') {
        return format!("listen tcp: address {address}: missing port in address");
    }
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "bind: address already in use".to_owned(),
        io::ErrorKind::PermissionDenied => "bind: permission denied".to_owned(),
        io::ErrorKind::AddrNotAvailable => "bind: cannot assign requested address".to_owned(),
        _ => error.to_string(),
    };
    format!("listen tcp {address}: {why}")
}

/// The work of an endpoint that listens.
struct Accepting {
    name: String,
    upstream: String,
    toxics: watch::Receiver<ToxicList>,
    seed: Seed,
    traffics: [super::traffic::Traffic; 2],
}

impl Accepting {
    async fn run(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        let mut number = 0_u64;
        loop {
            let accepted = tokio::select! {
                Some(_) = connections.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            let (client, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(proxy = %self.name, %error, "connection cannot be accepted");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let connections_max = self.toxics.borrow().connections_max();
            if connections_max.is_some_and(|max| connections.len() as u64 >= max) {
                continue;
            }
            number += 1;
            connections.spawn(self.connection(client, address, number));
        }
    }

    /// One connection, from the call of its upstream to its end.
    fn connection(
        &self,
        client: TcpStream,
        address: SocketAddr,
        number: u64,
    ) -> impl Future<Output = ()> + Send + use<> {
        let Self { name, upstream, toxics, seed, traffics } = self;
        let (name, upstream, toxics, traffics) =
            (name.clone(), upstream.clone(), toxics.clone(), traffics.clone());
        let seed = seed.child(&number.to_string());
        async move {
            let connecting = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(&*upstream));
            let connected = connecting.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            match connected {
                Ok(upstream) => connection::pass(client, upstream, toxics, seed, traffics).await,
                Err(error) => {
                    warn!(proxy = %name, client = %address, %upstream, %error, "upstream is away");
                }
            }
        }
    }
}
