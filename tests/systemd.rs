//! promemu as a service of systemd: what it tells the socket of `NOTIFY_SOCKET`.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::processes::{Process, eventually, promemu_command};

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
        let port = crate::processes::free_port();
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
