//! The file of a pipeline: its stages, in the order of what they need.

use std::path::Path;
use std::time::Duration;

use promemu_core::error::{Error, suggestion};
use promemu_core::time::Span;
use promemu_core::{text_file, user_file};
use serde::Deserialize;

use crate::ron_file;

/// Attempts after a first one that failed, at most.
const RETRIES_MAX: u32 = 100;

/// A pipeline as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PipelineText {
    name: String,
    stages: Vec<StageText>,
}

/// A stage as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StageText {
    name: String,
    run: Vec<String>,
    #[serde(default)]
    after: Vec<String>,
    #[serde(default)]
    retries: u32,
    timeout: Option<String>,
}

/// A pipeline whose stages stand behind those that they need.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) name: String,
    pub(super) stages: Vec<Stage>,
    /// Its text, which a state belongs to.
    pub(super) text: String,
}

/// A command of promemu.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) name: String,
    /// Its words behind `promemu`.
    pub(super) run: Vec<String>,
    pub(super) retries: u32,
    pub(super) timeout: Option<Duration>,
}

/// The pipeline of a file.
pub(super) fn read(path: &Path) -> Result<Pipeline, Error> {
    let text = text_file::read(path, user_file::SMALL_BYTES_MAX).map_err(|source| {
        let what = format!("pipeline {} cannot be read", path.display());
        Error::System { what, source }
    })?;
    parse(&text).map_err(|why| Error::Usage(format!("{}:{why}", path.display())))
}

fn parse(text: &str) -> Result<Pipeline, String> {
    let PipelineText { name, stages } = ron_file::parse(text)?;
    let names: Vec<&str> = stages.iter().map(|stage| &*stage.name).collect();
    for (n, stage) in stages.iter().enumerate() {
        let own = &stage.name;
        if names[..n].contains(&&**own) {
            return Err(format!(" stage {own} is there twice; give each its own name"));
        }
        if stage.run.first().is_none_or(|word| word == "pipeline" || word.starts_with('-')) {
            return Err(format!(
                " stage {own} has no command; write the words behind promemu, as in [\"store\", \"compact\", \"shop\"]"
            ));
        }
        if stage.retries > RETRIES_MAX {
            return Err(format!(" stage {own}: retries must be {RETRIES_MAX} at most"));
        }
        if let Some(other) = stage.after.iter().find(|other| !names.contains(&&***other)) {
            let hint = suggestion(other, &names);
            return Err(format!(" stage {own} comes after {other:?}, which is not there{hint}"));
        }
    }
    let stages = ordered(stages)?.into_iter().map(Stage::of).collect::<Result<_, _>>()?;
    Ok(Pipeline { name, stages, text: text.to_owned() })
}

/// The stages, each behind those that it needs, and else in the order of the file.
fn ordered(mut left: Vec<StageText>) -> Result<Vec<StageText>, String> {
    let mut ordered: Vec<StageText> = Vec::new();
    while !left.is_empty() {
        let is_there = |name: &String| ordered.iter().any(|stage| stage.name == *name);
        let Some(next) = left.iter().position(|stage| stage.after.iter().all(is_there)) else {
            let names: Vec<&str> = left.iter().map(|stage| &*stage.name).collect();
            return Err(format!(" stages {} wait for each other; leave one after out", names.join(", ")));
        };
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

impl Stage {
    fn of(text: StageText) -> Result<Self, String> {
        let StageText { name, run, retries, timeout, .. } = text;
        let span = timeout.map(|text| Span::parse(&text)).transpose();
        let span = span.map_err(|error| format!(" stage {name}: timeout: {error}"))?;
        Ok(Self { name, run, retries, timeout: span.map(Span::duration) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_stand_behind_those_that_they_need() {
        let text = r#"(name: "shop", stages: [
            (name: "load", after: ["steps", "record"], run: ["store", "load", "shop"], retries: 2, timeout: "1m"),
            (name: "steps", after: ["record"], run: ["store", "downsample", "shop"]),
            (name: "record", run: ["record", "--out", "shop"]),
        ])"#;
        let pipeline = parse(text).unwrap();
        let names: Vec<&str> = pipeline.stages.iter().map(|stage| &*stage.name).collect();
        assert_eq!((&*pipeline.name, names), ("shop", vec!["record", "steps", "load"]));
        assert_eq!(pipeline.stages[2].timeout, Some(Duration::from_mins(1)));
    }

    #[test]
    fn a_wrong_pipeline_is_told() {
        let told = |stages: &str| parse(&format!("(name: \"x\", stages: [{stages}])")).unwrap_err();
        let a = "(name: \"a\", run: [\"list\"]";
        assert!(told(&format!("{a}), {a})")).contains("stage a is there twice"));
        assert!(told(&format!("{a}, after: [\"b\"])")).contains("comes after \"b\", which is not there"));
        assert!(told(&format!("{a}, after: [\"a\"])")).contains("stages a wait for each other"));
        assert!(told("(name: \"a\", run: [])").contains("stage a has no command"));
        assert!(
            told("(name: \"a\", run: [\"pipeline\", \"run\", \"x\"])").contains("stage a has no command")
        );
        assert!(told(&format!("{a}, timeout: \"soon\")")).contains("stage a: timeout: "));
    }
}
