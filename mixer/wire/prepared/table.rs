//! Tables of named columns in Apache Parquet.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use crate::parquet_rows::{failed, put_column};
use crate::recording::columns::{for_each_group, optional, put_optional, texts};

/// Number of rows at which a row group is written: it bounds the memory of writers and readers.
const ROWS_MAX: usize = 128 << 10;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Milliseconds since the Unix epoch.
    Time,
    /// Texts.
    Text,
    /// Numbers; NaN is none.
    Number,
    /// `true` or `false`.
    Flag,
    /// Whole numbers.
    Whole,
}

/// Cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Milliseconds since the Unix epoch.
    Times(Vec<i64>),
    /// Texts, each with the number of neighbouring rows that have it.
    Texts(Vec<(String, usize)>),
    /// Numbers; NaN is none.
    Numbers(Vec<f64>),
    /// `true` or `false`.
    Flags(Vec<bool>),
    /// Whole numbers.
    Whole(Vec<i64>),
}

impl Column {
    const fn empty(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Time => Self::Times(Vec::new()),
            ColumnKind::Text => Self::Texts(Vec::new()),
            ColumnKind::Number => Self::Numbers(Vec::new()),
            ColumnKind::Flag => Self::Flags(Vec::new()),
            ColumnKind::Whole => Self::Whole(Vec::new()),
        }
    }

    fn rows(&self) -> usize {
        match self {
            Self::Times(cells) | Self::Whole(cells) => cells.len(),
            Self::Texts(runs) => runs.iter().map(|(_, rows)| rows).sum(),
            Self::Numbers(cells) => cells.len(),
            Self::Flags(cells) => cells.len(),
        }
    }

    fn append(&mut self, other: Self) -> io::Result<()> {
        match (self, other) {
            (Self::Times(own), Self::Times(other)) | (Self::Whole(own), Self::Whole(other)) => {
                own.extend(other);
            }
            (Self::Texts(own), Self::Texts(other)) => own.extend(other),
            (Self::Numbers(own), Self::Numbers(other)) => own.extend(other),
            (Self::Flags(own), Self::Flags(other)) => own.extend(other),
            _ => return Err(io::Error::other("column has another type")),
        }
        Ok(())
    }

    fn write<W: Write + Send>(&self, group: &mut SerializedRowGroupWriter<'_, W>) -> io::Result<()> {
        match self {
            Self::Times(cells) | Self::Whole(cells) => {
                put_column::<Int64Type, W>(group, cells.iter().copied())
            }
            Self::Texts(runs) => {
                let cells = runs
                    .iter()
                    .flat_map(|(text, rows)| std::iter::repeat_n(ByteArray::from(text.as_str()), *rows));
                put_column::<ByteArrayType, W>(group, cells)
            }
            Self::Numbers(cells) => {
                let cells = cells.iter().map(|cell| (!cell.is_nan()).then_some(*cell));
                put_optional::<DoubleType, W>(group, cells)
            }
            Self::Flags(cells) => put_column::<BoolType, W>(group, cells.iter().copied()),
        }
    }
}

/// Writes a table; rows wait until there are enough for a row group.
pub struct TableWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    kinds: Vec<ColumnKind>,
    columns: Vec<Column>,
    rows: u64,
}

