//! The page on upgrades: each old name that it lists gets the answer that it says.

use std::path::Path;

use crate::processes::promemu_command;

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/upgrade.md")).unwrap()
}

/// The cells of the table below this heading.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    lines
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// A config that has the old name of this row.
fn old_config(old: &str) -> String {
    let host = |fields: &str, metric: &str| {
        format!("Config(hosts: [Host(name: \"a\", {fields} metrics: [Metric(name: \"x\" {metric})])])")
    };
    if let Some(event) = old.strip_prefix("event ") {
        let event = event.trim_matches('`');
        return host(
            &format!(
                "listen_events: {{ \"{event}@any\": emit(\"b\") }}, faults: [gap(every: \"1m\", lasts: \"5s\")],"
            ),
            "",
        );
    }
    match old {
        "`slots: [ … ]`" => host("slots: [],", ""),
        "`Slots( … )`" => host("pools: [Slots(name: \"p\")],", ""),
        "`dirt: [ … ]`" => host("dirt: [gap(every: \"1m\")],", ""),
        "`start_time` of a fault" => host("faults: [gap(start_time: \"1m\", lasts: \"1m\")],", ""),
        "`duration` of a fault" => host("faults: [gap(every: \"5m\", duration: \"1m\")],", ""),
        "the host's `storage.key` in scripts" => {
            host("storage: { \"key\": 1 },", ", scenario: script(source: \"storage.key\")")
        }
        other => panic!("the test has no config for {other}"),
    }
}

#[test]
fn every_old_name_in_a_config_gets_the_error_of_the_page() {
    let rows = rows(&page(), "Configs");
    assert_eq!(rows.len(), 10);
    for row in rows {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.ron");
        std::fs::write(&path, old_config(&row[0])).unwrap();
        let output = promemu_command(&["check", path.to_str().unwrap()]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&format!(": {}\n", row[2])), "{}: {said}", row[0]);
        assert_eq!(output.status.code(), Some(2), "{said}");
    }
}

#[test]
fn every_old_variable_is_read() {
    let rows = rows(&page(), "Variables");
    assert_eq!(rows.len(), 8);
    for row in rows {
        let [old, new] = [&row[0], &row[1]].map(|name| name.trim_matches('`'));
        // A value that none of them takes shows which variable was read; the truth takes the path of any file.
        let folder = std::env::temp_dir().join("no such folder/of a truth");
        let value = if new == "PME_TRUTH" { folder.to_str().unwrap() } else { "no value" };
        let run = |name: &str| {
            let args: &[&str] = if new == "PME_TRUTH" {
                &["export", "load_phases", "--for", "1m"]
            } else {
                &["run", "single_host_load", "--once"]
            };
            let output = promemu_command(args).env_remove("PME_LISTEN").env(name, value).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            (output.status.code(), said)
        };
        let (code, said) = run(old);
        assert!(code != Some(0) && !said.contains("unknown variable"), "{old}: {code:?} {said}");
        // Temporary files have names by chance.
        let complaint = |said: &str| {
            let errors = said.lines().filter(|line| line.starts_with("error"));
            errors.filter_map(|line| line.split("(os error").next()).collect::<String>()
        };
        assert_eq!(complaint(&said), complaint(&run(new).1), "{old}");
    }
}
