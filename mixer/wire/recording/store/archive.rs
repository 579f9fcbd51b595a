//! Days move into another store, and come back.
//!
//! The manifest names a copy before it is made, so whatever ends this leaves no file that is unknown. Files go here when
//! their copies were read back, and the manifest has the copies as the only ones.

use std::io::{self, ErrorKind};

use super::{FileStore, StorePart, Stores, Tier, Work, day_of, days_of, files_of, has_all_steps, remove};
use crate::recording::folder::RecordingFolder;
use crate::recording::hashed_file::{HashedFile, HashedSink, sha256_of};
use crate::recording::manifest::{FileEntry, Manifest};
use crate::recording::{ArchivedEntry, ArchivedPart};

/// The plan for days that a tier has in another store, and for copies that nothing needs any more. Samples go when all steps
/// of the policy have their day, steps when those of the day behind are there: counters grow on over midnight.
#[must_use]
pub fn archive(manifest: &Manifest, tiers: &[Tier], now_ms: i64) -> Vec<StorePart> {
    let mut parts = abandoned(manifest, tiers);
    for tier in tiers {
        let Some(store) = &tier.store else { continue };
        let is_due = |day: i64| day + super::DAY_MS + store.after_ms <= now_ms;
        if let Some(step_ms) = tier.step_ms {
            let due = manifest.steps.iter().filter(|steps| steps.step_ms == step_ms && is_due(steps.day_ms));
            let is_continued = |source: &str, day: i64| {
                let known = manifest.steps_anywhere();
                let mut of_step = known.filter(|steps| steps.source == source && steps.step_ms == step_ms);
                of_step.any(|steps| steps.day_ms > day)
            };
            for steps in due.filter(|steps| is_continued(&steps.source, steps.day_ms)) {
                let work = Work::Archive { store: store.address.clone(), numbers: vec![steps.number] };
                let of = (&*steps.source, &*tier.name, steps.day_ms);
                parts.push(StorePart::new("archive", of, std::iter::once(&steps.file), work));
            }
            continue;
        }
        for source in manifest.sources.keys() {
            for (day, slices) in days_of(manifest, source).into_iter().filter(|(day, _)| is_due(*day)) {
                if has_all_steps(manifest, tiers, (source, day, &slices), now_ms) {
                    let work = Work::Archive { store: store.address.clone(), numbers: slices.clone() };
                    let files = files_of(manifest, &slices);
                    parts.push(StorePart::new("archive", (source, &tier.name, day), files, work));
                }
            }
        }
    }
    parts
}

/// The plan for days of a range that are in another store: they come back. Milliseconds since the Unix epoch.
#[must_use]
pub fn restore(manifest: &Manifest, range_ms: (i64, i64)) -> Vec<StorePart> {
    let moved = manifest.archived.iter().filter(|entry| entry.is_moved);
    let wanted = moved
        .filter(|entry| range_ms.0 < entry.part.day_ms() + super::DAY_MS && entry.part.day_ms() < range_ms.1);
    wanted.map(|entry| of_entry("restore", entry, "", Work::Restore)).collect()
}

/// The plan for copies that were made for nothing: what they are of has become other files since.
fn abandoned(manifest: &Manifest, tiers: &[Tier]) -> Vec<StorePart> {
    let is_known = |address: &str| {
        tiers.iter().filter_map(|tier| tier.store.as_ref()).any(|store| store.address == address)
    };
    let left = manifest.archived.iter().filter(|entry| {
        !entry.is_moved && is_known(&entry.store) && !manifest.has_number(entry.part.number())
    });
    left.map(|entry| of_entry("remove copy", entry, "", Work::RemoveArchived)).collect()
}

/// A part of a plan that is about one entry of the archive.
pub(super) fn of_entry(
    action: &'static str,
    entry: &ArchivedEntry,
    tier: &str,
    work: impl Fn(String, u64) -> Work,
) -> StorePart {
    let tier = if tier.is_empty() { &entry.store } else { tier };
    let of = (entry.part.source(), tier, day_of(entry.part.day_ms()));
    let work = work(entry.store.clone(), entry.part.number());
    StorePart::new(action, of, entry.part.files().iter(), work)
}

/// The store of an address.
fn store_of<'s>(stores: &'s Stores, address: &str) -> io::Result<&'s dyn FileStore> {
    let store = stores.files.get(address).map(|store| &**store);
    store.ok_or_else(|| {
        io::Error::new(
            ErrorKind::NotFound,
            format!("store {address} is in no tier of the policy; name it in one"),
        )
    })
}

