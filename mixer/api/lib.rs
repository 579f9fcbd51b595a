//! The control API: a daemon's runs over HTTP, to look at and to steer.
//!
//! Its routes are functions of [`AppState`]; what they take and give is described beside them, and `/openapi.json` is
//! made of that. A request costs what it shows. Whoever listens on an address that others reach must ask for
//! a token; on loopback no web page of another site gets through.

mod access;
mod configs;
mod error;
mod events;
mod hosts;
mod limits;
mod live;
mod page;
mod params;
mod runs;
mod status;
mod stream;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Html;
use axum::routing::get;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tracing::info;
use utoipa::{IntoParams, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use access::Token;
pub use runs::{MAIN, MainRun, RunRequest, Source};

use access::Access;
use error::{ApiError, in_one_form};
use limits::Pace;
use promemu_core::config::ConfigDirs;
use promemu_core::error::Error;
use promemu_core::plan::RunDefaults;
use promemu_run::handle::RunHandle;
use promemu_run::http::server::serve;
use promemu_run::self_metrics::SelfMetrics;
use promemu_run::settings::RunSettings;
use runs::{Run, Runs};

/// A body has so many bytes at most.
const BODY_BYTES_MAX: usize = 1 << 20;
/// So many streams are open at the same time.
const STREAMS_MAX: usize = 256;
/// So many requests that take their time are worked on; others wait.
const HEAVY_AT_ONCE: usize = 4;
/// They wait so long.
const HEAVY_PATIENCE: Duration = Duration::from_secs(20);
/// Where no port is asked for, so many are tried.
const PORTS_TRIED: u16 = 20;

/// Where to listen, and what to ask for.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The name or address to listen at.
    pub host: String,
    /// The port; with 0 the system chooses one.
    pub port: u16,
    /// Whether it must be this port; if not, the next free one will do.
    pub is_fixed: bool,
    /// What clients must show.
    pub token: Option<Token>,
}

/// Says how to run a config that has these defaults.
type MakeSettings = dyn Fn(&RunDefaults) -> Result<RunSettings, Error> + Send + Sync;

/// What the API knows of the program around it.
pub struct Daemon {
    /// Where configs are looked for.
    pub dirs: ConfigDirs,
    /// The config of the daemon's own run, as it was given.
    pub main_config: Option<String>,
    /// A run with more series is refused.
    pub series_max: usize,
    /// How to run a config that has these defaults.
    pub run_settings: Box<MakeSettings>,
}

impl fmt::Debug for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon").field("dirs", &self.dirs).finish_non_exhaustive()
    }
}

/// What all routes share.
#[derive(Debug)]
struct AppState {
    runs: Runs,
    daemon: Daemon,
    streams: Arc<Semaphore>,
    heavy: Semaphore,
    /// Shown while no run of the daemon's own has others.
    own: Arc<SelfMetrics>,
    runtime: tokio::runtime::Handle,
}

/// Which run is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfRun {
    /// The run; main if it is not given.
    run: Option<String>,
}

impl AppState {
    fn run(&self, id: Option<&str>) -> Result<Arc<Run>, ApiError> {
        self.runs.find(id.unwrap_or(MAIN))
    }

    /// A run that can be looked at.
    fn remote(&self, id: Option<&str>) -> Result<(Arc<Run>, RunHandle), ApiError> {
        let run = self.run(id)?;
        let remote = run.remote()?;
        Ok((run, remote))
    }

    fn stream_permit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let permit = Arc::clone(&self.streams).try_acquire_owned();
        permit.map_err(|_| ApiError::too_many(format!("{STREAMS_MAX} streams are open already; close one")))
    }
}

/// Does what takes its time in a thread that may block.
async fn blocking<T: Send + 'static>(
    desk: &Arc<AppState>,
    work: impl FnOnce(&Arc<AppState>) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let permit = tokio::time::timeout(HEAVY_PATIENCE, desk.heavy.acquire()).await;
    let Ok(Ok(_permit)) = permit else {
        return Err(ApiError::too_many("too much is asked for at the same time; try again"));
    };
    let desk = Arc::clone(desk);
    let done = tokio::task::spawn_blocking(move || work(&desk)).await;
    done.map_err(|bug| ApiError::internal(format!("this was not done because of a bug: {bug}")))
}

/// The API, with its address taken and at work.
#[derive(Debug)]
pub struct Api {
    desk: Arc<AppState>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "promemu", description = "Looks at runs of promemu, and steers them.", license(name = "MIT OR Apache-2.0")),
    modifiers(&Security),
)]
struct Description;

/// Says how the token is shown.
struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        api.components.get_or_insert_default().add_security_scheme("token", scheme);
        let needs: [String; 0] = [];
        api.security = Some(vec![SecurityRequirement::default(), SecurityRequirement::new("token", needs)]);
    }
}

