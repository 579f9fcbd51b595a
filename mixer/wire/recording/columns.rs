//! Columns of Parquet files, written and read row group by row group.

use std::fs::File;
use std::io::{self, Write};

use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::SerializedRowGroupWriter;

use crate::parquet_rows::failed;

/// Writes the next column, which has a list in each row.
pub(super) fn put_lists<'l, T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    lists: impl Iterator<Item = Vec<T::T>> + 'l,
) -> io::Result<()> {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        if list.is_empty() {
            definition.push(0);
            repetition.push(0);
        }
        for (n, value) in list.into_iter().enumerate() {
            definition.push(1);
            repetition.push(i16::from(n > 0));
            values.push(value);
        }
    }
    let column = group.next_column().map_err(failed)?;
    let mut column = column.ok_or_else(|| io::Error::other("schema has too few columns"))?;
    column.typed::<T>().write_batch(&values, Some(&definition), Some(&repetition)).map_err(failed)?;
    column.close().map_err(failed)
}

/// Writes the next column, which may have no value in a row.
pub(crate) fn put_optional<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: impl Iterator<Item = Option<T::T>>,
) -> io::Result<()> {
    let cells: Vec<Option<T::T>> = cells.collect();
    let definition: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    let column = group.next_column().map_err(failed)?;
    let mut column = column.ok_or_else(|| io::Error::other("schema has too few columns"))?;
    column.typed::<T>().write_batch(&values, Some(&definition), None).map_err(failed)?;
    column.close().map_err(failed)
}

/// Calls `read` for each row group of a file, with its number of rows.
pub(crate) fn for_each_group(
    file: File,
    mut read: impl FnMut(&dyn RowGroupReader, usize) -> io::Result<()>,
) -> io::Result<()> {
    let reader = SerializedFileReader::new(file).map_err(failed)?;
    for number in 0..reader.num_row_groups() {
        let group = reader.get_row_group(number).map_err(failed)?;
        let rows = usize::try_from(group.metadata().num_rows()).map_err(io::Error::other)?;
        read(&*group, rows)?;
    }
    Ok(())
}

/// A column of plain values.
pub(super) fn column<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    rows: usize,
) -> io::Result<Vec<T::T>> {
    let mut values = Vec::with_capacity(rows);
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(column).map_err(failed)?);
    while values.len() < rows {
        let (read, ..) = reader.read_records(rows - values.len(), None, None, &mut values).map_err(failed)?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "column has too few rows"));
        }
    }
    Ok(values)
}

/// A column of texts.
pub(crate) fn texts(group: &dyn RowGroupReader, place: usize, rows: usize) -> io::Result<Vec<String>> {
    let texts = column::<ByteArrayType>(group, place, rows)?;
    let text = |bytes: &ByteArray| bytes.as_utf8().map(str::to_owned).map_err(failed);
    texts.iter().map(text).collect()
}

/// A column of lists.
pub(super) fn lists<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    rows: usize,
) -> io::Result<Vec<Vec<T::T>>> {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(column).map_err(failed)?);
    let mut records = 0;
    while records < rows {
        let left = rows - records;
        let (read, ..) = reader
            .read_records(left, Some(&mut definition), Some(&mut repetition), &mut values)
            .map_err(failed)?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "column has too few rows"));
        }
        records += read;
    }
    let mut lists: Vec<Vec<T::T>> = Vec::with_capacity(rows);
    let mut values = values.into_iter();
    for (definition, repetition) in definition.into_iter().zip(repetition) {
        if repetition == 0 {
            lists.push(Vec::new());
        }
        if definition > 0
            && let (Some(list), Some(value)) = (lists.last_mut(), values.next())
        {
            list.push(value);
        }
    }
    Ok(lists)
}

/// A column that may have no value in a row.
pub(crate) fn optional<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    rows: usize,
) -> io::Result<Vec<Option<T::T>>> {
    let (mut values, mut definition) = (Vec::new(), Vec::new());
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(column).map_err(failed)?);
    while definition.len() < rows {
        let left = rows - definition.len();
        let (read, ..) =
            reader.read_records(left, Some(&mut definition), None, &mut values).map_err(failed)?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "column has too few rows"));
        }
    }
    let mut values = values.into_iter();
    let cells = definition.into_iter().map(|level| if level > 0 { values.next() } else { None });
    Ok(cells.collect())
}
