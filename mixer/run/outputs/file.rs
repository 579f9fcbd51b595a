//! The file sink: the newest state of all jobs, in a file that is replaced as a whole with each round.
//!
//! What reads it, such as `node_exporter`'s textfile collector, never sees half of it. A file that cannot be
//! written costs freshness only. What is no file, such as a pipe, gets one state after the other.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::availability::Availability;
use super::health::Health;
use crate::clock::{Clock, wall_now};
use crate::self_metrics::{OutputTally, SelfMetrics};
use promemu_core::error::Error;
use promemu_core::series::Job;
use promemu_core::series::LabelBlock;
use promemu_wire::exposition::{ChunkedEncoder, Format, Group};

/// So much is encoded while a job is locked.
const PIECE_BYTES: usize = 128 << 10;
/// Others may read the file, as far as the user's mask allows.
const MODE: u32 = 0o666;

/// A file, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// The file, or `-` for standard output.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
}

/// The sink.
#[derive(Debug)]
pub struct FileSink {
    settings: FileSettings,
    jobs: Arc<[(Arc<Job>, LabelBlock)]>,
    /// The jobs' versions when they were written.
    written: Vec<u64>,
    health: Arc<Health>,
    availability: Availability,
    tally: OutputTally,
    clock: Clock,
}

impl FileSink {
    /// A sink for these jobs, if a file can be written there. The clock runs as on the wall. How rounds fare is
    /// added to the run's `own` metrics, under the name of the output.
    pub fn open(
        settings: FileSettings,
        jobs: &[Arc<Job>],
        clock: Clock,
        own: &SelfMetrics,
        name: &str,
    ) -> Result<Self, Error> {
        Target::open(&settings.path).map_err(|source| Error::System {
            what: format!(
                "file {} cannot be written; choose a folder that is there and may be written to",
                settings.path.display()
            ),
            source,
        })?;
        let (health, tally) = (Arc::new(Health::default()), own.output(name));
        let consequence = "the hosts go on, and it is tried again with each round";
        let availability = Availability::new(name, consequence, Arc::clone(&health));
        let mut sink =
            Self { settings, jobs: [].into(), written: Vec::new(), health, availability, tally, clock };
        sink.replace_jobs(jobs);
        Ok(sink)
    }

    /// How it fares.
    #[must_use]
    pub const fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Goes on with these jobs.
    pub fn replace_jobs(&mut self, jobs: &[Arc<Job>]) {
        let labelled = |job: &Arc<Job>| (Arc::clone(job), LabelBlock::new([("job", &**job.name())]));
        self.jobs = jobs.iter().map(labelled).collect();
        self.written.clear();
    }

    /// One round: writes the newest state, if it is another one; says whether it did. When there are no series
    /// at all, the file stays as it is.
    pub async fn round(&mut self) -> bool {
        let now = self.jobs.iter().map(|(job, _)| {
            let store = job.store();
            (store.version(), store.rows_present())
        });
        let (versions, rows): (Vec<u64>, Vec<usize>) = now.unzip();
        if versions == self.written || rows.iter().all(|rows| *rows == 0) {
            return false;
        }
        let begun = self.clock.now();
        let (jobs, settings) = (Arc::clone(&self.jobs), self.settings.clone());
        let written = tokio::task::spawn_blocking(move || write(&settings, &jobs)).await;
        let written = written.unwrap_or_else(|bug| Err(io::Error::other(bug)));
        self.tally.push_seconds.observe(self.clock.now().since(begun).as_secs_f64());
        self.settle(versions, written)
    }

    fn settle(&mut self, versions: Vec<u64>, written: io::Result<u64>) -> bool {
        let now = wall_now();
        let bytes = match written {
            Ok(bytes) => bytes,
            Err(error) => {
                self.tally.push_failures.inc();
                self.availability.failed(&error.to_string(), now);
                return false;
            }
        };
        self.tally.bytes_sent.inc_by(bytes);
        self.availability.answered(now);
        self.written = versions;
        self.health.pushed(now);
        true
    }
}

