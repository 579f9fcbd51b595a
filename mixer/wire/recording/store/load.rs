//! Rows go into a database, too. The manifest has the slices and steps that are there; what is loaded again has the same names
//! and times, and so takes its own place.

use std::io::{self, ErrorKind};

use super::{StorePart, Stores, Tier, Work, day_of, measurement, read_steps};
use crate::recording::Recording;
use crate::recording::folder::RecordingFolder;
use crate::recording::manifest::{LoadedEntry, Manifest};
use crate::samples::SampleValue;

/// The plan for what a tier's database does not have yet, and still keeps.
#[must_use]
pub fn load(manifest: &Manifest, tiers: &[Tier], now_ms: i64) -> Vec<StorePart> {
    let mut parts = Vec::new();
    for tier in tiers {
        let Some(database) = &tier.database else { continue };
        if tier.is_measurement {
            parts.extend(measurement::plan(manifest, tier, database, now_ms));
            continue;
        }
        let is_kept = |day: i64| tier.keep_ms.is_none_or(|keep| day + super::DAY_MS + keep > now_ms);
        let is_new = |number: u64| !manifest.is_loaded(database, number);
        let from_ms = tier.keep_ms.map_or(i64::MIN, |keep| now_ms - keep);
        let work = |number| Work::Load { database: database.clone(), number, from_ms };
        if let Some(step_ms) = tier.step_ms {
            let own = manifest.steps.iter().filter(|steps| steps.step_ms == step_ms);
            for steps in own.filter(|steps| is_new(steps.number) && is_kept(steps.day_ms)) {
                let of = (&*steps.source, &*tier.name, steps.day_ms);
                parts.push(StorePart::new("load", of, std::iter::once(&steps.file), work(steps.number)));
            }
            continue;
        }
        for slice in manifest.slices.iter().filter(|slice| is_new(slice.number)) {
            let day = day_of(slice.begin_ms);
            if is_kept(day) {
                let of = (&*slice.source, &*tier.name, day);
                parts.push(StorePart::new("load", of, slice.files.iter(), work(slice.number)));
            }
        }
    }
    parts
}

pub(super) fn carry_out(
    folder: &RecordingFolder,
    (address, number, from_ms): (&str, u64, i64),
    stores: &mut Stores,
) -> io::Result<()> {
    let database = stores.databases.get_mut(address).ok_or_else(|| {
        let why = format!("database {address} is in no tier of the policy; name it in one");
        io::Error::new(ErrorKind::NotFound, why)
    })?;
    let recording = Recording::open(folder.path())?;
    let manifest = recording.manifest();
    if let Some(slice) = manifest.slices.iter().find(|slice| slice.number == number) {
        recording.for_each(slice, |series, samples| {
            for (at, sample) in samples.filter(|(at, _)| *at >= from_ms) {
                match sample {
                    SampleValue::Float(value) => database.put(series, at, &[("value", value)])?,
                    SampleValue::Histogram(_) => database.leave_out(),
                }
            }
            Ok(())
        })?;
    } else if let Some(steps) = manifest.steps.iter().find(|steps| steps.number == number) {
        read_steps(&recording, steps, |series, row| {
            let fields = [
                ("min", row.min),
                ("max", row.max),
                ("mean", row.mean),
                ("count", row.count),
                ("last", row.last),
                ("increase", row.increase),
            ];
            if row.at_ms < from_ms { Ok(()) } else { database.put(series, row.at_ms, &fields) }
        })?;
    }
    database.flush()?;
    folder.change(|manifest| manifest.loaded.push(LoadedEntry { database: address.to_owned(), number }))
}
