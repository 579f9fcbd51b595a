//! Playlists: files that name configs to run one after the other, or at once.
//!
//! A playlist is found like a config, and has arguments like one. Its items name configs, their classes and their arguments; these are
//! found here, and loaded when they run.

use indexmap::IndexMap;

use super::arguments::bind;
use super::reading::Reading;
use super::source::ConfigFile;
use super::template::{ItemArgument, ItemArguments, ItemTemplate, PlaylistTemplate};
use super::value::{FromValue, Scalar};
use crate::error::{ConfigError, Problems, suggestion};
use crate::expression::{Names, Value};
use crate::time::Span;

/// Maximum number of items of a playlist.
const ITEMS_MAX: usize = 1_000;

/// A playlist whose items were found.
#[derive(Debug)]
pub struct Playlist {
    /// Its name: that of its file.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The configs that run; at least one.
    pub items: Vec<PlaylistItem>,
    /// Time between two runs, or between two rounds of runs at once.
    pub cooldown: Span,
    /// Number of rounds; `None` for ever.
    pub rounds: Option<u64>,
    /// `true` if the items run at once.
    pub is_at_once: bool,
    /// Warnings, each with its place.
    pub warnings: Vec<String>,
}

/// A config of a playlist.
#[derive(Debug)]
pub struct PlaylistItem {
    /// Its name in reports, unique in the playlist: its config, its class, and a number if it comes again.
    pub name: String,
    /// The file of the config.
    pub file: ConfigFile,
    /// The class; `None` for the default one.
    pub class: Option<String>,
    /// Its arguments.
    pub arguments: IndexMap<String, Value>,
    /// Length of its run; `None` for that of its hosts and its timeline.
    pub lasts: Option<Span>,
}

impl ConfigFile {
    /// `true` for a playlist: `Playlist(…)`.
    #[must_use]
    pub fn is_playlist(&self) -> bool {
        self.parsed().as_ref().is_ok_and(|classes| classes.playlist().is_some())
    }

    /// The playlist of the file, with these arguments; or all problems of it.
    pub fn playlist(&self, given: &IndexMap<String, Value>) -> Result<Playlist, ConfigError> {
        let mut reading = Reading::default();
        let template = reading.playlist(self);
        let playlist = template.and_then(|template| {
            let names = bind(&template.args, given, &mut reading.problems);
            Finding { file: self, names, problems: &mut reading.problems }.playlist(&template)
        });
        let sources = reading.sources.clone();
        let warnings = reading.finish()?.iter().map(|problem| problem.render(&sources)).collect();
        match playlist {
            Some(playlist) => Ok(Playlist { warnings, ..playlist }),
            // A playlist that is missing has an error among the problems, so `finish` has returned already.
            None => Err(ConfigError::Invalid { sources, problems: Vec::new() }),
        }
    }
}

impl Reading {
    /// The playlist of a file, which has one.
    pub(super) fn playlist(&mut self, file: &ConfigFile) -> Option<PlaylistTemplate> {
        let node = self.classes(file)?.playlist().cloned()?;
        PlaylistTemplate::read(node, &mut self.problems)
    }
}

/// The work of finding the items of a playlist.
struct Finding<'a> {
    file: &'a ConfigFile,
    names: Names,
    problems: &'a mut Problems,
}

