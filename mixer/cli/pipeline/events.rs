//! Events of a run of promemu, as `promemu ctl events --follow` prints them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use promemu_core::error::Error;
use tokio::sync::mpsc;

/// Events that wait; more of them are one.
const WAITING_MAX: usize = 1;

/// Events of one name.
#[derive(Debug)]
pub(super) struct Events {
    child: Child,
    events: mpsc::Receiver<()>,
}

impl Events {
    /// Listens from now on.
    pub(super) fn listen(name: &str) -> Result<Self, Error> {
        let failed = |source| Error::System { what: "events cannot be followed".to_owned(), source };
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(["ctl", "events", "--follow", "--json"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let (sender, events) = mpsc::channel(WAITING_MAX);
        let (out, name) = (child.stdout.take(), name.to_owned());
        let reading = move || {
            for line in out.into_iter().flat_map(|out| BufReader::new(out).lines().map_while(Result::ok)) {
                let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                if event["name"] == *name {
                    // One that waits already stands for this one, too.
                    let _is_new = sender.try_send(()).is_ok();
                }
            }
        };
        thread::Builder::new().name("events".to_owned()).spawn(reading).map_err(failed)?;
        Ok(Self { child, events })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Result<(), Error> {
        let ended = || {
            Error::Run(
                "events have ended: see above why; start the run, and name its API with PME_URL".to_owned(),
            )
        };
        self.events.recv().await.ok_or_else(ended)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // It has ended otherwise.
        let _is_killed = self.child.kill().is_ok();
        let _is_gone = self.child.wait().is_ok();
    }
}
