//! `promemu record --kubernetes` against answers of an API server, trimmed to what matters, and a real exporter as a pod.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use promemu_wire::recording::Recording;
use promemu_wire::samples::SampleValue;

use crate::processes::{Process, eventually, promemu_command};
use crate::record::{Rows, exporter, has, named, rows};

const PODS: &str = r#"{"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "550100", "continue": "next"}, "items": [
    {"metadata": {"name": "shop-7d9c-abcde", "generateName": "shop-7d9c-", "namespace": "shop", "uid": "d8aa9a47",
        "labels": {"app": "shop", "pod-template-hash": "7d9c"}, "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "PORT"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop-7d9c", "uid": "22a5a8be", "controller": true}]},
     "spec": {"nodeName": "node-1", "containers": [{"name": "shop", "image": "shop:1", "resources": {"requests": {"cpu": "250m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}}]},
     "status": {"phase": "Running", "podIP": "127.0.0.1", "hostIP": "10.0.0.2",
        "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "shop", "ready": true, "restartCount": 3, "state": {"running": {"startedAt": "2026-01-05T12:00:00Z"}}}]}}]}"#;
const MORE_PODS: &str = r#"{"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "550100"}, "items": [
    {"metadata": {"name": "late", "namespace": "shop"}, "spec": {"containers": [{"name": "x"}]}, "status": {"phase": "Pending"}}]}"#;
const REPLICA_SETS: &str = r#"{"kind": "ReplicaSetList", "apiVersion": "apps/v1", "metadata": {}, "items": [
    {"metadata": {"name": "shop-7d9c", "namespace": "shop", "ownerReferences": [{"kind": "Deployment", "name": "shop"}]},
     "spec": {"replicas": 2}, "status": {"replicas": 2, "readyReplicas": 1}}]}"#;
const NODES: &str = r#"{"kind": "NodeList", "apiVersion": "v1", "metadata": {}, "items": [
    {"metadata": {"name": "node-1"}, "spec": {"podCIDR": "10.244.0.0/24"},
     "status": {"capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "allocatable": {"cpu": "3800m"},
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "Unknown"}]}}]}"#;
const POD_USAGES: &str = r#"{"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": [
    {"metadata": {"name": "shop-7d9c-abcde", "namespace": "shop"}, "timestamp": "2026-01-05T12:00:00Z", "window": "15s",
     "containers": [{"name": "shop", "usage": {"cpu": "125000000n", "memory": "65536Ki"}}]}]}"#;

/// An API server on loopback that takes one token, and notes the paths of requests without it.
struct Cluster {
    port: u16,
    has_pods: Arc<Mutex<bool>>,
    strangers: Arc<Mutex<Vec<String>>>,
}

impl Cluster {
    fn start(pod_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (has_pods, strangers) = (Arc::new(Mutex::new(true)), Arc::default());
        let shared = (Arc::clone(&has_pods), Arc::clone(&strangers));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client may be gone.
                let _is_answered = answer(&stream, pod_port, &shared).is_some();
            }
        });
        Self { port, has_pods, strangers }
    }

    fn kubeconfig(&self, dir: &Path) -> PathBuf {
        let path = dir.join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\ncontexts:\n- name: test\n  context: {{cluster: c, user: u}}\n\
             clusters:\n- name: c\n  cluster: {{server: \"http://127.0.0.1:{}\"}}\nusers:\n- name: u\n  user: {{token: s3cret-of-u}}\n",
            self.port
        );
        fs::write(&path, text).unwrap();
        path
    }
}

fn answer(
    mut stream: &TcpStream,
    pod_port: u16,
    (has_pods, strangers): &(Arc<Mutex<bool>>, Arc<Mutex<Vec<String>>>),
) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let line = lines.next()?.ok()?;
    let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let path = line.split(' ').nth(1)?;
    let is_known = head.iter().any(|line| line.eq_ignore_ascii_case("authorization: Bearer s3cret-of-u"));
    let empty = "{\"metadata\": {}, \"items\": []}";
    let (status, body) = match path.split_once('?')?.0 {
        _ if !is_known => {
            strangers.lock().unwrap().push(path.to_owned());
            (403, "{\"kind\": \"Status\"}".to_owned())
        }
        "/api/v1/pods" if !*has_pods.lock().unwrap() => (200, empty.to_owned()),
        "/api/v1/pods" if path.contains("continue=next") => (200, MORE_PODS.to_owned()),
        "/api/v1/pods" => (200, PODS.replace("PORT", &pod_port.to_string())),
        "/apis/apps/v1/replicasets" => (200, REPLICA_SETS.to_owned()),
        "/api/v1/nodes" => (200, NODES.to_owned()),
        "/apis/metrics.k8s.io/v1beta1/pods" => (200, POD_USAGES.to_owned()),
        _ => (404, "{\"kind\": \"Status\"}".to_owned()),
    };
    let len = body.len();
    write!(stream, "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}").ok()
}

fn record(kubeconfig: &Path, folder: &Path) -> Process {
    let mut record = promemu_command(&["record", "--interval", "500ms", "--slice", "300ms", "--kubernetes"]);
    Process::start(record.arg(kubeconfig).arg("--out").arg(folder))
}

