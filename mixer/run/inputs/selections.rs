//! Selections: the selectors of a source, and those that ship.

use promemu_wire::samples::{ReadSeries, Selector};

/// Names of the selections that ship, with their selectors.
pub const SELECTIONS: [(&str, &[&str]); 2] = [("application", APPLICATION), ("kubernetes", KUBERNETES)];

/// Metrics of an application: rate, errors, latency, CPU, memory, throughput.
const APPLICATION: &[&str] = &[
    "{__name__=~\".*(request|response|error|failure|rpc|query|queries|message|job|task|handled)s?(_.*)?_total\"}",
    "{__name__=~\".*(latency|duration|request|response|rpc|query)s?(_.*)?_(seconds|milliseconds|ms)(_bucket|_sum|_count)?\"}",
    "{__name__=~\".*_(sent|received|read|written|transmitted)_bytes(_total)?|.*_bytes_(sent|received|read|written)(_total)?|.*(request|response)_size_bytes(_bucket|_sum|_count)?\"}",
    "{__name__=~\"process_(cpu_seconds_total|resident_memory_bytes|virtual_memory_bytes|open_fds|max_fds|start_time_seconds)\"}",
    "{__name__=~\"(go_goroutines|go_memstats_heap_inuse_bytes|jvm_memory_used_bytes|jvm_memory_bytes_used|nodejs_heap_size_used_bytes)\"}",
    "{__name__=~\".*(in_flight|inflight|active|open|pending|queue|connections|saturation).*\"}",
];

/// Pods, replicas and nodes: kube-state-metrics, cAdvisor and `node_exporter`.
const KUBERNETES: &[&str] = &[
    "{__name__=~\"kube_pod_(info|status_phase|status_ready|container_status_restarts_total|container_resource_(requests|limits)|container_status_(running|waiting|terminated)(_reason)?)\"}",
    "{__name__=~\"kube_(deployment|replicaset|statefulset|daemonset)_(spec_replicas|status_replicas(_.*)?|status_(number|desired|current).*|created|owner)\"}",
    "{__name__=~\"kube_(horizontalpodautoscaler_(spec|status)_.*|node_(info|status_condition|status_allocatable|status_capacity|spec_unschedulable))\"}",
    "{__name__=~\"container_(cpu_(usage_seconds|cfs_throttled_seconds|cfs_periods|cfs_throttled_periods)_total|memory_(working_set_bytes|rss|usage_bytes|cache)|oom_events_total)\"}",
    "{__name__=~\"container_(network_(receive|transmit)_(bytes|packets|errors|packets_dropped)_total|fs_(reads|writes)_(bytes_)?total|fs_usage_bytes)\"}",
    "{__name__=~\"node_(cpu_seconds_total|load1|load5|load15|memory_(MemTotal|MemAvailable|MemFree|Cached|Buffers)_bytes)\"}",
    "{__name__=~\"node_(disk_(read_bytes|written_bytes|reads_completed|writes_completed|io_time_seconds)_total|filesystem_(size|avail)_bytes)\"}",
    "{__name__=~\"node_network_(receive|transmit)_(bytes|packets|errs|drop)_total|machine_(cpu_cores|memory_bytes)\"}",
];

/// The series of a source: those that any of its selectors takes, or all if it has none.
#[derive(Clone, Debug, Default)]
pub struct Selection(Vec<Selector>);

impl Selection {
    /// Those of these selectors, and of the selections of these names.
    ///
    /// # Errors
    ///
    /// In words: a selector is none, or a name is unknown.
    pub fn new(selectors: &[String], names: &[String]) -> Result<Self, String> {
        let mut own = Vec::new();
        for name in names {
            let found = SELECTIONS.iter().find(|(known, _)| known == name);
            let known = SELECTIONS.map(|(known, _)| known).join(" or ");
            let (_, selectors) =
                found.ok_or_else(|| format!("selection {name:?} is unknown; it is {known}"))?;
            for selector in *selectors {
                own.push(Selector::parse(selector)?);
            }
        }
        for selector in selectors {
            own.push(Selector::parse(selector)?);
        }
        Ok(Self(own))
    }

    /// Its selectors; none for all series.
    #[must_use]
    pub fn selectors(&self) -> &[Selector] {
        &self.0
    }

    /// `true` for a series that it has.
    #[must_use]
    pub fn takes(&self, series: &ReadSeries) -> bool {
        self.0.is_empty() || self.0.iter().any(|selector| selector.matches(series)) || is_own(&series.metric)
    }

    /// The selectors as text.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// `true` for the series of a scrape itself, which tell of gaps.
fn is_own(metric: &str) -> bool {
    matches!(metric, "up" | "scrape_duration_seconds" | "scrape_samples_scraped")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(metric: &str) -> ReadSeries {
        ReadSeries { metric: metric.to_owned(), labels: Vec::new() }
    }

    #[test]
    fn the_selections_that_ship_take_the_usual_names() {
        let selection = |name: &str| Selection::new(&[], &[name.to_owned()]).unwrap();
        let application = selection("application");
        for name in [
            "http_requests_total",
            "http_request_duration_seconds_bucket",
            "grpc_server_handled_latency_seconds_sum",
            "grpc_server_handled_total",
            "http_response_size_bytes_sum",
            "process_cpu_seconds_total",
            "nginx_connections_active",
            "node_network_transmit_bytes_total",
            "up",
        ] {
            let is_taken = application.takes(&named(name));
            assert_eq!(is_taken, name != "node_network_transmit_bytes_total", "{name}");
        }
        let kubernetes = selection("kubernetes");
        for name in [
            "kube_pod_status_phase",
            "kube_deployment_status_replicas_available",
            "container_memory_working_set_bytes",
            "node_memory_MemAvailable_bytes",
            "node_network_receive_bytes_total",
            "node_disk_read_bytes_total",
        ] {
            assert!(kubernetes.takes(&named(name)), "{name}");
        }
        assert!(!kubernetes.takes(&named("http_requests_total")));
        let told = Selection::new(&[], &["apps".to_owned()]).unwrap_err();
        assert_eq!(told, "selection \"apps\" is unknown; it is application or kubernetes");
    }
}
