//! Comma-separated values (<https://www.rfc-editor.org/rfc/rfc4180>): `timestamp,metric,labels,value`, host by host.
//!
//! The timestamp is in milliseconds since 1970, the labels are those of the text format. A histogram is the plain series
//! that Prometheus makes of it.

use promemu_core::time::Time;

use super::report::WrittenCount;
use super::series::{Pieces, SampledSeries, SeriesFormat};
use crate::number::put_number;

pub(super) struct Csv {
    /// Milliseconds since 1970 of each moment.
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

    fn with_times(&self, times: &[Time]) -> Option<Box<dyn SeriesFormat>> {
        Some(Box::new(Self::new(times.iter().copied())))
    }

    fn put_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"timestamp,metric,labels,value\r\n");
    }

    fn put_series(&self, series: &SampledSeries<'_>, out: &mut Pieces<'_>) -> WrittenCount {
        let mut written = WrittenCount::default();
        series.for_each_plain(&mut |name, labels, values| {
            let quoted = labels.replace('"', "\"\"");
            let middle = format!(",{name},\"{quoted}\",");
            let mut samples = 0;
            for (moment, value) in values {
                let text = &mut out.text;
                text.extend_from_slice(itoa::Buffer::new().format(self.timestamps[moment]).as_bytes());
                text.extend_from_slice(middle.as_bytes());
                put_number(value, text);
                text.extend_from_slice(b"\r\n");
                out.pass_on();
                samples += 1;
            }
            written = written.and_series(samples);
        });
        written
    }
}
