//! A body in chunks. The stores may be locked for one chunk at a time, while hosts go on reporting between the chunks, and
//! the whole body is never in memory.

use promemu_core::series::{SampleCursor, SeriesStore};

use super::column_writer::ColumnWriter;
use super::families::{Group, MergedFamilies};
use super::family::{FamilyStart, put_body_end};
use super::format::Format;

/// Number of rows that are encoded before the size of the chunk is looked at.
const ROWS_AT_ONCE: usize = 32;

/// A body that is being written. In the protobuf format a family that does not fit into a chunk continues in another
/// message of the same name; readers accept that.
#[derive(Debug)]
pub struct ChunkedEncoder {
    format: Format,
    families: MergedFamilies,
    position: Position,
    /// `true` if an earlier chunk has series of the family.
    has_begun: bool,
    is_done: bool,
}

/// The series that is written next.
#[derive(Debug, Default)]
struct Position {
    family: usize,
    /// The number of the family's part, see [`MergedFamilies::get`].
    part: usize,
    place: SampleCursor,
}

/// Locks the group of this number and passes it to the callback.
pub type LockGroup<'a> = dyn FnMut(usize, &mut dyn FnMut(&Group<'_>)) + 'a;

impl ChunkedEncoder {
    /// A body of these stores, in the order of the groups that `put_next` asks for.
    #[must_use]
    pub fn new<'a>(format: Format, stores: impl Iterator<Item = &'a SeriesStore>) -> Self {
        let (families, position) = (MergedFamilies::of(stores), Position::default());
        Self { format, families, position, has_begun: false, is_done: false }
    }

    /// Appends the next chunk of about `chunk_bytes`. Returns `false` if the body is complete. `lock_group` is called for
    /// one group after the other and never within itself; a lock that it holds lasts for one chunk at most.
    pub fn put_next(
        &mut self,
        chunk_bytes: usize,
        lock_group: &mut LockGroup<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        let before = out.len();
        let until = before + chunk_bytes;
        while out.len() < until && !self.is_done {
            self.put_family(until, lock_group, out);
        }
        out.len() > before
    }

    /// Continues the current family, up to its end or until the chunk is full.
    fn put_family(&mut self, until: usize, lock_group: &mut LockGroup<'_>, out: &mut Vec<u8>) {
        let Position { family: number, mut part, mut place } = self.position;
        let Some((family, parts)) = self.families.get(self.format, number) else {
            put_body_end(self.format, out);
            self.is_done = true;
            return;
        };
        let start = if !self.has_begun || self.format == Format::Protobuf {
            family.begin(out)
        } else {
            FamilyStart { head: out.len(), series: out.len() }
        };
        // A chunk does not end with a head alone.
        let until = until.max(out.len() + 1);
        while part < parts.len() && out.len() < until {
            let mut has_more = true;
            lock_group(parts[part].group, &mut |group| {
                let mut writer = ColumnWriter::new(&family, group.labels);
                while has_more && out.len() < until {
                    has_more = group.store.for_each_sample_from(
                        parts[part].family,
                        &mut place,
                        ROWS_AT_ONCE,
                        |sample| writer.put(sample, out),
                    );
                }
            });
            if !has_more {
                (part, place) = (part + 1, SampleCursor::default());
            }
        }
        self.has_begun |= family.end(start, out);
        self.position = Position { family: number, part, place };
        if part == parts.len() {
            self.position = Position { family: number + 1, ..Position::default() };
            self.has_begun = false;
        }
    }
}
