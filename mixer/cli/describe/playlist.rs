//! The description of a playlist: its arguments and its items.

use promemu_core::config::{Argument, ConfigFile, Playlist};
use promemu_core::error::Error;
use promemu_core::time::Span;
use serde_json::{Value, json};

use crate::playlist;
use crate::settings::Settings;
use crate::table::{paragraph, prose, table, whole};

/// Blanks before a table.
const INDENT: u16 = 2;

/// A playlist as its author describes it.
#[derive(Debug)]
pub(super) struct PlaylistDescription {
    playlist: Playlist,
    arguments: Vec<Argument>,
}

impl PlaylistDescription {
    pub(super) fn of(settings: &Settings, file: &ConfigFile) -> Result<Self, Error> {
        let playlist = playlist::open(settings, file)?;
        let arguments = file.classes()?.into_iter().flat_map(|summary| summary.arguments).collect();
        Ok(Self { playlist, arguments })
    }

    pub(super) fn json(&self) -> Value {
        let argument = |argument: &Argument| {
            json!({
                "name": argument.name,
                "takes": takes(argument),
                "default": argument.default,
                "help": argument.help,
            })
        };
        let items = self.playlist.items.iter().map(|item| {
            let arguments =
                item.arguments.iter().map(|(name, value)| (name.clone(), value.to_string().into()));
            json!({
                "name": item.name,
                "config": item.file.name(),
                "class": item.class,
                "arguments": Value::Object(arguments.collect()),
                "lasts": item.lasts.map(Span::as_secs_f64),
            })
        });
        json!({
            "name": self.playlist.name,
            "description": self.playlist.description,
            "arguments": self.arguments.iter().map(argument).collect::<Vec<_>>(),
            "items": items.collect::<Vec<_>>(),
            "cooldown": self.playlist.cooldown.as_secs_f64(),
            "rounds": self.playlist.rounds,
            "at_once": self.playlist.is_at_once,
        })
    }

    pub(super) fn text(&self, width: Option<u16>) -> String {
        let playlist = &self.playlist;
        let about = if playlist.description.is_empty() { "" } else { ": " };
        let heading = format!("{}{about}{}", playlist.name, playlist.description);
        let mut parts = vec![paragraph(&heading, 0, width)];
        if !self.arguments.is_empty() {
            let rows = self.arguments.iter().map(|argument| {
                [argument.name.clone(), takes(argument), argument.default.clone(), argument.help.clone()]
            });
            let columns = [whole("ARGUMENT"), prose("TYPE"), prose("DEFAULT"), prose("HELP")];
            parts.push(format!("Arguments\n{}", table(columns, rows, INDENT, width)));
        }
        let rows = playlist.items.iter().map(|item| {
            let arguments = item.arguments.iter().map(|(name, value)| format!("{name}={value}"));
            let lasts = item.lasts.map(|lasts| lasts.to_string()).unwrap_or_default();
            let class = item.class.clone().unwrap_or_default();
            [item.file.name().to_owned(), class, lasts, arguments.collect::<Vec<_>>().join(" ")]
        });
        let columns = [whole("CONFIG"), whole("CLASS"), whole("LASTS"), prose("ARGUMENTS")];
        let heading = format!("Runs {}", playlist::rounds(playlist));
        parts.push(format!("{}{}", paragraph(&heading, 0, width), table(columns, rows, INDENT, width)));
        parts.join("\n")
    }
}

/// The values that an argument takes, in words.
fn takes(argument: &Argument) -> String {
    if argument.choices.is_empty() { argument.takes.to_owned() } else { argument.choices.join(", ") }
}
