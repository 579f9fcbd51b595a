//! The recorder: all sources of a recording, from their begin to their end.
//!
//! A source that fails ends alone, and the others go on. Its slices stay.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_wire::recording::{Manifest, RecordingFolder, SourceEntry};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::Input;
use super::outlet::{GONE, Outlet, PIECES_MAX, Piece};
use super::selections::Selection;
use super::slice_thread::SliceThread;
use super::tally::{RecordTallies, SourceTally};
use crate::outputs::SelfPage;
use crate::self_metrics::SelfMetrics;

/// Time between two looks at the clock for live slices.
const TICK: Duration = Duration::from_millis(500);

/// A recording that is to be made, or gone on with.
#[derive(Debug)]
pub struct RecordSpec {
    /// Its folder.
    pub folder: PathBuf,
    /// Its sources.
    pub sources: Vec<RecordedSource>,
    /// Length of the slices of live sources.
    pub slice: Span,
    /// The time after which it ends; `None` if only `stopped` ends its live sources.
    pub length: Option<Duration>,
    /// The address of promemu's own metrics, if they are served.
    pub self_metrics_address: Option<String>,
}

/// A source of a recording.
#[derive(Debug)]
pub struct RecordedSource {
    /// Its name, which no other has.
    pub name: String,
    /// Its series.
    pub selection: Selection,
    /// Their finder.
    pub input: Box<dyn Input>,
}

/// A source that runs.
struct Running {
    name: String,
    tally: SourceTally,
}

/// Records until all sources are done, the time is over, or `stopped` completes.
///
/// # Errors
///
/// The folder cannot be written, a source has failed, or nothing was recorded.
pub async fn record(spec: RecordSpec, stopped: impl Future<Output = ()> + Send) -> Result<(), Error> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let folder = RecordingFolder::open(&spec.folder, u32::try_from(cores).unwrap_or(u32::MAX))
        .map_err(|source| unusable(&spec.folder, source))?;
    let folder = Arc::new(folder);
    let own = Arc::new(SelfMetrics::new()?);
    let tallies = RecordTallies::new().map_err(|error| Error::Run(error.to_string()))?;
    tallies.collectors().into_iter().try_for_each(|collector| own.add(collector))?;
    let (stop, is_stopped) = watch::channel(false);
    let mut servers = JoinSet::new();
    if let Some(address) = &spec.self_metrics_address {
        let page = SelfPage::bind(address, Arc::clone(&own)).await?;
        info!(url = %format!("http://{}/metrics", page.address()), "serving promemu's own metrics");
        servers.spawn(page.serve(is_stopped.clone()));
    }
    let mut works = JoinSet::new();
    let mut running = Vec::new();
    for source in spec.sources {
        let tally = tallies.of(&source.name);
        running.push(Running { name: source.name.clone(), tally: tally.clone() });
        let recorded = begin_source(&folder, &source)?;
        works.spawn(run_source(
            Arc::clone(&folder),
            source,
            (spec.slice, recorded, tally),
            is_stopped.clone(),
        ));
    }
    info!(folder = %spec.folder.display(), sources = running.len(), "recording");
    let failed = wait(&mut works, stopped, spec.length, &stop).await;
    stop.send_replace(true);
    while servers.join_next().await.is_some() {}
    let rows: u64 = running.iter().map(|source| source.tally.rows.get()).sum();
    for Running { name, tally } in &running {
        let (rows, bytes, slices, errors) =
            (tally.rows.get(), tally.bytes.get(), tally.slices.get(), tally.errors.get());
        info!(source = %name, rows, bytes, slices, errors, "recorded");
    }
    match failed.into_iter().next() {
        Some((name, why)) => Err(Error::Run(format!("source {name} was not recorded to its end: {why}"))),
        None if rows == 0 && running.iter().all(|source| source.tally.slices.get() == 0) => {
            info!(folder = %spec.folder.display(), "all is recorded already, or nothing was there");
            Ok(())
        }
        None => Ok(()),
    }
}