/// Writes all jobs; gives how many bytes that were.
fn write(settings: &FileSettings, jobs: &[(Arc<Job>, LabelBlock)]) -> io::Result<u64> {
    let mut pieces = {
        let stores: Vec<_> = jobs.iter().map(|(job, _)| job.store()).collect();
        ChunkedEncoder::new(settings.format, stores.iter().map(|store| &**store))
    };
    let mut with_group = |index: usize, work: &mut dyn FnMut(&Group<'_>)| {
        let (job, labels) = &jobs[index];
        work(&Group { store: &job.store(), labels });
    };
    let mut target = Target::open(&settings.path)?;
    let mut bytes = 0;
    let mut piece = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
    while pieces.put_next(PIECE_BYTES, &mut with_group, &mut piece) {
        target.writer().write_all(&piece)?;
        bytes += piece.len() as u64;
        piece.clear();
    }
    target.finish().map(|()| bytes)
}

/// Where a state is written.
enum Target<'a> {
    /// Beside the file, whose name it gets when it is whole.
    Beside(tempfile::NamedTempFile, &'a Path),
    /// What cannot be replaced.
    Stream(BufWriter<File>),
    Stdout(io::StdoutLock<'static>),
}

impl<'a> Target<'a> {
    fn open(path: &'a Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout(io::stdout().lock()));
        }
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            return Ok(Self::Stream(BufWriter::new(OpenOptions::new().write(true).open(path)?)));
        }
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let mut beside = tempfile::Builder::new();
        // A collector that takes all *.prom files of the folder leaves it alone.
        let beside = beside.prefix(".promemu-").suffix(".tmp").permissions(Permissions::from_mode(MODE));
        Ok(Self::Beside(beside.tempfile_in(folder)?, path))
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Beside(file, _) => file,
            Self::Stream(file) => file,
            Self::Stdout(stdout) => stdout,
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Beside(file, path) => file.persist(path).map(drop).map_err(|error| error.error),
            Self::Stream(mut file) => file.flush(),
            Self::Stdout(mut stdout) => stdout.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promemu_core::metric::MetricType;
    use promemu_core::series::{Family, SeriesStore};

    fn sink(path: &Path, value: f64) -> Result<FileSink, Error> {
        let family = Family::new("up", "whether it is", MetricType::Gauge);
        let store = SeriesStore::single(family, LabelBlock::new([("name", "a")]), value);
        let settings = FileSettings { path: path.to_owned(), format: Format::OpenMetrics };
        let own = SelfMetrics::new().unwrap();
        FileSink::open(settings, &[Arc::new(Job::new("j".into(), store))], Clock::start(), &own, "file=x")
    }

    #[tokio::test]
    async fn the_file_has_the_newest_state_and_is_left_when_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.prom");
        let mut sink = sink(&path, 1.0).unwrap();
        assert!(sink.round().await);
        insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap(), @r#"
        # TYPE up gauge
        # HELP up whether it is
        up{name="a",job="j"} 1
        # EOF
        "#);
        assert!(!sink.round().await, "nothing is new");
        sink.jobs[0].0.store().report(0, &[2.0]);
        assert!(sink.round().await);
        sink.jobs[0].0.store().remove(0);
        assert!(!sink.round().await);
        assert!(std::fs::read_to_string(&path).unwrap().contains("} 2\n"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        assert_ne!(path.metadata().unwrap().permissions().mode() & 0o044, 0, "others may read it");
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_told_once_and_not_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, path) = (dir.path().join("f"), dir.path().join("f/out.prom"));
        assert!(sink(&path, 1.0).unwrap_err().to_string().contains("out.prom cannot be written"));
        std::fs::create_dir(&folder).unwrap();
        let mut sink = sink(&path, 1.0).unwrap();
        std::fs::remove_dir(&folder).unwrap();
        assert!(!sink.round().await);
        assert!(sink.health().status(wall_now()).away_for.is_some());
        std::fs::create_dir(&folder).unwrap();
        assert!(sink.round().await);
        let status = sink.health().status(wall_now());
        assert_eq!((status.away_for, status.pushes, sink.tally.push_failures.get()), (None, 1, 1));
    }
}
