//! Kills at random instants: of commands that change a recording, here those that need no other server but a Prometheus.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use promemu_wire::recording::Recording;
use promemu_wire::samples::SampleValue;

use crate::data::{days, files, store};
use crate::databases::Database;
use crate::processes::{Process, promemu_command};
use crate::record::{self, RANGE, exporter};

const NOW: &str = "2026-01-09T00:00:00Z";

/// Kills of a command: 10, or 50 with `PROMEMU_LONG`.
pub(crate) fn count() -> u32 {
    if std::env::var_os("PROMEMU_LONG").is_some() { 50 } else { 10 }
}

/// A folder in memory where the system has one. What was written outlives a killed process there, too, and thousands of syncs take
/// no time.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
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

    /// Instants within a time. A failed test tells the seed, and `PROMEMU_KILLS_SEED` gives it again.
    #[expect(clippy::disallowed_methods, reason = "tests wait by the machine's clock")]
    #[expect(clippy::print_stderr, reason = "a test that fails says by which seed")]
    pub(crate) fn within(length: Duration) -> Self {
        let given = std::env::var("PROMEMU_KILLS_SEED").ok().and_then(|text| text.parse().ok());
        let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
        let seed: u32 = given.unwrap_or_else(clock);
        eprintln!("PROMEMU_KILLS_SEED={seed}, within {length:?}");
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
        assert_eq!(run.wait(), Some(0), "{}", run.log());
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

/// The bits of all samples in ascending order, by series; one that is there twice is here twice.
pub(crate) type Samples = BTreeMap<String, Vec<(i64, String)>>;

/// All samples of a recording whose files are what its manifest says.
pub(crate) fn samples(folder: &Path) -> Samples {
    let recording = Recording::open(folder).unwrap();
    assert_eq!(recording.damage(), [""; 0]);
    let mut all = Samples::new();
    for slice in recording.slices() {
        let take = |series: &promemu_wire::samples::ReadSeries,
                    samples: &mut dyn Iterator<Item = (i64, SampleValue)>| {
            let own = all.entry(format!("{}{{{}}}", series.metric, series.label_text())).or_default();
            own.extend(samples.map(|(at, value)| match value {
                SampleValue::Float(value) => (at, format!("{:x}", value.to_bits())),
                SampleValue::Histogram(histogram) => (at, format!("{histogram:?}")),
            }));
            Ok(())
        };
        recording.for_each(slice, take).unwrap();
    }
    for samples in all.values_mut() {
        samples.sort();
    }
    all
}

/// Number of samples.
pub(crate) fn rows(samples: &Samples) -> u64 {
    samples.values().map(|samples| samples.len() as u64).sum()
}

/// `true` if a series has two samples of one time.
fn has_doubles(samples: &Samples) -> bool {
    samples.values().any(|samples| samples.windows(2).any(|pair| pair[0].0 == pair[1].0))
}

/// `true` if all samples are still there.
fn has_all(before: &Samples, after: &Samples) -> bool {
    before.iter().all(|(series, samples)| {
        let now = after.get(series).map_or(&[][..], Vec::as_slice);
        samples.iter().all(|sample| now.binary_search(sample).is_ok())
    })
}

/// The samples of a recording that may not have begun.
fn committed(folder: &Path) -> Samples {
    if folder.join("manifest.json").exists() { samples(folder) } else { Samples::new() }
}

fn record(args: &[&str], folder: &Path) -> Command {
    let mut command = promemu_command(&["record"]);
    command.args(args).arg("--out").arg(folder);
    command
}

#[test]
fn kills_of_record_at_random_instants_lose_no_committed_row_and_make_none_twice() {
    let (stored, dir) = (tempfile::tempdir().unwrap(), folder());
    record::store(stored.path());
    let prometheus = Database::prometheus_with_data(stored, true);
    let url = prometheus.url();
    let args =
        [&["--remote-read", &url, "--match", "{job=\"stored\"}", "--slice", "10m"], &RANGE[..]].concat();
    let whole = dir.path().join("whole");
    let mut kills = Kills::of(&mut record(&args, &whole));
    let whole = samples(&whole);
    assert!(!has_doubles(&whole));
    let (mut killed, mut recordings) = (0, 0);
    // A recording that is whole in spite of all kills is followed by another one.
    while killed < count() {
        let own = dir.path().join(format!("own-{recordings}"));
        let mut before = Samples::new();
        while killed < count() && kills.kill(&mut record(&args, &own)) {
            killed += 1;
            let after = committed(&own);
            assert!(has_all(&before, &after) && has_all(&after, &whole), "after {killed} kills");
            before = after;
        }
        recordings += 1;
        assert!(recordings <= 4 * count(), "only {killed} of {recordings} recordings were killed");
        record::recorded(&args, &own);
        assert!(samples(&own) == whole, "after {killed} kills");
        std::fs::remove_dir_all(&own).unwrap();
    }
}

#[test]
fn kills_of_a_recorder_that_scrapes_lose_no_committed_row_and_make_none_twice() {
    let (_run, port) = exporter();
    let dir = folder();
    let (folder, target) = (dir.path().join("live"), format!("127.0.0.1:{port}"));
    let args = ["--scrape", &target, "--interval", "20ms", "--slice", "50ms"];
    let mut kills = Kills::within(Duration::from_secs(1));
    let mut before = Samples::new();
    let mut killed = 0;
    // Committed slices are seen to stay, so there must be some.
    while killed < count() || before.is_empty() {
        assert!(kills.kill(&mut record(&args, &folder)) && killed < 4 * count(), "{killed} kills");
        killed += 1;
        let after = committed(&folder);
        assert!(has_all(&before, &after) && !has_doubles(&after), "after {killed} kills");
        before = after;
    }
}

/// Day, rows and SHA-256 of slices, and of steps.
fn contents(folder: &Path) -> Vec<(i64, u64, String)> {
    let recording = Recording::open(folder).unwrap();
    let slices = recording.slices().into_iter();
    let slices = slices.flat_map(|slice| slice.files.iter().map(|file| (slice.begin_ms, file)));
    let steps = recording.manifest().steps.iter().map(|steps| (steps.day_ms, &steps.file));
    let mut all: Vec<_> =
        slices.chain(steps).map(|(day, file)| (day, file.rows, file.sha256.clone())).collect();
    all.sort();
    all
}

#[test]
fn kills_of_compact_and_downsample_at_random_instants_leave_what_those_without_a_kill_make() {
    let (dir, days) = days();
    let original = samples(&days);
    let first = dir.path().join("first");
    copy(&days, &first);
    let run = |command: &str, folder: &Path| {
        let mut store = promemu_command(&["store", command, "--now", NOW]);
        store.arg(folder);
        store
    };
    let mut kills = ["compact", "downsample"].map(|command| (command, Kills::of(&mut run(command, &first))));
    let expected = contents(&first);
    assert_eq!((expected.len(), samples(&first) == original), (3 + 6, true));
    for n in 0..count() {
        let own = dir.path().join(format!("own-{n}"));
        copy(&days, &own);
        for (command, kills) in &mut kills {
            let killed = kills.kill(&mut run(command, &own));
            assert!(samples(&own) == original, "{command} {n}, killed: {killed}");
            store(command, &own, NOW);
            assert_eq!(store(command, &own, NOW), "nothing to do\n");
        }
        assert_eq!(contents(&own), expected, "{n}");
        // Nothing is left of what was killed but the locks and the manifest.
        assert_eq!(files(&own), expected.len() + 3);
        std::fs::remove_dir_all(&own).unwrap();
    }
}
