//! Load on this machine: a group of processes that stress-ng leads, and that ends with the run, however that ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

use promemu_core::fault::Stress;

/// Runs the program of its arguments. When the input ends, which the kernel sees to when promemu is gone, the program is ended.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null >/dev/null 2>/dev/null
echo 1000 >/proc/self/oom_score_adj
"$@" 3<&- &
program=$!
{ read -r _; kill -s TERM "$program"; } <&3 &
guard=$!
exec 3<&-
wait "$program"
code=$?
kill -s KILL "$guard"
exit "$code"
"#;

/// A load that is on.
#[derive(Debug)]
pub(super) struct Load {
    shell: Child,
    /// `None` once it is to end.
    guard: Option<ChildStdin>,
}

impl Load {
    /// Starts a load.
    pub(super) fn start(stress: &Stress) -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "effects", "stress-ng", "--quiet"])
            .args(arguments(stress))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let guard = shell.stdin.take();
        Ok(Self { shell, guard })
    }

    /// The exit code of a load that has ended by itself: 127 if there is no stress-ng. `None` while it is on.
    pub(super) fn ended(&mut self) -> Option<i32> {
        let status = self.shell.try_wait().ok().flatten()?;
        Some(status.code().unwrap_or_default())
    }

    /// Ends the load, and waits for that.
    pub(super) fn end(mut self) {
        self.guard = None;
        // It ends, or there is no telling.
        let _is_over = self.shell.wait().is_ok();
    }
}

/// The arguments of stress-ng.
fn arguments(stress: &Stress) -> Vec<String> {
    let given = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    match stress {
        Stress::Cpu { workers, load } => {
            let percent = (load * 100.0).ceil().max(1.0);
            let workers = workers.unwrap_or_default();
            given(&[
                "--cpu",
                &workers.to_string(),
                "--cpu-method",
                "loop",
                "--cpu-load",
                &percent.to_string(),
            ])
        }
        Stress::Memory { bytes } => {
            given(&["--vm", "1", "--vm-bytes", &bytes.to_string(), "--vm-keep", "--vm-hang", "0"])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_given_to_stress_ng_in_its_units() {
        let cpu = Stress::Cpu { workers: Some(2.0), load: 0.25 };
        assert_eq!(arguments(&cpu).join(" "), "--cpu 2 --cpu-method loop --cpu-load 25");
        let memory = Stress::Memory { bytes: 1_048_576.0 };
        assert_eq!(arguments(&memory).join(" "), "--vm 1 --vm-bytes 1048576 --vm-keep --vm-hang 0");
    }
}
