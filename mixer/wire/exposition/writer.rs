//! Series of one family, one after the other. Those of one number are most of them and have a short way: what they
//! have in common is made once per column.

use super::{FamilyHead, Format, protobuf, put_number};
use promemu_core::metric::{Kind, Layout};
use promemu_core::series::{LabelBlock, Sample};

/// Appends series of a family that get the same labels.
pub(super) struct Writer<'a> {
    head: &'a FamilyHead<'a>,
    group_labels: &'a LabelBlock,
    /// Where the metric's labels are of the column that all below is about.
    column: *const LabelBlock,
    is_plain: bool,
    /// What surrounds the host's labels.
    before: Vec<u8>,
    after: Vec<u8>,
    /// What a text has instead if the host has none.
    bare: Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(head: &'a FamilyHead<'a>, group_labels: &'a LabelBlock) -> Self {
        Self {
            head,
            group_labels,
            column: std::ptr::null(),
            is_plain: false,
            before: Vec::new(),
            after: Vec::new(),
            bare: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn put(&mut self, sample: &Sample<'_>, out: &mut Vec<u8>) {
        if !std::ptr::eq(self.column, sample.metric_labels) {
            self.column = std::ptr::from_ref(sample.metric_labels);
            self.prepare(sample);
        }
        if !self.is_plain {
            self.head.put(sample, self.group_labels, out);
        } else if self.head.format == Format::Protobuf {
            let host = sample.host_labels.as_protobuf();
            protobuf::put_plain(host, &mut self.after, sample.cells[0], out);
        } else {
            let host = sample.host_labels.as_text();
            if host.is_empty() {
                out.extend_from_slice(&self.bare);
            } else {
                out.extend_from_slice(&self.before);
                out.extend_from_slice(host);
                out.extend_from_slice(&self.after);
            }
            put_number(sample.cells[0], out);
            out.push(b'\n');
        }
    }

    /// Makes what the series of the sample's column have in common.
    #[cold]
    fn prepare(&mut self, sample: &Sample<'_>) {
        let Layout { kind, has_exemplar, has_created } = sample.layout;
        self.is_plain = matches!(kind, Kind::Value) && !has_exemplar && !has_created;
        if !self.is_plain {
            return;
        }
        if self.head.format == Format::Protobuf {
            let labels = [sample.metric_labels.as_protobuf(), self.group_labels.as_protobuf()];
            self.after = protobuf::plain_tail(self.head.family.metric_type, labels);
            return;
        }
        let name = self.head.family.name.as_bytes();
        let labels = [sample.metric_labels, self.group_labels];
        self.before = [name, b"{"].concat();
        self.after.clear();
        for block in labels.into_iter().filter(|block| !block.as_text().is_empty()) {
            self.after.push(b',');
            self.after.extend_from_slice(block.as_text());
        }
        self.after.extend_from_slice(b"} ");
        // The comma at the front becomes a brace, and braces without labels are not there.
        self.bare = match self.after.strip_prefix(b",") {
            Some(labels) => [&self.before, labels].concat(),
            None => [name, b" "].concat(),
        };
    }
}
