//! Command lines that people try and that are wrong: each answer names the right one.
//!
//! `PROMEMU_UPDATE_GOLDEN=1 cargo test --test integration command_lines` writes the answers anew; read them before they are
//! committed.

use std::fmt::Write;
use std::path::Path;

use crate::processes::promemu_command;

/// Variables before `promemu`, and words; none has blanks.
const LINES: &[&str] = &[
    // The main form.
    "promemu",
    "promemu run",
    "promemu hosts_load_with_peaks",
    "promemu hosts_load_with_peaks hosts_count=5",
    "promemu ./shop.ron",
    "promemu run hosts_load_with_peak",
    "promemu run hosts_count=5",
    "promemu run hosts_load_with_peaks --hosts-count 5",
    "promemu run hosts_load_with_peaks --hosts_count=5",
    "promemu run hosts_load_with_peaks host_count=5",
    "promemu run hosts_load_with_peaks 5",
    "promemu run hosts_load_with_peaks 5m",
    "promemu run hosts_load_with_peaks hosts-count=5",
    "promemu export hosts_load_with_peaks 7d",
    "promemu check all",
    "promemu run hosts_load_with_peaks hosts_count=many",
    "promemu run single_host_load --class SingleHostLoadConfig",
    "promemu --config",
    "promemu ctl --for 3m lever error_ratio 0.3",
    "promemu ctl --for 10s down fleet-01",
    "promemu --config single_host_load host_ttl=5m",
    "promemu --config single_host_load --config_args host_ttl=5m",
    // Commands by other names.
    "promemu start single_host_load",
    "promemu list",
    "promemu lst",
    "promemu validate single_host_load",
    "promemu init shop",
    "promemu backfill single_host_load",
    "promemu status",
    "promemu ctl stauts",
    "promemu version",
    "promemu fit",
    "promemu fit shop",
    "promemu fit shop --out shop.txt",
    "promemu fit nowhere --out shop.ron",
    "promemu fit nowhere --out shop.ron --match {a",
    "promemu validate shop.ron nowhere",
    "promemu validate shop.ron nowhere --folds 0",
    "promemu validate shop.ron nowhere --budget kss=0.1",
    "promemu data quality",
    "promemu data quality nowhere",
    "promemu data quality nowhere --budget validity",
    "promemu rules incident",
    "promemu ctl help",
    "promemu ctl help down",
    "promemu ctl trigger load_peak_start",
    "promemu ctl load_peak_start",
    "promemu ctl reload",
    "promemu ctl down worker-01 worker-02",
    "promemu ctl override worker-01 cpu_usage_percent 99 2m",
    "promemu ctl down worker-01 for 5m",
    "promemu ctl emit load_peak_start worker-01",
    "promemu ctl metrics worker-01",
    "promemu ctl release --all",
    "promemu ctl emit load_peak_start --follow",
    // Flags that another command has.
    "promemu check --config single_host_load",
    "promemu --config single_host_load check",
    "promemu check single_host_load --watch",
    "promemu check",
    "promemu describe",
    "promemu describe incident --out incident.txt",
    "promemu plot",
    "promemu plot single_host_load --output plot.svg",
    "promemu plot single_host_load --duration 5m",
    "promemu export single_host_load --output otlp=http://127.0.0.1:4318",
    "promemu export single_host_load --output samples.csv",
    "promemu export single_host_load --resume state.json",
    "promemu export single_host_load --start 2026-01-05",
    "promemu export single_host_load --watch",
    "promemu run single_host_load --out samples.om",
    "promemu run single_host_load --format csv",
    "promemu run single_host_load --port 9464",
    "promemu run single_host_load --web.listen-address=:9464",
    "promemu run single_host_load --bind 0.0.0.0",
    "promemu run single_host_load --gateway http://127.0.0.1:9091",
    "promemu run single_host_load --output samples.om",
    "promemu run single_host_load -o scrape=127.0.0.1:9464",
    "promemu run single_host_load --out otlp=http://127.0.0.1:4318",
    "promemu run single_host_load --output scrape:127.0.0.1:9464",
    "promemu run single_host_load --output remote-write:http://me:secret@127.0.0.1:9090",
    "promemu run single_host_load --output 127.0.0.1:9464",
    "promemu run single_host_load --output :9464",
    "promemu run single_host_load --output http://me:secret@127.0.0.1:9091",
    "promemu run single_host_load --output prometheus",
    "promemu run single_host_load --output otel=http://127.0.0.1:4318",
    "promemu run single_host_load --output stdout",
    "promemu run single_host_load --embedded=127.0.0.1:9091",
    "promemu run hosts_load_with_peaks --hosts 5",
    "promemu --config hosts_load_with_peaks --hosts-count=5",
    "promemu run single_host_load --hosts 5",
    "promemu check --strict single_host_load",
    "promemu export single_host_load --dry-run",
    "promemu clean --dry-run",
    "promemu export single_host_load --hours 1",
    "promemu run single_host_load --days=2",
    "promemu export single_host_load --from yesterday",
    "promemu export single_host_load --for -1d",
    "promemu export single_host_load --format promtool",
    "promemu export single_host_load --format csv --out ./",
    "promemu run configs/hosts_load_with_peaks",
    "promemu check configs/single_host_lode",
    "promemu run configs/node_sets.ron",
    "promemu new",
    "promemu new shop --metric cpu:gauge,mem:gauge",
    "promemu new shop --label zone=a",
    // Values.
    "promemu run single_host_load --seed seven",
    "promemu run single_host_load --watch=maybe",
    "promemu run single_host_load --push-format binary",
    "promemu export single_host_load --threads 0",
    "promemu ctl override worker-01 memory_bytes 4GiB",
    "promemu ctl lever load 50%",
    "promemu ctl lever 2 load",
    "promemu ctl lever load=2",
    "promemu ctl lever load --for 5m",
    "promemu ctl emit deploy --data {",
    // Words of ctl.
    "promemu ctl down",
    "promemu ctl end",
    "promemu ctl override worker-01",
    "promemu ctl add worker-99",
    "promemu ctl add worker-99 --from worker-01",
    "promemu ctl stop worker-01 --for 3s",
    "promemu ctl emit deploy --hosts worker-01",
    "promemu ctl restart worker-01",
    "promemu ctl fault db_slow",
    "promemu ctl fault start db_slow",
    "promemu ctl fault begn db_slow",
    "promemu ctl fault begin",
    "promemu ctl timeline peak",
    "promemu ctl timeline skip",
    "promemu ctl faults",
    "promemu ctl skip",
    "promemu ctl set load 3",
    // Variables.
    "PME_PUSHGATEWAY_INTERVAL=5s promemu run single_host_load --once=false --duration 0",
    "PME_GATEWAY_URL=http://127.0.0.1:9091 promemu check nobody",
    "PME_PUSH_INTERVAL=soon promemu run single_host_load",
];

