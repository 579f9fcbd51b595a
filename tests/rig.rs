//! The rig of `manage.sh`: a real system that is recorded while it is disturbed.

use std::process::Command;

use serde_json::Value;

use crate::processes::{free_port, promemu_command};
use crate::simulated::plugins;

/// The first of its ports in a row, where no other test has any.
const PORT: u16 = 30_100;

/// Rows of JSON that `promemu data query` has for a selector.
fn queried(folder: &str, selector: &str, more: &[&str]) -> Vec<Value> {
    let args = [&["data", "query", folder, selector, "--format", "json"], more].concat();
    let output = promemu_command(&args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_real_system_is_recorded_with_what_is_done_to_it() {
    let root = env!("CARGO_MANIFEST_DIR");
    let installed = "set -e; have() { command -v \"$1\" >/dev/null; }; . docker/rig.sh; has_rig_packages";
    let mut packages = Command::new("bash");
    packages.args(["-c", installed]).current_dir(root);
    if !packages.env("PATH", concat!(env!("PATH"), ":/usr/sbin")).status().unwrap().success() {
        eprintln!("skipped without the packages of the rig; ./manage.sh test installs them as root");
        return;
    }
    let (plugins, dir) = (plugins(), tempfile::tempdir().unwrap());
    let folder = dir.path().join("recording").display().to_string();
    let mut rig = Command::new(format!("{root}/manage.sh"));
    for name in
        ["MEMCACHE1", "MEMCACHE2", "MEMCACHE3", "PROXY1", "PROXY2", "PROXY3", "PROXY", "LOAD", "SCENARIO"]
    {
        rig.env(format!("{name}_PORT"), free_port().to_string());
    }
    rig.args(["rig", &folder, "12s", "6s"]).env("RIG_PORT", PORT.to_string()).env("RIG_SEED", "1");
    rig.env("PROMEMU", env!("CARGO_BIN_EXE_promemu")).env("PME_PLUGINS_DIR", plugins.path());
    let output = rig.env("STACK_DATA", dir.path().join("data")).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success() && said.contains("with the actions of RIG_SEED=1"), "{said}");
    for name in ["rig_postgres", "rig_nginx", "rig_load", "proxy", "memcache3"] {
        assert!(said.contains(&format!("{name} has ended")), "{name}: {said}");
    }

    let up = queried(&folder, "up", &["--agg", "max"]);
    assert_eq!(up.len(), 6, "{up:?}");
    assert!(up.iter().all(|row| row["value"] == 1.0), "{up:?}");
    for selector in [
        "memcache_operations_total",
        "http_requests_total{service=\"frontend\"}",
        "http_requests_total{service=\"backend\"}",
        "database_queries_total",
        "nginx_http_requests_total",
        "pg_up",
        "node_cpu_seconds_total",
    ] {
        assert!(!queried(&folder, selector, &[]).is_empty(), "{selector}");
    }
    let actions = std::fs::read(format!("{folder}/actions.parquet")).unwrap();
    for name in ["rate", "throttle", "outage"] {
        assert!(actions.windows(name.len()).any(|window| window == name.as_bytes()), "{name}");
    }
}
