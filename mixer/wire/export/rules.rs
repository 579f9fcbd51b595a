//! A test file for `promtool test rules`
//! (<https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/>): the samples as `input_series`. Rule
//! files and expectations are added by hand.

use promemu_core::backfill::Grid;
use promemu_core::metric::promql::{printable, selector};
use promemu_core::time::Span;

use super::report::WrittenCount;
use super::series::{Pieces, SampledSeries, SeriesFormat};
use crate::number::put_number;

pub(super) struct Rules {
    step: Span,
    moments: usize,
}

impl Rules {
    pub(super) fn new(grid: &Grid) -> Self {
        Self { step: grid.step, moments: grid.count() }
    }
}

impl SeriesFormat for Rules {
    fn is_by_family(&self) -> bool {
        false
    }

    fn put_head(&self, out: &mut Vec<u8>) {
        let millis = self.step.as_nanos() / 1_000_000;
        let head = format!(
            "# Add the rules to be tested, and what is expected of them: alert_rule_test, promql_expr_test.\n\
             rule_files: []\nevaluation_interval: {millis}ms\ntests:\n  - interval: {millis}ms\n    input_series:\n"
        );
        out.extend_from_slice(head.as_bytes());
    }

    fn put_series(&self, series: &SampledSeries<'_>, out: &mut Pieces<'_>) -> WrittenCount {
        let out = &mut out.text;
        let mut written = WrittenCount::default();
        series.for_each_plain(&mut |name, labels, values| {
            let quoted = selector(name, &printable(labels)).replace('\'', "''");
            out.extend_from_slice(format!("      - series: '{quoted}'\n        values: '").as_bytes());
            let (mut next, mut samples) = (0, 0);
            for (moment, value) in values {
                put_gap(moment - next, next, out);
                put_number(value, out);
                out.push(b' ');
                next = moment + 1;
                samples += 1;
            }
            put_gap(self.moments - next, next, out);
            out.pop();
            out.extend_from_slice(b"'\n");
            written = written.and_series(samples);
        });
        written
    }
}

/// Appends moments without a sample. The first one after a sample is marked as stale, as a scrape would do it.
fn put_gap(moments: usize, moments_before: usize, out: &mut Vec<u8>) {
    let is_end = moments_before > 0 && moments > 0;
    if is_end {
        out.extend_from_slice(b"stale ");
    }
    out.extend_from_slice("_ ".repeat(moments - usize::from(is_end)).as_bytes());
}
