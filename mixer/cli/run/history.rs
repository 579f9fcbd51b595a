//! The history of a run, and the place that it is written to.

use std::path::Path;

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::config::MAIN_RUN;
use promemu_core::stop::Stop;
use promemu_core::time::Span;
use promemu_run::history::History;
use promemu_wire::export::{Progress, Sampling, TargetLabels};

use crate::args::HistoryLabels;
use crate::export::{Destination, thread_count};
use crate::settings::Settings;

/// The history of this length before a run. It is written to the place of `--history-out`, or to a file or folder beside it for
/// a run that is not the main one.
pub(super) fn history(settings: &Settings, run: &str, length: Span) -> History {
    let out = &settings.cli().history_out;
    let out = if run == MAIN_RUN { out.clone() } else { of_run(out, run) };
    let destination = Destination::of_history(&out, settings.history_receiver());
    let is_scraped = match settings.cli().history_labels {
        HistoryLabels::Scrape => true,
        HistoryLabels::Push => false,
        // With pages to be scraped, each host is a target of its own.
        HistoryLabels::Auto => settings.has_pages(),
    };
    let labels = if is_scraped { TargetLabels::Scraped } else { TargetLabels::Pushed };
    let write = move |run: &Backfill, grid: Grid, stop: &Stop| {
        let (threads, progress) = (thread_count(None), &Progress::until(stop.clone()));
        destination.write(Sampling { run, grid, labels, threads, keeps_hosts: true, progress })
    };
    let step = settings.history_step();
    let shard = settings.shard();
    History { length, step, work_max: None, write: Box::new(write), log: None, shard, told_to: None }
}

/// The file `NAME-RUN.ENDING` for `NAME.ENDING`, or the folder `NAME-RUN/` for `NAME/`. Nothing else goes to standard output.
fn of_run(out: &str, run: &str) -> String {
    if let Some(folder) = out.strip_suffix('/') {
        return format!("{folder}-{run}/");
    }
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
        let files = ["history.om", "/data/h.parquet", "plain", "-", "data/"].map(|out| of_run(out, "two"));
        assert_eq!(
            files,
            ["history-two.om", "/data/h-two.parquet", "plain-two", "history-two.om", "data-two/"]
        );
    }
}
