//! The API of a Kubernetes: pods, replica sets and nodes with the names of kube-state-metrics, what metrics-server measures, and
//! the pods that want to be scraped.
//!
//! A round reads all lists at a multiple of the interval. Pods with the annotation `prometheus.io/scrape: "true"` are scraped as
//! those of a list of targets; the credentials of the API do not go there.

mod access;
mod objects;
mod quantity;

use std::collections::BTreeSet;
use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::metric::ABSENT;
use promemu_core::time::Span;
use promemu_wire::recording::{Clock, SourceEntry};
use promemu_wire::samples::{ReadSeries, SampleValue};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{info, warn};

pub use self::access::ClusterAccess;
use self::objects::{Measured, Node, Pod, ReplicaSet, Rows};
use super::outlet::{Batch, Outlet};
use super::scrape::{Listed, Scrape};
use super::slice_thread::millis;
use super::{Input, Work, until_stopped};
use crate::clock::wall_now;
use crate::http::{HttpClient, HttpOptions, Limits, TargetUrl};

/// Objects of an answer, and of a list, at most.
const PAGE: usize = 500;
const OBJECTS_MAX: usize = 100_000;
/// Bytes of an answer, at most.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Credentials of a cluster are read anew after this time: tokens are replaced.
const RENEWAL: Duration = Duration::from_mins(5);

/// A cluster that is recorded.
#[derive(Debug)]
pub struct Kubernetes {
    /// The way to its API.
    pub access: ClusterAccess,
    /// The label `job` of its series, and of pods that name no application.
    pub job: String,
    /// From one round to the next, and from one scrape to the next.
    pub interval: Span,
    /// Time limit of a round, and of a scrape.
    pub timeout: Span,
    /// More labels of its series.
    pub labels: Vec<(String, String)>,
}

