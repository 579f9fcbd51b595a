//! The docs as their readers use them: commands and requests work unchanged, links lead somewhere, pages stay short.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::nats::Nats;
use crate::processes::{Process, Pushgateway, eventually, free_port, http, promemu_command};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    std::fs::read_to_string(repository().join(file)).unwrap()
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

/// The README and all pages of `docs`.
fn pages() -> Vec<String> {
    let docs = std::fs::read_dir(repository().join("docs")).unwrap();
    let names = docs.map(|entry| format!("docs/{}", entry.unwrap().file_name().to_str().unwrap()));
    let mut pages: Vec<String> = names.filter(|name| is_markdown(Path::new(name))).collect();
    pages.push("README.md".into());
    pages.sort();
    pages
}

/// The code blocks of one language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("\n```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// A command that runs promemu: variables before it, and its words.
struct PromemuCommand {
    variables: Vec<(String, String)>,
    words: Vec<String>,
}

/// Splits a command; blanks in quotes separate no words. `None` if it does not run promemu.
fn split(command: &str) -> Option<PromemuCommand> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in command.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(String::new()),
            (other, _) => words.last_mut().unwrap().push(other),
        }
    }
    let program = words.iter().position(|word| !word.contains('=')).filter(|at| words[*at] == "promemu")?;
    let variables = words[..program].iter().filter_map(|word| word.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some(PromemuCommand { variables, words: words[program + 1..].to_vec() })
}

/// A folder like the repository's: the shipped configs, the one of the docs, and the files that their commands use.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let configs = dir.path().join("configs");
    std::fs::create_dir_all(dir.path().join("docker/grafana/dashboards")).unwrap();
    std::fs::create_dir(&configs).unwrap();
    let rules = dir.path().join("docker/prometheus");
    std::fs::create_dir(&rules).unwrap();
    for name in ["rules", "tests"] {
        std::os::unix::fs::symlink(repository().join("docker/prometheus").join(name), rules.join(name))
            .unwrap();
    }
    // Copies, as commands write into these folders.
    for folder in ["configs", "docker/grafana/dashboards"] {
        for entry in std::fs::read_dir(repository().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, dir.path().join(folder).join(path.file_name().unwrap())).unwrap();
        }
    }
    let page = read("docs/configs.md");
    let shop =
        blocks(&page, "ron").into_iter().find(|block| block.contains("a shop whose web servers")).unwrap();
    std::fs::write(configs.join("shop.ron"), shop).unwrap();
    for (name, stored) in [("cert.pem", "certificate.pem"), ("key.pem", "key.pem")] {
        std::fs::copy(repository().join("tests/tls").join(stored), dir.path().join(name)).unwrap();
    }
    std::fs::write(dir.path().join("token"), "t0ken\n").unwrap();
    dir
}

/// A run of the config with the control API at this port.
fn daemon(config: &str, port: u16) -> Process {
    let listen = format!("127.0.0.1:{port}");
    let args = ["--config", config, "--output", "scrape=127.0.0.1:0", "--listen", &listen];
    let daemon = Process::start(&mut promemu_command(&args));
    eventually("all hosts of the daemon have reported", || {
        (http("GET", port, "/ready", "")?.0 == 200).then_some(())
    });
    daemon
}

