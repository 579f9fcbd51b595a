//! Days that a policy does not keep any longer go.

use std::io;

use super::archive::of_entry;
use super::{StorePart, Tier, Work, day_of, days_of, files_of, has_all_steps, remove};
use crate::recording::folder::RecordingFolder;
use crate::recording::manifest::{FileEntry, Manifest};

/// The plan for days that are older than their tier keeps them. A day of samples stays until all steps of the policy
/// have it.
#[must_use]
pub fn expire(manifest: &Manifest, tiers: &[Tier], now_ms: i64) -> Vec<StorePart> {
    let mut parts = Vec::new();
    for tier in tiers.iter().filter(|tier| !tier.is_measurement) {
        let Some(keep_ms) = tier.keep_ms else { continue };
        let is_old = |day: i64| day + super::DAY_MS + keep_ms <= now_ms;
        match tier.step_ms {
            None => {
                for source in manifest.sources.keys() {
                    for (day, slices) in days_of(manifest, source).into_iter().filter(|(day, _)| is_old(*day))
                    {
                        if has_all_steps(manifest, tiers, (source, day, &slices), now_ms) {
                            let files = files_of(manifest, &slices);
                            let work = Work::ExpireSlices { slices: slices.clone() };
                            parts.push(StorePart::new("expire", (source, &tier.name, day), files, work));
                        }
                    }
                }
            }
            Some(step) => {
                let old = manifest.steps.iter().filter(|steps| steps.step_ms == step && is_old(steps.day_ms));
                parts.extend(old.map(|steps| {
                    let work = Work::ExpireSteps { number: steps.number };
                    let of = (&*steps.source, &*tier.name, steps.day_ms);
                    StorePart::new("expire", of, std::iter::once(&steps.file), work)
                }));
            }
        }
        let of_tier = manifest.archived.iter().filter(|entry| entry.part.step_ms() == tier.step_ms);
        let old = of_tier.filter(|entry| entry.is_moved && is_old(day_of(entry.part.day_ms())));
        parts.extend(old.map(|entry| of_entry("expire", entry, &tier.name, Work::RemoveArchived)));
    }
    parts
}

pub(super) fn slices(folder: &RecordingFolder, slices: &[u64]) -> io::Result<()> {
    let files: Vec<FileEntry> = files_of(&folder.manifest()?, slices).cloned().collect();
    folder.change(|manifest| manifest.slices.retain(|slice| !slices.contains(&slice.number)))?;
    remove(folder.path(), &files)
}

pub(super) fn steps(folder: &RecordingFolder, number: u64) -> io::Result<()> {
    let manifest = folder.manifest()?;
    let files: Vec<FileEntry> = manifest
        .steps
        .iter()
        .filter(|steps| steps.number == number)
        .map(|steps| steps.file.clone())
        .collect();
    folder.change(|manifest| manifest.steps.retain(|steps| steps.number != number))?;
    remove(folder.path(), &files)
}
