//! File output: the newest state of the jobs of all runs, in a file that is replaced as a whole with each round.
//!
//! Its readers, such as `node_exporter`'s textfile collector, never see half of it. A file that cannot be written costs
//! freshness only. A path that is no regular file, such as a pipe, gets one state after the other; a reader that takes
//! nothing costs freshness, too, and with a reader of standard output that has gone the output ends.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_core::future::BoxFuture;
use indexmap::IndexMap;
use rustix::fs::OFlags;
use tracing::info;

use super::availability::Availability;
use super::format_option;
use super::health::Health;
use super::output::{Output, OutputConfig, OutputContext, ProcessState, SharedOutput, SharedOutputConfig};
use super::rounds::{Pusher, Rounds};
use crate::clock::{Clock, wall_now};
use crate::named_pipe;
use crate::self_metrics::OutputTally;
use crate::whole_file::{Replaced, WholeFile, remove_leftovers_beside, unwritable};
use promemu_core::error::Error;
use promemu_core::series::{HeldStore, Job, LabelBlock};
use promemu_core::time::Span;
use promemu_wire::exposition::{ChunkedEncoder, Format, Group};

/// Bytes encoded while a job is locked, approximately.
const CHUNK_BYTES: usize = 128 << 10;
/// A state that is not written within this time goes on being written, and later ones are left out meanwhile.
const WRITE_PATIENCE: Duration = Duration::from_secs(2);

/// Settings of the file output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// The file, or `-` for standard output.
    pub path: PathBuf,
    /// The exposition format.
    pub format: Format,
}

impl FileSettings {
    /// The keys that [`Self::take_from`] knows.
    pub const KEYS: [&str; 1] = ["format"];

    /// Takes its keys out of the options and leaves the others.
    pub fn take_from(target: Option<&str>, options: &mut IndexMap<String, String>) -> Result<Self, Error> {
        let missing = || {
            Error::Usage(
                "the target must be a path, as in file=metrics.prom, or - for standard output".to_owned(),
            )
        };
        let path = target.ok_or_else(missing)?.into();
        let known = [Format::Protobuf, Format::Text, Format::OpenMetrics];
        let format = format_option::take(options, &known)?.unwrap_or(Format::Text);
        Ok(Self { path, format })
    }
}

impl OutputConfig for FileSettings {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn target(&self) -> String {
        self.path.display().to_string()
    }

    fn leaves_last_values(&self) -> bool {
        true
    }
}

impl SharedOutputConfig for FileSettings {
    fn open_shared<'a>(
        &'a self,
        _name: &'a str,
        _process: &'a ProcessState,
    ) -> BoxFuture<'a, Result<Arc<dyn SharedOutput>, Error>> {
        Box::pin(async move { Ok(Arc::new(SharedFile::open(self.clone())?) as Arc<dyn SharedOutput>) })
    }
}

/// The file, and the jobs of all runs.
#[derive(Debug)]
struct SharedFile {
    settings: FileSettings,
    /// Held while the file is written, so that an older state never replaces a newer one.
    content: Arc<tokio::sync::Mutex<Content>>,
    /// `true` once the log says that the file is written in place.
    is_in_place: AtomicBool,
}

/// Everything that is to be in the file.
#[derive(Debug, Default)]
struct Content {
    jobs: IndexMap<Arc<str>, Vec<(Arc<Job>, LabelBlock)>>,
    /// The jobs' versions in the file.
    written_versions: Vec<u64>,
}

impl Content {
    fn replace_jobs(&mut self, run: &Arc<str>, jobs: &[Arc<Job>]) {
        let labelled = |job: &Arc<Job>| (Arc::clone(job), LabelBlock::new([("job", &**job.name())]));
        self.jobs.insert(Arc::clone(run), jobs.iter().map(labelled).collect());
        self.written_versions.clear();
    }

    /// The run's series leave with the next round of another run; the last run's stay in the file.
    fn leave(&mut self, run: &Arc<str>) {
        self.jobs.shift_remove(run);
        self.written_versions.clear();
    }
}

impl SharedFile {
    /// The output, if a file can be written there. What a killed run left beside it goes.
    fn open(settings: FileSettings) -> Result<Self, Error> {
        remove_leftovers_beside(&settings.path);
        Target::check(&settings.path)
            .map_err(|source| unwritable(&settings.path, "--output file=PATH", source))?;
        Ok(Self { settings, content: Arc::default(), is_in_place: AtomicBool::new(false) })
    }
}

impl SharedOutput for SharedFile {
    fn join(self: Arc<Self>, context: &OutputContext<'_>) -> Box<dyn Output> {
        Box::new(RunInFile::new(self, context))
    }
}

/// A run whose jobs are in the file.
#[derive(Debug)]
struct RunInFile {
    file: Arc<SharedFile>,
    run: Arc<str>,
    /// The run's jobs, until the file has them.
    new_jobs: Option<Vec<Arc<Job>>>,
    health: Arc<Health>,
    availability: Availability,
    tally: OutputTally,
    clock: Clock,
    /// `true` once the reader of standard output has gone.
    is_unread: bool,
}