#[test]
fn every_request_of_the_api_page_works() {
    let page = read("docs/api.md");
    let port = free_port();
    let _daemon = daemon("hosts_load_with_peaks", port);
    let block = blocks(&page, "bash").into_iter().find(|block| block.contains("/api/v1/")).unwrap();
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

/// The bus in the docs' commands.
const BUS: &str = "nats://127.0.0.1:4222";

/// The servers that commands of a page talk to.
struct Servers {
    gateway: Pushgateway,
    bus: Option<Nats>,
}

/// Runs the commands of a page in their order, in one folder, and returns their number. `promemu ctl` talks to a run of the
/// config that a command above it in the same block runs.
fn run_commands(page: &str) -> usize {
    let text = read(page);
    let dir = folder();
    let servers = Servers { gateway: Pushgateway::start(), bus: text.contains(BUS).then(Nats::start) };
    let mut daemons: BTreeMap<String, (u16, Process)> = BTreeMap::new();
    let mut count = 0;
    for block in blocks(&text, "sh") {
        if block.contains("\npromtool ") {
            run_script(block, dir.path());
            count += block.lines().filter(|line| line.starts_with("prom")).count();
            continue;
        }
        let mut config = "hosts_load_with_peaks".to_owned();
        // A line that ends in a backslash goes on in the next one.
        for command in block.replace("\\\n    ", "").lines() {
            let Some(PromemuCommand { variables, words }) = split(command) else { continue };
            if let Some(at) = words.iter().position(|word| word == "--config" || word == "run") {
                config.clone_from(&words[at + 1]);
            }
            let port = if words[0] == "ctl" {
                let start = || {
                    let port = free_port();
                    (port, daemon(&config, port))
                };
                daemons.entry(config.clone()).or_insert_with(start).0
            } else {
                0
            };
            run_command(command, &variables, &words, &dir, &servers, port);
            count += 1;
        }
    }
    count
}

/// Runs the whole block, as one command of it needs the files of another.
fn run_script(block: &str, dir: &Path) {
    let output =
        Command::new("sh").args(["-e", "-c", block]).current_dir(dir).env("PATH", path()).output().unwrap();
    assert!(output.status.success(), "{block}: {output:?}");
}

/// The folders of programs, with that of promemu first.
fn path() -> std::ffi::OsString {
    let programs = Path::new(env!("CARGO_BIN_EXE_promemu")).parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap();
    std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&others))).unwrap()
}