/// Copies slices or steps of these numbers, reads the copies back, and removes the files here.
pub(super) fn carry_out(
    folder: &RecordingFolder,
    address: &str,
    numbers: &[u64],
    stores: &Stores,
) -> io::Result<()> {
    let store = store_of(stores, address)?;
    let is_own = |entry: &ArchivedEntry| numbers.iter().any(|number| entry.is_copy(address, *number));
    let own = folder.manifest()?.parts_of(numbers);
    folder.change(|manifest| {
        for part in &own {
            let entry = ArchivedEntry { store: address.to_owned(), is_moved: false, part: part.clone() };
            if !manifest.archived.contains(&entry) {
                manifest.archived.push(entry);
            }
        }
    })?;
    let files: Vec<FileEntry> = own.iter().flat_map(ArchivedPart::files).cloned().collect();
    for file in &files {
        copy(folder, store, file)?;
    }
    folder.change(|manifest| {
        for entry in manifest.archived.iter_mut().filter(|entry| is_own(entry)) {
            entry.is_moved = true;
        }
        manifest.slices.retain(|slice| !numbers.contains(&slice.number));
        manifest.steps.retain(|steps| !numbers.contains(&steps.number));
    })?;
    remove(folder.path(), &files)
}

/// Copies a file and reads the copy back. One that is there already stays if it is the same.
fn copy(folder: &RecordingFolder, store: &dyn FileStore, file: &FileEntry) -> io::Result<()> {
    let local = folder.path().join(&file.path);
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.path));
    if sha256_of(&local).map_err(named)? != file.sha256 {
        let why = "the file is not what the manifest says; record again, or restore it from a backup";
        return Err(named(io::Error::new(ErrorKind::InvalidData, why)));
    }
    match store.put(&file.path, &local) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        put => put.map_err(named)?,
    }
    if is_copy(store, file).map_err(named)? {
        return Ok(());
    }
    let why = "the store has another file of this name; give each recording a folder or prefix of its own";
    Err(named(io::Error::new(ErrorKind::InvalidData, why)))
}

/// `true` if the file of this name in a store is a copy of this one.
fn is_copy(store: &dyn FileStore, file: &FileEntry) -> io::Result<bool> {
    let mut sink = HashedSink::new(io::sink());
    store.get(&file.path, &mut sink)?;
    Ok(sink.sha256() == file.sha256)
}

/// Brings files back. Their copies stay, as those of an archive that is not finished.
pub(super) fn bring_back(
    folder: &RecordingFolder,
    address: &str,
    number: u64,
    stores: &Stores,
) -> io::Result<()> {
    let store = store_of(stores, address)?;
    let manifest = folder.manifest()?;
    let Some(entry) = manifest.archived.into_iter().find(|entry| entry.is_copy(address, number)) else {
        return Ok(());
    };
    for file in entry.part.files() {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.path));
        let mut out = HashedFile::create(folder.path(), &file.path)?;
        store.get(&file.path, &mut out).map_err(named)?;
        if out.sha256() != file.sha256 {
            let why = "the copy in the store is not what was put there; it stays where it is";
            return Err(named(io::Error::new(ErrorKind::InvalidData, why)));
        }
        out.finish(file.rows)?;
    }
    folder.change(|manifest| {
        for entry in manifest.archived.iter_mut().filter(|entry| entry.is_copy(address, number)) {
            entry.is_moved = false;
        }
        match &entry.part {
            ArchivedPart::Slice(slice) => manifest.slices.push(slice.clone()),
            ArchivedPart::Steps(steps) => manifest.steps.push(steps.clone()),
        }
    })
}

/// Removes the copies of one entry, and then the entry. A copy that is gone already is no failure. Until all copies were read
/// back a file of this name may be another recording's, which stays.
pub(super) fn remove_copies(
    folder: &RecordingFolder,
    address: &str,
    number: u64,
    stores: &Stores,
) -> io::Result<()> {
    let store = store_of(stores, address)?;
    let manifest = folder.manifest()?;
    for entry in manifest.archived.iter().filter(|entry| entry.is_copy(address, number)) {
        for file in entry.part.files() {
            let is_own = entry.is_moved
                || match is_copy(store, file) {
                    Err(error) if error.kind() == ErrorKind::NotFound => false,
                    read => read?,
                };
            if is_own {
                store.remove(&file.path)?;
            }
        }
    }
    folder.change(|manifest| manifest.archived.retain(|entry| !entry.is_copy(address, number)))
}
