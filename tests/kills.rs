//! Kills at random instants.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::processes::Process;

/// Kills of a command: 10, or as many as `PROMEMU_KILLS` says.
pub(crate) fn count() -> u32 {
    std::env::var("PROMEMU_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// Random instants within the time that a command takes.
pub(crate) struct Kills {
    state: u64,
    /// The time of a command that is not killed.
    length: Duration,
}

impl Kills {
    /// Measures a command that is not killed.
    #[expect(clippy::disallowed_methods, reason = "tests wait by the machine's clock")]
    pub(crate) fn of(command: &mut Command) -> Self {
        let begin = Instant::now();
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::within(begin.elapsed())
    }

    /// Instants within a time.
    #[expect(clippy::disallowed_methods, reason = "tests wait by the machine's clock")]
    pub(crate) fn within(length: Duration) -> Self {
        let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
        Self { state: u64::from(seed), length }
    }

    fn random(&mut self) -> u32 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.state >> 40).unwrap()
    }

    /// Runs a command, kills it at a random instant, and returns `true` if it had not ended before.
    #[expect(clippy::disallowed_methods, reason = "tests wait by the machine's clock")]
    pub(crate) fn kill(&mut self, command: &mut Command) -> bool {
        let delay = self.length * self.random() / (1 << 24);
        let (mut run, begin) = (Process::start(command), Instant::now());
        while run.is_running() {
            if begin.elapsed() >= delay {
                run.kill_unreaped();
                run.wait();
                return true;
            }
            std::thread::park_timeout(Duration::from_micros(200));
        }
        false
    }
}

/// A copy of a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
