//! An export from beginning to end.

use std::io::{self, Write};
use std::sync::Arc;

use super::csv::Csv;
use super::encode::write_series;
use super::format::Format;
use super::openmetrics::OpenMetrics;
use super::parquet;
use super::report::ExportReport;
use super::sampling::sample;
use super::spec::ExportSpec;

impl ExportSpec<'_> {
    /// Drives the run and writes the file. Fails if the spool or `out` fails.
    pub fn write(&self, out: &mut (dyn Write + Send)) -> io::Result<ExportReport> {
        let (run, sampled) = sample(self)?;
        let written = match self.format {
            Format::OpenMetrics => {
                let names = self.sampling.run.plan().families.iter().map(|family| Arc::clone(&family.name));
                let format = OpenMetrics::new(self.sampling.grid.iter()).with_names(names);
                write_series(&run, &format, out)
            }
            Format::Csv => write_series(&run, &Csv::new(self.sampling.grid.iter()), out),
            Format::Parquet => parquet::write(&run, out),
        };
        Ok(ExportReport { written: written?, ..sampled })
    }
}
