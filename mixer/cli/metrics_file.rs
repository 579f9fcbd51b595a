//! Metrics of a command that ends, as a file in the text format: for the textfile collector of a `node_exporter`, or a web server.

use std::path::Path;

use promemu_core::error::Error;
use promemu_run::whole_file::unwritable;
use promemu_wire::samples::ReadSeries;

use crate::output_file::replace;

/// Families in the order in which they are added.
#[derive(Debug, Default)]
pub(crate) struct MetricsFile(String);

impl MetricsFile {
    /// Adds a family of gauges with the labels and the value of each series. One without series is left out.
    pub(crate) fn gauges<'l>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Vec<(&'l str, &'l str)>, f64)>,
    ) {
        let mut lines = String::new();
        for (labels, value) in series {
            let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
            let labels = ReadSeries::of_labels(labels).label_text();
            lines.extend([name, "{", &labels, "} ", &value.to_string(), "\n"]);
        }
        if !lines.is_empty() {
            self.0.extend(["# HELP ", name, " ", help, "\n# TYPE ", name, " gauge\n", &lines]);
        }
    }

    /// Replaces a file, whose flag is named in errors.
    pub(crate) fn write(&self, path: &Path, flag: &str) -> Result<(), Error> {
        replace(path, self.0.as_bytes()).map_err(|source| unwritable(path, flag, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_as_the_text_format_has_them() {
        let mut file = MetricsFile::default();
        file.gauges("a", "first", [(vec![("x", "a\"b"), ("k", "1")], 0.5), (vec![("x", "c")], f64::NAN)]);
        file.gauges("b", "none", []);
        insta::assert_snapshot!(file.0, @r#"
        # HELP a first
        # TYPE a gauge
        a{k="1",x="a\"b"} 0.5
        a{x="c"} NaN
        "#);
    }
}
