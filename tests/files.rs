//! Files that people name, for reading and for writing: pipes, devices, links, full disks, readers that leave.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::processes::{Process, can_unshare, eventually, free_port, get, promemu, promemu_command, raw};

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

/// Names in a folder.
fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).collect()
}

const EXPORT: [&str; 6] = ["export", "hosts_load_with_peaks", "--step", "15s", "--for", "10m"];

#[test]
fn a_device_and_a_pipe_are_written_to_and_links_are_followed() {
    let dir = tempfile::tempdir().unwrap();
    let [null, fifo, link] = ["null.om", "fifo.om", "link.om"].map(|name| dir.path().join(name));
    std::os::unix::fs::symlink("/dev/null", &null).unwrap();
    std::os::unix::fs::symlink("behind.om", &link).unwrap();
    pipe(&fifo);
    let reader = {
        let fifo = fifo.clone();
        std::thread::spawn(move || std::fs::read_to_string(fifo).unwrap())
    };
    for out in [&null, &fifo, &link] {
        let (code, log) = refusal(&[&EXPORT[..], &["--out", &out.display().to_string()]].concat());
        assert_eq!(code, Some(0), "{}: {log}", out.display());
    }
    assert!(reader.join().unwrap().ends_with("# EOF\n"), "the pipe has the whole export");
    assert!([&null, &link].iter().all(|link| link.symlink_metadata().unwrap().is_symlink()));
    let mut names = names(dir.path());
    names.sort();
    assert_eq!(names, ["behind.om", "fifo.om", "link.om", "null.om"]);
}

#[test]
fn an_interrupted_export_leaves_nothing() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a.om").display().to_string();
        let mut export =
            promemu(&["export", "hosts_load_with_peaks", "--step", "1s", "--for", "30d", "--out", &out]);
        eventually("something is written", || (!names(dir.path()).is_empty()).then_some(()));
        export.signal(signal);
        assert_eq!(export.wait(), Some(code));
        assert_eq!(names(dir.path()), Vec::<String>::new());
    }
}

#[test]
fn a_test_that_is_stopped_leaves_no_temporary_files_and_those_of_a_killed_one_go_with_the_next() {
    let [dir, temporary] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    // It goes on until promemu is gone.
    let promtool = dir.path().join("promtool");
    std::fs::write(&promtool, "#!/bin/sh\nwhile kill -0 $PPID 2>/dev/null; do sleep 0.05; done\n").unwrap();
    std::fs::set_permissions(&promtool, PermissionsExt::from_mode(0o755)).unwrap();
    let promtool = promtool.display().to_string();
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/docker/prometheus/rules/load_phases.yml");
    let test = |arguments: &[&str]| {
        let mut test = promemu_command(&[&["test", "load_phases", "--rules", rules], arguments].concat());
        test.env("TMPDIR", temporary.path());
        Process::start(&mut test)
    };
    for (signal, code) in [("-INT", Some(130)), ("-TERM", Some(143)), ("-KILL", None)] {
        let mut stopped = test(&["--mutate", "--promtool", &promtool]);
        eventually("promtool has a test", || {
            let mut folders = std::fs::read_dir(temporary.path()).unwrap();
            folders.any(|folder| folder.unwrap().path().join("test.yml").exists()).then_some(())
        });
        stopped.signal(signal);
        assert_eq!(stopped.wait(), code);
        // After a kill the watchdog of promtool and the next start clear up.
        assert!(signal == "-KILL" || names(temporary.path()).is_empty(), "{signal}");
    }
    let mut next = test(&[]);
    assert_eq!(next.wait(), Some(0), "{}", next.log());
    eventually("nothing is left", || names(temporary.path()).is_empty().then_some(()));
}