impl RunInFile {
    fn new(file: Arc<SharedFile>, context: &OutputContext<'_>) -> Self {
        let health = Arc::new(Health::default());
        let consequence = "the hosts go on, and it is tried again with each round";
        let availability = Availability::new(&context.name, consequence, Arc::clone(&health));
        Self {
            file,
            run: Arc::clone(&context.run),
            new_jobs: Some(context.jobs.to_vec()),
            health,
            availability,
            tally: context.own.outputs().pushing(&context.name),
            clock: context.clock.real(),
            is_unread: false,
        }
    }

    /// Notes the outcome of a write; `true` if it is in the file.
    fn settle(&mut self, written: io::Result<(u64, Replaced)>) -> bool {
        let now = wall_now();
        let (bytes, replaced) = match written {
            Ok(written) => written,
            Err(error)
                if error.kind() == ErrorKind::BrokenPipe && self.file.settings.path == Path::new("-") =>
            {
                info!("the reader of standard output has gone");
                self.is_unread = true;
                return false;
            }
            Err(error) => {
                self.tally.push_failures.inc();
                self.availability.failed(&error.to_string(), error.to_string(), now);
                return false;
            }
        };
        if replaced == Replaced::InPlace && !self.file.is_in_place.swap(true, Ordering::Relaxed) {
            info!(
                file = %self.file.settings.path.display(),
                "the file cannot be replaced, as one that is mounted by itself: it is written in place, and readers may see a part of it"
            );
        }
        self.tally.bytes_sent.inc_by(bytes);
        self.availability.answered(now);
        self.health.pushed(now);
        true
    }
}

impl Output for RunInFile {
    fn health(&self) -> &Arc<Health> {
        &self.health
    }

    fn destination(&self, interval: Span) -> String {
        format!("writing to {} every {interval}", self.file.settings.path.display())
    }

    fn drive(self: Box<Self>, rounds: Rounds) -> BoxFuture<'static, ()> {
        Box::pin(rounds.push(*self))
    }
}

impl Pusher for RunInFile {
    fn replace_jobs(&mut self, jobs: &[Arc<Job>]) {
        self.new_jobs = Some(jobs.to_vec());
    }

    /// Writes the newest state of all runs; `true` if it is another one. Without any series the file stays as it is.
    async fn round(&mut self) -> bool {
        let content = tokio::time::timeout(WRITE_PATIENCE, Arc::clone(&self.file.content).lock_owned());
        let Ok(mut content) = content.await else { return self.settle(Err(stuck())) };
        if let Some(jobs) = self.new_jobs.take() {
            content.replace_jobs(&self.run, &jobs);
        }
        let now = content.jobs.values().flatten().map(|(job, _)| {
            let store = job.store();
            (store.version(), store.rows_present())
        });
        let (versions, rows): (Vec<u64>, Vec<usize>) = now.unzip();
        if versions == content.written_versions || rows.iter().all(|rows| *rows == 0) {
            return false;
        }
        let begun = self.clock.now();
        let settings = self.file.settings.clone();
        let written = tokio::task::spawn_blocking(move || {
            let jobs: Vec<_> = content.jobs.values().flatten().collect();
            let written = write(&settings, &jobs);
            if written.is_ok() {
                content.written_versions = versions;
            }
            written
        });
        let written = match tokio::time::timeout(WRITE_PATIENCE, written).await {
            Ok(written) => written.unwrap_or_else(|bug| Err(io::Error::other(bug))),
            Err(_) => Err(stuck()),
        };
        self.tally.push_seconds.observe(self.clock.now().since(begun).as_secs_f64());
        self.settle(written)
    }

    fn leaves_last_values(&self) -> bool {
        true
    }

    fn is_over(&self) -> bool {
        self.is_unread
    }

    async fn finish(&mut self) {
        // A stuck write is not waited for; the last run takes the file along.
        if let Ok(mut content) = tokio::time::timeout(WRITE_PATIENCE, self.file.content.lock()).await {
            content.leave(&self.run);
        }
    }
}

/// The error of a write that does not end.
fn stuck() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "its reader or its disk takes nothing")
}

/// Writes all jobs; returns the number of bytes, and the way they came to the file.
fn write(settings: &FileSettings, jobs: &[&(Arc<Job>, LabelBlock)]) -> io::Result<(u64, Replaced)> {
    let mut encoder = {
        let stores: Vec<_> = jobs.iter().map(|(job, _)| job.store()).collect();
        ChunkedEncoder::new(settings.format, stores.iter().map(|store| &**store))
    };
    let mut put_next = |chunk: &mut Vec<u8>| {
        let mut held = HeldStore::default();
        let mut with_group = |index: usize, work: &mut dyn FnMut(&Group<'_>)| {
            let (job, labels) = jobs[index];
            work(&Group { store: held.of(job), labels });
        };
        encoder.put_next(CHUNK_BYTES, &mut with_group, chunk)
    };
    let mut target = Target::open(&settings.path)?;
    let mut bytes = 0;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
    while put_next(&mut chunk) {
        target.writer().write_all(&chunk)?;
        bytes += chunk.len() as u64;
        chunk.clear();
    }
    target.finish().map(|replaced| (bytes, replaced))
}