impl Api {
    /// Takes the address and serves. Runs come later.
    pub async fn start(settings: ApiSettings, daemon: Daemon) -> Result<Self, Error> {
        let is_loopback = is_loopback(&settings).await?;
        if !is_loopback && settings.token.is_none() {
            let ApiSettings { host, port, .. } = &settings;
            return Err(Error::Usage(format!(
                "--listen or PME_LISTEN: {host}:{port} can be reached by others, so a token is needed; give one by \
                 PME_API_TOKEN or --api-token-file"
            )));
        }
        let listener = listen(&settings).await?;
        let refused = |source| Error::System { what: "the API has no address".to_owned(), source };
        let address = listener.local_addr().map_err(refused)?;
        let desk = Arc::new(AppState {
            runs: Runs::default(),
            daemon,
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            heavy: Semaphore::new(HEAVY_AT_ONCE),
            own: Arc::new(SelfMetrics::new()?),
            runtime: tokio::runtime::Handle::current(),
        });
        let access = Access { token: settings.token, is_loopback };
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve(listener, None, router(Arc::clone(&desk), access), stopped));
        info!("the control API is at http://{address}");
        Ok(Self { desk, address, stop, serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds the daemon's own run; the program drives it.
    pub fn main_run(&self, wanted: RunRequest) -> Result<MainRun, Error> {
        MainRun::new(&self.desk.runs, wanted)
    }

    /// Ends all runs that clients have made, and the API.
    pub async fn end(self) {
        self.desk.runs.end().await;
        self.stop.send_replace(true);
        // A bug there is no reason to fail here.
        let _has_ended = self.serving.await.is_ok();
    }
}

/// Whether only this machine can connect there.
async fn is_loopback(settings: &ApiSettings) -> Result<bool, Error> {
    let ApiSettings { host, port, .. } = settings;
    let unknown = |source| Error::System {
        what: format!("cannot listen on {host}:{port}; choose an address of this machine with --listen"),
        source,
    };
    let mut addresses = tokio::net::lookup_host((host.as_str(), *port)).await.map_err(unknown)?;
    Ok(addresses.all(|address| address.ip().is_loopback()))
}

/// Takes the address; the next free port if none was asked for.
async fn listen(settings: &ApiSettings) -> Result<TcpListener, Error> {
    let ApiSettings { host, port, is_fixed, .. } = settings;
    let tried = if *is_fixed || *port == 0 { 1 } else { PORTS_TRIED };
    let mut last = None;
    for port in *port..port.saturating_add(tried) {
        match TcpListener::bind((host.as_str(), port)).await {
            Ok(listener) => return Ok(listener),
            Err(problem) => last = Some(problem),
        }
    }
    let what = if *is_fixed {
        format!(
            "cannot listen on {host}:{port}; choose a free address of this machine with --listen, or --listen off"
        )
    } else {
        format!("no port from {port} on is free on {host}; choose one with --listen, or --listen off")
    };
    Err(Error::System { what, source: last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()) })
}

fn router(desk: Arc<AppState>, access: Access) -> Router {
    let (router, description) = routes().split_for_parts();
    let description: Arc<str> = description.to_json().unwrap_or_default().into();
    let json = [(axum::http::header::CONTENT_TYPE, "application/json")];
    router
        .route("/openapi.json", get(move || async move { (json, description.to_string()) }))
        .route("/docs", get(|| async { Html(include_str!("docs.html")) }))
        .merge(page::routes())
        .with_state(desk)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::new(access), access::check))
        .layer(from_fn_with_state(Arc::new(Pace::default()), limits::pace))
        .layer(from_fn(in_one_form))
        .layer(from_fn(limits::mark))
}

fn routes() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(status::health))
        .routes(routes!(status::ready))
        .routes(routes!(status::own_metrics))
        .routes(routes!(status::version))
        .routes(routes!(status::status))
        .routes(routes!(hosts::hosts, hosts::add_host))
        .routes(routes!(hosts::host, hosts::remove_host))
        .routes(routes!(hosts::stop_host))
        .routes(routes!(hosts::start_host))
        .routes(routes!(hosts::metrics))
        .routes(routes!(hosts::series))
        .routes(routes!(hosts::metric))
        .routes(routes!(hosts::set_override, hosts::end_override))
        .routes(routes!(hosts::overrides))
        .routes(routes!(live::live))
        .routes(routes!(events::listened, events::post_event))
        .routes(routes!(events::events))
        .routes(routes!(configs::configs))
        .routes(routes!(configs::config))
        .routes(routes!(configs::check))
        .routes(routes!(runs::runs, runs::create_run))
        .routes(routes!(runs::run, runs::delete_run))
        .routes(routes!(runs::start_run))
        .routes(routes!(runs::stop_run))
        .routes(routes!(runs::run_metrics))
        .routes(routes!(runs::run_config))
}
