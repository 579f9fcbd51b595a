//! Series of one family, one after the other. Single numbers are nearly all series and take a short path: the bytes that
//! the series of one column share are made once per column.

use promemu_core::metric::{Kind, Layout};
use promemu_core::series::{LabelBlock, Sample};

use super::family::FamilyEncoder;
use super::format::Format;
use super::protobuf;
use crate::number::put_number;

/// Appends series of a family that get the same group labels.
pub(super) struct ColumnWriter<'a> {
    family: &'a FamilyEncoder<'a>,
    group_labels: &'a LabelBlock,
    /// Address of the metric labels of the column that the fields below were made for.
    column: *const LabelBlock,
    is_single_number: bool,
    /// Bytes before and behind the host's labels.
    before: Vec<u8>,
    after: Vec<u8>,
    /// The text that replaces `before` and `after` if the host has no labels.
    without_host: Vec<u8>,
}

impl<'a> ColumnWriter<'a> {
    pub(super) const fn new(family: &'a FamilyEncoder<'a>, group_labels: &'a LabelBlock) -> Self {
        Self {
            family,
            group_labels,
            column: std::ptr::null(),
            is_single_number: false,
            before: Vec::new(),
            after: Vec::new(),
            without_host: Vec::new(),
        }
    }

    /// Appends one series.
    #[inline]
    pub(super) fn put(&mut self, sample: &Sample<'_>, out: &mut Vec<u8>) {
        if !std::ptr::eq(self.column, sample.metric_labels) {
            self.column = std::ptr::from_ref(sample.metric_labels);
            self.prepare(sample);
        }
        if !self.is_single_number {
            self.family.put(sample, self.group_labels, out);
        } else if self.family.format == Format::Protobuf {
            let host = sample.host_labels.as_protobuf();
            protobuf::put_single(host, &mut self.after, sample.cells[0], out);
        } else {
            let host = sample.host_labels.as_text();
            if host.is_empty() {
                out.extend_from_slice(&self.without_host);
            } else {
                out.extend_from_slice(&self.before);
                out.extend_from_slice(host);
                out.extend_from_slice(&self.after);
            }
            put_number(sample.cells[0], out);
            out.push(b'\n');
        }
    }

    /// Makes the bytes that the series of the sample's column share.
    #[cold]
    fn prepare(&mut self, sample: &Sample<'_>) {
        let Layout { kind, has_exemplar, has_created } = sample.layout;
        self.is_single_number = matches!(kind, Kind::Value) && !has_exemplar && !has_created;
        if !self.is_single_number {
            return;
        }
        if self.family.format == Format::Protobuf {
            let labels = [sample.metric_labels.as_protobuf(), self.group_labels.as_protobuf()];
            self.after = protobuf::single_tail(self.family.family.metric_type, labels);
            return;
        }
        let name = self.family.family.name.as_bytes();
        let labels = [sample.metric_labels, self.group_labels];
        self.before = [name, b"{"].concat();
        self.after.clear();
        for block in labels.into_iter().filter(|block| !block.as_text().is_empty()) {
            self.after.push(b',');
            self.after.extend_from_slice(block.as_text());
        }
        self.after.extend_from_slice(b"} ");
        // Without host labels the first comma becomes the opening brace; without any labels there are no braces.
        self.without_host = match self.after.strip_prefix(b",") {
            Some(labels) => [&self.before, labels].concat(),
            None => [name, b" "].concat(),
        };
    }
}
