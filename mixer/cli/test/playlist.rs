//! The test of a playlist: the verdicts of each item, in one report.

use std::process::ExitCode;

use promemu_core::config::{ConfigFile, Playlist};
use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_run::clock::wall_now;
use tokio::time::sleep;
use tracing::info;

use super::case::Case;
use super::live::{Live, LiveOn, Stage};
use super::report::{Judged, Report, Unjudged, unless_all_failed};
use super::{at_once, finish, judged};
use crate::args::TestArgs;
use crate::settings::Settings;
use crate::{block_on, playlist};

/// The runs in one report.
const RUNS: &str = "runs";

/// Judges each item: in virtual time once, live in all rounds of the playlist. One that cannot be judged keeps no other from it.
pub(super) fn test(settings: &Settings, args: &TestArgs, file: &ConfigFile) -> Result<ExitCode, Error> {
    let given = [
        (args.all_classes, "--all-classes or PME_TEST_ALL_CLASSES"),
        (args.update, "--update or PME_TEST_UPDATE"),
        (settings.cli().truth.is_some(), "--truth or PME_TRUTH"),
    ];
    if let Some((_, flag)) = given.into_iter().find(|(is_given, _)| *is_given) {
        return Err(Error::Usage(format!("{flag} is not for a playlist; test one of its configs by itself")));
    }
    let playlist = playlist::open(settings, file)?;
    let cases: Vec<Case> = playlist.items.iter().map(Case::of_item).collect();
    // A broken item is an error before the first one runs.
    for item in &playlist.items {
        settings.load_item(item, wall_now())?;
    }
    let reports = if args.live {
        let live = Live::connect(settings, args)?;
        let stage = Stage::open(settings, &playlist)?;
        let reports = judge_live((settings, args), (&playlist, &cases), (&live, &stage));
        stage.close();
        reports?
    } else {
        at_once::each(&cases, args.parallel || playlist.is_at_once, |case| {
            Ok(judge(settings, args, case, None))
        })?
    };
    finish(settings, args, &unless_all_failed(reports)?, RUNS)
}

fn judge(settings: &Settings, args: &TestArgs, case: &Case, live: Option<LiveOn<'_>>) -> Judged {
    judged(settings, args, case, live).map_err(|why| Unjudged { name: case.shown(), why })
}

/// Judges each item live, in each round, until a signal ends the test: then all that was judged until then is told.
fn judge_live(
    (settings, args): (&Settings, &TestArgs),
    (playlist, cases): (&Playlist, &[Case]),
    (live, stage): (&Live, &Stage),
) -> Result<Vec<Judged>, Error> {
    let Playlist { name, rounds, cooldown, is_at_once, .. } = playlist;
    let size = if *is_at_once { cases.len() } else { 1 };
    let (mut reports, mut round) = (Vec::new(), 0);
    while rounds.is_none_or(|rounds| round < rounds) {
        round += 1;
        for group in cases.chunks(size) {
            if !reports.is_empty() {
                pause(*cooldown, stage)?;
            }
            if stage.shutdown().is_requested() {
                return Ok(reports);
            }
            let judged = at_once::each_by(group, size, |case| {
                info!(playlist = %name, round, run = case.shown(), "playlist goes on");
                Ok(judge(settings, args, case, Some(LiveOn { prometheus: live, stage: Some(stage) })))
            });
            reports.extend(judged?.into_iter().map(|report| in_round(report, *rounds, round)));
        }
    }
    Ok(reports)
}

/// A report with the number of its round, where there are several.
fn in_round(report: Judged, rounds: Option<u64>, round: u64) -> Judged {
    if rounds == Some(1) {
        return report;
    }
    let named = |name: &str| format!("{name}, round {round}");
    match report {
        Ok(report) => Ok(Report { name: named(&report.name), ..report }),
        Err(Unjudged { name, why }) => Err(Unjudged { name: named(&name), why }),
    }
}

/// Waits between two runs, or until a signal comes.
fn pause(cooldown: Span, stage: &Stage) -> Result<(), Error> {
    block_on(async {
        tokio::select! {
            () = sleep(cooldown.duration()) => {}
            () = stage.shutdown().requested() => {}
        }
        Ok(())
    })
}