impl Finding<'_> {
    fn playlist(mut self, template: &PlaylistTemplate) -> Option<Playlist> {
        if template.items.is_empty() && template.has_all_items {
            let message = "the playlist has no items; write items: [Item(config: \"NAME\")]";
            self.problems.error(template.span, message);
        }
        if template.items.len() > ITEMS_MAX {
            self.problems.error(template.span, format!("a playlist has {ITEMS_MAX} items at most"));
            return None;
        }
        let cooldown = self.span(template.cooldown.as_ref(), "cooldown");
        let rounds = self.value(template.repeat.as_ref(), "repeat").map_or(Some(1), |rounds| rounds.0);
        let is_at_once = self.value(template.at_once.as_ref(), "at_once").unwrap_or(false);
        let mut items: Vec<PlaylistItem> = Vec::with_capacity(template.items.len());
        for item in &template.items {
            let Some(item) = self.item(item, &template.item_args) else { continue };
            let earlier = items.iter().filter(|earlier| is_same(earlier, &item)).count();
            let name = if earlier == 0 { item.name } else { format!("{} {}", item.name, earlier + 1) };
            items.push(PlaylistItem { name, ..item });
        }
        let (name, description) = (self.file.name().to_owned(), template.description.clone());
        let cooldown = cooldown.unwrap_or(Span::ZERO);
        Some(Playlist { name, description, items, cooldown, rounds, is_at_once, warnings: Vec::new() })
    }

    /// The value of a field; `None` if it is not there or has an error.
    fn value<T: FromValue>(&mut self, scalar: Option<&Scalar<T>>, what: &str) -> Option<T> {
        let scalar = scalar?;
        let value = scalar.evaluate(&self.names);
        value.map_err(|error| self.problems.error(scalar.span, format!("{what}: {error}"))).ok()
    }

    /// As [`Self::value`], of a length of time with an end.
    fn span(&mut self, scalar: Option<&Scalar<Span>>, what: &str) -> Option<Span> {
        let span = self.value(scalar, what)?;
        if span == Span::FOREVER {
            let place = scalar.map(|scalar| scalar.span).unwrap_or_default();
            self.problems.error(place, format!("{what} must have an end; write a time, as in \"30s\""));
            return None;
        }
        Some(span)
    }

    fn item(&mut self, item: &ItemTemplate, of_all: &ItemArguments) -> Option<PlaylistItem> {
        let name = self.value(Some(&item.config), "config")?;
        let lasts = self.span(item.lasts.as_ref(), "lasts");
        if lasts == Some(Span::ZERO) {
            let place = item.lasts.as_ref().map(|lasts| lasts.span).unwrap_or_default();
            self.problems.error(place, "lasts must be longer than 0");
        }
        let file = self.config(item, &name)?;
        let class = self.class(item, &file)?;
        let arguments = self.arguments(item, of_all, (&file, class.as_deref()))?;
        let name = match &class {
            Some(class) => format!("{} {class}", file.name()),
            None => file.name().to_owned(),
        };
        Some(PlaylistItem { name, file, class, arguments, lasts })
    }

    /// The file of the config of this name.
    fn config(&mut self, item: &ItemTemplate, name: &str) -> Option<ConfigFile> {
        let place = item.config.span;
        let file = match self.file.dirs.open(name) {
            Ok(file) => file,
            Err(error) => {
                self.problems.error(place, error.to_string());
                return None;
            }
        };
        if file.is_playlist() {
            let what =
                if file.name() == self.file.name() { "this playlist itself" } else { "a playlist, too" };
            self.problems.error(place, format!("{name:?} is {what}; an item names a config"));
            return None;
        }
        if file.is_include() {
            let message = format!("{name:?} is a library that configs include; an item names a config");
            self.problems.error(place, message);
            return None;
        }
        Some(file)
    }

    /// The class that an item names, which its config has; the outer `None` is an error.
    #[expect(clippy::option_option, reason = "no class is not the same as a wrong one")]
    fn class(&mut self, item: &ItemTemplate, file: &ConfigFile) -> Option<Option<String>> {
        let known = self.of_config(item, file, file.class_names())?;
        let Some(scalar) = &item.class else { return Some(None) };
        let class = self.value(Some(scalar), "class")?;
        if known.contains(&class) {
            return Some(Some(class));
        }
        let known: Vec<&String> = known.iter().filter(|name| !name.is_empty()).collect();
        let config = file.name();
        let hint = if known.is_empty() { ", nor any other".to_owned() } else { suggestion(&class, &known) };
        self.problems.error(scalar.span, format!("{config} has no class {class:?}{hint}"));
        None
    }

    /// The arguments that all items and an item give, which its config has.
    fn arguments(
        &mut self,
        item: &ItemTemplate,
        of_all: &ItemArguments,
        (file, class): (&ConfigFile, Option<&str>),
    ) -> Option<IndexMap<String, Value>> {
        if item.args.is_empty() && of_all.is_empty() {
            return Some(IndexMap::new());
        }
        let known = self.of_config(item, file, file.argument_names(class))?;
        let mut arguments = IndexMap::new();
        for (place, name, value) in of_all.iter().chain(&item.args) {
            if !known.contains(name) {
                let message = format!("{} has no argument {name:?}{}", file.name(), suggestion(name, &known));
                self.problems.error(*place, message);
            }
            let value = match value {
                ItemArgument::One(scalar) => self.value(Some(scalar), name),
                ItemArgument::List(scalars) => {
                    let values = scalars.iter().map(|scalar| self.value(Some(scalar), name));
                    values.collect::<Option<_>>().map(Value::List)
                }
            };
            arguments.insert(name.clone(), value?);
        }
        Some(arguments)
    }

    /// Something that the config of an item says, if the config is not broken.
    fn of_config<T>(
        &mut self,
        item: &ItemTemplate,
        file: &ConfigFile,
        said: Result<T, ConfigError>,
    ) -> Option<T> {
        let broken = |_| {
            let config = file.name();
            let message = format!("{config} has errors; promemu check {config} shows them");
            self.problems.error(item.config.span, message);
        };
        said.map_err(broken).ok()
    }
}

/// `true` for two items of one config and class.
fn is_same(a: &PlaylistItem, b: &PlaylistItem) -> bool {
    (a.file.name(), &a.class) == (b.file.name(), &b.class)
}
