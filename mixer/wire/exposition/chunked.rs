//! A body that is made by and by, while others report: nobody holds all of it.

use super::{Format, Group, Merged, Writer, openmetrics};
use promemu_core::series::{SampleCursor, SeriesStore};

/// So many rows are encoded before the size is looked at.
const ROWS_AT_ONCE: usize = 32;

/// A body under way. In the protobuf format a family that does not fit a piece goes on in another message of
/// the same name; readers take them one by one.
#[derive(Debug)]
pub struct ChunkedEncoder {
    format: Format,
    merged: Merged,
    /// The family, its part, and the place within the part.
    at: (usize, usize, SampleCursor),
    /// The family has series in an earlier piece.
    has_begun: bool,
    is_done: bool,
}

/// What shows a group, by its number, to the work.
pub type WithGroup<'a> = dyn FnMut(usize, &mut dyn FnMut(&Group<'_>)) + 'a;

impl ChunkedEncoder {
    /// A body of these stores, which are those of the groups that are asked for later.
    #[must_use]
    pub fn new<'a>(format: Format, stores: impl Iterator<Item = &'a SeriesStore>) -> Self {
        Self {
            format,
            merged: Merged::of(stores),
            at: (0, 0, SampleCursor::default()),
            has_begun: false,
            is_done: false,
        }
    }

    /// Appends the next piece, of about so many bytes; says whether there was one. `with_group` is called for one
    /// group after the other, and may lock it meanwhile: it is never for longer than a piece takes.
    pub fn put_next(
        &mut self,
        piece_bytes: usize,
        with_group: &mut WithGroup<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        let until = out.len() + piece_bytes;
        let before = out.len();
        while out.len() < until && !self.is_done {
            self.put_family(until, with_group, out);
        }
        out.len() > before
    }

    /// Goes on with a family, up to its end or until the piece is full.
    fn put_family(&mut self, until: usize, with_group: &mut WithGroup<'_>, out: &mut Vec<u8>) {
        let (family, mut part, mut place) = self.at;
        let Some((head, parts)) = self.merged.head(self.format, family) else {
            if self.format == Format::OpenMetrics {
                out.extend_from_slice(openmetrics::EOF);
            }
            self.is_done = true;
            return;
        };
        let needs_head = !self.has_begun || self.format == Format::Protobuf;
        let open = if needs_head { head.begin(out) } else { (out.len(), out.len()) };
        // Not the head alone.
        let until = until.max(out.len() + 1);
        while part < parts.len() && out.len() < until {
            let (group, index) = parts[part];
            let mut has_more = true;
            with_group(group, &mut |group| {
                let mut writer = Writer::new(&head, group.labels);
                while has_more && out.len() < until {
                    has_more = group.store.for_each_sample_from(index, &mut place, ROWS_AT_ONCE, |sample| {
                        writer.put(sample, out);
                    });
                }
            });
            if !has_more {
                (part, place) = (part + 1, SampleCursor::default());
            }
        }
        self.has_begun |= head.end(open, out);
        self.at = (family, part, place);
        if part == parts.len() {
            (self.at, self.has_begun) = ((family + 1, 0, SampleCursor::default()), false);
        }
    }
}