fn run_command(
    command: &str,
    variables: &[(String, String)],
    words: &[String],
    dir: &tempfile::TempDir,
    servers: &Servers,
    api_port: u16,
) {
    let url = if command.contains("--embedded") {
        format!("http://127.0.0.1:{}", free_port())
    } else {
        servers.gateway.url()
    };
    let bus = servers.bus.as_ref().map_or_else(String::new, Nats::url);
    let words = words.iter().map(|word| {
        word.replace("http://127.0.0.1:9091", &url)
            .replace(BUS, &bus)
            .replace("127.0.0.1:9092", "127.0.0.1:0")
            .replace("127.0.0.1:9464", "127.0.0.1:0")
            .replace("127.0.0.1:9465", "127.0.0.1:0")
            .replace("127.0.0.1:9466", "127.0.0.1:0")
            .replace("127.0.0.1:8000", "127.0.0.1:0")
    });
    let mut run = Process::start(
        promemu_command(&[])
            .args(words)
            .current_dir(dir.path())
            .env("PME_PUSHGATEWAY_URL", &url)
            .env("PME_URL", format!("http://127.0.0.1:{api_port}"))
            .envs(variables.iter().cloned()),
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
}

#[test]
fn every_command_works() {
    // The plugin guide needs cargo; it has a test of its own.
    let pages: Vec<String> = pages().into_iter().filter(|page| page != "docs/plugins.md").collect();
    // A few at a time: some commands work for seconds, and all of them at once would wait for each other for too long.
    let workers = std::thread::available_parallelism().unwrap().get();
    let left = Mutex::new(pages.iter());
    let next = || left.lock().unwrap().next();
    let run_pages = || std::iter::from_fn(next).map(|page| run_commands(page)).sum::<usize>();
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..workers).map(|_| scope.spawn(run_pages)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(counts.iter().sum::<usize>() >= 60, "{counts:?} commands of {pages:?}");
}

#[test]
fn the_test_of_the_readme_finds_what_the_readme_says() {
    let readme = read("README.md");
    let shown = blocks(&readme, "text").into_iter().find(|block| block.contains("PASSED")).unwrap();
    let (verdicts, dir) = (read("docs/verdicts.md"), folder());
    let of_page = blocks(&verdicts, "text").into_iter().find(|block| block.contains("PASSED")).unwrap();
    let args = ["test", "load_phases", "--rules", "docker/prometheus/rules/load_phases.yml"];
    let output = promemu_command(&args).current_dir(dir.path()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let is_row = |line: &&str| line.starts_with("PASSED") || line.starts_with("OUTCOME");
    // A pipe has no columns of a width.
    let words = |text: &str| -> Vec<String> {
        text.lines()
            .filter(is_row)
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    };
    assert!(words(shown).len() == 5 && words(shown) == words(&printed), "{printed}");
    assert_eq!(words(of_page), words(&printed));
}

#[test]
fn the_rule_test_of_the_page_on_ci_expects_an_alert_that_is_not_there_at_another_time() {
    let (page, dir) = (read("docs/ci.md"), folder());
    let recipe = blocks(&page, "sh").into_iter().find(|block| block.contains("alert_rule_test")).unwrap();
    assert!(recipe.lines().count() <= 12, "{recipe}");
    run_script(recipe, dir.path());
    let file = dir.path().join("incident.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("eval_time: 5m", "eval_time: 2m")).unwrap();
    let run = Command::new("promtool").args(["test", "rules"]).arg(&file).output().unwrap();
    assert!(!run.status.success(), "{run:?}");
}

/// The script of a step of the workflow on the page on CI.
fn step_of_ci(name: &str) -> String {
    let page = read("docs/ci.md");
    let step = page.split_once(&format!("- name: {name}\n        run: |\n")).unwrap().1;
    let lines: Vec<&str> = step.lines().map_while(|line| line.strip_prefix("          ")).collect();
    lines.join("\n")
}

#[test]
fn the_workflow_of_the_page_on_ci_sees_its_alert_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    // The shipped rules, over a shorter time.
    let rules =
        read("docker/prometheus/rules/services.yml").replace("for: 30s", "for: 1s").replace("[1m]", "[20s]");
    std::fs::create_dir(dir.path().join("rules")).unwrap();
    std::fs::write(dir.path().join("rules/services.yml"), rules).unwrap();
    let mut script = step_of_ci("test the alerts");
    let api = free_port().to_string();
    for (port, free) in
        [("8000", &api), ("9464", &free_port().to_string()), ("9090", &free_port().to_string())]
    {
        assert!(script.contains(port), "{port} in {script}");
        script = script.replace(port, free);
    }
    // As GitHub runs a step.
    let outcome = Command::new("bash")
        .args(["-e", "-c", &script])
        .current_dir(dir.path())
        .env("PATH", path())
        .env("PME_URL", format!("http://127.0.0.1:{api}"))
        .output()
        .unwrap();
    let log = std::fs::read_to_string(dir.path().join("promemu.log")).unwrap_or_default();
    assert!(outcome.status.success(), "{outcome:?}\n{log}");
    assert!(dir.path().join("data").is_dir(), "there is something to keep");
}

/// All Markdown files of the repository, by their paths in it.
fn markdown_files() -> BTreeMap<PathBuf, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![repository().to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !name.starts_with('.') && !["target", "data", "backups"].contains(&name) {
                    folders.push(path);
                }
            } else if is_markdown(&path) {
                let inside = path.strip_prefix(repository()).unwrap().to_owned();
                found.insert(inside, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// The lines outside of code blocks, without their code spans.
fn prose(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// The targets of a page's links and images; code spans have none.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let without_code: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let targets = without_code.split("](").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned());
        found.extend(targets);
    }
    found
}

/// The anchors that GitHub gives to a page's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let lines = prose(text);
    for heading in lines
        .iter()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
    {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let anchor: String = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let mut unique = anchor.clone();
        let mut repeats = 0;
        while !found.insert(unique) {
            repeats += 1;
            unique = format!("{anchor}-{repeats}");
        }
    }
    found
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let files = markdown_files();
    let (mut broken, mut count) = (Vec::new(), 0);
    for (file, text) in &files {
        for link in links(text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            let real = repository().join(&target).canonicalize();
            let of_markdown = real
                .as_ref()
                .ok()
                .and_then(|real| files.get(real.strip_prefix(repository().canonicalize().unwrap()).ok()?));
            let is_found = real.is_ok()
                && (anchor.is_empty() || of_markdown.is_some_and(|text| anchors(text).contains(anchor)));
            if !is_found {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(count >= 100, "only {count} links were found");
}

#[test]
fn pages_are_short_and_the_readme_leads_to_each() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 150, "README.md has {} lines", readme.lines().count());
    let before_the_first_command = readme.split("\n```sh\n").next().unwrap();
    let links_of = |text: &str| text.matches("](").count() - text.matches("![").count();
    assert_eq!(links_of(before_the_first_command), 0, "links stand before the first command");
    let linked: BTreeSet<String> = links(&readme).into_iter().collect();
    for page in pages().into_iter().filter(|page| page != "README.md") {
        let lines = read(&page).lines().count();
        assert!(lines < 300, "{page} has {lines} lines");
        assert!(linked.contains(&page), "the contents of the README have no {page}");
    }
}
