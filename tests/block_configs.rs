//! Blocks of every shipped config have the samples of its OpenMetrics export, and the native histograms of its remote write.

use std::collections::BTreeSet;
use std::path::Path;

use crate::block_samples::{is_marker, samples_of_blocks_within, samples_of_file};
use crate::databases::Database;
use crate::golden::shipped_configs;
use crate::processes::promemu_command;
use crate::simulated::plugins;

/// 2026-01-05T00:00:00Z, in seconds since 1970. Each config has two hours of its own, one after another.
const START: u64 = 1_767_571_200;
const TIME_EACH: u64 = 7_200;
/// The exported part of it.
const EXPORTED: u64 = 300;
/// All series, with all samples of that time.
const ALL: &str = "{__name__=~\".+\"}[10m]";

/// Exports a config from its own time on.
fn export(config: &str, n: u64, plugins: &Path, more: &[&str]) {
    let from = format!("2026-01-{:02}T{:02}:00:00Z", 5 + n / 12, n % 12 * 2);
    let args = ["export", config, "--seed", "7", "--from", &from, "--for", "5m", "--labels", "push"];
    let output =
        promemu_command(&[&args[..], more].concat()).arg("--plugins-dir").arg(plugins).output().unwrap();
    assert!(output.status.success(), "{config}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The family of a series of a reduced native histogram.
fn family(name: &str) -> &str {
    ["_bucket", "_sum", "_count", "_created"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name)
}

#[test]
fn blocks_of_shipped_configs_have_the_samples_of_their_exports() {
    let (dir, empty, plugins) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), plugins());
    let data = dir.path().join("data");
    let receiver = Database::prometheus_with_data(empty, true);
    let target = format!("remote-write={}", receiver.url());
    let configs = shipped_configs();
    for (n, config) in (0..).zip(&configs) {
        let path = format!("{}/", data.display());
        export(config, n, plugins.path(), &["--max-block-duration", "2h", "--out", &path]);
        export(config, n, plugins.path(), &["--output", &target]);
    }
    let mut native_families = BTreeSet::new();
    let blocks = Database::prometheus_with_data(dir, true);
    for (n, config) in (0..).zip(&configs) {
        let end = START + n * TIME_EACH + EXPORTED;
        let [mut ours, theirs] = [&blocks, &receiver].map(|database| database.samples_at(ALL, end));
        // Created times are series of their own in OpenMetrics alone.
        ours.retain(|labels, _| !labels["__name__"].ends_with("_created"));
        assert!(!ours.is_empty(), "{config}");
        for (labels, samples) in &ours {
            assert_eq!(Some(samples), theirs.get(labels), "{config}: {labels:?}");
            if samples[1] != "null" {
                native_families.insert(labels["__name__"].clone());
            }
        }
        assert_eq!(ours.len(), theirs.len(), "{config}");
    }
    assert!(!native_families.is_empty());
    for (n, config) in (0..).zip(&configs) {
        let (begin, file) = (START + n * TIME_EACH, data.join("x.om"));
        export(config, n, plugins.path(), &["--out", &file.display().to_string()]);
        let mut theirs = samples_of_file(&file);
        // OpenMetrics has native histograms reduced.
        theirs.retain(|(labels, _), _| !native_families.contains(family(&labels["__name__"])));
        let mut ours = samples_of_blocks_within(&data, begin * 1_000..(begin + TIME_EACH) * 1_000);
        // Blocks have markers of series that end besides.
        ours.retain(|sample, value| !is_marker(*value) || theirs.contains_key(sample));
        assert!(!theirs.is_empty(), "{config}");
        assert!(ours == theirs, "{config}: {} and {} samples", ours.len(), theirs.len());
    }
}
