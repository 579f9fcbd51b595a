//! A NATS server with `JetStream`.

use std::process::Command;

use crate::processes::{Process, eventually, free_port};

/// A server with its data.
pub(crate) struct Nats {
    address: String,
    port: u16,
    process: Option<Process>,
    dir: tempfile::TempDir,
}

impl Nats {
    pub(crate) fn start() -> Self {
        Self::start_on("127.0.0.1")
    }

    /// A server on an address of this machine.
    pub(crate) fn start_on(address: &str) -> Self {
        let (address, dir) = (address.to_owned(), tempfile::tempdir().unwrap());
        let mut server = Self { address, port: free_port(), process: None, dir };
        server.start_again();
        server
    }

    /// Starts it with the data that it had, at the same port.
    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new("nats-server");
        command.args([
            "--addr",
            &self.address,
            "--port",
            &self.port.to_string(),
            "--jetstream",
            "--store_dir",
        ]);
        let process = Process::start(command.arg(self.dir.path()));
        process.wait_for_log("Server is ready");
        eventually("it answers", || std::net::TcpStream::connect((self.address.as_str(), self.port)).ok());
        self.process = Some(process);
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal("-TERM");
            process.wait();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}:{}", self.address, self.port)
    }
}
