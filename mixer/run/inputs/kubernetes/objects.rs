//! Objects of the API, and their rows with the names of kube-state-metrics
//! (<https://github.com/kubernetes/kube-state-metrics/tree/main/docs>). What an object leaves out has no row.

use indexmap::IndexMap;
use promemu_wire::samples::{FamilyMetadata, ReadSeries, SampleValue};
use serde::Deserialize;

use super::quantity;
use crate::inputs::target_list::Target;

/// Annotations of pods that are scraped, as many charts have them.
const SCRAPE: &str = "prometheus.io/scrape";
const SCHEME: &str = "prometheus.io/scheme";
const PORT: &str = "prometheus.io/port";
const PATH: &str = "prometheus.io/path";
/// Labels of a pod of which the first one names its application.
const APPLICATION: [&str; 3] = ["app.kubernetes.io/name", "app", "k8s-app"];
const PHASES: [&str; 5] = ["Pending", "Succeeded", "Failed", "Unknown", "Running"];

type Labels = IndexMap<String, String>;
/// Quantities by the name of their resource.
type Resources = IndexMap<String, String>;

/// Rows of a round.
pub(super) struct Rows {
    at_ms: i64,
    labels: Vec<(String, String)>,
    pub(super) samples: Vec<(ReadSeries, i64, SampleValue)>,
}

impl Rows {
    /// No rows yet; all get these labels.
    pub(super) const fn new(at_ms: i64, labels: Vec<(String, String)>) -> Self {
        Self { at_ms, labels, samples: Vec::new() }
    }

    pub(super) fn put(&mut self, metric: &str, labels: &[(&str, &str)], value: f64) {
        let own = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let series = ReadSeries::of_labels(self.labels.iter().cloned().chain(own));
        let series = ReadSeries { metric: metric.to_owned(), ..series };
        self.samples.push((series, self.at_ms, SampleValue::Float(value)));
    }

    fn put_resources(&mut self, metric: &str, labels: &[(&str, &str)], resources: &Resources) {
        for (resource, text) in resources {
            let Some(value) = quantity::parse(text) else { continue };
            let unit = match &**resource {
                "cpu" => "core",
                "memory" | "ephemeral-storage" | "storage" => "byte",
                _ => "integer",
            };
            let resource = resource.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            self.put(metric, &[labels, &[("resource", &resource), ("unit", unit)]].concat(), value);
        }
    }
}

