//! The house: which crate may depend on which, as cargo sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Crates that `promemu-core` must not reach, however indirectly: it does no I/O and draws nothing.
const NOT_IN_CORE: [&str; 11] = [
    "axum",
    "comfy-table",
    "hyper",
    "indicatif",
    "notify",
    "parquet",
    "plotters",
    "prometheus",
    "reqwest",
    "rustls",
    "tokio",
];

/// The crates of each floor, and those of the house that each may depend on.
const FLOORS: [(&str, &[&str]); 8] = [
    ("promemu-dynamics", &[]),
    ("promemu-core", &["promemu-plugin"]),
    ("promemu-wire", &["promemu-core"]),
    ("promemu-environment", &["promemu-core", "promemu-dynamics", "promemu-wire"]),
    ("promemu-learn", &["promemu-core", "promemu-dynamics", "promemu-wire"]),
    ("promemu-run", &["promemu-core", "promemu-wire"]),
    ("promemu-api", &["promemu-core", "promemu-run", "promemu-wire"]),
    (
        "promemu",
        &["promemu-api", "promemu-core", "promemu-dynamics", "promemu-learn", "promemu-run", "promemu-wire"],
    ),
];

/// The platform of the compiler, as in `x86_64-unknown-linux-gnu`.
fn host_platform() -> String {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Name to names of its normal dependencies, for every crate of the dependency graph.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    // Crates of other platforms need not be on this machine.
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            &host_platform(),
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let names: BTreeMap<String, String> = list(&metadata["packages"])
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let is_normal = |dep: &Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let deps =
            list(&node["deps"]).into_iter().filter(is_normal).map(|dep| names[&text(&dep["pkg"])].clone());
        graph.entry(names[&text(&node["id"])].clone()).or_default().extend(deps);
    }
    graph
}

#[test]
fn core_reaches_no_runtime_no_server_and_no_terminal() {
    let graph = dependencies();
    let (mut reached, mut to_visit) = (BTreeSet::new(), vec!["promemu-core"]);
    while let Some(name) = to_visit.pop() {
        if reached.insert(name) {
            to_visit.extend(graph[name].iter().map(String::as_str));
        }
    }
    assert!(reached.contains("rhai"), "the graph was read: {reached:?}");
    let found: Vec<&&str> = NOT_IN_CORE.iter().filter(|name| reached.contains(**name)).collect();
    assert!(found.is_empty(), "promemu-core depends on {found:?}");
}

#[test]
fn a_crate_sees_only_the_floors_below_it() {
    let graph = dependencies();
    for (name, below) in FLOORS {
        let of_the_house = graph[name].iter().filter(|dep| dep.starts_with("promemu"));
        let above: Vec<&String> = of_the_house.filter(|dep| !below.contains(&dep.as_str())).collect();
        assert!(above.is_empty(), "{name} depends on {above:?}");
    }
}
