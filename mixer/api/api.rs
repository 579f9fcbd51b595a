//! The API from its start to its end.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tracing::info;

use promemu_core::error::Error;
use promemu_core::stop::Stop;
use promemu_run::http::server::serve;
use promemu_run::run::{Run, StopReason};

use crate::access::Access;
use crate::daemon::Daemon;
use crate::routes;
use crate::runs::RunRequest;
use crate::runs::entry::RunEntry;
use crate::runs::sampling::keep_first_charts;
use crate::runs::start::create;
use crate::settings::ApiSettings;
use crate::shards::{WholeRun, for_calls};
use crate::state::AppState;

/// The page of a server of this address, where others can reach it; `None` if it depends on the way to this machine.
fn page_for_others(address: SocketAddr) -> Option<String> {
    (!address.ip().is_unspecified()).then(|| format!("http://{address}"))
}

/// An address of this machine at which a server of this address answers.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

/// The API, listening.
#[derive(Debug)]
pub struct Api {
    state: Arc<AppState>,
    /// `None` for one that only answers other shards.
    listening: Option<Listening>,
    /// Answers other shards.
    answering: JoinSet<()>,
}

/// The server.
#[derive(Debug)]
struct Listening {
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Api {
    /// Binds the address and serves; without one it only answers the other shards of a run. It has no runs yet.
    ///
    /// # Errors
    ///
    /// The address is not free, or others can reach it and there is no token.
    pub async fn start(settings: Option<ApiSettings>, daemon: Daemon) -> Result<Self, Error> {
        let shards = daemon.shards.clone();
        let state = Arc::new(AppState::new(daemon));
        let bound = match settings {
            Some(settings) => Some(Bound::new(settings).await?),
            None => None,
        };
        let page = bound.as_ref().and_then(|bound| page_for_others(bound.address));
        let whole = shards
            .map(|calls| Arc::new(WholeRun::new(calls, for_calls(routes::of_api(Arc::clone(&state))), page)));
        let mut answering = JoinSet::new();
        if let Some(whole) = &whole {
            answering.spawn(Arc::clone(whole).serve());
        }
        let listening = bound.map(|bound| bound.serve(Arc::clone(&state), whole));
        Ok(Self { state, listening, answering })
    }

    /// Adds the main run, which the program has started.
    pub fn add_main(&self, request: RunRequest, run: Run) -> Result<(), Error> {
        let taken = |_| Error::Run("the daemon has a main run already, which is a bug".to_owned());
        let entry = Arc::new(RunEntry::started(request, run));
        self.state.runs().add(Arc::clone(&entry), || Ok(())).map_err(taken)?;
        // Nobody can open a page otherwise.
        if self.listening.is_some() {
            keep_first_charts(entry);
        }
        Ok(())
    }

    /// Adds the main run, and starts it or leaves that to a client. Returns its outcome, once it is over. Blocks: loading a
    /// config takes time.
    ///
    /// # Errors
    ///
    /// The config has errors.
    pub fn create_main(
        &self,
        request: RunRequest,
        starts: bool,
    ) -> Result<impl Future<Output = Result<(), Error>> + use<>, Error> {
        let entry = create(&self.state, request, starts, &Stop::default())?;
        Ok(async move {
            entry.over().await;
            match entry.run() {
                Some(run) => run.outcome().await,
                None => Ok(()),
            }
        })
    }

    /// Ends all runs, for this reason, then the API.
    pub async fn end(self, reason: StopReason) {
        self.state.runs().end(reason).await;
        drop(self.answering);
        if let Some(Listening { stop, serving }) = self.listening {
            stop.send_replace(true);
            // A panic of the server has been logged, and must not fail the run.
            let _has_ended = serving.await.is_ok();
        }
    }
}

/// A server that does not yet serve.
struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    access: Access,
}

impl Bound {
    async fn new(settings: ApiSettings) -> Result<Self, Error> {
        let is_loopback = settings.is_loopback().await?;
        if !is_loopback && settings.token.is_none() {
            let address = settings.address();
            return Err(Error::Usage(format!(
                "--listen or PME_LISTEN: {address} can be reached by others, so a token is needed; give one by \
                 PME_API_TOKEN or --api-token-file"
            )));
        }
        let listener = settings.bind().await?;
        let unknown = |source| Error::System { what: "the API has no address".to_owned(), source };
        let address = listener.local_addr().map_err(unknown)?;
        Ok(Self { listener, address, access: Access { token: settings.token, is_loopback } })
    }

    fn serve(self, state: Arc<AppState>, whole: Option<Arc<WholeRun>>) -> Listening {
        let Self { listener, address, access } = self;
        let (stop, stopped) = watch::channel(false);
        let router = routes::router(state, access, whole);
        let serving = tokio::spawn(serve(listener, None, router, stopped));
        info!("control API listens; open http://{} to watch", reachable(address));
        Listening { stop, serving }
    }
}
