//! Config files to plans, lists and arguments.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::arguments;
use super::classes::Classes;
use super::options::LoadOptions;
use super::param_files::Given;
use super::plugin_config;
use super::reading::{Reading, SOURCES_BYTES_MAX};
use super::resolve;
use super::source::{ConfigDirs, ConfigFile};
use super::summary::{ClassSummary, ConfigSummary};
use super::template::ConfigTemplate;
use super::tree::Node;
use crate::error::{ConfigError, Error};
use crate::expression::Value;
use crate::plan::Plan;
use crate::plugin::ConfigDecl;
use crate::plural::plural;

/// Maximum size of a config, with what it includes, that a list looks into, and of all of them together.
const LISTED_FILE_BYTES_MAX: usize = 4 << 20;
const LISTED_BYTES_MAX: usize = 32 << 20;
/// Maximum number of problems of a config that a list shows.
const LISTED_PROBLEMS_MAX: usize = 10;

/// A config that can run, with its warnings.
#[derive(Debug)]
pub struct LoadedConfig {
    /// The plan.
    pub plan: Plan,
    /// Warnings, each with its place.
    pub warnings: Vec<String>,
    /// Files that it was read from; empty for a built-in config.
    pub files: Vec<PathBuf>,
}

impl ConfigDirs {
    /// All configs; a broken file has its error in place of classes. Files for includes only are left out.
    #[must_use]
    pub fn list(&self) -> Vec<ConfigSummary> {
        let mut left = LISTED_BYTES_MAX;
        let summary = |name: String| {
            let classes = self.open_within(&name, LISTED_FILE_BYTES_MAX as u64).and_then(|file| {
                if left < file.text.len() {
                    return Err(ConfigError::NotListed { bytes_max: LISTED_BYTES_MAX });
                }
                let (classes, bytes) = file.classes_within(LISTED_FILE_BYTES_MAX.min(left));
                left -= bytes;
                if file.is_include() {
                    Ok(None)
                } else {
                    classes.map(|classes| Some((classes, file.is_playlist())))
                }
            });
            let listed = classes
                .map_err(|error| first_problems(&Error::Config(error).with_causes(), &name))
                .transpose()?;
            let (classes, is_playlist) = match listed {
                Ok((classes, is_playlist)) => (Ok(classes), is_playlist),
                Err(error) => (Err(error), false),
            };
            Some(ConfigSummary { name, classes, is_playlist })
        };
        self.names().into_iter().filter_map(summary).collect()
    }

    /// Loads a config by name.
    pub fn load(&self, name: &str, options: &LoadOptions) -> Result<LoadedConfig, ConfigError> {
        self.open(name)?.plan(options)
    }
}

/// The first lines of an error that has very many.
fn first_problems(error: &str, config: &str) -> String {
    let mut lines = error.lines();
    let mut shown: Vec<&str> = lines.by_ref().take(LISTED_PROBLEMS_MAX).collect();
    let more = match lines.count() {
        0 => String::new(),
        more => format!(
            "and {}; promemu check {config} shows them",
            plural(more, "more problem", "more problems")
        ),
    };
    shown.extend((!more.is_empty()).then_some(&*more));
    shown.join("\n")
}

impl ConfigFile {
    /// The config with the text that its plugin makes.
    fn made(&self, config: &ConfigDecl, given: &IndexMap<String, Value>) -> Result<Self, ConfigError> {
        let mut reading = Reading::default();
        reading.sources.add(self.shown_path.as_str(), "");
        let text = plugin_config::text(config, given, &mut reading.problems);
        reading.finish()?;
        Ok(self.with_text(text.unwrap_or_default()))
    }

    /// Names of the file's classes; one empty name for a file with a single config.
    pub fn class_names(&self) -> Result<Vec<String>, ConfigError> {
        if self.maker.is_some() {
            return Ok(vec![String::new()]);
        }
        let mut reading = Reading::default();
        let names = reading.classes(self).map(|classes| classes.names().cloned().collect());
        reading.finish()?;
        Ok(names.unwrap_or_default())
    }

