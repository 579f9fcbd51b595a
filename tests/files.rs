//! Files that people name, for reading and for writing: pipes, devices, links, full disks, readers that leave.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::processes::{promemu, promemu_command};

const CONFIG: &str = r#"Config(hosts: [Host(name: "a", metrics: [Metric(name: "x")])])"#;

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs to its end, with this on its standard input.
fn output(args: &[&str], input: &str) -> Output {
    let mut command = promemu_command(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that reads nothing may have ended.
    let _is_taken = child.stdin.take().unwrap().write_all(input.as_bytes()).is_ok();
    child.wait_with_output().unwrap()
}

/// The exit code and the errors of a command that ends by itself.
fn refusal(args: &[&str]) -> (Option<i32>, String) {
    let mut command = promemu(args);
    let code = command.wait();
    (code, command.log())
}

#[test]
fn a_pipe_or_a_device_in_the_place_of_a_file_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let [fifo, zero, config] = ["fifo.ron", "zero.ron", "config.ron"].map(path);
    pipe(Path::new(&fifo));
    std::os::unix::fs::symlink("/dev/zero", &zero).unwrap();
    std::fs::write(&config, CONFIG).unwrap();
    let including = path("including.ron");
    std::fs::write(&including, CONFIG.replace("(hosts", &format!("(include: [\"{fifo}.ron\"], hosts")))
        .unwrap();
    let bearer = format!("scrape=127.0.0.1:0,bearer_file={fifo}");
    let authority = format!("remote-write=https://127.0.0.1:1/x,ca_file={zero}");
    for (args, kind) in [
        (&["check", &fifo][..], "a pipe"),
        (&["check", &zero], "a device"),
        (&["check", &including], "a pipe"),
        (&["check", &config, "--config-args-file", &fifo], "a pipe"),
        (&["--config", &zero, "--once"], "a device"),
        (&["--config", &config, "--listen", "127.0.0.1:0", "--api-token-file", &zero], "a device"),
        (&["--config", &config, "--output", &bearer], "a pipe"),
        (&["--config", &config, "--output", &authority], "a device"),
        (&["ctl", "--url", "http://127.0.0.1:1", "check", &fifo], "a pipe"),
    ] {
        let (code, log) = refusal(args);
        assert!(code.is_some_and(|code| code > 0), "{args:?}: {code:?}");
        assert!(log.contains(&format!("it is not a regular file but {kind}")), "{args:?}: {log}");
    }
}

#[test]
fn a_watched_config_that_becomes_a_pipe_is_an_error_and_the_watch_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.ron");
    std::fs::write(&path, CONFIG).unwrap();
    let name = path.display().to_string();
    let mut run = promemu(&["--config", &name, "--output", "scrape=127.0.0.1:0", "--watch"]);
    run.wait_for_log("watching the config");
    std::fs::remove_file(&path).unwrap();
    pipe(&path);
    run.wait_for_log("it is not a regular file but a pipe");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, CONFIG.replace("\"a\"", "\"b\"")).unwrap();
    run.wait_for_log("config reloaded");
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn standard_input_is_read_by_its_name() {
    let checked = output(&["check", "-"], CONFIG);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let wrong = output(&["check", "-"], "Config(hosts: 5)");
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(said.contains("standard input:1:15:"), "{said}");
    let arguments = output(
        &["--config", "single_host_load", "--once", "--config-args-file", "-"],
        r#"{ "job": "from_standard_input" }"#,
    );
    let page = String::from_utf8(arguments.stdout).unwrap();
    assert!(page.contains("job=\"from_standard_input\""), "{page}");
}
