//! Scrape output: a run's jobs served by promemu itself, as a Pushgateway would show them, and each host as a target of
//! its own.
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
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::routing::get;
use futures_core::future::BoxFuture;
use indexmap::IndexMap;
use rustls::ServerConfig;
use tokio::net::TcpListener;

use super::health::Health;
use super::output::{Output, OutputConfig, OutputContext};
use super::rounds::Rounds;
use super::self_page::{self, SELF_PATH};
use crate::http::{HttpOptions, server, server_tls};
use crate::self_metrics::SelfMetrics;
use promemu_core::error::Error;
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
        let (host, port) = target
            .and_then(|target| target.rsplit_once(':'))
            .and_then(|(host, port)| Some((host, port.parse().ok()?)))
            .filter(|(host, _)| !host.is_empty() && !host.contains('/'))
            .ok_or_else(|| {
                Error::Usage("the target must be HOST:PORT, as in scrape=127.0.0.1:9464".to_owned())
            })?;
        let host = host.trim_matches(['[', ']']).to_owned();
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
        Ok(Self { host, port, http, is_embedded: false })
    }

    fn address(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl OutputConfig for ScrapeSettings {
    fn kind(&self) -> &'static str {
        "scrape"
    }

    fn target(&self) -> String {
        self.address()
    }

    fn open<'a>(&'a self, context: &'a OutputContext<'a>) -> BoxFuture<'a, Result<Box<dyn Output>, Error>> {
        Box::pin(async move { Ok(Box::new(ScrapeOutput::bind(self, context).await?) as Box<dyn Output>) })
    }
}

/// The output, with its address taken.
#[derive(Debug)]
struct ScrapeOutput {
    publisher: Arc<Publisher>,
    own: Arc<SelfMetrics>,
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    authorization: Option<HeaderValue>,
}

impl ScrapeOutput {
    async fn bind(settings: &ScrapeSettings, context: &OutputContext<'_>) -> Result<Self, Error> {
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
        let listener = TcpListener::bind((settings.host.as_str(), settings.port)).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let tally = context.own.scraped_output(&context.name);
        let publisher =
            Publisher::new(context.jobs, address.to_string(), tls.is_some(), settings.is_embedded, tally);
        let (publisher, own) = (Arc::new(publisher), Arc::clone(context.own));
        Ok(Self { publisher, own, listener, address, tls, authorization })
    }

    fn router(&self) -> Router {
        let mut router = Router::new()
            .route(
                "/",
                get(|| async { "promemu: the metrics are at /metrics, promemu's own at /promemu/metrics\n" }),
            )
            .route("/metrics", get(metrics::page))
            .route("/hosts/{*rest}", get(hosts::page))
            .route("/http_sd", get(hosts::list))
            .with_state(Arc::clone(&self.publisher))
            .merge(self_page::router(Arc::clone(&self.own)));
        if let Some(expected) = &self.authorization {
            router = router.layer(axum::middleware::from_fn_with_state(expected.clone(), access::check));
        }
        router.route("/-/healthy", get(|| async { "ok\n" })).route("/-/ready", get(|| async { "ok\n" }))
    }
}

impl Output for ScrapeOutput {
    fn health(&self) -> &Arc<Health> {
        self.publisher.health()
    }

    fn destination(&self, _interval: Span) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", self.address);
        format!("the metrics are at {url}/metrics, promemu's own at {url}{SELF_PATH}")
    }

    fn scrape_address(&self) -> Option<SocketAddr> {
        Some(self.address)
    }

    fn drive(self: Box<Self>, rounds: Rounds) -> BoxFuture<'static, ()> {
        let router = self.router();
        let Self { publisher, listener, tls, .. } = *self;
        Box::pin(async move {
            // The jobs count as published from now on.
            let _has_changed = publisher.publish();
            let serving = server::serve(listener, tls, router, rounds.stopped());
            let publishing = rounds.publish(|jobs| publisher.replace_jobs(jobs), || publisher.publish());
            tokio::join!(serving, publishing);
        })
    }
}
