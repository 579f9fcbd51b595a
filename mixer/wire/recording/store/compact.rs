//! Neighbouring slices of a source and a day become one.

use std::io;

use super::{StorePart, Work, days_of, files_of, remove};
use crate::recording::folder::RecordingFolder;
use crate::recording::manifest::{FileEntry, LoadedEntry, Manifest, SliceEntry};
use crate::recording::{Recording, SeriesSamples};
use crate::samples::SampleValue;

/// Rows of a slice at most, as all of them are read together.
const ROWS_MAX: u64 = 2_000_000;
/// Kinds of sources that are asked for the times between two slices again.
const ASKED_AGAIN: [&str; 2] = ["remote_read", "query"];

/// The plan for the slices of days that are over.
#[must_use]
pub fn compact(manifest: &Manifest, now_ms: i64) -> Vec<StorePart> {
    let mut parts = Vec::new();
    for (source, entry) in &manifest.sources {
        let must_touch = ASKED_AGAIN.contains(&entry.kind.as_str());
        for (day, numbers) in days_of(manifest, source) {
            if day + super::DAY_MS > now_ms {
                continue;
            }
            for run in runs(manifest, &numbers, must_touch) {
                let files = files_of(manifest, &run);
                let work = Work::Compact { slices: run.clone() };
                parts.push(StorePart::new("compact", (source, "samples", day), files, work));
            }
        }
    }
    parts
}

/// Slices that become one, two or more each.
fn runs(manifest: &Manifest, numbers: &[u64], must_touch: bool) -> Vec<Vec<u64>> {
    let mut runs: Vec<(Vec<u64>, u64, i64)> = Vec::new();
    for number in numbers {
        let Some(slice) = manifest.slices.iter().find(|slice| slice.number == *number) else { continue };
        let rows: u64 = slice.files.iter().map(|file| file.rows).sum();
        match runs.last_mut() {
            Some((run, sum, end_ms))
                if *sum + rows <= ROWS_MAX && (!must_touch || *end_ms == slice.begin_ms) =>
            {
                run.push(*number);
                (*sum, *end_ms) = (*sum + rows, (*end_ms).max(slice.end_ms));
            }
            _ => runs.push((vec![*number], rows, slice.end_ms)),
        }
    }
    runs.into_iter().map(|(run, ..)| run).filter(|run| run.len() > 1).collect()
}

pub(super) fn carry_out(folder: &RecordingFolder, slices: &[u64]) -> io::Result<()> {
    let recording = Recording::open(folder.path())?;
    let old: Vec<&SliceEntry> =
        recording.slices().into_iter().filter(|slice| slices.contains(&slice.number)).collect();
    let Some(first) = old.first() else { return Ok(()) };
    let mut all = SeriesSamples::new();
    for slice in &old {
        for (series, samples) in recording.samples(slice)? {
            all.entry(series).or_default().extend(samples);
        }
    }
    let mut writer = folder.begin_slice(&first.source, first.begin_ms);
    for (series, samples) in all {
        let float = |(at, value): &(i64, SampleValue)| match value {
            SampleValue::Float(value) => Some((*at, *value)),
            SampleValue::Histogram(_) => None,
        };
        let floats: Vec<(i64, f64)> = samples.iter().filter_map(float).collect();
        if !floats.is_empty() {
            writer.put_floats(&series, floats)?;
        }
        for (at, value) in samples {
            if let SampleValue::Histogram(histogram) = value {
                writer.put_histogram(&series, at, *histogram)?;
            }
        }
    }
    let end_ms = old.iter().map(|slice| slice.end_ms).max().unwrap_or(first.end_ms);
    let number = writer.number();
    let files: Vec<FileEntry> = old.iter().flat_map(|slice| slice.files.clone()).collect();
    folder.commit(writer, end_ms, |manifest| {
        manifest.slices.retain(|slice| !slices.contains(&slice.number));
        let is_of = |entry: &LoadedEntry, slice: u64, database: &str| {
            entry.number == slice && entry.database == database
        };
        let old = manifest.loaded.extract_if(.., |entry| slices.contains(&entry.number));
        let old: Vec<LoadedEntry> = old.collect();
        // A database that has all of them has this one.
        let firsts = old.iter().filter(|entry| entry.number == slices[0]);
        for LoadedEntry { database, .. } in firsts {
            if slices.iter().all(|slice| old.iter().any(|entry| is_of(entry, *slice, database))) {
                manifest.loaded.push(LoadedEntry { database: database.clone(), number });
            }
        }
    })?;
    remove(folder.path(), &files)
}
