//! Comma-separated values (<https://www.rfc-editor.org/rfc/rfc4180>): `timestamp,metric,labels,value`.
//!
//! The timestamp is in milliseconds since 1970, the labels are as in the text format. A series of a histogram
//! has its own lines, with the metric names that Prometheus gives them.

use super::{Series, SeriesFormat, Written};
use crate::exposition::put_number;
use promemu_core::time::Time;

pub(super) struct Csv {
    timestamps: Vec<u64>,
}

impl Csv {
    pub(super) fn new(moments: impl Iterator<Item = Time>) -> Self {
        Self { timestamps: moments.map(Time::unix_millis).collect() }
    }
}

impl SeriesFormat for Csv {
    fn is_by_family(&self) -> bool {
        false
    }

    fn at(&self, own_times: &[Time]) -> Option<Box<dyn SeriesFormat>> {
        Some(Box::new(Self::new(own_times.iter().copied())))
    }

    fn put_begin(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"timestamp,metric,labels,value\r\n");
    }

    fn put_series(&self, series: &Series<'_>, out: &mut Vec<u8>) -> Written {
        let mut written = Written::default();
        series.each_simple(&mut |name, labels, values| {
            let quoted = labels.replace('"', "\"\"");
            let middle = format!(",{name},\"{quoted}\",");
            let mut samples = 0;
            for (moment, value) in values {
                out.extend_from_slice(itoa::Buffer::new().format(self.timestamps[moment]).as_bytes());
                out.extend_from_slice(middle.as_bytes());
                put_number(value, out);
                out.extend_from_slice(b"\r\n");
                samples += 1;
            }
            written = written.and_one(samples);
        });
        written
    }
}