/// The newest value of the series of a name with these labels.
fn newest(rows: &Rows, name: &str, wanted: &[(&str, &str)]) -> Option<f64> {
    let has_all = |labels: &std::collections::BTreeMap<String, String>| {
        wanted.iter().all(|(name, value)| labels.get(*name).is_some_and(|own| own == value))
    };
    let of_series = named(rows, name).filter(|(labels, ..)| has_all(labels));
    of_series.max_by_key(|(_, at, _)| *at).map(|(.., value)| match value {
        SampleValue::Float(value) => *value,
        SampleValue::Histogram(_) => panic!("it is a histogram"),
    })
}

fn committed(folder: &Path) -> Rows {
    if folder.join("manifest.json").exists() { rows(folder) } else { Rows::new() }
}

#[test]
fn a_cluster_is_recorded_with_its_pods_and_what_they_export() {
    let (_run, port) = exporter();
    let cluster = Cluster::start(port);
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("cluster");
    let mut recorder = record(&cluster.kubeconfig(dir.path()), &folder);
    eventually("the pod is scraped", || {
        let rows = committed(&folder);
        (has(&rows, "shop", "queue_length") && has(&rows, "kubernetes", "kube_pod_info")).then_some(())
    });
    let rows = committed(&folder);
    let (pod, late) = (("pod", "shop-7d9c-abcde"), ("pod", "late"));
    for (name, labels, value) in [
        ("up", &[("job", "kubernetes")][..], 1.0),
        ("kube_pod_info", &[pod, ("node", "node-1"), ("created_by_name", "shop-7d9c")], 1.0),
        ("kube_pod_status_phase", &[late, ("phase", "Pending")], 1.0),
        ("kube_pod_status_phase", &[late, ("phase", "Running")], 0.0),
        ("kube_pod_status_ready", &[pod, ("condition", "true")], 1.0),
        ("kube_pod_container_status_restarts_total", &[pod, ("container", "shop")], 3.0),
        ("kube_pod_container_resource_requests", &[pod, ("resource", "cpu"), ("unit", "core")], 0.25),
        (
            "kube_pod_container_resource_limits",
            &[pod, ("resource", "memory"), ("unit", "byte")],
            268_435_456.0,
        ),
        ("kube_pod_container_resource_usage", &[pod, ("resource", "cpu")], 0.125),
        ("kube_replicaset_status_ready_replicas", &[("replicaset", "shop-7d9c")], 1.0),
        ("kube_replicaset_owner", &[("owner_kind", "Deployment"), ("owner_name", "shop")], 1.0),
        ("kube_node_status_capacity", &[("node", "node-1"), ("resource", "memory")], 8_589_934_592.0),
        ("kube_node_status_condition", &[("condition", "DiskPressure"), ("status", "unknown")], 1.0),
    ] {
        let found = newest(&rows, name, labels);
        assert!(found.is_some_and(|found| (found - value).abs() < 1e-9), "{name} {labels:?}: {found:?}");
    }
    let scraped = newest(&rows, "up", &[("job", "shop"), ("namespace", "shop"), pod, ("node", "node-1")]);
    assert!(scraped.is_some_and(|up| up > 0.5), "{scraped:?}");
    // Pods that are gone are stale, and so is what they had exported.
    *cluster.has_pods.lock().unwrap() = false;
    eventually("the pod is gone", || {
        let rows = committed(&folder);
        let is_stale = |name: &str| newest(&rows, name, &[pod]).is_some_and(f64::is_nan);
        (is_stale("kube_pod_info") && is_stale("up")).then_some(())
    });
    assert_eq!((recorder.terminate(), recorder.log().contains("s3cret")), (Some(0), false));
    // The credentials of the API are for it alone.
    assert_eq!(*cluster.strangers.lock().unwrap(), [""; 0]);
    let manifest = fs::read_to_string(folder.join("manifest.json")).unwrap();
    assert!(!manifest.contains("s3cret") && manifest.contains(&format!("http://127.0.0.1:{}", cluster.port)));
    let recording = Recording::open(&folder).unwrap();
    assert_eq!(recording.manifest().families["kube_pod_container_status_restarts_total"].kind, "counter");
}

#[test]
fn a_cluster_that_refuses_is_told_once_and_is_down() {
    let cluster = Cluster::start(1);
    let dir = tempfile::tempdir().unwrap();
    let (folder, kubeconfig) = (dir.path().join("cluster"), cluster.kubeconfig(dir.path()));
    let text = fs::read_to_string(&kubeconfig).unwrap().replace("s3cret-of-u", "an0ther");
    fs::write(&kubeconfig, text).unwrap();
    let mut recorder = record(&kubeconfig, &folder);
    eventually("it is down in two rounds", || (named(&committed(&folder), "up").count() >= 2).then_some(()));
    assert_eq!(newest(&committed(&folder), "up", &[]).map(f64::to_bits), Some(0.0f64.to_bits()));
    assert_eq!(recorder.terminate(), Some(0));
    assert_eq!(
        recorder.count_in_log("api/v1/pods: it answers 403; let its user list pods"),
        1,
        "{}",
        recorder.log()
    );
    assert!(!recorder.log().contains("an0ther"));
}
