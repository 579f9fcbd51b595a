//! Recordings as hosts play them: a host for each target, with the types of its families.
//!
//! A recording is read through once when it is opened, slice by slice, to find its series; when it is played each slice is
//! read again, and the newest few are kept. So its length does not matter to the memory, only that of its slices.

mod exactness;
mod rows;
mod scan;
mod tables;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use promemu_core::replay::{OpenedReplay, Replay, ReplayOpener, ReplayRows, ReplayTable};

use self::rows::rows_of;
use self::scan::Scan;
use self::tables::{Place, tables};
use super::{Recording, SliceEntry};
use crate::samples::ReadSeries;

/// Slices of each source that are kept: hosts are a little apart in time.
const KEPT_SLICES: usize = 2;

/// Opens the recordings of folders.
#[derive(Clone, Copy, Debug)]
pub struct RecordingReplays;

/// A recording that is played.
#[derive(Debug)]
struct PlayedRecording {
    recording: Recording,
    range_ms: (i64, i64),
    tables: Vec<ReplayTable>,
    /// The source of each table.
    sources: Vec<usize>,
    /// The slices of each source in order of time.
    slices: Vec<Vec<SliceEntry>>,
    /// The places of series in tables, of each source.
    places: Vec<IndexMap<ReadSeries, Place>>,
    kept: Mutex<VecDeque<KeptSlice>>,
}

/// The rows of all tables in a slice that was read.
#[derive(Debug)]
struct KeptSlice {
    source: usize,
    part: usize,
    rows: Arc<IndexMap<usize, Arc<ReplayRows>>>,
}

impl ReplayOpener for RecordingReplays {
    fn open(&self, folder: &Path) -> Result<OpenedReplay, String> {
        let recording = Recording::open(folder).map_err(|error| error.to_string())?;
        let shown = folder.display();
        if let Some(damage) = recording.damage().into_iter().next() {
            return Err(format!("recording {shown} is damaged: {damage}; restore the file, or record again"));
        }
        let range = recording.range().filter(|_| recording.manifest().rows() > 0);
        let range_ms = range.ok_or_else(|| {
            format!("recording {shown} has no samples; record some, or name another folder")
        })?;
        let slices = slices_of_sources(&recording);
        let mut scan = Scan::default();
        for (source, slices) in slices.iter().enumerate() {
            for slice in slices {
                let samples =
                    recording.samples(slice).map_err(|error| format!("recording {shown}: {error}"))?;
                scan.add(source, &samples, recording.manifest());
            }
        }
        let (tables, sources, places, left_out) = tables(scan, recording.manifest(), slices.len());
        let kept = Mutex::default();
        let replay = PlayedRecording { recording, range_ms, tables, sources, slices, places, kept };
        Ok(OpenedReplay { replay: Arc::new(replay), left_out })
    }
}

/// The slices of each source, in order of time.
fn slices_of_sources(recording: &Recording) -> Vec<Vec<SliceEntry>> {
    let mut sources: IndexMap<&str, Vec<SliceEntry>> = IndexMap::new();
    for slice in recording.slices() {
        sources.entry(&slice.source).or_default().push(slice.clone());
    }
    sources.into_values().collect()
}

impl Replay for PlayedRecording {
    fn tables(&self) -> &[ReplayTable] {
        &self.tables
    }

    fn range_ms(&self) -> (i64, i64) {
        self.range_ms
    }

    fn parts(&self, table: usize) -> usize {
        self.slices[self.sources[table]].len()
    }

    fn rows(&self, table: usize, part: usize) -> Result<Arc<ReplayRows>, String> {
        let source = self.sources[table];
        // Whoever needs the slice that another host reads waits for it.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().find(|slice| slice.source == source && slice.part == part);
        let rows = if let Some(known) = known {
            Arc::clone(&known.rows)
        } else {
            let samples =
                self.recording.samples(&self.slices[source][part]).map_err(|error| error.to_string())?;
            let rows = Arc::new(rows_of(&samples, &self.places[source], &self.tables));
            if kept.len() >= KEPT_SLICES * self.slices.len() {
                kept.pop_front();
            }
            kept.push_back(KeptSlice { source, part, rows: Arc::clone(&rows) });
            rows
        };
        Ok(rows.get(&table).map(Arc::clone).unwrap_or_default())
    }
}