/// An answer with objects.
#[derive(Deserialize)]
struct List<T> {
    #[serde(default)]
    metadata: ListMetadata,
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
struct ListMetadata {
    #[serde(rename = "continue", default)]
    next: String,
}

impl Input for Kubernetes {
    fn entry(&self) -> SourceEntry {
        SourceEntry {
            interval_secs: Some(self.interval.duration().as_secs_f64()),
            clock: Clock { is_recorder: true, ahead_secs: None },
            ..SourceEntry::new("kubernetes", self.access.url())
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn run(self: Box<Self>, outlet: Outlet, stopped: watch::Receiver<bool>) -> Work {
        Box::pin(async move { self.record(outlet, stopped).await })
    }
}

impl Kubernetes {
    async fn record(
        mut self: Box<Self>,
        outlet: Outlet,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<(), String> {
        let scrape = Scrape {
            job: self.job.clone(),
            targets: Vec::new(),
            lists: Vec::new(),
            http: HttpOptions::default(),
            interval: self.interval,
            timeout: self.timeout,
            labels: self.labels.clone(),
        };
        let (mut listed, mut works) = (Listed::new(), JoinSet::new());
        let mut api = Api::new(&self.access).map_err(|error| error.to_string())?;
        let mut rounds = Rounds { last: BTreeSet::new(), is_up: None };
        let until = stopped.clone();
        let mut next = Instant::now();
        loop {
            tokio::select! {
                () = until_stopped(&mut stopped) => break,
                () = sleep_until(next) => {}
                Some(_) = works.join_next() => continue,
            }
            next = (next + self.interval.duration()).max(Instant::now());
            if api.since.elapsed() > RENEWAL {
                // Credentials that cannot be read are those from before.
                match self.access.renew().and_then(|()| Api::new(&self.access)) {
                    Ok(renewed) => api = renewed,
                    Err(error) => warn!("credentials of the cluster are not renewed: {error}"),
                }
            }
            let at_ms = millis(wall_now());
            let read = timeout(self.timeout.duration(), api.read()).await;
            let read = read.unwrap_or_else(|_| Err("it does not answer in time".to_owned()));
            let pods = self.put(&outlet, (read, at_ms), &mut rounds).await?;
            if let Some(pods) = pods {
                let targets = pods.iter().filter_map(Pod::target).collect();
                scrape.follow(targets, &mut listed, &mut works, (&outlet, &until));
            }
        }
        listed.clear();
        while works.join_next().await.is_some() {}
        Ok(())
    }

    /// Passes on what a round has read. Returns the pods; `None` if there was no answer.
    async fn put(
        &self,
        outlet: &Outlet,
        (read, at_ms): (Result<Objects, String>, i64),
        rounds: &mut Rounds,
    ) -> Result<Option<Vec<Pod>>, String> {
        let mut rows = Rows::new(at_ms, self.target_labels());
        rounds.tell(read.as_ref().err(), &self.access);
        rows.put("up", &[], if read.is_ok() { 1.0 } else { 0.0 });
        let pods = if let Ok(objects) = read {
            objects.put(&mut rows);
            Some(objects.pods)
        } else {
            outlet.tally.errors.inc();
            None
        };
        let seen: BTreeSet<ReadSeries> = rows.samples.iter().map(|(series, ..)| series.clone()).collect();
        let gone = rounds.last.difference(&seen).cloned();
        let mut samples = rows.samples;
        samples.extend(gone.map(|series| (series, at_ms, SampleValue::Float(ABSENT))));
        rounds.last = seen;
        outlet.put_live(Batch { samples, families: objects::families() }).await?;
        Ok(pods)
    }

    fn target_labels(&self) -> Vec<(String, String)> {
        let url = self.access.url().url();
        let host = url.host_str().unwrap_or_default();
        let instance = format!("{host}:{}", url.port_or_known_default().unwrap_or(443));
        let mut labels = vec![("instance".to_owned(), instance), ("job".to_owned(), self.job.clone())];
        for (name, value) in &self.labels {
            labels.retain(|(own, _)| own != name);
            labels.push((name.clone(), value.clone()));
        }
        labels
    }
}

/// The series of the last round, and its end.
struct Rounds {
    last: BTreeSet<ReadSeries>,
    /// `None` before the first round.
    is_up: Option<bool>,
}

impl Rounds {
    /// Tells once that the API is away, and once that it is back.
    fn tell(&mut self, why: Option<&String>, access: &ClusterAccess) {
        match why {
            Some(why) if self.is_up != Some(false) => {
                warn!(url = %access.url(), "cluster is not read: {why}");
            }
            None if self.is_up == Some(false) => info!(url = %access.url(), "cluster is read again"),
            _ => {}
        }
        self.is_up = Some(why.is_none());
    }
}

/// All that a round has read.
#[derive(Default)]
struct Objects {
    pods: Vec<Pod>,
    replica_sets: Vec<ReplicaSet>,
    nodes: Vec<Node>,
    pod_usages: Vec<Measured>,
    node_usages: Vec<Measured>,
}

impl Objects {
    fn put(&self, rows: &mut Rows) {
        self.pods.iter().for_each(|pod| pod.put(rows));
        self.replica_sets.iter().for_each(|set| set.put(rows));
        self.nodes.iter().for_each(|node| node.put(rows));
        self.pod_usages.iter().for_each(|usage| usage.put_pod(rows));
        self.node_usages.iter().for_each(|usage| usage.put_node(rows));
    }
}

/// The API with the credentials of a moment.
struct Api {
    http: HttpClient,
    url: TargetUrl,
    since: Instant,
}

impl Api {
    fn new(access: &ClusterAccess) -> Result<Self, Error> {
        let http = HttpClient::new(access.url(), access.options())?;
        Ok(Self { http, url: access.url().clone(), since: Instant::now() })
    }

    async fn read(&self) -> Result<Objects, String> {
        Ok(Objects {
            pods: self.list("api/v1/pods").await?.unwrap_or_default(),
            replica_sets: self.list("apis/apps/v1/replicasets").await?.unwrap_or_default(),
            nodes: self.list("api/v1/nodes").await?.unwrap_or_default(),
            // A cluster need not have a metrics-server.
            pod_usages: self.list("apis/metrics.k8s.io/v1beta1/pods").await?.unwrap_or_default(),
            node_usages: self.list("apis/metrics.k8s.io/v1beta1/nodes").await?.unwrap_or_default(),
        })
    }

    /// All objects of a list; `None` if the cluster has no such list.
    async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Option<Vec<T>>, String> {
        let (mut objects, mut next) = (Vec::new(), String::new());
        loop {
            let mut url = self.url.url().clone();
            url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
            url.query_pairs_mut().append_pair("limit", &PAGE.to_string());
            if !next.is_empty() {
                url.query_pairs_mut().append_pair("continue", &next);
            }
            let request = self.http.request(Method::GET, url).header("accept", "application/json");
            let silence = Duration::from_secs(30);
            let limits = Limits { time: None, silence, body_bytes: ANSWER_BYTES_MAX };
            let answer = self.http.send(request, limits).await.map_err(|error| error.to_string())?;
            match answer.status().as_u16() {
                200 => {}
                404 | 503 if path.contains("metrics.k8s.io") => return Ok(None),
                status @ (401 | 403) => {
                    return Err(format!(
                        "{path}: it answers {status}; let its user list pods, replicasets and nodes"
                    ));
                }
                status => return Err(format!("{path}: it answers {status}")),
            }
            let body = answer.body().await.map_err(|error| error.to_string())?;
            let list: List<T> = serde_json::from_slice(&body)
                .map_err(|error| format!("{path}: it is no list of Kubernetes: {error}"))?;
            objects.extend(list.items);
            if objects.len() > OBJECTS_MAX {
                return Err(format!("{path}: it has more than {OBJECTS_MAX} objects"));
            }
            if list.metadata.next.is_empty() {
                return Ok(Some(objects));
            }
            next = list.metadata.next;
        }
    }
}
