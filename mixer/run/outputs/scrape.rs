//! Scrape output: the jobs of all runs served by promemu itself, as a Pushgateway would show them, and each host as a target
//! of its own. There is one listener in a process, whose runs come and go.
//!
//! Every series of `/metrics` carries its `job` and an empty `instance` (in place of a Pushgateway also, per job,
//! `push_time_seconds`), so that Prometheus takes it with the same `honor_labels: true` as the real one. Bodies are
//! made in chunks, as fast as clients take them; a job is locked for one chunk at a time.

mod access;
mod body_stream;
mod hosts;
mod metrics;
mod negotiation;
mod publisher;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::routing::get;
use futures_core::future::BoxFuture;
use indexmap::IndexMap;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::health::Health;
use super::output::{Output, OutputConfig, OutputContext, ProcessState, SharedOutput, SharedOutputConfig};
use super::readiness::Readiness;
use super::rounds::Rounds;
use super::self_page::{self, SELF_PATH};
use crate::clock::wall_now;
use crate::http::{HttpOptions, listen_address, server, server_tls};
use crate::self_metrics::SelfMetrics;
use promemu_core::error::Error;
use promemu_core::naming::host_and_port;
use promemu_core::series::Job;
use promemu_core::time::Span;
use publisher::Publisher;

/// Settings of the scrape output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeSettings {
    /// The name or address to listen at.
    pub host: String,
    /// The port; with 0 the system chooses one.
    pub port: u16,
    /// Credentials that clients must show, and TLS.
    pub http: HttpOptions,
    /// Stands in place of a Pushgateway, and so shows when each job was published.
    pub is_embedded: bool,
    /// Takes the next free port if this one is taken.
    pub may_move: bool,
}

impl ScrapeSettings {
    /// The options that [`Self::take_from`] knows.
    pub const KEYS: [&str; 8] = [
        "user",
        "password_file",
        "password_env",
        "bearer_file",
        "bearer_env",
        "cert_file",
        "key_file",
        "ca_file",
    ];

    /// Takes its keys out of the options and leaves the others. Files and variables are read now.
    pub fn take_from(target: Option<&str>, options: &mut IndexMap<String, String>) -> Result<Self, Error> {
        let (host, port) = target.and_then(listen_address).ok_or_else(|| {
            Error::Usage("the target must be HOST:PORT, as in scrape=127.0.0.1:9464".to_owned())
        })?;
        // A secret in clear text is known, too, and refused.
        let keys = Self::KEYS.into_iter().chain(["password", "bearer"]);
        let mut own: IndexMap<String, String> =
            keys.filter_map(|key| Some((key.to_owned(), options.shift_remove(key)?))).collect();
        if own.contains_key("ca_file") && !own.contains_key("cert_file") {
            return Err(Error::Usage(
                "ca_file is for clients with certificates, which needs cert_file".to_owned(),
            ));
        }
        let http = HttpOptions::take_for_server(&mut own)?;
        Ok(Self { host, port, http, is_embedded: false, may_move: false })
    }

    fn address(&self) -> String {
        host_and_port(&self.host, self.port)
    }
}

impl OutputConfig for ScrapeSettings {
    fn kind(&self) -> &'static str {
        "scrape"
    }

    fn target(&self) -> String {
        self.address()
    }
}

impl SharedOutputConfig for ScrapeSettings {
    fn open_shared<'a>(
        &'a self,
        name: &'a str,
        process: &'a ProcessState,
    ) -> BoxFuture<'a, Result<Arc<dyn SharedOutput>, Error>> {
        Box::pin(async move {
            Ok(Arc::new(ScrapePage::bind(self, name, process).await?) as Arc<dyn SharedOutput>)
        })
    }
}

/// The page, with its address taken.
#[derive(Debug)]
struct ScrapePage {
    publisher: Arc<Publisher>,
    own: Arc<SelfMetrics>,
    readiness: Arc<Readiness>,
    /// Taken when it serves.
    listener: Mutex<Option<TcpListener>>,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    authorization: Option<HeaderValue>,
}

