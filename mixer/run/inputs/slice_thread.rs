//! The thread that writes the slices of one source.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use promemu_core::time::{Span, Time};
use promemu_wire::recording::{Clock, FamilyEntry, RecordingFolder, SliceWriter};
use promemu_wire::samples::{FamilyMetadata, ReadSeries, SampleValue};
use tokio::sync::mpsc;

use super::live_slice::{LiveSlice, ROWS_MAX};
use super::outlet::{Batch, Piece};
use super::tally::SourceTally;
use crate::clock::wall_now;

/// Processors of one instance that are counted, at most.
const CORES_MAX: usize = 4096;

/// Writes slices until its outlets are gone.
pub(super) struct SliceThread {
    pub(super) folder: Arc<RecordingFolder>,
    pub(super) source: String,
    /// Length of a live slice.
    pub(super) length: Span,
    pub(super) tally: SourceTally,
    live: Option<(Time, LiveSlice)>,
    past: Option<(SliceWriter, i64)>,
    /// Families that the manifest does not have yet.
    families: BTreeMap<String, FamilyEntry>,
    known_families: BTreeMap<String, FamilyEntry>,
    clock: Option<Clock>,
    /// Processors by instance.
    cores: BTreeMap<String, BTreeSet<String>>,
}

impl SliceThread {
    pub(super) fn new(folder: Arc<RecordingFolder>, source: &str, length: Span, tally: SourceTally) -> Self {
        Self {
            folder,
            source: source.to_owned(),
            length,
            tally,
            live: None,
            past: None,
            families: BTreeMap::new(),
            known_families: BTreeMap::new(),
            clock: None,
            cores: BTreeMap::new(),
        }
    }

    /// Takes pieces until there are no more, and commits what is left of a live slice.
    pub(super) fn run(mut self, mut pieces: mpsc::Receiver<Piece>) -> io::Result<()> {
        while let Some(piece) = pieces.blocking_recv() {
            self.take(piece)?;
        }
        self.end_live()
    }

    fn take(&mut self, piece: Piece) -> io::Result<()> {
        match piece {
            Piece::Live(batch) => self.put_live(batch),
            Piece::Tick => self.end_live_if_due(),
            Piece::Begin(begin_ms) => {
                self.past = Some((self.folder.begin_slice(&self.source, begin_ms), begin_ms));
                Ok(())
            }
            Piece::Series(series, samples) => self.put_past(&series, samples),
            Piece::End(end_ms, committed) => {
                if let Some((writer, newest)) = self.past.take() {
                    self.commit(writer, end_ms, newest)?;
                }
                // The input may have gone.
                let _is_heard = committed.send(()).is_ok();
                Ok(())
            }
            Piece::Abort => {
                self.past = None;
                Ok(())
            }
            Piece::Families(families) => {
                self.note_families(families);
                Ok(())
            }
            Piece::Clock(clock) => {
                self.clock = Some(clock);
                Ok(())
            }
        }
    }

    fn put_live(&mut self, mut batch: Batch) -> io::Result<()> {
        self.end_live_if_due()?;
        self.note_families(std::mem::take(&mut batch.families));
        for (series, _, value) in &batch.samples {
            self.note_cores(series, value);
        }
        let (_, live) = self.live.get_or_insert_with(|| (wall_now(), LiveSlice::default()));
        live.put(batch);
        if live.rows() >= ROWS_MAX { self.end_live() } else { Ok(()) }
    }

    fn put_past(&mut self, series: &ReadSeries, samples: Vec<(i64, SampleValue)>) -> io::Result<()> {
        if let Some((_, value)) = samples.first() {
            self.note_cores(series, value);
        }
        let Some((writer, newest)) = &mut self.past else { return Ok(()) };
        let mut floats = Vec::with_capacity(samples.len());
        for (at, value) in samples {
            *newest = (*newest).max(at);
            match value {
                SampleValue::Float(value) => floats.push((at, value)),
                SampleValue::Histogram(histogram) => writer.put_histogram(series, at, *histogram)?,
            }
        }
        if floats.is_empty() { Ok(()) } else { writer.put_floats(series, floats) }
    }

    fn end_live_if_due(&mut self) -> io::Result<()> {
        match &self.live {
            Some((begin, _)) if wall_now() >= begin.rounded_down(self.length) + self.length => {
                self.end_live()
            }
            _ => Ok(()),
        }
    }

    fn end_live(&mut self) -> io::Result<()> {
        let Some((begin, live)) = self.live.take() else { return Ok(()) };
        let (begin_ms, end_ms) = (millis(begin), millis(wall_now()) + 1);
        let newest = live.newest().unwrap_or(begin_ms);
        let writer = live.write(&self.folder, &self.source, begin_ms)?;
        self.commit(writer, end_ms.max(newest + 1), newest)
    }

