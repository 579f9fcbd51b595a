//! A file of several sources, in RON. What a source leaves out is as the flags say.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::{text_file, user_file};
use serde::Deserialize;

use super::sources::{SourceKind, SourceSpec};
use crate::args::RecordArgs;
use crate::ron_file;

/// A source of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    name: String,
    #[serde(default)]
    scrape: Vec<String>,
    #[serde(default)]
    http_sd: Vec<String>,
    kubernetes: Option<String>,
    remote_read: Option<String>,
    query: Option<String>,
    blocks: Option<PathBuf>,
    dump: Option<PathBuf>,
    listen_remote_write: Option<String>,
    listen_otlp: Option<String>,
    #[serde(default, rename = "match")]
    selectors: Vec<String>,
    #[serde(default)]
    select: Vec<String>,
    #[serde(default)]
    labels: IndexMap<String, String>,
    from: Option<String>,
    to: Option<String>,
    #[serde(rename = "for")]
    length: Option<String>,
    interval: Option<String>,
    step: Option<String>,
    timeout: Option<String>,
    retries: Option<u32>,
    bandwidth: Option<String>,
}

/// Reads a file.
pub(super) fn read(path: &Path, args: &RecordArgs) -> Result<Vec<SourceSpec>, Error> {
    let text = text_file::read(path, user_file::CONFIG_BYTES_MAX).map_err(|source| {
        let what = format!("--sources or PME_RECORD_SOURCES: {} cannot be read", path.display());
        Error::System { what, source }
    })?;
    let sources: Vec<Source> =
        ron_file::parse(&text).map_err(|why| Error::Usage(format!("{}:{why}", path.display())))?;
    let specs = sources.into_iter().map(|source| source.spec(args));
    specs.collect::<Result<_, String>>().map_err(|why| Error::Usage(format!("{}: {why}", path.display())))
}

impl Source {
    fn spec(self, args: &RecordArgs) -> Result<SourceSpec, String> {
        let mut kinds = Vec::new();
        if !self.scrape.is_empty() || !self.http_sd.is_empty() {
            kinds.push(SourceKind::Scrape { targets: self.scrape, lists: self.http_sd });
        }
        kinds.extend(self.kubernetes.map(SourceKind::Kubernetes));
        kinds.extend(self.remote_read.map(SourceKind::RemoteRead));
        kinds.extend(self.query.map(SourceKind::Query));
        kinds.extend(self.blocks.map(SourceKind::Blocks));
        kinds.extend(self.dump.map(SourceKind::Dump));
        kinds.extend(self.listen_remote_write.map(SourceKind::ListenRemoteWrite));
        kinds.extend(self.listen_otlp.map(SourceKind::ListenOtlp));
        let count = kinds.len();
        let (Some(kind), 1) = (kinds.pop(), count) else {
            return Err(format!(
                "source {} has {count} places; give it one of scrape, http_sd, kubernetes, remote_read, query, blocks, \
                 dump, listen_remote_write and listen_otlp",
                self.name
            ));
        };
        Ok(SourceSpec {
            name: self.name,
            kind,
            selectors: if self.selectors.is_empty() { args.selectors.clone() } else { self.selectors },
            select: if self.select.is_empty() { args.select.clone() } else { self.select },
            labels: self.labels.into_iter().collect(),
            from: self.from.or_else(|| args.from.clone()),
            to: self.to.or_else(|| args.to.clone()),
            length: self.length.or_else(|| args.length.clone()),
            interval: self.interval.unwrap_or_else(|| args.interval.clone()),
            step: self.step.unwrap_or_else(|| args.step.clone()),
            timeout: self.timeout.or_else(|| args.timeout.clone()),
            retries: self.retries.unwrap_or(args.retries),
            bandwidth: self.bandwidth.or_else(|| args.bandwidth.clone()),
            slice: args.slice.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: RecordArgs,
    }

    fn specs(text: &str) -> Result<Vec<SourceSpec>, String> {
        let line = Line::try_parse_from(["record", "--interval", "7s"]).unwrap();
        ron_file::parse::<Vec<Source>>(text)?.into_iter().map(|source| source.spec(&line.args)).collect()
    }

    #[test]
    fn sources_of_a_file_have_their_own_settings_or_those_of_flags() {
        let specs = specs(
            r#"[
                (name: "shop", scrape: ["http://a:1"], interval: "2s", select: ["application"], labels: { "env": "x" }),
                (name: "old", remote_read: "http://p:9090", match: ["up"], retries: 1, from: "-1h"),
            ]"#,
        )
        .unwrap();
        assert_eq!((&*specs[0].interval, &*specs[1].interval), ("2s", "7s"));
        assert_eq!((specs[0].retries, specs[1].retries), (5, 1));
        assert_eq!(specs[1].kind, SourceKind::RemoteRead("http://p:9090".to_owned()));
        assert_eq!(specs[0].labels, [("env".to_owned(), "x".to_owned())]);
    }

    #[test]
    fn a_wrong_file_is_told_by_its_place() {
        let told = |text: &str| specs(text).unwrap_err();
        assert!(
            told("[(name: \"a\", scrap: [])]").starts_with("1:"),
            "{}",
            told("[(name: \"a\", scrap: [])]")
        );
        assert!(told("[(name: \"a\")]").starts_with("source a has 0 places; give it one of scrape, "));
    }
}
