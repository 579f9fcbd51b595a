//! The scrape sink: a run's jobs served by promemu itself, as a Pushgateway would show them.
//!
//! Every series carries its `job`, an empty `instance` and, per job, `push_time_seconds`, so that Prometheus
//! takes it with the same `honor_labels: true` as the real one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use indexmap::IndexMap;
use tokio::net::TcpListener;

use super::{Health, Job, self_page};
use crate::clock::{Time, wall_now};
use crate::error::Error;
use crate::exposition::{Format, Group, encode};
use crate::metric::MetricType;
use crate::self_metrics::SelfMetrics;
use crate::series::{Family, LabelBlock, SeriesStore};

/// Where to serve, and in whose place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeSettings {
    /// The name or address to listen at.
    pub host: String,
    /// The port; with 0 the system chooses one.
    pub port: u16,
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
        }
    }
}

/// The sink, with its address taken.
#[derive(Debug)]
pub struct ScrapeSink {
    publisher: Arc<Publisher>,
    own: Arc<SelfMetrics>,
    listener: TcpListener,
    address: SocketAddr,
}

impl ScrapeSink {
    /// Takes the address. The run's `own` metrics are served beside the jobs.
    pub async fn bind(
        settings: &ScrapeSettings,
        jobs: &[Arc<Job>],
        own: Arc<SelfMetrics>,
    ) -> Result<Self, Error> {
        let flag = if settings.is_embedded { "--pushgateway-url" } else { "--output scrape=HOST:PORT" };
        let refused = |source| Error::System {
            what: format!(
                "cannot listen on {}; choose a free address of this machine with {flag}",
                settings.address()
            ),
            source,
        };
        let address = (settings.host.as_str(), settings.port);
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let page = jobs.iter().map(|job| Served::new(job, 0)).collect();
        let publisher = Publisher {
            health: Arc::default(),
            shows_push_times: settings.is_embedded,
            page: Mutex::new(page),
        };
        Ok(Self { publisher: Arc::new(publisher), own, listener, address })
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

    /// The server, which runs until it is dropped, and what publishes beside it.
    pub fn serve(self) -> (Arc<Publisher>, impl Future<Output = Result<(), Error>>) {
        let router = Router::new()
            .route(
                "/",
                get(|| async { "promemu: the metrics are at /metrics, promemu's own at /promemu/metrics\n" }),
            )
            .route("/metrics", get(metrics))
            .route("/-/healthy", get(|| async { "ok\n" }))
            .route("/-/ready", get(|| async { "ok\n" }))
            .with_state(Arc::clone(&self.publisher))
            .merge(self_page::router(self.own));
        let listener = self.listener;
        // The first look: the jobs count as published from now on.
        let _has_changed = self.publisher.publish();
        let serving = async move {
            let served = axum::serve(listener, router).await;
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

    /// All jobs that have hosts, merged by family.
    fn body(&self) -> Vec<u8> {
        let page = self.page();
        let stores: Vec<_> = page.iter().map(|served| served.job.store()).collect();
        let times = page.iter().map(|served| push_time(served.published_at_nanos.load(Ordering::Relaxed)));
        let times: Vec<SeriesStore> = times.collect();
        let mut groups = Vec::new();
        for ((store, times), served) in stores.iter().zip(&times).zip(&*page) {
            if store.rows_present() > 0 {
                groups.push(Group { store, labels: &served.labels });
                if self.shows_push_times {
                    groups.push(Group { store: times, labels: &served.labels });
                }
            }
        }
        let mut body = Vec::new();
        encode(Format::Text, &groups, &mut body);
        body
    }
}

async fn metrics(State(publisher): State<Arc<Publisher>>) -> impl IntoResponse {
    match tokio::task::spawn_blocking(move || publisher.body()).await {
        Ok(body) => ([(header::CONTENT_TYPE, Format::Text.content_type())], body).into_response(),
        Err(problem) => (StatusCode::INTERNAL_SERVER_ERROR, problem.to_string()).into_response(),
    }
}

fn push_time(unix_nanos: u64) -> SeriesStore {
    let help = "when this job was last published, in seconds since the Unix epoch";
    let family = Family::new("push_time_seconds", help, MetricType::Gauge);
    SeriesStore::single(family, LabelBlock::empty(), Time::from_unix_nanos(unix_nanos).unix_secs())
}
