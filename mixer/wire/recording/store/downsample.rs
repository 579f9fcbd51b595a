//! Steps of time: what the samples of a day come to.
//!
//! A step ends when the next slice begins behind it, so the memory is that of one slice. A sample that comes later makes a
//! further row of its step; readers join these.

use std::io;

use indexmap::IndexMap;
use promemu_core::metric::is_absent;

use super::step_file::{StepRows, read_steps};
use super::{StorePart, Tier, Work, days_of, files_of, remove};
use crate::recording::Recording;
use crate::recording::folder::RecordingFolder;
use crate::recording::manifest::{Manifest, SliceEntry, StepEntry};
use crate::recording::query::Counted;
use crate::samples::{ReadSeries, SampleValue};

/// The plan for days that are over, and of which a tier has no steps yet, or those of fewer samples.
#[must_use]
pub fn downsample(manifest: &Manifest, tiers: &[Tier], now_ms: i64) -> Vec<StorePart> {
    let mut parts = Vec::new();
    for (tier, step) in tiers.iter().filter_map(|tier| Some((tier, tier.step_ms?))) {
        for source in manifest.sources.keys() {
            for (day, slices) in days_of(manifest, source) {
                let is_over = day + super::DAY_MS <= now_ms;
                let is_wanted = tier.keep_ms.is_none_or(|keep| day + super::DAY_MS + keep > now_ms);
                let rows: u64 = files_of(manifest, &slices).map(|file| file.rows).sum();
                let mut known = manifest.steps_anywhere().filter(|steps| steps.is_of(source, day, step));
                // Steps of samples that are gone have more rows than there are.
                let is_done = known.any(|steps| steps.of_rows >= rows);
                if is_over && is_wanted && !is_done {
                    let work = Work::Downsample { step_ms: step, slices: slices.clone() };
                    let files = files_of(manifest, &slices);
                    parts.push(StorePart::new("downsample", (source, &tier.name, day), files, work));
                }
            }
        }
    }
    parts
}

pub(super) fn carry_out(
    folder: &RecordingFolder,
    part: &StorePart,
    step_ms: i64,
    slices: &[u64],
) -> io::Result<()> {
    let recording = Recording::open(folder.path())?;
    let number = folder.next_number();
    let mut rows = StepRows::create(folder.path(), number, (part.day_ms, step_ms))?;
    let mut series = newest_before(&recording, part, step_ms)?;
    let own: Vec<&SliceEntry> =
        recording.slices().into_iter().filter(|slice| slices.contains(&slice.number)).collect();
    for (n, slice) in own.iter().enumerate() {
        for (key, samples) in recording.samples(slice)? {
            let float = |(at, value): &(i64, SampleValue)| match value {
                SampleValue::Float(value) if !is_absent(*value) => Some((*at, *value)),
                _ => None,
            };
            let floats: Vec<(i64, f64)> = samples.iter().filter_map(float).collect();
            if !floats.is_empty() {
                series.entry(key).or_default().add(&floats, |at| at.div_euclid(step_ms) * step_ms);
            }
        }
        let open_from = own.get(n + 1).map_or(i64::MAX, |next| next.begin_ms.div_euclid(step_ms) * step_ms);
        for (key, counted) in &mut series {
            let open = counted.steps.split_off(&open_from);
            let closed = std::mem::replace(&mut counted.steps, open);
            rows.put(key, closed.into_iter())?;
        }
    }
    let file = rows.finish()?;
    let of_rows = part.files[1];
    let entry =
        StepEntry { number, source: part.source.clone(), day_ms: part.day_ms, step_ms, of_rows, file };
    let mut old = Vec::new();
    folder.change(|manifest| {
        let replaced = |steps: &mut StepEntry| steps.is_of(&part.source, part.day_ms, step_ms);
        old.extend(manifest.steps.extract_if(.., replaced).map(|steps| steps.file));
        manifest.steps.push(entry);
    })?;
    remove(folder.path(), &old)
}

/// The newest sample of each series on the last day before, so that counters grow on over midnight.
fn newest_before(
    recording: &Recording,
    part: &StorePart,
    step_ms: i64,
) -> io::Result<IndexMap<ReadSeries, Counted>> {
    let manifest = recording.manifest();
    let before = manifest.steps.iter().filter(|steps| {
        steps.source == part.source && steps.step_ms == step_ms && steps.day_ms < part.day_ms
    });
    let mut newest: IndexMap<ReadSeries, Counted> = IndexMap::new();
    let Some(steps) = before.max_by_key(|steps| steps.day_ms) else { return Ok(newest) };
    read_steps(recording, steps, |series, row| {
        newest.entry(series.clone()).or_default().begin_behind((row.last_at_ms, row.last));
        Ok(())
    })?;
    Ok(newest)
}