/// The place that a state is written to.
enum Target<'a> {
    File(WholeFile<'a>),
    /// A pipe. It may have no reader.
    Stream(BufWriter<File>),
    Stdout(io::StdoutLock<'static>),
}

impl<'a> Target<'a> {
    /// Fails if nothing can be written there. A pipe need not have a reader yet.
    fn check(path: &'a Path) -> io::Result<()> {
        let is_pipe = named_pipe::is_pipe(path);
        if is_pipe { Ok(()) } else { Self::open(path).map(drop) }
    }

    fn open(path: &'a Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout(io::stdout().lock()));
        }
        if named_pipe::is_pipe(path) {
            return open_pipe(path).map(|pipe| Self::Stream(BufWriter::new(pipe)));
        }
        Ok(Self::File(WholeFile::create(path)?))
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::File(file) => file,
            Self::Stream(file) => file,
            Self::Stdout(stdout) => stdout,
        }
    }

    fn finish(self) -> io::Result<Replaced> {
        match self {
            Self::File(file) => return file.replace(),
            Self::Stream(mut file) => file.flush(),
            Self::Stdout(mut stdout) => stdout.flush(),
        }
        .map(|()| Replaced::Whole)
    }
}

/// Opens a pipe without waiting for its reader.
fn open_pipe(path: &Path) -> io::Result<File> {
    let pipe = named_pipe::open(path)?;
    // From here on a write waits, in a thread of its own.
    rustix::fs::fcntl_setfl(&pipe, OFlags::WRONLY)?;
    Ok(pipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_metrics::SelfMetrics;
    use promemu_core::metric::MetricType;
    use promemu_core::series::{Family, SeriesStore};

    fn job(name: &str, value: f64) -> Arc<Job> {
        let family = Family::new("up", "liveness", MetricType::Gauge);
        let store = SeriesStore::single(family, LabelBlock::new([("name", "a")]), value);
        Arc::new(Job::new(name.into(), store))
    }

    fn joined(file: &Arc<SharedFile>, run: &str, job: &Arc<Job>) -> RunInFile {
        let (own, jobs) = (Arc::new(SelfMetrics::new().unwrap()), [Arc::clone(job)]);
        let (name, run) = ("file=x".to_owned(), run.into());
        let context = OutputContext {
            name,
            run,
            config: "c",
            jobs: &jobs,
            clock: Clock::start(),
            own: &own,
            leftovers: &Arc::default(),
        };
        RunInFile::new(Arc::clone(file), &context)
    }

    fn open(path: &Path) -> Result<Arc<SharedFile>, Error> {
        SharedFile::open(FileSettings { path: path.to_owned(), format: Format::OpenMetrics }).map(Arc::new)
    }

    #[tokio::test]
    async fn the_file_has_the_newest_state_and_is_left_when_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.prom");
        let job = job("j", 1.0);
        std::fs::write(dir.path().join(".promemu-unfinished-killed.tmp"), "half").unwrap();
        let mut output = joined(&open(&path).unwrap(), "main", &job);
        assert!(output.round().await);
        insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap(), @r#"
        # TYPE up gauge
        # HELP up liveness
        up{name="a",job="j"} 1
        # EOF
        "#);
        assert!(!output.round().await, "nothing is new");
        job.store().report(0, &[2.0]);
        assert!(output.round().await);
        job.store().remove(0);
        assert!(!output.round().await);
        assert!(std::fs::read_to_string(&path).unwrap().contains("} 2\n"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_an_outage_and_not_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, path) = (dir.path().join("f"), dir.path().join("f/out.prom"));
        assert!(open(&path).unwrap_err().to_string().contains("out.prom cannot be written"));
        std::fs::create_dir(&folder).unwrap();
        let mut output = joined(&open(&path).unwrap(), "main", &job("j", 1.0));
        std::fs::remove_dir(&folder).unwrap();
        assert!(!output.round().await);
        assert!(output.health().status(wall_now()).away_for.is_some());
        std::fs::create_dir(&folder).unwrap();
        assert!(output.round().await);
        let status = output.health().status(wall_now());
        assert_eq!((status.away_for, status.pushes, output.tally.push_failures.get()), (None, 1, 1));
    }

    #[tokio::test]
    async fn the_runs_share_the_file_and_the_last_one_leaves_its_values() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.prom");
        let file = open(&path).unwrap();
        let mut runs = [joined(&file, "main", &job("one", 1.0)), joined(&file, "other", &job("two", 2.0))];
        let jobs = || {
            let text = std::fs::read_to_string(&path).unwrap();
            [text.contains("job=\"one\""), text.contains("job=\"two\"")]
        };
        assert!(runs[0].round().await && runs[1].round().await);
        assert_eq!(jobs(), [true, true]);
        runs[0].finish().await;
        assert!(runs[1].round().await);
        assert_eq!(jobs(), [false, true]);
        runs[1].finish().await;
        assert_eq!(jobs(), [false, true]);
    }
}