/// Waits for the sources. Returns those that failed, with the reason.
async fn wait(
    works: &mut JoinSet<(String, Result<(), String>)>,
    stopped: impl Future<Output = ()> + Send,
    length: Option<Duration>,
    stop: &watch::Sender<bool>,
) -> Vec<(String, String)> {
    let mut stopped = std::pin::pin!(stopped);
    let mut is_over = std::pin::pin!(async {
        match length {
            Some(length) => tokio::time::sleep(length).await,
            None => std::future::pending().await,
        }
    });
    let mut failed = Vec::new();
    let mut is_stopped = false;
    loop {
        tokio::select! {
            joined = works.join_next() => match joined {
                None => return failed,
                Some(Ok((name, Err(why)))) => {
                    warn!(source = %name, "source has ended: {why}");
                    failed.push((name, why));
                }
                Some(Ok((_, Ok(())))) => {}
                Some(Err(error)) => failed.push(("?".to_owned(), format!("a bug: {error}"))),
            },
            () = &mut stopped, if !is_stopped => is_stopped = true,
            () = &mut is_over, if !is_stopped => is_stopped = true,
        }
        if is_stopped {
            stop.send_replace(true);
        }
    }
}

/// Notes a source in the manifest. Returns the ranges of it that are recorded already.
fn begin_source(folder: &RecordingFolder, source: &RecordedSource) -> Result<Arc<[(i64, i64)]>, Error> {
    let failed = |error| unusable(folder.path(), error);
    let entry = SourceEntry { selectors: source.selection.texts(), ..source.input.entry() };
    let manifest = folder.manifest().map_err(failed)?;
    if let Some(old) = manifest.sources.get(&source.name) {
        refuse_other(&source.name, old, &entry)?;
    }
    let ranges = if source.input.is_live() { Vec::new() } else { recorded(&manifest, &source.name) };
    let name = source.name.clone();
    folder
        .change(|manifest| {
            let old = manifest.sources.get(&name).map(|old| old.clock.clone());
            let clock = old.unwrap_or(entry.clock.clone());
            manifest.sources.insert(name, SourceEntry { clock, ..entry });
        })
        .map_err(failed)?;
    Ok(ranges.into())
}

fn recorded(manifest: &Manifest, name: &str) -> Vec<(i64, i64)> {
    let mut ranges: Vec<(i64, i64)> = manifest.ranges_of(name).collect();
    ranges.sort_unstable();
    ranges
}

/// A source of one name stays the same: rows of two selections would be mixed otherwise.
fn refuse_other(name: &str, old: &SourceEntry, new: &SourceEntry) -> Result<(), Error> {
    let is_same = old.kind == new.kind
        && old.selectors == new.selectors
        && old.is_resampled == new.is_resampled
        && (!old.is_resampled || old.interval_secs == new.interval_secs);
    if is_same {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "the recording has a source {name} of another kind, selection or step; give the new one another name with \
         --name, or name another folder"
    )))
}

/// Runs a source, with the thread that writes its slices.
async fn run_source(
    folder: Arc<RecordingFolder>,
    source: RecordedSource,
    (slice, recorded, tally): (Span, Arc<[(i64, i64)]>, SourceTally),
    stopped: watch::Receiver<bool>,
) -> (String, Result<(), String>) {
    let RecordedSource { name, selection, input } = source;
    let (send, pieces) = mpsc::channel(PIECES_MAX);
    let writer = SliceThread::new(folder, &name, slice, tally.clone());
    let writing = tokio::task::spawn_blocking(move || writer.run(pieces));
    let is_live = input.is_live();
    let outlet = Outlet { pieces: send.clone(), recorded, selection: Arc::new(selection), tally };
    let ticks = async move {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if !is_live {
            // Only the input has the way to the thread then.
            drop(send);
            return std::future::pending().await;
        }
        while send.send(Piece::Tick).await.is_ok() {
            ticks.tick().await;
        }
        Err(GONE.to_owned())
    };
    let found: Result<(), String> = tokio::select! {
        found = input.run(outlet, stopped) => found,
        gone = ticks => gone,
    };
    let written = match writing.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!(
            "its slice cannot be written: {error}; the slices before it stay, and the same command goes on behind them"
        )),
        Err(error) => Err(format!("a bug: {error}")),
    };
    // A failed write is the cause of what the input tells.
    (name, written.and(found))
}

fn unusable(folder: &Path, source: std::io::Error) -> Error {
    match source.kind() {
        // They say themselves what to do.
        ErrorKind::AlreadyExists | ErrorKind::ResourceBusy | ErrorKind::InvalidData => {
            Error::Usage(source.to_string())
        }
        _ => crate::whole_file::unwritable(folder, "--out", source),
    }
}
