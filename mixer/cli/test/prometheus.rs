//! A Prometheus on loopback that a test starts on a folder of blocks, asks, and ends.
//!
//! It ends with promemu, however that ends, and its folders, which are temporary ones, go with it ([`Guarded`]).

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_run::http::{HttpOptions, TargetUrl};

use super::guarded::Guarded;
use crate::prometheus_client::PrometheusClient;

/// Time until a Prometheus has read its blocks.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Time between two questions for its readiness.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Attempts to start on a port that is free, as another program may take it first.
const STARTS_MAX: usize = 3;

/// A Prometheus of promemu's own.
#[derive(Debug)]
pub(crate) struct Prometheus {
    process: Guarded,
    client: PrometheusClient,
    /// Its settings and its log.
    dir: TemporaryFolder,
}

impl Prometheus {
    /// Starts `program` on a data folder, and waits until it answers queries.
    ///
    /// # Errors
    ///
    /// It cannot be started, or ends or does not answer in time.
    pub(crate) fn start(program: &Path, data: &Path) -> Result<Self, Error> {
        let failed = |what: &str| {
            let what = what.to_owned();
            move |source| Error::System { what, source }
        };
        let no_folder = "the settings of Prometheus cannot be written to the folder of temporary files";
        let mut attempt = 1;
        loop {
            let dir = TemporaryFolder::new().map_err(failed(no_folder))?;
            fs::write(dir.path().join("prometheus.yml"), "global: {}\n").map_err(failed(no_folder))?;
            let log = File::create(dir.path().join("log")).map_err(failed(no_folder))?;
            let port = free_port().map_err(failed("loopback has no free port for Prometheus"))?;
            // Another server that takes the port first, such as that of another test, has no such path.
            let own = dir.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
            let address = format!("http://127.0.0.1:{port}/{own}");
            let url = TargetUrl::parse(&address, "address", "http://127.0.0.1:9090")?;
            let client = PrometheusClient::new(url, &HttpOptions::default())?;
            let command = command(program, data, dir.path(), (port, &own));
            let process = Guarded::start(&command, log, &[data, dir.path()]).map_err(|source| {
                let what = format!(
                    "{} cannot be started; install Prometheus (apt install prometheus), or name it with --prometheus",
                    program.display()
                );
                Error::System { what, source }
            })?;
            let mut started = Self { process, client, dir };
            match started.wait_until_ready() {
                Ok(()) => return Ok(started),
                Err(log) if attempt < STARTS_MAX && log.contains("address already in use") => attempt += 1,
                Err(log) => {
                    return Err(Error::Run(format!(
                        "{} did not begin to answer queries: {log}",
                        program.display()
                    )));
                }
            }
        }
    }

    /// The client that asks it.
    pub(crate) const fn client(&self) -> &PrometheusClient {
        &self.client
    }

    /// Waits until it is ready. The error is the end of its log.
    fn wait_until_ready(&mut self) -> Result<(), String> {
        let polls = START_TIMEOUT.as_millis() / POLL_INTERVAL.as_millis();
        for _ in 0..polls {
            if self.client.is_ready() && self.process.is_alive() {
                return Ok(());
            }
            if !self.process.is_alive() {
                break;
            }
            self.client.pause(POLL_INTERVAL);
        }
        let log = fs::read(self.dir.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        Err(log.trim_end().lines().next_back().unwrap_or("it said nothing").to_owned())
    }
}

/// The command of a Prometheus on this data, with its settings in `dir`, that answers at this port below this path.
fn command(program: &Path, data: &Path, dir: &Path, (port, path): (u16, &str)) -> Command {
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg(format!("--web.external-url=http://127.0.0.1:{port}/{path}"))
        .arg(format!("--web.route-prefix=/{path}"))
        .arg("--storage.tsdb.retention.time=100y")
        .arg("--enable-feature=native-histograms");
    command
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
