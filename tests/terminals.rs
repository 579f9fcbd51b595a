//! A terminal shows names and descriptions, and obeys none of them.

use std::path::Path;
use std::process::Command;

use crate::api::Daemon;
use crate::processes::{eventually, free_port, get, promemu, promemu_command};

/// A title of the window, a cleared screen, and a reversed direction of writing.
const HOSTILE: &str = "\\u{1b}]0;x\\u{7}\\u{9b}2J\\u{202e}";

fn config(dir: &Path, name: &str, hosts: &str) -> String {
    let path = dir.join(format!("{name}.ron"));
    let text = format!("Config(description: \"{HOSTILE} of config\", hosts: [{hosts}])");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn host(name: &str) -> String {
    format!(
        "Host(name: \"{name}\", labels: {{ \"zone\": \"{HOSTILE}\" }}, metrics: [Metric(name: \"x\", description: \"{HOSTILE}\")])"
    )
}

/// All that promemu prints on a terminal.
fn on_a_terminal(args: &[&str]) -> String {
    let said = terminal_command(&promemu_command(args)).output().unwrap();
    String::from_utf8(said.stdout).unwrap()
}

/// The command that runs another one on a terminal of 80 columns, whose output is its own.
pub(crate) fn terminal_command(of: &Command) -> Command {
    let words = [of.get_program()].into_iter().chain(of.get_args());
    let line = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect::<Vec<_>>().join(" ");
    let mut script = Command::new("script");
    script.args([
        "--quiet",
        "--return",
        "--command",
        &format!("stty cols 80 rows 40; exec {line}"),
        "/dev/null",
    ]);
    script.env("PME_LISTEN", "off").current_dir(env!("CARGO_MANIFEST_DIR"));
    script
}

#[test]
fn no_command_prints_control_characters_of_others_on_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let good = config(dir.path(), "good", &host("a"));
    let wrong = config(dir.path(), "wrong", &format!("Host(name: \"a\", nme: \"\u{1b}]0;y\u{7}{HOSTILE}\")"));
    let named = "no-such-config\u{1b}]0;z\u{7}\u{9b}2J\u{202e}".to_owned();
    let folder = dir.path().display().to_string();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let _run = promemu(&["--config", &good, "--output", "scrape=127.0.0.1:0", "--listen", &address]);
    eventually("the API answers", || get(port, "/api/v1/status"));
    let url = format!("http://{address}");
    for args in [
        &["--list-configs", "--configs-dir", &folder][..],
        &["check", &wrong],
        &["check", &named],
        &["plot", &good, "--metric", "x"],
        &["--config", &good, "--once"],
        &["ctl", "--url", &url, "hosts"],
        &["ctl", "--url", &url, "metrics"],
        &["--no-such-flag\u{1b}]0;y\u{7}"],
    ] {
        let said = on_a_terminal(args);
        assert!(said.len() > 20, "{args:?}: {said:?}");
        for obeyed in ["\u{1b}]", "\u{7}", "\u{9b}", "\u{202e}"] {
            assert!(!said.contains(obeyed), "{args:?}: {said:?}");
        }
    }
    assert!(on_a_terminal(&["--list-configs", "--configs-dir", &folder]).contains("\\u001b]0;x\\u0007"));
}

#[test]
fn what_people_read_behind_a_pipe_has_no_control_characters_either() {
    let dir = tempfile::tempdir().unwrap();
    let failing =
        "Host(name: \"HOSTILE\", metrics: [Metric(name: \"x\", scenario: script(source: \"value.no\"))])";
    let warned = config(dir.path(), "warned", &failing.replace("HOSTILE", HOSTILE));
    let folder = dir.path().display().to_string();
    for args in [
        &["check", &warned][..],
        &["--list-configs", "--configs-dir", &folder],
        &["plot", &warned, "--metric", "x", "--for", "1m"],
    ] {
        let said = promemu_command(args).output().unwrap().stdout;
        let said = String::from_utf8(said).unwrap();
        assert!(said.len() > 20, "{args:?}: {said:?}");
        for obeyed in ["\u{1b}", "\u{7}", "\u{9b}", "\u{202e}"] {
            assert!(!said.contains(obeyed), "{args:?}: {said:?}");
        }
    }
    let listed = promemu_command(&["--list-configs", "--configs-dir", &folder]).output().unwrap().stdout;
    assert!(String::from_utf8(listed).unwrap().contains("\\u001b]0;x"));
}

