//! Values do not change unless a commit means them to: hashes of every shipped config's exports.
//!
//! `PROMEMU_UPDATE_GOLDEN=1 cargo test --test integration golden` writes the hashes anew. The commit that does so says
//! which values change, and why.

use std::fmt::Write;
use std::path::Path;

use crate::processes::promemu_command;
use crate::simulated::plugins;

const FORMATS: [&str; 3] = ["openmetrics", "csv", "rules"];

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

fn export(config: &str, format: &str, plugins: &Path) -> Vec<u8> {
    let args =
        ["export", config, "--seed", "7", "--from", "2026-01-05T06:00:00Z", "--for", "20m", "--step", "15s"];
    let output = promemu_command(&[&args[..], &["--format", format, "--threads", "2"]].concat())
        .arg("--plugins-dir")
        .arg(plugins)
        .output()
        .unwrap();
    assert!(output.status.success(), "{config} {format}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// `true` for a shipped config that runs alone in virtual time: no part of others, no playlist, nothing that is done for real, and no recording, which is a user's.
pub(crate) fn has_virtual_time(config: &str) -> bool {
    let others = [
        "\nInclude(",
        "\nPlaylist(",
        "workload: memcached_load(",
        "toxiproxy: ",
        "replay: Replay(",
        "extends: \"resilience_baseline\"",
    ];
    !others.iter().any(|word| config.contains(word))
}

/// Names of all shipped configs that run in virtual time.
pub(crate) fn shipped_configs() -> Vec<String> {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut names: Vec<String> = std::fs::read_dir(configs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ron"))
        .filter(|path| has_virtual_time(&std::fs::read_to_string(path).unwrap()))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn exports_of_shipped_configs_have_the_bytes_that_they_had() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (sums, plugins) = (root.join("tests/golden/exports.txt"), plugins());
    let mut now = String::new();
    for name in &shipped_configs() {
        for format in FORMATS {
            writeln!(now, "{name} {format} {:016x}", hash(&export(name, format, plugins.path()))).unwrap();
        }
    }
    if std::env::var_os("PROMEMU_UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(sums.parent().unwrap()).unwrap();
        std::fs::write(&sums, &now).unwrap();
    }
    let before = std::fs::read_to_string(&sums).unwrap();
    let changed: Vec<&str> = now.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
    assert!(changed.is_empty() && now == before, "changed: {changed:#?}");
}