    /// The file's classes with their arguments.
    pub fn classes(&self) -> Result<Vec<ClassSummary>, ConfigError> {
        self.classes_within(SOURCES_BYTES_MAX).0
    }

    /// As [`Self::classes`], of texts with so many bytes at most; and the number of bytes read.
    fn classes_within(&self, bytes_max: usize) -> (Result<Vec<ClassSummary>, ConfigError>, usize) {
        if let Some(maker) = self.maker {
            return (Ok(vec![plugin_config::describe(maker)]), 0);
        }
        let mut reading = Reading::within(bytes_max);
        if self.is_playlist() {
            let summary = reading.playlist(self).map(|template| {
                let arguments = arguments::describe_all(&template.args);
                ClassSummary { name: String::new(), description: template.description, arguments }
            });
            let bytes = reading.sources.bytes();
            return (reading.finish().map(|_| summary.into_iter().collect()), bytes);
        }
        let (mut summaries, no_arguments) = (Vec::new(), IndexMap::new());
        for (name, node) in reading.classes(self).into_iter().flat_map(Classes::iter) {
            if reading.problems.is_over() {
                break;
            }
            let given = Given::nothing(&no_arguments);
            let Some(template) = reading.template(self, node.clone(), given) else { continue };
            let arguments = arguments::describe_all(&template.args);
            let (name, description) = (name.clone(), template.description);
            summaries.push(ClassSummary { name, description, arguments });
        }
        reading.problems.forget_needs();
        let bytes = reading.sources.bytes();
        (reading.finish().map(|_| summaries), bytes)
    }

    /// The plan of one class, with warnings; or all problems of it.
    pub fn plan(&self, options: &LoadOptions) -> Result<LoadedConfig, ConfigError> {
        if let Some(maker) = self.maker {
            let made = self.made(maker, &options.arguments)?;
            return made.plan(&LoadOptions { arguments: IndexMap::new(), ..options.clone() });
        }
        let mut reading = Reading::until(&options.stop);
        let node = reading.class(self, options.class.as_deref());
        let template = node.and_then(|node| reading.template(self, node, Given::by(options)));
        let plan = template.map(|t| resolve::resolve(&self.name, &t, options, &mut reading.problems));
        let files = std::mem::take(&mut reading.files);
        let sources = reading.sources.clone();
        let warnings = reading.finish()?.iter().map(|problem| problem.render(&sources)).collect();
        match plan {
            Some(plan) => Ok(LoadedConfig { plan, warnings, files }),
            // A missing template has an error among the problems, so `finish` has returned already.
            None => Err(ConfigError::Invalid { sources, problems: Vec::new() }),
        }
    }

    /// Names of the arguments of a class; `None` is the default class.
    pub fn argument_names(&self, class: Option<&str>) -> Result<Vec<String>, ConfigError> {
        if let Some(maker) = self.maker {
            return Ok(maker.args.iter().map(|arg| arg.name.clone()).collect());
        }
        let mut reading = Reading::default();
        if self.is_playlist() {
            let template = reading.playlist(self);
            reading.finish()?;
            return Ok(template.map(|template| template.args.into_keys().collect()).unwrap_or_default());
        }
        let node = reading.class(self, class);
        let template = node.and_then(|node| reading.template(self, node, Given::nothing(&IndexMap::new())));
        reading.problems.forget_needs();
        reading.finish()?;
        Ok(template.map(|template| template.args.into_keys().collect()).unwrap_or_default())
    }
}

impl Reading {
    /// A class of the config's own file.
    fn class(&mut self, file: &ConfigFile, class: Option<&str>) -> Option<Node> {
        self.classes(file)?.choose(class, &mut self.problems).cloned()
    }

    fn template(&mut self, file: &ConfigFile, node: Node, given: Given<'_>) -> Option<ConfigTemplate> {
        let (node, included) = self.extended(file, node, given);
        ConfigTemplate::read(node, included, &mut self.problems)
    }
}
