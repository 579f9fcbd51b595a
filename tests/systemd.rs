//! promemu as a service of systemd: what it tells the socket of `NOTIFY_SOCKET`.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::processes::{Process, eventually, free_port, http, promemu_command};

/// The socket that a service tells its state.
struct NotifySocket {
    socket: UnixDatagram,
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl NotifySocket {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket, path, _dir: dir }
    }

    /// The next thing that it is told.
    fn next(&self) -> String {
        let mut buffer = [0; 200];
        let length = eventually("the service tells something", || self.socket.recv(&mut buffer).ok());
        String::from_utf8(buffer[..length].to_vec()).unwrap().trim().to_owned()
    }

    /// Waits for this, past signs of life.
    fn wait_for(&self, state: &str) {
        while self.next() != state {}
    }
}

#[test]
fn a_service_says_when_it_is_ready_that_it_lives_and_when_it_ends() {
    for args in [&["run", "single_host_load", "--embedded", "--pushgateway-url"][..], &["--listen"]] {
        let socket = NotifySocket::new();
        let port = free_port();
        let scheme = if args.len() > 1 { "http://" } else { "" };
        let mut command = promemu_command(args);
        command.arg(format!("{scheme}127.0.0.1:{port}"));
        command.env("NOTIFY_SOCKET", &socket.path).env("WATCHDOG_USEC", "200000");
        let mut service = Process::start(&mut command);
        assert_eq!(socket.next(), "READY=1", "{args:?}");
        socket.wait_for("WATCHDOG=1");
        socket.wait_for("WATCHDOG=1");
        assert_eq!(service.terminate(), Some(0));
        socket.wait_for("STOPPING=1");
    }
}

#[test]
fn a_reload_is_told_when_it_begins_and_when_the_config_is_in_force_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("reloaded.ron");
    let config =
        |name: &str| format!("Config(hosts: [Host(name: \"{name}\", metrics: [Metric(name: \"level\")])])");
    std::fs::write(&path, config("before")).unwrap();
    let (socket, port) = (NotifySocket::new(), free_port());
    // Signals of a test that runs under nohup are ignored otherwise.
    let mut command = std::process::Command::new("env");
    let promemu = promemu_command(&["run", path.to_str().unwrap(), "--output"]);
    command.arg("--default-signal=HUP").arg(promemu.get_program()).args(promemu.get_args());
    command
        .arg(format!("scrape=127.0.0.1:{port}"))
        .env("PME_LISTEN", "off")
        .env("NOTIFY_SOCKET", &socket.path);
    let mut service = Process::start(&mut command);
    assert_eq!(socket.next(), "READY=1");
    let page = || http("GET", port, "/metrics", "").unwrap().1;
    for (text, served) in
        [(config("after"), "after"), ("Config(hosts: 5)".to_owned(), "after"), (config("again"), "again")]
    {
        std::fs::write(&path, text).unwrap();
        service.signal("-HUP");
        let told = socket.next();
        let since = told.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{told}"));
        assert!(since.parse::<u64>().unwrap() > 0);
        assert_eq!(socket.next(), "READY=1");
        // The run takes the plan over between two updates.
        eventually("the config is in force", || page().contains(&format!("name=\"{served}\"")).then_some(()));
    }
    assert_eq!(service.terminate(), Some(0));
    assert_eq!(socket.next(), "STOPPING=1");
}

#[test]
fn a_token_of_a_credentials_folder_guards_the_control_api() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("api-token");
    std::fs::write(&token, "s3cret\n").unwrap();
    // As systemd makes it: for the service to read alone.
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o400)).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    let port = free_port();
    let mut command = promemu_command(&["--listen", &format!("127.0.0.1:{port}")]);
    let _service = Process::start(command.env("PME_API_TOKEN_FILE", &token));
    let status = || eventually("the API answers", || http("GET", port, "/api/v1/runs", "")).0;
    assert_eq!(status(), 401);
    let mut ctl = promemu_command(&["ctl", "runs", "--url", &format!("http://127.0.0.1:{port}")]);
    assert!(!ctl.output().unwrap().status.success());
    let answered = ctl.env("PME_API_TOKEN_FILE", &token).output().unwrap().status.success();
    // Or nobody but root could remove it.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(answered);
}
