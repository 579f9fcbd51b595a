//! The README's commands and config work unchanged.

use std::path::Path;
use std::process::Command;

use crate::processes::{Process, Pushgateway, eventually, free_port, http, promemu_command};

/// The code blocks of one language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("\n```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// Splits a command into its variables and its words; blanks in double quotes separate no words.
fn split(command: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in command.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    let program = words.iter().position(|word| word == "promemu").unwrap();
    let variables = words[..program].iter().filter_map(|word| word.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (variables, words[program + 1..].to_vec())
}

/// A folder like the repository's: the shipped configs, the README's own one, and the files that its commands use.
fn folder(readme: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let configs = dir.path().join("configs");
    std::fs::create_dir(&configs).unwrap();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("configs")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, configs.join(path.file_name().unwrap())).unwrap();
    }
    std::fs::write(configs.join("shop.ron"), blocks(readme, "ron")[0]).unwrap();
    let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    for (name, stored) in [("cert.pem", "certificate.pem"), ("key.pem", "key.pem")] {
        std::fs::copy(tls.join(stored), dir.path().join(name)).unwrap();
    }
    std::fs::write(dir.path().join("token"), "t0ken\n").unwrap();
    dir
}

/// A run with the control API at this port.
fn daemon(port: u16) -> Process {
    let listen = format!("127.0.0.1:{port}");
    let args = ["--config", "hosts_load_with_peaks", "--output", "scrape=127.0.0.1:0", "--listen", &listen];
    let daemon = Process::start(&mut promemu_command(&args));
    eventually("the daemon's hosts have started", || {
        let (status, hosts) = http("GET", port, "/api/v1/hosts?state=running&limit=0", "")?;
        (status == 200 && hosts.contains("\"matched\":10")).then_some(())
    });
    daemon
}

#[test]
fn every_request_of_the_api_works() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let port = free_port();
    let _daemon = daemon(port);
    let block = blocks(&readme, "bash").into_iter().find(|block| block.contains("/api/v1/")).unwrap();
    let requests = block.replace("\\\n", " ").replace("127.0.0.1:8000", &format!("127.0.0.1:{port}"));
    for request in requests.lines() {
        let request = request.replacen("curl ", "curl -sS --fail-with-body --max-time 3 ", 1);
        // A host that has just been stopped cannot be started at once.
        eventually(&request, || {
            let outcome = Command::new("sh").args(["-c", &request]).output().unwrap();
            // A stream ends with curl's timeout.
            let is_done =
                outcome.status.success() || (request.contains(" -N ") && outcome.status.code() == Some(28));
            let is_busy = String::from_utf8_lossy(&outcome.stdout).contains("\"conflict\"");
            assert!(is_done || is_busy, "{request}: {outcome:?}");
            is_done.then_some(())
        });
    }
    assert!(requests.lines().count() >= 12, "{requests}");
}

#[test]
fn every_command_works() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let dir = folder(&readme);
    let gateway = Pushgateway::start();
    // The daemon of `promemu ctl`.
    let port = free_port();
    let daemon = daemon(port);
    let commands =
        blocks(&readme, "sh").into_iter().flat_map(str::lines).filter(|line| line.contains("promemu "));
    let mut count = 0;
    for command in commands {
        let (variables, words) = split(command);
        let url = if command.contains("--embedded") {
            format!("http://127.0.0.1:{}", free_port())
        } else {
            gateway.url()
        };
        let words = words.iter().map(|word| {
            word.replace("http://127.0.0.1:9091", &url)
                .replace("127.0.0.1:9092", "127.0.0.1:0")
                .replace("127.0.0.1:9464", "127.0.0.1:0")
                .replace("127.0.0.1:8000", "127.0.0.1:0")
        });
        let mut run = Process::start(
            promemu_command(&[])
                .args(words)
                .current_dir(dir.path())
                .env("PME_PUSHGATEWAY_URL", &url)
                .env("PME_URL", format!("http://127.0.0.1:{port}"))
                .envs(variables),
        );
        let runs_on = eventually(command, || {
            if ["INFO running ", "promemu waits for runs"].iter().any(|line| run.log().contains(line)) {
                Some(true)
            } else {
                (!run.is_running()).then_some(false)
            }
        });
        let code = if runs_on { run.terminate() } else { run.wait() };
        assert_eq!(code, Some(0), "{command}: {}", run.log());
        count += 1;
    }
    assert!(count >= 9, "only {count} commands were found");
    drop(daemon);
}
