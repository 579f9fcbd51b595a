//! The history of a run, and the file that it is written to.

use std::path::Path;

use promemu_core::config::MAIN_RUN;
use promemu_core::time::Span;
use promemu_run::history::History;
use promemu_wire::export::{Format, TargetLabels};

use crate::export;
use crate::settings::Settings;

/// The history of this length before a run. It is written to the file of `--history-out`, or beside it for a run that is not
/// the main one.
pub(super) fn history(settings: &Settings, run: &str, length: Span) -> History {
    let out = &settings.cli().history_out;
    let out = if run == MAIN_RUN { out.clone() } else { of_run(out, run) };
    let format = Format::of_path(Path::new(&out)).unwrap_or(Format::OpenMetrics);
    let write = move |run: &_, grid| {
        export::write(run, grid, format, TargetLabels::Pushed, export::thread_count(None), &out)
    };
    History { length, step: settings.history_step(), write: Box::new(write) }
}

/// The file `NAME-RUN.ENDING` for `NAME.ENDING`. Nothing else goes to standard output.
fn of_run(out: &str, run: &str) -> String {
    let path = Path::new(if out == "-" { "history.om" } else { out });
    let (stem, ending) = (path.file_stem().unwrap_or_default(), path.extension().unwrap_or_default());
    let name = format!("{}-{run}.{}", stem.to_string_lossy(), ending.to_string_lossy());
    path.with_file_name(name.trim_end_matches('.')).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_of_another_run_is_beside_that_of_the_main_one() {
        let files = ["history.om", "/data/h.parquet", "plain", "-"].map(|out| of_run(out, "two"));
        assert_eq!(files, ["history-two.om", "/data/h-two.parquet", "plain-two", "history-two.om"]);
    }
}