#[test]
fn the_next_program_in_a_pipe_gets_the_bytes_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), "good", &host("a"));
    let page = promemu_command(&["--config", &config, "--once"]).output().unwrap().stdout;
    assert!(String::from_utf8(page).unwrap().contains("zone=\"\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\""));
}

#[test]
fn log_lines_have_no_control_characters_wherever_they_go() {
    let named = "no-such\u{1b}]0;z\u{7}\u{9b}2J\u{202e}";
    for format in ["text", "json"] {
        let mut run = promemu(&["--config", named, "--log-format", format]);
        assert_eq!(run.wait(), Some(2));
        let log = run.log();
        assert!(log.contains("1b") && !log.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{log:?}");
    }
}

#[test]
fn a_line_break_in_a_name_begins_no_log_line() {
    let dir = tempfile::tempdir().unwrap();
    let name = "h\\n2026-01-01T00:00:00Z  INFO forged";
    let fails = "Metric(name: \"m\", update_interval: \"100ms\", scenario: script(source: \"throw `no`\"))";
    let config = config(dir.path(), "broken", &format!("Host(name: \"{name}\", metrics: [{fails}])"));
    let run = promemu(&["--config", &config, "--output", "scrape=127.0.0.1:0", "--debug"]);
    run.wait_for_log("scenario failed");
    run.wait_for_log("INFO forged");
    let log = run.log();
    assert!(log.lines().all(|line| !line.starts_with("2026-01-01")), "{log}");
}

/// Hosts whose names, jobs and targets are long.
fn wide_daemon(dir: &Path) -> Daemon {
    let metric = "Metric(name: \"load\", value_range: (0, 100), description: \"share of the processors in use, all threads together\")";
    let hosts = |name: &str, job: &str| {
        format!(
            "Host(repeat: Repeat(var: \"i\", from: 1, to: 3), name: \"{name}-{{i}}\", job_name: \"{job}\", ttl: \"1h\", metrics: [{metric}])"
        )
    };
    let path = dir.join("wide.ron");
    let text = [
        hosts("ip-10-205-255.eu-west-1.compute.internal", "frontend-of-the-shop-in-production"),
        hosts("till", "tills-of-the-shop-in-production"),
    ];
    std::fs::write(&path, format!("Config(hosts: [{}])", text.join(", "))).unwrap();
    let target = "remote-write=http://127.0.0.1:1/api/v1/write/of-the-shop/in-production";
    Daemon::start(&[
        "--config",
        &path.display().to_string(),
        "--output",
        "scrape=127.0.0.1:0",
        "--output",
        target,
    ])
}

#[test]
fn tables_of_ctl_fit_80_columns_and_break_no_name_and_no_url() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = wide_daemon(dir.path());
    let url = format!("http://127.0.0.1:{}", daemon.port);
    for action in [
        &["hosts"][..],
        &["host", "till-1"],
        &["metrics"],
        &["events"],
        &["runs"],
        &["configs"],
        &["override", "--help"],
    ] {
        let said = on_a_terminal(&[&["ctl", "--url", &url], action].concat());
        let long: Vec<&str> =
            said.lines().filter(|line| visible(line).trim_end().chars().count() > 80).collect();
        assert!(long.is_empty() && said.contains(|c: char| c.is_uppercase()), "{action:?}: {long:?}");
    }
    let hosts = on_a_terminal(&["ctl", "--url", &url, "hosts"]);
    assert_eq!(hosts.matches("frontend-of-the-shop-in-production").count(), 1, "{hosts}");
    let status = on_a_terminal(&["ctl", "--url", &url, "status"]);
    assert!(status.contains("http://127.0.0.1:1/api/v1/write/of-the-shop/in-production"), "{status}");
}

