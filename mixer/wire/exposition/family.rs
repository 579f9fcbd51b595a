//! One family in any of the formats: its head, its series, its end. This is where the formats part.

use promemu_core::series::{Family, LabelBlock, Sample};

use super::format::Format;
use super::lines::{self, Dialect};
use super::openmetrics::{self, OpenMetricsFamily};
use super::{protobuf, text_head};

/// Encoder of one family.
pub(super) struct FamilyEncoder<'a> {
    pub(super) format: Format,
    pub(super) family: &'a Family,
    openmetrics: OpenMetricsFamily<'a>,
}

/// Offsets in the body of a family that is being written.
#[derive(Clone, Copy)]
pub(super) struct FamilyStart {
    pub(super) head: usize,
    pub(super) series: usize,
}

impl<'a> FamilyEncoder<'a> {
    /// An encoder; `is_taken` is `true` for the names of families in the body.
    pub(super) fn new(format: Format, family: &'a Family, is_taken: impl Fn(&str) -> bool) -> Self {
        Self { format, family, openmetrics: OpenMetricsFamily::new(family, is_taken) }
    }

    /// Appends the family's head.
    pub(super) fn begin(&self, out: &mut Vec<u8>) -> FamilyStart {
        let head = out.len();
        match self.format {
            Format::Protobuf => protobuf::put_head(self.family, out),
            Format::Text => text_head::put_head(self.family, out),
            Format::OpenMetrics => self.openmetrics.put_head(self.family, out),
        }
        FamilyStart { head, series: out.len() }
    }

    /// Ends the family. The head of one without series is removed again. Returns `true` if there were series.
    pub(super) fn end(&self, start: FamilyStart, out: &mut Vec<u8>) -> bool {
        if out.len() == start.series {
            out.truncate(start.head);
            return false;
        }
        if self.format == Format::Protobuf {
            protobuf::put_len(start.head, out);
        }
        true
    }

    /// Appends one series of any layout.
    pub(super) fn put(&self, sample: &Sample<'_>, group_labels: &LabelBlock, out: &mut Vec<u8>) {
        let labels = [sample.host_labels, sample.metric_labels, group_labels];
        match self.format {
            Format::Protobuf => protobuf::put_series(self.family, labels, sample, out),
            Format::Text => lines::put_series(self.family, Dialect::Text, labels, sample, out),
            Format::OpenMetrics => {
                lines::put_series(self.family, Dialect::OpenMetrics(self.openmetrics), labels, sample, out);
            }
        }
    }
}

/// Appends the end of a body.
pub(super) fn put_body_end(format: Format, out: &mut Vec<u8>) {
    if format == Format::OpenMetrics {
        out.extend_from_slice(openmetrics::EOF);
    }
}
