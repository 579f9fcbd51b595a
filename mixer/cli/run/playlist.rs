//! A playlist that runs live: its items one after the other or at once, in rounds, on the same outputs.

use std::pin::{Pin, pin};
use std::sync::Arc;

use promemu_core::config::{ConfigFile, Playlist, PlaylistItem};
use promemu_core::error::Error;
use promemu_core::plan::RunDefaults;
use promemu_core::plural::plural;
use promemu_core::time::Span;
use promemu_run::clock::{Clock, wall_now};
use promemu_run::event_tap::EventTap;
use promemu_run::outputs::SharedOutputs;
use promemu_run::run::{Run, StopReason};
use promemu_run::settings::RunSettings;
use promemu_run::spec::RunSpec;
use tokio::time::sleep_until;
use tracing::info;

use crate::playlist;
use crate::settings::{Settings, Variant};
use crate::signals::Shutdown;

/// Runs all rounds, or until a signal or `--duration` ends the playlist.
///
/// # Errors
///
/// A flag is not for playlists, an item is wrong or has no end, or runs have failed.
pub(super) async fn run(settings: &Settings, file: &ConfigFile) -> Result<(), Error> {
    refuse_flags(settings)?;
    let playlist = playlist::open(settings, file)?;
    let (lengths, defaults) = checked(settings, &playlist)?;
    let shutdown = Shutdown::listen(None)?;
    let outputs = settings.run_settings(&defaults)?.outputs;
    let outputs = SharedOutputs::open(&outputs, settings.self_metrics_address(), false).await?;
    let player = Player { settings, playlist: &playlist, lengths, defaults, outputs: &outputs };
    let mut end = pin!(end(settings, &shutdown));
    let outcome = player.play(end.as_mut()).await;
    outputs.end().await;
    let Played { runs, failed } = outcome?;
    info!(playlist = %playlist.name, runs, failed, "playlist is over");
    if failed == 0 {
        return Ok(());
    }
    let runs = plural(runs, "run", "runs");
    Err(Error::Run(format!("{failed} of {runs} of playlist {} failed; the log says why", playlist.name)))
}

/// Refuses the flags of a single run.
fn refuse_flags(settings: &Settings) -> Result<(), Error> {
    let cli = settings.cli();
    let given = [
        (cli.watch, "--watch or PME_WATCH"),
        (settings.history_length().is_some(), "--history or PME_HISTORY"),
        (cli.truth.is_some(), "--truth or PME_TRUTH"),
        // Without the flag a playlist has no API.
        (settings.listen().is_some_and(|api| api.is_fixed), "--listen or PME_LISTEN"),
    ];
    match given.into_iter().find(|(is_given, _)| *is_given) {
        Some((_, flag)) => {
            Err(Error::Usage(format!("{flag} is not for a playlist; run one of its configs by itself")))
        }
        None => Ok(()),
    }
}

/// Loads all items once, so that nothing runs if one of them is wrong. The lengths of their runs, and the defaults of the first one, whose
/// outputs all of them have.
fn checked(settings: &Settings, playlist: &Playlist) -> Result<(Vec<Option<Span>>, RunDefaults), Error> {
    let (mut lengths, mut defaults) = (Vec::new(), None);
    for item in &playlist.items {
        let plan = settings.load_item(item, wall_now())?.plan;
        let length = playlist::length(item, &plan);
        if length.is_none() && (!playlist.is_at_once || playlist.rounds != Some(1)) {
            return Err(Error::Usage(format!(
                "item {} of playlist {} has no end, so what follows would never run; give it lasts: \"5m\"",
                item.name, playlist.name
            )));
        }
        lengths.push(length);
        defaults.get_or_insert(plan.defaults);
    }
    Ok((lengths, defaults.unwrap_or_default()))
}

