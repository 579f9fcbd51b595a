//! A terminal shows names and descriptions, and obeys none of them.

use std::path::Path;
use std::process::Command;

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
    let promemu = promemu_command(args);
    let words = [promemu.get_program()].into_iter().chain(promemu.get_args());
    let line = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect::<Vec<_>>().join(" ");
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    let said = script.env("PME_LISTEN", "off").current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    String::from_utf8(said.stdout).unwrap()
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