impl<W: Write + Send> std::fmt::Debug for TableWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableWriter").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl<W: Write + Send> TableWriter<W> {
    /// A table of these columns, without rows yet. Names have letters, digits and `_` only.
    ///
    /// # Errors
    ///
    /// The writer fails.
    pub fn new(out: W, columns: &[(String, ColumnKind)]) -> io::Result<Self> {
        let mut schema = "message rows {".to_owned();
        let mut properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        for (name, kind) in columns {
            let (before, after) = match kind {
                ColumnKind::Time => ("REQUIRED INT64", " (TIMESTAMP(MILLIS, true))"),
                ColumnKind::Text => ("REQUIRED BYTE_ARRAY", " (UTF8)"),
                ColumnKind::Number => ("OPTIONAL DOUBLE", ""),
                ColumnKind::Flag => ("REQUIRED BOOLEAN", ""),
                ColumnKind::Whole => ("REQUIRED INT64", ""),
            };
            schema.extend([" ", before, " ", name, after, ";"]);
            if *kind == ColumnKind::Number {
                // A dictionary of floats might take -0 and 0 for one value.
                let path = ColumnPath::from(name.as_str());
                properties = properties.set_column_dictionary_enabled(path, false);
            }
        }
        schema.push('}');
        let schema = Arc::new(parse_message_type(&schema).map_err(failed)?);
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties.build())).map_err(failed)?;
        let kinds: Vec<ColumnKind> = columns.iter().map(|(_, kind)| *kind).collect();
        let columns = kinds.iter().map(|kind| Column::empty(*kind)).collect();
        Ok(Self { writer, kinds, columns, rows: 0 })
    }

    /// Appends rows: a part of each column, in their order, all of one length.
    ///
    /// # Errors
    ///
    /// The parts do not fit the table, or the writer fails.
    pub fn put(&mut self, part: Vec<Column>) -> io::Result<()> {
        let rows = part.first().map_or(0, Column::rows);
        if part.len() != self.columns.len() || part.iter().any(|column| column.rows() != rows) {
            return Err(io::Error::other("columns of a table differ in length"));
        }
        for (own, other) in self.columns.iter_mut().zip(part) {
            own.append(other)?;
        }
        self.rows += rows as u64;
        if self.columns.first().is_some_and(|column| column.rows() >= ROWS_MAX) {
            self.write()?;
        }
        Ok(())
    }

    /// Writes the rest, and the end of the file. Returns the number of rows.
    ///
    /// # Errors
    ///
    /// The writer fails.
    pub fn close(mut self) -> io::Result<(W, u64)> {
        self.write()?;
        let rows = self.rows;
        self.writer.into_inner().map_err(failed).map(|out| (out, rows))
    }

    fn write(&mut self) -> io::Result<()> {
        if self.columns.first().is_some_and(|column| column.rows() > 0) {
            let mut group = self.writer.next_row_group().map_err(failed)?;
            for column in &self.columns {
                column.write(&mut group)?;
            }
            group.close().map_err(failed)?;
        }
        self.columns = self.kinds.iter().map(|kind| Column::empty(*kind)).collect();
        Ok(())
    }
}

/// Reads a table of two columns of text and then some of numbers: the texts and numbers of each row. A number that is not there
/// is NaN.
///
/// # Errors
///
/// The file is missing or has other columns.
pub fn read_numbers<const N: usize>(path: &Path) -> io::Result<Vec<([String; 2], [f64; N])>> {
    let mut all = Vec::new();
    for_each_group(File::open(path)?, |group, rows| {
        let pairs = texts(group, 0, rows)?.into_iter().zip(texts(group, 1, rows)?);
        let numbers: Vec<Vec<Option<f64>>> =
            (0..N).map(|n| optional::<DoubleType>(group, 2 + n, rows)).collect::<io::Result<_>>()?;
        all.extend(pairs.enumerate().map(|(row, (a, b))| {
            ([a, b], std::array::from_fn(|n| numbers[n].get(row).copied().flatten().unwrap_or(f64::NAN)))
        }));
        Ok(())
    })?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_back_bit_for_bit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        let columns = [("a", ColumnKind::Text), ("b", ColumnKind::Text), ("x", ColumnKind::Number)]
            .map(|(name, kind)| (name.to_owned(), kind));
        let mut table = TableWriter::new(File::create(&path).unwrap(), &columns).unwrap();
        let text = |text: &str, rows| (text.to_owned(), rows);
        let cells = vec![0.1 + 0.2, -0.0, f64::NAN];
        let part = vec![
            Column::Texts(vec![text("m", 3)]),
            Column::Texts(vec![text("", 1), text("y", 2)]),
            Column::Numbers(cells.clone()),
        ];
        table.put(part.clone()).unwrap();
        assert!(table.put(part[..2].to_vec()).is_err());
        assert_eq!(table.close().unwrap().1, 3);
        let read = read_numbers::<1>(&path).unwrap();
        let labels: Vec<&str> = read.iter().map(|([_, labels], _)| &**labels).collect();
        assert_eq!(labels, ["", "y", "y"]);
        assert_eq!(read[0].1[0].to_bits(), cells[0].to_bits());
        assert_eq!(read[1].1[0].to_bits(), cells[1].to_bits());
        assert!(read[2].1[0].is_nan());
    }
}
