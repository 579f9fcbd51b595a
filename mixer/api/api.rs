//! The API from its start to its end.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
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
use crate::state::AppState;

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
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Api {
    /// Binds the address and serves. It has no runs yet.
    ///
    /// # Errors
    ///
    /// The address is not free, or others can reach it and there is no token.
    pub async fn start(settings: ApiSettings, daemon: Daemon) -> Result<Self, Error> {
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
        let state = Arc::new(AppState::new(daemon));
        let access = Access { token: settings.token, is_loopback };
        let (stop, stopped) = watch::channel(false);
        let router = routes::router(Arc::clone(&state), access);
        let serving = tokio::spawn(serve(listener, None, router, stopped));
        info!("control API listens; open http://{} to watch", reachable(address));
        Ok(Self { state, address, stop, serving })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds the main run, which the program has started.
    pub fn add_main(&self, request: RunRequest, run: Run) -> Result<(), Error> {
        let taken = |_| Error::Run("the daemon has a main run already, which is a bug".to_owned());
        let entry = Arc::new(RunEntry::started(request, run));
        self.state.runs().add(Arc::clone(&entry), || Ok(())).map_err(taken)?;
        keep_first_charts(entry);
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
        self.stop.send_replace(true);
        // A panic of the server has been logged, and must not fail the run.
        let _has_ended = self.serving.await.is_ok();
    }
}
