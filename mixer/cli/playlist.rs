//! The items of a playlist, as commands load them. A broken one is an error before any of them runs.

use promemu_core::config::{ConfigFile, LoadedConfig, Playlist, PlaylistItem};
use promemu_core::error::{ConfigError, Error};
use promemu_core::plan::Plan;
use promemu_core::time::{Span, Time};
use tracing::warn;

use crate::config;
use crate::settings::{Settings, Variant};
use crate::truth::default_span;

/// The playlist of a file; its warnings are logged.
pub(crate) fn open(settings: &Settings, file: &ConfigFile) -> Result<Playlist, Error> {
    let playlist = settings.playlist(file)?;
    for warning in &playlist.warnings {
        warn!("{warning}");
    }
    Ok(playlist)
}

/// The plan of an item; its warnings are logged.
pub(crate) fn load(settings: &Settings, item: &PlaylistItem, at: Time) -> Result<LoadedConfig, ConfigError> {
    config::load_variant(settings, &item.file, &Variant::of_item(item), at)
}

/// The length of the run of an item with this plan: its own, that of its hosts, or where they do not end, of its timeline; `None` if it has
/// no end.
pub(crate) fn length(item: &PlaylistItem, plan: &Plan) -> Option<Span> {
    let of_hosts = plan.hosts.iter().map(|host| host.ends_after()).max().unwrap_or(Span::FOREVER);
    let of_timeline = plan.timeline.length.times(plan.timeline.repeat);
    let has_end = |span: &Span| ![Span::ZERO, Span::FOREVER].contains(span);
    item.lasts.or_else(|| [of_hosts, of_timeline].into_iter().find(has_end))
}

/// As [`length`], of a timetable or a test, which has an end.
pub(crate) fn length_with_end(item: &PlaylistItem, plan: &Plan) -> Span {
    length(item, plan).unwrap_or_else(|| default_span(plan))
}

/// The order, the number and the pauses of the runs of a playlist, in words.
pub(crate) fn rounds(playlist: &Playlist) -> String {
    let Playlist { cooldown, rounds, is_at_once, .. } = playlist;
    let rounds = match rounds {
        None => "for ever".to_owned(),
        Some(1) => "once".to_owned(),
        Some(rounds) => format!("{rounds} times"),
    };
    let order = if *is_at_once { "at once" } else { "one after the other" };
    let pause = if *cooldown == Span::ZERO { String::new() } else { format!(", with {cooldown} in between") };
    format!("{order}, {rounds}{pause}")
}
