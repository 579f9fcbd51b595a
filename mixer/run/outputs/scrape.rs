//! The scrape sink: a run's jobs served by promemu itself, as a Pushgateway would show them; and each host as a
//! target of its own.
//!
//! Every series of the page carries its `job` and an empty `instance` (in a Pushgateway's place also, per job,
//! `push_time_seconds`), so that Prometheus takes it with the same `honor_labels: true` as the real one. Bodies
//! are made piece by piece, as fast as clients take them; a job is locked for a piece at a time.

mod access;
mod body_stream;
mod hosts;
mod negotiation;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use indexmap::IndexMap;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use body_stream::{PIECE_BYTES, Slot, answer, headed};

use super::health::Health;
use super::self_page;
use crate::clock::wall_now;
use crate::http::HttpOptions;
use crate::self_metrics::{ScrapeTally, SelfMetrics};
use promemu_core::error::Error;
use promemu_core::metric::MetricType;
use promemu_core::series::Job;
use promemu_core::series::{Family, LabelBlock, SeriesStore};
use promemu_core::time::Time;
use promemu_wire::exposition::{ChunkedEncoder, Group};

/// So many bodies are made at the same time; more would only make all of them slow.
const BODIES_AT_ONCE: usize = 16;
/// A host's page waits so long for its place: all hosts may be scraped at the same moment.
const SLOT_PATIENCE: Duration = Duration::from_secs(5);

/// Where to serve, and in whose place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeSettings {
    /// The name or address to listen at.
    pub host: String,
    /// The port; with 0 the system chooses one.
    pub port: u16,
    /// What clients are to show, and by what they know promemu.
    pub http: HttpOptions,
    /// Whether it stands in a Pushgateway's place, and so shows when each job was published.
    pub is_embedded: bool,
}

