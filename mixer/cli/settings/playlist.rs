//! Playlists and their items, with the arguments of flags and variables.

use promemu_core::config::{ConfigFile, LoadedConfig, Playlist, PlaylistItem};
use promemu_core::error::{ConfigError, Error};
use promemu_core::time::Time;

use super::{Settings, Variant};

impl Settings {
    /// The plan of an item of a playlist, with warnings.
    pub(crate) fn load_item(
        &self,
        item: &PlaylistItem,
        started_at: Time,
    ) -> Result<LoadedConfig, ConfigError> {
        self.load_variant(&item.file, &Variant::of_item(item), self.cli.no_faults, started_at)
    }

    /// The playlist of a file, with the arguments of flags and variables.
    pub(crate) fn playlist(&self, file: &ConfigFile) -> Result<Playlist, Error> {
        if self.cli.class.is_some() {
            let message = "--class or PME_CLASS: a playlist has no classes; its items name theirs";
            return Err(Error::Usage(message.to_owned()));
        }
        let (arguments, unknown) = self.flags.arguments.for_class(file, None);
        let mut playlist = file.playlist(&arguments)?;
        let unknown = unknown.into_iter().map(|name| {
            format!("variable {name} names no argument of the playlist; promemu describe NAME shows them")
        });
        playlist.warnings.extend(unknown);
        Ok(playlist)
    }
}