/// Completes when the playlist is to end before its last round has.
async fn end(settings: &Settings, shutdown: &Shutdown) -> StopReason {
    let clock = Clock::start().at_speed(settings.speed());
    let is_over = async {
        match settings.duration() {
            Some(duration) => sleep_until(clock.instant_of(clock.now() + duration)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = shutdown.requested() => StopReason::Signal,
        () = is_over => StopReason::Duration,
    }
}

/// Numbers of runs that are over.
#[derive(Clone, Copy, Debug, Default)]
struct Played {
    runs: usize,
    failed: usize,
}

/// A playlist with all that its runs need.
struct Player<'a> {
    settings: &'a Settings,
    playlist: &'a Playlist,
    /// The lengths of the items' runs; `None` for one without an end.
    lengths: Vec<Option<Span>>,
    defaults: RunDefaults,
    outputs: &'a Arc<SharedOutputs>,
}

impl Player<'_> {
    /// Plays all rounds, unless the end comes first.
    async fn play(&self, mut end: Pin<&mut impl Future<Output = StopReason>>) -> Result<Played, Error> {
        let Playlist { name, items, cooldown, rounds, is_at_once, .. } = self.playlist;
        let numbers: Vec<usize> = (0..items.len()).collect();
        let groups: Vec<&[usize]> = numbers.chunks(if *is_at_once { items.len() } else { 1 }).collect();
        let of_rounds = rounds.map_or_else(|| "forever".to_owned(), |rounds| rounds.to_string());
        let mut played = Played::default();
        let mut round = 0;
        while rounds.is_none_or(|rounds| round < rounds) {
            round += 1;
            for (at, group) in groups.iter().enumerate() {
                if played.runs > 0 && *cooldown > Span::ZERO {
                    info!(playlist = %name, cooldown = %cooldown, "playlist pauses");
                    let clock = Clock::start().at_speed(self.settings.speed());
                    tokio::select! {
                        () = sleep_until(clock.instant_of(clock.now() + *cooldown)) => {}
                        _ = end.as_mut() => return Ok(played),
                    }
                }
                let begin = format!("{} of {}", at + 1, groups.len());
                info!(playlist = %name, round, of_rounds, item = begin, runs = self.names(group), "playlist goes on");
                let (failed, is_over) = self.play_group(group, end.as_mut()).await?;
                played = Played { runs: played.runs + group.len(), failed: played.failed + failed };
                if is_over {
                    return Ok(played);
                }
            }
        }
        Ok(played)
    }

    fn names(&self, group: &[usize]) -> String {
        let names: Vec<&str> =
            group.iter().map(|number| self.playlist.items[*number].name.as_str()).collect();
        names.join(", ")
    }

    /// Runs items at once. The number of those that failed, and `true` if the end has come.
    async fn play_group(
        &self,
        group: &[usize],
        end: Pin<&mut impl Future<Output = StopReason>>,
    ) -> Result<(usize, bool), Error> {
        let (mut runs, mut refused) = (Vec::new(), None);
        for number in group {
            match self.start(&self.playlist.items[*number], self.lengths[*number]) {
                Ok(run) => runs.push(run),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let ended = if refused.is_some() {
            Some(StopReason::Request)
        } else {
            tokio::select! {
                () = all_over(&runs) => None,
                reason = end => Some(reason),
            }
        };
        if let Some(reason) = ended {
            for run in &runs {
                run.stop(reason);
            }
            all_over(&runs).await;
        }
        if let Some(error) = refused {
            return Err(error);
        }
        let mut failed = 0;
        for run in &runs {
            failed += usize::from(run.outcome().await.is_err());
        }
        Ok((failed, ended.is_some()))
    }

    /// Starts the run of an item.
    fn start(&self, item: &PlaylistItem, length: Option<Span>) -> Result<Run, Error> {
        let settings = self.settings;
        let clock = Clock::start().at_speed(settings.speed());
        let plan = playlist::load(settings, item, clock.started_at())?.plan;
        // The outputs are those of the first item.
        let RunDefaults { pushgateway_url, serve, .. } = self.defaults.clone();
        let defaults = RunDefaults { pushgateway_url, serve, ..plan.defaults.clone() };
        let spec = RunSpec {
            id: Variant::of_item(item).run_id.into(),
            settings: RunSettings {
                duration: length.unwrap_or(Span::FOREVER),
                ..settings.run_settings(&defaults)?
            },
            plan,
            clock,
            history: None,
            watch: None,
            events: Arc::new(EventTap::default()),
            shard: None,
            keeps_last_metrics: false,
        };
        Run::start(spec, self.outputs).map_err(|conflict| Error::Run(conflict.to_string()))
    }
}

/// Waits until all of them are over.
async fn all_over(runs: &[Run]) {
    for run in runs {
        run.over().await;
    }
}