/// promemu in this folder as a user whom the system gives no thread; `None` where this user cannot be one.
#[expect(clippy::print_stderr, reason = "a test reports that it is skipped")]
fn without_threads(dir: &Path, args: &[&str]) -> Option<Command> {
    let promemu = promemu_command(args);
    let as_user = "[ \"$(id -u)\" != 0 ] || set -- setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"; \
                   exec prlimit --nproc=1 \"$@\"";
    let command = |args: &[&std::ffi::OsStr]| {
        let mut command = Command::new("sh");
        command.args(["-c", as_user, "sh"]).arg(promemu.get_program()).args(args);
        command.current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    if command(&["--version".as_ref()]).status().is_ok_and(|status| status.success()) {
        return Some(command(&promemu.get_args().collect::<Vec<_>>()));
    }
    eprintln!("skipped: this user cannot run promemu as one without threads");
    None
}

#[test]
fn a_command_without_threads_ends_on_a_signal_and_without_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let out = dir.path().join("a.om").display().to_string();
    let export =
        ["export", "hosts_load_with_peaks", "hosts_ttl=inf", "--step", "1s", "--for", "30d", "--out", &out];
    let Some(mut export) = without_threads(dir.path(), &export) else { return };
    let mut export = Process::start(&mut export);
    eventually("something is written", || (!names(dir.path()).is_empty()).then_some(()));
    export.signal("-TERM");
    assert_eq!(export.wait(), None, "the signal itself ends it");
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/docker/prometheus/rules/load_phases.yml");
    for arguments in
        [&["test", "load_phases", "--rules", rules][..], &["export", "load_phases", "--for", "1m"]]
    {
        let mut ended = Process::start(&mut without_threads(dir.path(), arguments).unwrap());
        let code = ended.wait();
        assert!(
            code.is_some_and(|code| code < 4) && !ended.log().contains("panicked"),
            "{code:?}: {}",
            ended.log()
        );
    }
}

#[test]
fn a_file_that_no_thread_can_read_is_not_called_unreadable() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let [config, token] = ["c.ron", "token"].map(|name| dir.path().join(name).display().to_string());
    std::fs::write(&config, "Config(hosts: [Host(name: \"a\", metrics: [Metric(name: \"m\")])])").unwrap();
    std::fs::write(&token, "t0ken").unwrap();
    let push = format!("pushgateway=http://127.0.0.1:1,bearer_file={token}");
    for args in [&["check", &config][..], &["clean", "--output", &push]] {
        let Some(mut command) = without_threads(dir.path(), args) else { return };
        let mut ended = Process::start(&mut command);
        let code = ended.wait();
        let log = ended.log();
        assert!(code.is_some_and(|code| code == 1 || code == 2), "{code:?}: {log}");
        assert!(log.contains("no thread can be started; raise the limits of processes (ulimit -u)"), "{log}");
        assert!(!log.contains("check that") && !log.contains("check its path"), "{log}");
    }
}

#[test]
fn a_full_disk_and_a_file_that_may_not_grow_are_errors_with_a_sentence() {
    let full = refusal(&[&EXPORT[..], &["--format", "openmetrics", "--out", "/dev/full"]].concat());
    assert!(
        full.0 == Some(1) && full.1.contains("/dev/full cannot be written; make room on its disk, or choose another place with --out: No space left"),
        "{full:?}"
    );
    let dir = tempfile::tempdir().unwrap();
    for args in [&EXPORT[..], &["plot", "single_host_load"], &["dashboard", "single_host_load"]] {
        let out = dir.path().join(if args[0] == "plot" { "a.png" } else { "a.om" }).display().to_string();
        let promemu = promemu_command(args);
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -f 1; exec \"$0\" \"$@\""]).arg(promemu.get_program());
        limited.args(promemu.get_args()).args(["--out", &out]).current_dir(env!("CARGO_MANIFEST_DIR"));
        let ended = limited.output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.code() == Some(1) && said.contains("File too large"), "{args:?}: {said}");
        assert_eq!(names(dir.path()), Vec::<String>::new(), "{args:?}");
    }
}

/// Reads a few bytes of a pipe, and goes.
fn leaving_reader(fifo: &Path) -> std::thread::JoinHandle<()> {
    let fifo = fifo.to_owned();
    std::thread::spawn(move || {
        let mut first = [0; 16];
        std::fs::File::open(fifo).unwrap().read_exact(&mut first).unwrap();
    })
}

#[test]
fn a_reader_of_a_pipe_that_leaves_is_an_error_and_one_of_standard_output_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo.om");
    pipe(&fifo);
    let out = fifo.display().to_string();
    let many = [&EXPORT[..4], &["--for", "2h"]].concat();
    let rules = [&many, &["--format", "rules"][..]].concat();
    for (args, flag) in [(&many, "--out"), (&rules, "--out")] {
        let reader = leaving_reader(&fifo);
        let (code, log) = refusal(&[&args[..], &[flag, &out]].concat());
        reader.join().unwrap();
        assert_eq!(code, Some(1), "{args:?}: {log}");
        let told = format!(
            "{out} cannot be written; its reader went before the end; choose another place with {flag}"
        );
        assert!(log.contains(&told), "{args:?}: {log}");
    }
    let mut command = promemu_command(&many);
    let mut export = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    export.stdout.take().unwrap().read_exact(&mut [0; 16]).unwrap();
    let ended = export.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn a_run_tells_of_the_reader_of_a_pipe_that_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo.prom");
    pipe(&fifo);
    let output = format!("file={}", fifo.display());
    let mut run = promemu(&["run", "single_host_load", "--output", &output, "--push-interval", "50ms"]);
    leaving_reader(&fifo).join().unwrap();
    run.wait_for_log("nobody reads the pipe");
    run.terminate();
}