    fn commit(&mut self, writer: SliceWriter, end_ms: i64, newest: i64) -> io::Result<()> {
        let rows = writer.rows();
        let families = std::mem::take(&mut self.families);
        let (cores, clock, source) = (&self.cores, self.clock.take(), &self.source);
        let bytes = self.folder.commit(writer, end_ms, |manifest| {
            for (family, entry) in &families {
                manifest.families.insert(family.clone(), entry.clone());
            }
            for (instance, own) in cores {
                let count = u32::try_from(own.len()).unwrap_or(u32::MAX);
                let known = manifest.cores.entry(instance.clone()).or_default();
                *known = count.max(*known);
            }
            if let (Some(clock), Some(entry)) = (clock, manifest.sources.get_mut(source)) {
                entry.clock = clock;
            }
        })?;
        self.known_families.extend(families);
        self.tally.rows.inc_by(rows);
        self.tally.bytes.inc_by(bytes);
        self.tally.slices.inc();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are below 2^53")]
        self.tally.lag.set((millis(wall_now()) - newest).max(0) as f64 / 1000.0);
        Ok(())
    }

    fn note_families(&mut self, families: Vec<(String, FamilyMetadata)>) {
        for (family, FamilyMetadata { kind, help, unit }) in families {
            let entry = FamilyEntry { kind, help, unit };
            if self.known_families.get(&family) != Some(&entry) {
                self.families.insert(family, entry);
            }
        }
    }

    /// Counts the processors of an instance, by those that have their own series.
    fn note_cores(&mut self, series: &ReadSeries, value: &SampleValue) {
        let Some(instance) = series.label("instance") else { return };
        let add = |cores: &mut BTreeSet<String>, core: &str| {
            if cores.len() < CORES_MAX && !cores.contains(core) {
                cores.insert(core.to_owned());
            }
        };
        match (&*series.metric, value) {
            ("node_cpu_seconds_total", _) => {
                if let Some(core) = series.label("cpu") {
                    add(self.cores.entry(instance.to_owned()).or_default(), core);
                }
            }
            ("machine_cpu_cores", SampleValue::Float(count)) if (1.0..=4096.0).contains(count) => {
                let cores = self.cores.entry(instance.to_owned()).or_default();
                (0..4096)
                    .take_while(|core| f64::from(*core) < *count)
                    .for_each(|core| add(cores, &core.to_string()));
            }
            _ => {}
        }
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn millis(time: Time) -> i64 {
    time.unix_millis().cast_signed()
}

#[cfg(test)]
mod tests {
    use promemu_wire::recording::{Recording, SourceEntry};
    use tokio::sync::oneshot;

    use super::super::tally::RecordTallies;
    use super::*;

    fn series(metric: &str, cpu: &str) -> ReadSeries {
        let labels = [("cpu", cpu), ("instance", "a:1")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        ReadSeries { metric: metric.to_owned(), labels }
    }

    #[test]
    fn pieces_become_slices_with_families_and_processors() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Arc::new(RecordingFolder::open(dir.path(), 1).unwrap());
        folder
            .change(|manifest| drop(manifest.sources.insert("s".to_owned(), SourceEntry::default())))
            .unwrap();
        let tally = RecordTallies::new().unwrap().of("s");
        let mut thread = SliceThread::new(Arc::clone(&folder), "s", Span::from_secs(3_600), tally.clone());
        let float = |metric, cpu, value| (series(metric, cpu), 5, SampleValue::Float(value));
        let metadata = FamilyMetadata { kind: "counter".to_owned(), ..FamilyMetadata::default() };
        let samples =
            vec![float("node_cpu_seconds_total", "0", 1.0), float("node_cpu_seconds_total", "1", 1.0)];
        let families = vec![("node_cpu_seconds_total".to_owned(), metadata)];
        thread.take(Piece::Live(Batch { samples, families })).unwrap();
        thread.end_live().unwrap();
        // A slice that is given up leaves nothing.
        for (at, is_whole) in [(10, false), (20, true)] {
            thread.take(Piece::Begin(at)).unwrap();
            thread.take(Piece::Series(series("m", "0"), vec![(at, SampleValue::Float(2.0))])).unwrap();
            if is_whole {
                thread.take(Piece::End(at + 1, oneshot::channel().0)).unwrap();
            } else {
                thread.take(Piece::Abort).unwrap();
            }
        }
        let recording = Recording::open(dir.path()).unwrap();
        let manifest = recording.manifest();
        assert_eq!(
            (manifest.cores["a:1"], &*manifest.families["node_cpu_seconds_total"].kind),
            (2, "counter")
        );
        assert_eq!((manifest.rows(), tally.rows.get(), manifest.slices.len()), (3, 3, 2));
        assert_eq!(manifest.slices[0].begin_ms, 5, "its first sample is older than it is");
        assert_eq!((manifest.slices[1].begin_ms, manifest.slices[1].end_ms), (20, 21));
    }
}
