//! Scrapes of exporters, as a Prometheus makes them: `up`, staleness markers, `job` and `instance`.
//!
//! All targets are scraped at multiples of the interval. A target that does not answer holds up no other.

use std::collections::BTreeMap;
use std::time::Duration;

use promemu_core::time::Span;
use promemu_wire::recording::{Clock, SourceEntry};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::outlet::Outlet;
use super::scrape_target::{ScrapeTarget, TargetSettings, scrape_all};
use super::target_list::{self, TargetList};
use super::{Input, Work, until_stopped};
use crate::http::{HttpOptions, TargetUrl};

/// Time between two looks at a list of targets: the interval of scrapes, within these limits.
const LIST_INTERVAL_MIN: Duration = Duration::from_secs(1);
const LIST_INTERVAL_MAX: Duration = Duration::from_secs(30);

/// The targets of lists. A target is scraped until its sender is dropped.
pub(super) type Listed = BTreeMap<target_list::Target, watch::Sender<bool>>;

/// A source that is scraped.
#[derive(Debug)]
pub struct Scrape {
    /// The label `job` of its series.
    pub job: String,
    /// Targets.
    pub targets: Vec<TargetUrl>,
    /// Servers with lists of targets
    /// (<https://prometheus.io/docs/prometheus/latest/http_sd/>).
    pub lists: Vec<TargetUrl>,
    /// Credentials and certificates.
    pub http: HttpOptions,
    /// From one scrape to the next.
    pub interval: Span,
    /// Time limit of a scrape.
    pub timeout: Span,
    /// More labels of its series.
    pub labels: Vec<(String, String)>,
}

impl Input for Scrape {
    fn entry(&self) -> SourceEntry {
        let targets = self.targets.iter().chain(&self.lists).map(ToString::to_string);
        SourceEntry {
            kind: "scrape".to_owned(),
            targets: targets.collect(),
            interval_secs: Some(self.interval.duration().as_secs_f64()),
            clock: Clock { is_recorder: true, ahead_secs: None },
            ..SourceEntry::default()
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn run(self: Box<Self>, outlet: Outlet, stopped: watch::Receiver<bool>) -> Work {
        Box::pin(async move { self.scrape(outlet, stopped).await })
    }
}

impl Scrape {
    async fn scrape(&self, outlet: Outlet, stopped: watch::Receiver<bool>) -> Result<(), String> {
        let mut until = stopped.clone();
        let mut works: JoinSet<Result<(), String>> = JoinSet::new();
        // It is not sent anything: the targets of flags stay.
        let (_stay, stays) = watch::channel(false);
        for url in &self.targets {
            let target = self.target(url, &[])?;
            works.spawn(scrape_all(target, outlet.clone(), stopped.clone(), stays.clone()));
        }
        let mut lists = Vec::new();
        for url in &self.lists {
            lists.push(TargetList::new(url, &self.http).map_err(|error| error.to_string())?);
        }
        let mut listed = Listed::new();
        let mut looks = interval(self.interval.duration().clamp(LIST_INTERVAL_MIN, LIST_INTERVAL_MAX));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = until_stopped(&mut until) => break,
                _ = looks.tick(), if !lists.is_empty() => {
                    if let Some(targets) = target_list::all(&lists, &outlet.tally).await {
                        self.follow(targets, &mut listed, &mut works, (&outlet, &stopped));
                    }
                }
                Some(ended) = works.join_next() => {
                    // Others are no longer in their list, or end with the recording.
                    if let Ok(Err(why)) = ended {
                        return Err(why);
                    }
                }
            }
        }
        while works.join_next().await.is_some() {}
        Ok(())
    }

    /// Begins with new targets of lists, and ends with those that are gone.
    pub(super) fn follow(
        &self,
        targets: Vec<target_list::Target>,
        listed: &mut Listed,
        works: &mut JoinSet<Result<(), String>>,
        (outlet, stopped): (&Outlet, &watch::Receiver<bool>),
    ) {
        // Those that are gone hear of it as their senders go.
        listed.retain(|target, _| targets.contains(target));
        for target in targets {
            if listed.contains_key(&target) {
                continue;
            }
            let made = TargetUrl::parse(&target.url, "the target of a list", "http://127.0.0.1:9100/metrics");
            match made.map_err(|error| error.to_string()).and_then(|url| self.target(&url, &target.labels)) {
                Ok(made) => {
                    let (stay, stays) = watch::channel(false);
                    works.spawn(scrape_all(made, outlet.clone(), stopped.clone(), stays));
                    listed.insert(target, stay);
                }
                Err(why) => {
                    tracing::warn!("a target is left out: {why}");
                    outlet.tally.errors.inc();
                }
            }
        }
    }

    fn target(&self, url: &TargetUrl, labels: &[(String, String)]) -> Result<ScrapeTarget, String> {
        let mut all = self.labels.clone();
        all.extend_from_slice(labels);
        let settings = TargetSettings {
            url: url.clone().with_default_path("/metrics"),
            job: self.job.clone(),
            labels: all,
            interval: self.interval.duration(),
            timeout: self.timeout.duration(),
        };
        ScrapeTarget::new(settings, &self.http).map_err(|error| error.to_string())
    }
}