#[test]
fn a_run_whose_output_is_read_by_nobody_any_more_ends_quietly() {
    let args = ["--config", "single_host_load", "--output", "file=-", "--push-interval", "50ms"];
    let mut run = promemu_command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 6];
    run.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let ended = run.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success() && first == *b"# HELP", "{said}");
    assert!(!said.contains("WARN") && !said.contains("ERROR"), "{said}");
}

#[test]
fn a_reader_that_takes_nothing_holds_up_neither_the_start_nor_the_pages_nor_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo.prom");
    pipe(&fifo);
    let pipe_output = format!("file={}", fifo.display());
    let port = free_port();
    let page = format!("scrape=127.0.0.1:{port}");
    let args =
        ["--config", "hosts_load_with_peaks", "--push-interval", "50ms", "--output", &page, "--output"];
    for (output, reader) in [(&*pipe_output, false), (&*pipe_output, true), ("file=-", false)] {
        // A reader that opens the pipe and reads nothing.
        let open = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
        let _reader = reader.then_some(open);
        let (unread, stdout) = std::io::pipe().unwrap();
        let mut command = promemu_command(&[&args[..], &[output]].concat());
        let mut run = command.stdout(stdout).stderr(Stdio::null()).spawn().unwrap();
        drop(command);
        eventually("the page has values", || get(port, "/metrics").filter(|page| page.contains("cpu_")));
        let status = Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
        assert!(status.success());
        let ended = eventually("it ends", || run.try_wait().unwrap());
        assert_eq!(ended.code(), Some(0), "{output}");
        drop(unread);
    }
}

