//! The actions on a recorded system: `actions.parquet`.
//!
//! The file is replaced as a whole. It may grow while the recorder writes slices.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::columns::{column, for_each_group, optional, put_optional, texts};
use super::folder::change_manifest;
use super::hashed_file::HashedFile;
use crate::parquet_rows::{failed, put_column};

/// Its name.
const ACTIONS: &str = "actions.parquet";

const SCHEMA: &str = "message actions {
    REQUIRED INT64 time (TIMESTAMP(MILLIS, true));
    REQUIRED BYTE_ARRAY name (UTF8);
    REQUIRED BYTE_ARRAY target (UTF8);
    OPTIONAL DOUBLE value;
    OPTIONAL INT64 until (TIMESTAMP(MILLIS, true));
}";

/// Something that was done to a system.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Its name, as `scale` or `latency`.
    pub name: String,
    /// The part of the system that it was done to; empty for all of it.
    pub target: String,
    /// Its strength, if it has one.
    pub value: Option<f64>,
    /// The time of its end; `None` if it has none, or is not over.
    pub until_ms: Option<i64>,
}

/// Appends actions to a recording, in the order of their times. One that is there already is not there twice.
///
/// # Errors
///
/// The folder is no recording, or cannot be written.
pub fn append_actions(folder: &Path, actions: &[Action]) -> io::Result<()> {
    change_actions(folder, |all| {
        for action in actions {
            if !all.contains(action) {
                all.push(action.clone());
            }
        }
    })
}

/// Changes the actions of a recording, which are in the order of their times afterwards.
///
/// # Errors
///
/// The folder is no recording, or cannot be written.
pub fn change_actions(folder: &Path, change: impl FnOnce(&mut Vec<Action>)) -> io::Result<()> {
    change_manifest(folder, |manifest| {
        let mut all = read(folder)?;
        change(&mut all);
        all.sort_by_key(|action| action.at_ms);
        manifest.actions = Some(write(folder, &all)?);
        Ok(())
    })
}

/// The actions of a recording, in the order of their times.
pub(super) fn read(folder: &Path) -> io::Result<Vec<Action>> {
    let file = match File::open(folder.join(ACTIONS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut actions = Vec::new();
    for_each_group(file, |group, rows| {
        let times = column::<Int64Type>(group, 0, rows)?;
        let (names, targets) = (texts(group, 1, rows)?, texts(group, 2, rows)?);
        let values = optional::<DoubleType>(group, 3, rows)?;
        let ends = optional::<Int64Type>(group, 4, rows)?;
        let rows = times.into_iter().zip(names).zip(targets).zip(values).zip(ends);
        actions.extend(rows.map(|((((at_ms, name), target), value), until_ms)| Action {
            at_ms,
            name,
            target,
            value,
            until_ms,
        }));
        Ok(())
    })?;
    Ok(actions)
}

fn write(folder: &Path, actions: &[Action]) -> io::Result<super::FileEntry> {
    let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = HashedFile::create(folder, ACTIONS)?;
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(failed)?;
    let mut group = writer.next_row_group().map_err(failed)?;
    let text = |text: &String| ByteArray::from(text.as_str());
    put_column::<Int64Type, _>(&mut group, actions.iter().map(|action| action.at_ms))?;
    put_column::<ByteArrayType, _>(&mut group, actions.iter().map(|action| text(&action.name)))?;
    put_column::<ByteArrayType, _>(&mut group, actions.iter().map(|action| text(&action.target)))?;
    put_optional::<DoubleType, _>(&mut group, actions.iter().map(|action| action.value))?;
    put_optional::<Int64Type, _>(&mut group, actions.iter().map(|action| action.until_ms))?;
    group.close().map_err(failed)?;
    writer.into_inner().map_err(failed)?.finish(actions.len() as u64)
}