impl ScrapePage {
    async fn bind(settings: &ScrapeSettings, name: &str, process: &ProcessState) -> Result<Self, Error> {
        let flag = if settings.is_embedded { "--pushgateway-url" } else { "--output scrape=HOST:PORT" };
        let refused = |source| Error::System {
            what: format!(
                "cannot listen on {}; choose a free address of this machine with {flag}",
                settings.address()
            ),
            source,
        };
        let tls = server_tls(&settings.http)?;
        let authorization = settings.http.authorization().cloned();
        let listener =
            server::bind(&settings.host, settings.port, settings.may_move).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let tally = process.own.outputs().scraped(name);
        let publisher = Publisher::new(address.to_string(), tls.is_some(), settings.is_embedded, tally);
        Ok(Self {
            publisher: Arc::new(publisher),
            own: Arc::clone(&process.own),
            readiness: Arc::clone(&process.readiness),
            listener: Mutex::new(Some(listener)),
            address,
            tls,
            authorization,
        })
    }

    fn router(&self) -> Router {
        let mut router = Router::new()
            .route(
                "/",
                get(|| async { "promemu: the metrics are at /metrics, promemu's own at /promemu/metrics\n" }),
            )
            .route("/metrics", get(metrics::page))
            .route("/hosts/{*rest}", get(hosts::page))
            .route("/runs/{run}/hosts/{*rest}", get(hosts::page_in_run))
            .route("/http_sd", get(hosts::list))
            .with_state(Arc::clone(&self.publisher))
            .merge(self_page::router(Arc::clone(&self.own)));
        if let Some(expected) = &self.authorization {
            router = router.layer(axum::middleware::from_fn_with_state(expected.clone(), access::check));
        }
        let ready = get(ready).with_state(Arc::clone(&self.readiness));
        router.route("/-/healthy", get(|| async { "ok\n" })).route("/-/ready", ready)
    }
}

/// `/-/ready`: from when a scrape is not empty.
async fn ready(State(readiness): State<Arc<Readiness>>) -> (StatusCode, &'static str) {
    if readiness.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not all hosts have reported yet\n")
    }
}

impl SharedOutput for ScrapePage {
    fn join(self: Arc<Self>, context: &OutputContext<'_>) -> Box<dyn Output> {
        self.publisher.replace_jobs(&context.run, context.jobs);
        let health = Arc::new(Health::of_page(Arc::clone(&self.publisher.reads)));
        Box::new(RunOnPage { page: self, run: Arc::clone(&context.run), health })
    }

    fn serve(self: Arc<Self>, stopped: watch::Receiver<bool>) -> BoxFuture<'static, ()> {
        let (router, tls) = (self.router(), self.tls.clone());
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            if let Some(listener) = listener {
                server::serve(listener, tls, router, stopped).await;
            }
        })
    }
}

/// A run on the page, until it is dropped.
#[derive(Debug)]
struct RunOnPage {
    page: Arc<ScrapePage>,
    run: Arc<str>,
    health: Arc<Health>,
}

impl RunOnPage {
    /// `true` if there was anything new.
    fn publish(&self) -> bool {
        let has_changed = self.page.publisher.publish(&self.run);
        if has_changed {
            self.health.pushed(wall_now());
        }
        has_changed
    }
}

impl Drop for RunOnPage {
    fn drop(&mut self) {
        self.page.publisher.leave(&self.run);
    }
}

impl Output for RunOnPage {
    fn health(&self) -> &Arc<Health> {
        &self.health
    }

    fn destination(&self, _interval: Span) -> String {
        let scheme = if self.page.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", self.page.address);
        format!("the metrics are at {url}/metrics, promemu's own at {url}{SELF_PATH}")
    }

    fn drive(self: Box<Self>, rounds: Rounds) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // The jobs count as published from now on.
            let _has_changed = self.publish();
            let replace_jobs = |jobs: &[Arc<Job>]| self.page.publisher.replace_jobs(&self.run, jobs);
            rounds.publish(replace_jobs, || self.publish()).await;
        })
    }
}