#[test]
fn a_byte_order_mark_is_part_of_no_file_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("\u{feff}{text}")).unwrap();
        path.display().to_string()
    };
    let certificate =
        std::fs::read_to_string(format!("{}/tests/tls/ca.pem", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let config =
        r#"Config(args: { "who": "a" }, hosts: [Host(name: "{who}", metrics: [Metric(name: "x")])])"#;
    let config = file("a.ron", config);
    let arguments = file("arguments.json", "{ \"who\": \"b\" }");
    let token = file("token", "t0ken\n");
    let [page, api] = [(); 2].map(|()| free_port());
    let scraped = format!("scrape=127.0.0.1:{page},user=me,password_file={}", file("password", "s3cret"));
    let written = format!(
        "remote-write=https://127.0.0.1:{},ca_file={},headers_file={}",
        free_port(),
        file("ca.pem", &certificate),
        file("headers", "X-Key: 5\n")
    );
    let args = [
        ["--config", &config],
        ["--config-args-file", &arguments],
        ["--api-token-file", &token],
        ["--listen", &format!("127.0.0.1:{api}")],
        ["--output", &scraped],
        ["--output", &written],
        ["--push-interval", "300ms"],
    ];
    let mut run = promemu(args.as_flattened());
    run.wait_for_log("connection refused");
    let ask = |port, path, header: &str| {
        eventually(path, || raw("GET", port, path, &format!("Authorization: {header}\r\n")))
    };
    eventually("the host has reported", || {
        let (head, body) = ask(page, "/metrics", "Basic bWU6czNjcmV0");
        assert!(head.contains(" 200 "), "{head}");
        String::from_utf8(body).unwrap().contains("x{name=\"b\"").then_some(())
    });
    assert!(ask(api, "/api/v1/status", "Bearer t0ken").0.contains(" 200 "));
    assert!(ask(api, "/api/v1/status", "Bearer other").0.contains(" 401 "));
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn a_file_that_is_mounted_by_itself_is_written_in_place() {
    if !can_unshare(&["--mount"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let [behind, mounted] = ["behind.prom", "mounted.prom"].map(|name| dir.path().join(name));
    let read = || std::fs::read_to_string(&behind).unwrap();
    let with_mount = |args: &[&str]| {
        let promemu = promemu_command(args);
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", "mount --bind \"$0\" \"$1\" && shift && exec \"$@\""]);
        command.args([&behind, &mounted]).arg(promemu.get_program()).args(promemu.get_args());
        Process::start(command.current_dir(env!("CARGO_MANIFEST_DIR")).env("PME_LISTEN", "off"))
    };
    for path in [&behind, &mounted] {
        // Longer than anything that is written later.
        std::fs::write(path, "old\n".repeat(100_000)).unwrap();
    }
    let (place, page) = (mounted.display().to_string(), format!("file={}", mounted.display()));
    let mut run =
        with_mount(&["--config", "single_host_load", "--push-interval", "200ms", "--output", &page]);
    eventually("the values are there", || read().contains("cpu_usage_percent{").then_some(()));
    let first = behind.metadata().unwrap().modified().unwrap();
    eventually("newer ones follow", || {
        (behind.metadata().unwrap().modified().unwrap() > first).then_some(())
    });
    assert_eq!((run.terminate(), run.count_in_log("it is written in place")), (Some(0), 1), "{}", run.log());
    assert!(!read().contains("old"));
    let mut export = with_mount(&[&EXPORT[..], &["--out", &place, "--format", "openmetrics"]].concat());
    assert_eq!(export.wait(), Some(0), "{}", export.log());
    assert!(read().ends_with("# EOF\n") && read().contains("workers_count{"), "the whole export and no more");
    let mut names = names(dir.path());
    names.sort();
    assert_eq!(names, ["behind.prom", "mounted.prom"]);
    assert!(std::fs::read_to_string(&mounted).unwrap().starts_with("old"), "outside of the namespace");
}

/// A shell that runs promemu with these arguments, and redirections of its own.
fn redirected(args: &[&str], redirection: &str) -> Command {
    let mut shell = Command::new("sh");
    let program = promemu_command(&[]).get_program().to_owned();
    shell
        .args(["-c", &format!("exec \"$0\" \"$@\" {redirection}")])
        .arg(program)
        .args(args)
        .env("PME_LISTEN", "off");
    shell
}

#[test]
fn what_cannot_be_printed_as_standard_output_is_closed_is_an_error() {
    let page = format!("scrape=127.0.0.1:{}", free_port());
    let run = ["run", "hosts_load_with_peaks", "--duration", "1ms", "--output"];
    for args in [
        &["--help"][..],
        &["--version"],
        &["scenarios"],
        &["check", "hosts_load_with_peaks"],
        &["--once", "--config", "hosts_load_with_peaks"],
        &["export", "hosts_load_with_peaks", "--for", "10s"],
        &["export", "hosts_load_with_peaks", "--for", "10s", "--out", "-", "--format", "csv"],
        &[&run[..], &["file=-"]].concat(),
    ] {
        let output = redirected(args, ">&-").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("standard output is closed"), "{args:?}: {said}");
    }
    // A run that prints nothing there needs none, and the null device is a place like others, however it is opened.
    for (args, redirection) in [
        (&[&run[..], &[&page]].concat()[..], ">&-"),
        (&["check", "hosts_load_with_peaks"], ">/dev/null"),
        (&["check", "hosts_load_with_peaks"], "1<>/dev/null"),
    ] {
        let output = redirected(args, redirection).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_pipe_for_the_ground_truth_of_a_run_waits_for_its_reader_and_the_run_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let [config, pipe] = ["a.ron", "truth"].map(|name| dir.path().join(name).to_str().unwrap().to_owned());
    std::fs::write(
        &config,
        r#"Config(levers: { "load": 1.0 }, faults: [Fault(id: "f", at: 0, lasts: "10ms", every: "100ms", set: { "load": 2 })],
        hosts: [Host(name: "h", ttl: "inf", metrics: [Metric(name: "up")])])"#,
    )
    .unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let port = free_port();
    let page = format!("scrape=127.0.0.1:{port}");
    let mut run = promemu(&["run", &config, "--truth", &pipe, "--output", &page]);
    eventually("the run goes on without a reader", || get(port, "/metrics"));
    let mut lines = BufReader::new(std::fs::File::open(&pipe).unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let second = lines.next().unwrap().unwrap();
    assert!(
        [&first, &second].iter().all(|line| line.contains("\"id\":\"f\"")) && first != second,
        "{first} {second}"
    );
    assert_eq!(run.terminate(), Some(0));
    // The end of the run is the end of the pipe.
    assert!(lines.all(|line| line.unwrap().contains("\"id\":\"f\"")));
}