fn answer(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let program = words.iter().position(|word| *word == "promemu").unwrap();
    let variables = words[..program].iter().filter_map(|word| word.split_once('='));
    let output =
        promemu_command(&words[program + 1..]).envs(variables).env("PME_LISTEN", "off").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{line}: {output:?}");
    assert!(output.stdout.is_empty(), "{line}: {output:?}");
    // The program's own folder is another one on each machine.
    let folder = Path::new(env!("CARGO_BIN_EXE_promemu")).parent().unwrap().display().to_string();
    let text = String::from_utf8(output.stderr).unwrap().replace(&folder, "FOLDER");
    // The time of a log line.
    let line =
        |line: &str| line.split_once("Z  WARN ").map_or(line.to_owned(), |(_, rest)| format!("WARN {rest}"));
    text.trim_end().lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn a_wrong_command_line_gets_the_right_one_as_its_answer() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/command_lines.txt");
    let mut now = String::new();
    for line in LINES {
        writeln!(now, "$ {line}\n{}", answer(line)).unwrap();
    }
    if std::env::var_os("PROMEMU_UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let before = std::fs::read_to_string(&file).unwrap();
    let changed: Vec<&str> = now.split("\n\n").filter(|answer| !before.contains(answer)).collect();
    assert!(changed.is_empty() && now == before, "changed: {changed:#?}");
}

#[test]
fn variables_of_other_calls_do_not_stop_a_command_that_does_not_use_them() {
    let of_live_runs = [
        ("PME_OUTPUT", "nonsense=1"),
        ("PME_PUSH_INTERVAL", "never"),
        ("PME_PUSH_TIMEOUT", "never"),
        ("PME_TRUTH", "/no/such/folder/truth.jsonl"),
        ("PME_API_TOKEN", "two words"),
        ("PME_LISTEN", "nonsense"),
        ("PME_TEST_WEBHOOK", "127.0.0.1:1"),
        ("PME_TEST_ALERTMANAGER", "http://127.0.0.1:1"),
        ("PME_TEST_PROMETHEUS", "http://127.0.0.1:1"),
    ];
    let of_virtual_tests = [
        ("PME_TEST_RULES", "no.yml"),
        ("PME_TEST_MODE", "large"),
        ("PME_TEST_FROM", "?"),
        ("PME_TEST_MUTATE", "1"),
    ];
    let rules = "docker/prometheus/rules/load_phases.yml";
    let live = ["test", "load_phases", "--live", "--prometheus", "http://127.0.0.1:1"];
    for (args, variables, code, said) in [
        (&["test", "load_phases", "--rules", rules][..], &of_live_runs[..], 0, ""),
        (&["export", "load_phases", "--for", "1m", "--out", "-"], &of_live_runs[1..3], 0, ""),
        (&["truth", "load_phases"], &of_live_runs, 0, ""),
        (&live, &of_virtual_tests, 1, "cannot be asked for its rules"),
    ] {
        let output = promemu_command(args).envs(variables.iter().copied()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
        assert!(error.contains(said), "{args:?}: {error}");
    }
    let flag = promemu_command(&["test", "load_phases", "--rules", rules, "--output", "scrape=127.0.0.1:0"]);
    let said = { flag }.output().unwrap().stderr;
    assert!(String::from_utf8_lossy(&said).contains("--output is for a live test; add --live"));
}