/// A line without the codes of colours.
fn visible(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[test]
fn a_pipe_gets_a_line_for_each_record_and_an_action_answers_with_the_value_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = wide_daemon(dir.path());
    let url = format!("http://127.0.0.1:{}", daemon.port);
    let piped = |action: &[&str]| {
        let output = promemu_command(&[&["ctl", "--url", &url], action].concat()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let hosts = piped(&["hosts", "till-*"]);
    assert_eq!(hosts.lines().count(), 4, "{hosts}");
    assert!(hosts.lines().skip(1).all(|line| line.ends_with(" tills-of-the-shop-in-production")), "{hosts}");
    assert_eq!(piped(&["metrics"]).lines().count(), 2);
    for value in ["500", "-3.5"] {
        let answer = piped(&["override", "till-1", "load", value]);
        let row: Vec<&str> = answer.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        assert_eq!(row, ["till-1", "load", value, "release"], "{answer}");
    }
    let released = piped(&["release", "till-1", "load"]);
    let value: f64 =
        released.lines().nth(1).and_then(|row| row.split_whitespace().nth(2)?.parse().ok()).unwrap();
    assert!((0.0..=100.0).contains(&value), "{released}");
    assert_eq!(piped(&["remove", "till-[12]"]), "2 hosts removed: till-1, till-2\n");
    assert_eq!(piped(&["hosts", "till-*"]).lines().count(), 2);
}

/// A run of a second with some status reports.
fn reporting_run(flags: &[&str]) -> Command {
    let run = ["run", "single_host_load", "--output", "scrape=127.0.0.1:0", "--listen", "127.0.0.1:0"];
    promemu_command(&[&run[..], &["--status-interval", "100ms", "--duration", "1s"], flags].concat())
}

#[test]
fn a_terminal_shows_short_log_lines_for_people_and_json_only_if_asked() {
    let on_a_terminal = |flags: &[&str], variables: &[(&str, &str)]| {
        let run = reporting_run(flags);
        let output = terminal_command(&run).envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let said = on_a_terminal(&[], &[("TERM", "xterm")]);
    assert!(said.contains("status: ") && !said.contains("{\""), "{said}");
    assert!(said.contains("; open http://127.0.0.1:"), "{said}");
    assert!(said.contains('\u{1b}'), "{said}");
    for plain in [("TERM", "dumb"), ("NO_COLOR", "1")] {
        let said = on_a_terminal(&[], &[plain]);
        assert!(!said.contains('\u{1b}'), "{said}");
        // As in 2026-01-05T00:00:00Z.
        let of_seconds = |line: &&str| line.get(19..21) == Some("Z ");
        assert!(said.lines().filter(|line| line.contains(" INFO ")).all(|line| of_seconds(&line)), "{said}");
    }
    for asked in ["--status-json", "--show-metrics-status"] {
        assert!(on_a_terminal(&[asked], &[]).contains("\"active_hosts\":"), "{asked}");
    }
    let piped = |flags: &[&str]| String::from_utf8(reporting_run(flags).output().unwrap().stderr).unwrap();
    let said = piped(&[]);
    assert!(said.contains("status: ") && said.contains("\n{\"timestamp\":"), "{said}");
    assert!(said.lines().next().is_some_and(|line| line.get(26..28) == Some("Z ")), "{said}");
    assert!(!piped(&["--status-json=false"]).contains("{\""));
}

#[test]
fn help_and_errors_are_plain_on_a_dumb_terminal() {
    let conflict = ["ctl", "lever", "load", "3", "--release"];
    for args in [&["--help"][..], &["ctl", "--help"], &conflict, &["plot", "single_host_load"]] {
        let command = promemu_command(args);
        let shown = |term: &str| terminal_command(&command).env("TERM", term).output().unwrap().stdout;
        assert!(shown("xterm").contains(&0x1b), "{args:?}");
        assert!(!shown("dumb").contains(&0x1b), "{args:?}");
    }
}