impl ScrapeSettings {
    /// `HOST:PORT`
    #[must_use]
    pub fn address(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// What is served, and when each job was last published.
#[derive(Debug)]
pub struct Publisher {
    health: Arc<Health>,
    shows_push_times: bool,
    is_private: bool,
    /// Where it listens.
    address: String,
    pools: Arc<Semaphore>,
    tally: ScrapeTally,
    /// Swapped as a whole; the lock is held for no longer than that.
    page: Mutex<Arc<[Served]>>,
}

/// One job that is served.
#[derive(Debug)]
struct Served {
    job: Arc<Job>,
    labels: LabelBlock,
    published_version: AtomicU64,
    published_at_nanos: AtomicU64,
    /// The rows sorted by their hosts' names; made when somebody asks for a host.
    rows_by_name: OnceLock<Vec<u32>>,
}

impl Served {
    /// A job that was last published at this time. The next look finds a change.
    fn new(job: &Arc<Job>, published_at_nanos: u64) -> Self {
        let labels = [("instance", ""), ("job", job.name())];
        let has_instance = job.store().has_label("instance");
        let labels =
            LabelBlock::new(labels.into_iter().filter(|(name, _)| !has_instance || *name != "instance"));
        Self {
            job: Arc::clone(job),
            labels,
            published_version: AtomicU64::new(u64::MAX),
            published_at_nanos: AtomicU64::new(published_at_nanos),
            rows_by_name: OnceLock::new(),
        }
    }

    /// The family of a Pushgateway that says when the job was pushed last.
    fn push_time(&self) -> SeriesStore {
        let published_at = Time::from_unix_nanos(self.published_at_nanos.load(Ordering::Relaxed));
        let help = "when this job was last published, in seconds since the Unix epoch";
        let family = Family::new("push_time_seconds", help, MetricType::Gauge);
        SeriesStore::single(family, LabelBlock::empty(), published_at.unix_secs())
    }
}

/// The sink, with its address taken.
#[derive(Debug)]
pub struct ScrapeSink {
    publisher: Arc<Publisher>,
    own: Arc<SelfMetrics>,
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    authorization: Option<HeaderValue>,
}

impl ScrapeSink {
    /// Takes the address. The run's `own` metrics are served beside the jobs; how scrapes fare is added to them,
    /// under the name of the output.
    pub async fn bind(
        settings: &ScrapeSettings,
        jobs: &[Arc<Job>],
        own: Arc<SelfMetrics>,
        name: &str,
    ) -> Result<Self, Error> {
        let flag = if settings.is_embedded { "--pushgateway-url" } else { "--output scrape=HOST:PORT" };
        let refused = |source| Error::System {
            what: format!(
                "cannot listen on {}; choose a free address of this machine with {flag}",
                settings.address()
            ),
            source,
        };
        let tls = access::tls(&settings.http)?;
        let authorization = settings.http.authorization().cloned();
        let address = (settings.host.as_str(), settings.port);
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let page = jobs.iter().map(|job| Served::new(job, 0)).collect();
        let publisher = Publisher {
            health: Arc::default(),
            shows_push_times: settings.is_embedded,
            is_private: tls.is_some(),
            address: address.to_string(),
            pools: Arc::new(Semaphore::new(BODIES_AT_ONCE)),
            tally: own.scraped_output(name),
            page: Mutex::new(page),
        };
        Ok(Self { publisher: Arc::new(publisher), own, listener, address, tls, authorization })
    }

    /// How it fares.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.publisher.health
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The url of its root.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    /// The server, which runs until it is dropped, and what publishes beside it.
    pub fn serve(self) -> (Arc<Publisher>, impl Future<Output = Result<(), Error>>) {
        let mut router = Router::new()
            .route(
                "/",
                get(|| async { "promemu: the metrics are at /metrics, promemu's own at /promemu/metrics\n" }),
            )
            .route("/metrics", get(metrics))
            .route("/hosts/{*rest}", get(hosts::page))
            .route("/http_sd", get(hosts::list))
            .with_state(Arc::clone(&self.publisher))
            .merge(self_page::router(self.own));
        if let Some(wanted) = self.authorization {
            router = router.layer(axum::middleware::from_fn_with_state(wanted, access::check));
        }
        let router =
            router.route("/-/healthy", get(|| async { "ok\n" })).route("/-/ready", get(|| async { "ok\n" }));
        let (listener, tls) = (self.listener, self.tls);
        // The first look: the jobs count as published from now on.
        let _has_changed = self.publisher.publish();
        let serving = async move {
            let served = match tls {
                None => axum::serve(listener, router).await,
                Some(tls) => axum::serve(access::TlsListener::new(listener, tls), router).await,
            };
            served.map_err(|source| Error::System {
                what: "the metrics cannot be served any more".to_owned(),
                source,
            })
        };
        (self.publisher, serving)
    }
}

impl Publisher {
    /// What a push is elsewhere: notes the time of each job that has changed; says whether any has.
    #[must_use]
    pub fn publish(&self) -> bool {
        let now_nanos = wall_now().since(Time::from_unix_nanos(0)).as_nanos();
        let mut has_changed = false;
        for served in &*self.page() {
            let newest = served.job.store().version();
            if served.published_version.swap(newest, Ordering::Relaxed) != newest {
                served.published_at_nanos.store(now_nanos, Ordering::Relaxed);
                has_changed = true;
            }
        }
        if has_changed {
            self.health.pushed(wall_now());
        }
        has_changed
    }

    /// Serves these jobs from now on. One that was served before keeps its time; a new one counts as
    /// published now.
    pub fn replace_jobs(&self, jobs: &[Arc<Job>]) {
        let now_nanos = wall_now().since(Time::from_unix_nanos(0)).as_nanos();
        let old = self.page();
        let times = old.iter().map(|served| (&**served.job.name(), &served.published_at_nanos));
        let times: IndexMap<&str, &AtomicU64> = times.collect();
        let published_at =
            |job: &Arc<Job>| times.get(&**job.name()).map_or(now_nanos, |at| at.load(Ordering::Relaxed));
        let page = jobs.iter().map(|job| Served::new(job, published_at(job))).collect();
        *self.page.lock().unwrap_or_else(PoisonError::into_inner) = page;
    }

    fn page(&self) -> Arc<[Served]> {
        Arc::clone(&self.page.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A place among those who get a body now, if there is one.
    fn take_slot(&self) -> Option<Slot> {
        self.tally.scrapes.inc();
        let permit = Arc::clone(&self.pools).try_acquire_owned().ok()?;
        Some(Slot { permit, tally: self.tally.clone() })
    }

    /// The same for one of many small bodies, which wait for each other.
    async fn wait_for_slot(&self) -> Option<Slot> {
        self.tally.scrapes.inc();
        let permit = tokio::time::timeout(SLOT_PATIENCE, Arc::clone(&self.pools).acquire_owned()).await;
        Some(Slot { permit: permit.ok()?.ok()?, tally: self.tally.clone() })
    }

    /// The answer when there is none.
    fn refusal(&self) -> Response {
        self.tally.refused.inc();
        let told = format!("{BODIES_AT_ONCE} scrapes are under way already; come again later\n");
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], told).into_response()
    }
}

async fn metrics(State(publisher): State<Arc<Publisher>>, method: Method, headers: HeaderMap) -> Response {
    let (format, encoding) = (negotiation::format(&headers), negotiation::encoding(&headers));
    if method == Method::HEAD {
        return headed(format.content_type(), encoding, Body::empty());
    }
    let Some(slot) = publisher.take_slot() else { return publisher.refusal() };
    let page = publisher.page();
    let shows_push_times = publisher.shows_push_times;
    answer(format.content_type(), encoding, slot, move |outlet| {
        // When the jobs that have hosts were published, as it is when the scrape begins.
        let times = page.iter().filter(|served| shows_push_times && served.job.store().rows_present() > 0);
        let times: Vec<(SeriesStore, &LabelBlock)> =
            times.map(|served| (served.push_time(), &served.labels)).collect();
        let mut pieces = {
            let stores: Vec<_> = page.iter().map(|served| served.job.store()).collect();
            let times = times.iter().map(|(store, _)| store);
            ChunkedEncoder::new(format, stores.iter().map(|store| &**store).chain(times))
        };
        let mut with_group = |index: usize, work: &mut dyn FnMut(&Group<'_>)| {
            if let Some(served) = page.get(index) {
                work(&Group { store: &served.job.store(), labels: &served.labels });
            } else {
                let (store, labels) = &times[index - page.len()];
                work(&Group { store, labels });
            }
        };
        let mut piece = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
        while pieces.put_next(PIECE_BYTES, &mut with_group, &mut piece) {
            outlet.put(&mut piece)?;
        }
        Ok(())
    })
}