/// Types and texts of what a round has.
pub(super) fn families() -> Vec<(String, FamilyMetadata)> {
    let family = |(name, help): (&str, &str)| {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        let metadata = FamilyMetadata { kind: kind.to_owned(), help: help.to_owned(), unit: String::new() };
        (name.to_owned(), metadata)
    };
    [
        ("kube_pod_info", "a pod, its node and its owner"),
        ("kube_pod_status_phase", "1 for the phase of a pod"),
        ("kube_pod_status_ready", "1 if a pod is ready"),
        ("kube_pod_container_status_restarts_total", "restarts of a container"),
        ("kube_pod_container_resource_requests", "resources that a container asks for"),
        ("kube_pod_container_resource_limits", "resources that a container may take"),
        (
            "kube_pod_container_resource_usage",
            "resources that a container takes, as metrics-server measures them",
        ),
        ("kube_replicaset_spec_replicas", "pods that a replica set wants"),
        ("kube_replicaset_status_replicas", "pods that it has"),
        ("kube_replicaset_status_ready_replicas", "pods of it that are ready"),
        ("kube_replicaset_owner", "a replica set and its owner"),
        ("kube_node_spec_unschedulable", "1 if a node takes no more pods"),
        ("kube_node_status_condition", "1 for the state of a condition of a node"),
        ("kube_node_status_capacity", "resources of a node"),
        ("kube_node_status_allocatable", "resources of a node for pods"),
        ("kube_node_resource_usage", "resources that a node uses, as metrics-server measures them"),
    ]
    .map(family)
    .to_vec()
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: String,
    namespace: String,
    labels: Labels,
    annotations: Labels,
    owner_references: Vec<Owner>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Owner {
    kind: String,
    name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    name: String,
    resources: Requirements,
    usage: Resources,
    restart_count: f64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Requirements {
    requests: Resources,
    limits: Resources,
}

/// A pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    metadata: Metadata,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodSpec {
    node_name: String,
    containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    phase: String,
    #[serde(rename = "podIP")]
    pod_ip: String,
    conditions: Vec<Condition>,
    container_statuses: Vec<Container>,
}

impl Pod {
    pub(super) fn put(&self, rows: &mut Rows) {
        let Self { metadata, spec, status } = self;
        let own = [("namespace", &*metadata.namespace), ("pod", &*metadata.name)];
        let owner = metadata.owner_references.first().cloned().unwrap_or_default();
        let more = [
            ("node", &*spec.node_name),
            ("pod_ip", &*status.pod_ip),
            ("created_by_kind", &*owner.kind),
            ("created_by_name", &*owner.name),
        ];
        rows.put("kube_pod_info", &[&own[..], &more].concat(), 1.0);
        for phase in PHASES {
            let is_on = f64::from(u8::from(status.phase == phase));
            rows.put("kube_pod_status_phase", &[&own[..], &[("phase", phase)]].concat(), is_on);
        }
        if let Some(ready) = status.conditions.iter().find(|condition| condition.kind == "Ready") {
            let is_ready = f64::from(u8::from(ready.status == "True"));
            rows.put("kube_pod_status_ready", &[&own[..], &[("condition", "true")]].concat(), is_ready);
        }
        for container in &status.container_statuses {
            let labels = [&own[..], &[("container", &*container.name)]].concat();
            rows.put("kube_pod_container_status_restarts_total", &labels, container.restart_count);
        }
        for Container { name, resources, .. } in &spec.containers {
            let labels = [&own[..], &[("container", &**name)]].concat();
            rows.put_resources("kube_pod_container_resource_requests", &labels, &resources.requests);
            rows.put_resources("kube_pod_container_resource_limits", &labels, &resources.limits);
        }
    }

    /// The target of a pod that runs and wants to be scraped.
    pub(super) fn target(&self) -> Option<Target> {
        let Self { metadata, spec, status } = self;
        let annotation = |name: &str| metadata.annotations.get(name).map(String::as_str);
        if annotation(SCRAPE) != Some("true") || status.phase != "Running" || status.pod_ip.is_empty() {
            return None;
        }
        let (scheme, path) = (
            annotation(SCHEME).unwrap_or("http"),
            annotation(PATH).unwrap_or("/metrics").trim_start_matches('/'),
        );
        let port: u16 = annotation(PORT).unwrap_or("80").parse().ok()?;
        let ip = &status.pod_ip;
        let host = if ip.contains(':') { format!("[{ip}]") } else { ip.clone() };
        let mut labels: Vec<(String, String)> =
            [("namespace", &metadata.namespace), ("pod", &metadata.name), ("node", &spec.node_name)]
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .to_vec();
        let application = APPLICATION.iter().find_map(|label| metadata.labels.get(*label));
        labels.extend(application.map(|name| ("job".to_owned(), name.clone())));
        Some(Target { url: format!("{scheme}://{host}:{port}/{path}"), labels })
    }
}

/// A replica set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplicaSet {
    metadata: Metadata,
    spec: Replicas,
    status: Replicas,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Replicas {
    replicas: f64,
    ready_replicas: f64,
}

impl ReplicaSet {
    pub(super) fn put(&self, rows: &mut Rows) {
        let Self { metadata, spec, status } = self;
        let own = [("namespace", &*metadata.namespace), ("replicaset", &*metadata.name)];
        rows.put("kube_replicaset_spec_replicas", &own, spec.replicas);
        rows.put("kube_replicaset_status_replicas", &own, status.replicas);
        rows.put("kube_replicaset_status_ready_replicas", &own, status.ready_replicas);
        if let Some(Owner { kind, name }) = metadata.owner_references.first() {
            let owner = [("owner_kind", &**kind), ("owner_name", &**name)];
            rows.put("kube_replicaset_owner", &[&own[..], &owner].concat(), 1.0);
        }
    }
}

/// A node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    metadata: Metadata,
    spec: NodeSpec,
    status: NodeStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    unschedulable: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    capacity: Resources,
    allocatable: Resources,
    conditions: Vec<Condition>,
}

impl Node {
    pub(super) fn put(&self, rows: &mut Rows) {
        let Self { metadata, spec, status } = self;
        let own = [("node", &*metadata.name)];
        rows.put("kube_node_spec_unschedulable", &own, f64::from(u8::from(spec.unschedulable)));
        rows.put_resources("kube_node_status_capacity", &own, &status.capacity);
        rows.put_resources("kube_node_status_allocatable", &own, &status.allocatable);
        for Condition { kind, status } in &status.conditions {
            for state in ["true", "false", "unknown"] {
                let labels = [own[0], ("condition", &**kind), ("status", state)];
                let is_on = f64::from(u8::from(status.eq_ignore_ascii_case(state)));
                rows.put("kube_node_status_condition", &labels, is_on);
            }
        }
    }
}

/// The measurements of metrics-server for a pod or a node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Measured {
    metadata: Metadata,
    containers: Vec<Container>,
    usage: Resources,
}

impl Measured {
    pub(super) fn put_pod(&self, rows: &mut Rows) {
        let metadata = &self.metadata;
        for Container { name, usage, .. } in &self.containers {
            let labels =
                [("namespace", &*metadata.namespace), ("pod", &*metadata.name), ("container", &**name)];
            rows.put_resources("kube_pod_container_resource_usage", &labels, usage);
        }
    }

    pub(super) fn put_node(&self, rows: &mut Rows) {
        rows.put_resources("kube_node_resource_usage", &[("node", &*self.metadata.name)], &self.usage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_runs_and_asks_for_it_is_a_target() {
        let pod = |text: &str| serde_json::from_str::<Pod>(text).unwrap().target();
        let text = r#"{"metadata": {"name": "p", "namespace": "n", "labels": {"app": "shop"}, "annotations":
            {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"}}, "spec": {"nodeName": "k"},
            "status": {"phase": "Running", "podIP": "fd00::1"}}"#;
        let target = pod(text).unwrap();
        assert_eq!(target.url, "http://[fd00::1]:8080/metrics");
        let labels: Vec<(&str, &str)> =
            target.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(labels, [("namespace", "n"), ("pod", "p"), ("node", "k"), ("job", "shop")]);
        for (there, other) in [("Running", "Pending"), ("\"true\"", "\"false\""), ("8080", "web")] {
            assert_eq!(pod(&text.replace(there, other)), None, "{other}");
        }
    }
}
