//! Folders of blocks in the data folder of a Prometheus.
//!
//! A block is written under a name that Prometheus takes for unfinished, and renamed when it is on disk. An unfinished one
//! holds a locked file, so that a later export knows those that an earlier one left behind, and deletes only these.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::block_id::BlockId;
use super::index;
use super::merged::MergedParts;
use super::segments::SegmentWriter;

/// End of the names of unfinished blocks.
const UNFINISHED: &str = "tmp-for-creation";
/// An empty unfinished block that is so old has no export that is about to fill it.
const ABANDONED_AFTER: Duration = Duration::from_secs(10);
/// The locked file of an unfinished block.
const LOCK: &str = "promemu.lock";
/// Magic number, version 1 and checksum of an empty file of tombstones
/// (<https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/tombstones.md>).
const NO_TOMBSTONES: [u8; 9] = [0x01, 0x30, 0xba, 0x30, 1, 0, 0, 0, 0];

/// An unfinished block. It is deleted unless it is finished.
#[derive(Debug)]
pub(super) struct UnfinishedBlock {
    folder: PathBuf,
    lock: Option<File>,
}

/// A block that is on disk, under an unfinished name.
#[derive(Debug)]
pub(super) struct WrittenBlock {
    unfinished: UnfinishedBlock,
    id: BlockId,
}

impl UnfinishedBlock {
    /// Makes the folder, after `begin` has its path. `id` is that of any block that does not exist.
    pub(super) fn new(data: &Path, id: BlockId, begin: &dyn Fn(&Path)) -> io::Result<Self> {
        let folder = data.join(format!("{id}.{UNFINISHED}"));
        begin(&folder);
        fs::create_dir(&folder)?;
        // Killed here, it leaves an empty folder.
        let mut block = Self { folder, lock: None };
        let lock = File::create_new(block.folder.join(LOCK))?;
        lock.try_lock().map_err(io::Error::from)?;
        block.lock = Some(lock);
        Ok(block)
    }

    /// The folder, for spools.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the block, whose range begins at `begin`; `None` if it has no sample.
    pub(super) fn write(self, parts: &MergedParts, begin: i64) -> io::Result<Option<WrittenBlock>> {
        let Some((first, last)) = parts.times() else { return Ok(None) };
        let mut segments = SegmentWriter::new(&self.folder.join("chunks"))?;
        let index = index::write(&self.folder.join("index"), parts, begin, &mut segments)?;
        segments.end()?;
        let id = BlockId::of_content((first, last), [index, segments.checksum]);
        write_synced(&self.folder.join("tombstones"), &NO_TOMBSTONES)?;
        let [floats, histograms] = parts.samples();
        let meta = json!({
            "ulid": id.to_string(),
            "minTime": first,
            "maxTime": last + 1,
            "stats": {
                "numSamples": floats + histograms,
                "numFloatSamples": floats,
                "numHistogramSamples": histograms,
                "numSeries": parts.series(),
                "numChunks": parts.chunks(),
            },
            "compaction": { "level": 1, "sources": [id.to_string()] },
            "version": 1,
        });
        write_synced(&self.folder.join("meta.json"), format!("{meta:#}\n").as_bytes())?;
        File::open(self.folder.join("chunks"))?.sync_all()?;
        Ok(Some(WrittenBlock { unfinished: self, id }))
    }
}

impl Drop for UnfinishedBlock {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // The next export deletes it otherwise.
            let _gone = fs::remove_dir_all(&self.folder);
        }
    }
}

impl WrittenBlock {
    /// Gives the block its name, so that Prometheus reads it. One that is there with the same content stays.
    pub(super) fn finish(mut self, data: &Path) -> io::Result<()> {
        let block = data.join(self.id.to_string());
        if block.is_dir() {
            return Ok(());
        }
        fs::remove_file(self.unfinished.folder.join(LOCK))?;
        File::open(&self.unfinished.folder)?.sync_all()?;
        fs::rename(&self.unfinished.folder, &block)?;
        self.unfinished.lock = None;
        File::open(data)?.sync_all()
    }
}

/// Deletes what exports that have ended left behind.
pub(super) fn delete_leftovers(data: &Path) -> io::Result<()> {
    for entry in fs::read_dir(data)? {
        let folder = entry?.path();
        if folder.extension().is_none_or(|ending| ending != UNFINISHED) {
            continue;
        }
        let Ok(lock) = File::open(folder.join(LOCK)) else {
            if age(&folder).is_some_and(|age| age >= ABANDONED_AFTER) {
                // Only an empty one goes: one with content is Prometheus' own.
                let _is_gone = fs::remove_dir(&folder).is_ok();
            }
            continue;
        };
        match lock.try_lock() {
            Ok(()) => fs::remove_dir_all(&folder)?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

/// The time since the last change of a folder.
fn age(folder: &Path) -> Option<Duration> {
    folder.metadata().ok()?.modified().ok()?.elapsed().ok()
}

/// Names of the blocks in a folder, each with its first millisecond since the Unix epoch and the one after its last.
pub(super) fn block_ranges(data: &Path) -> io::Result<Vec<(String, (i64, i64))>> {
    let mut ranges = Vec::new();
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.contains('.') {
            continue;
        }
        let Ok(meta) = fs::read(entry.path().join("meta.json")) else { continue };
        let meta: Value = serde_json::from_slice(&meta)?;
        if let (Some(first), Some(end)) = (meta["minTime"].as_i64(), meta["maxTime"].as_i64()) {
            ranges.push((name, (first, end)));
        }
    }
    Ok(ranges)
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    io::Write::write_all(&mut file, content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn an_old_empty_folder_of_a_killed_export_is_deleted_and_no_other() {
        let data = tempfile::tempdir().unwrap();
        let path = |name: &str| data.path().join(format!("{name}.{UNFINISHED}"));
        for name in ["old", "new", "of_prometheus"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::create_dir(path("of_prometheus").join("chunks")).unwrap();
        for name in ["old", "of_prometheus"] {
            File::open(path(name)).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        delete_leftovers(data.path()).unwrap();
        assert_eq!(["old", "new", "of_prometheus"].map(|name| path(name).is_dir()), [false, true, true]);
    }
}
