//! `promemu record`: records the metrics of a real system, and what was done to it.

mod action;
mod alerts;
mod annotations;
mod source_file;
mod sources;

use std::path::{Path, PathBuf};

use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_run::clock::wall_now;
use promemu_run::inputs::{self, RecordSpec, RecordedSource};

use crate::args::{RecordAction, RecordArgs};
use crate::settings::{Settings, interval, positive};
use crate::signals::shutdown_signal;
use sources::{SourceKind, SourceSpec};

/// Length of a slice of a live source without `--slice`.
const LIVE_SLICE: Span = Span::from_secs(60);

/// Records until all sources are done, `--for` is over, or a signal comes; or notes an action.
pub(crate) async fn record(settings: &Settings, args: &RecordArgs) -> Result<(), Error> {
    if let Some(RecordAction::Action(args)) = &args.action {
        return action::action(args).await;
    }
    let folder = out(args.out.as_deref())?;
    let specs = specs(args)?;
    if specs.is_empty() {
        return Err(Error::Usage(
            "no source given; name one with --scrape, --kubernetes, --remote-read, --query, --blocks, --dump, \
             --listen-remote-write, --listen-otlp or --sources"
                .to_owned(),
        ));
    }
    let now = wall_now();
    let mut sources: Vec<RecordedSource> = Vec::new();
    for spec in specs {
        let source = spec.source(now)?;
        if sources.iter().any(|other| other.name == source.name) {
            return Err(Error::Usage(format!(
                "two sources have the name {}; give each its own",
                source.name
            )));
        }
        sources.push(source);
    }
    let slice =
        args.slice.as_deref().map(|text| interval("--slice or PME_RECORD_SLICE", text)).transpose()?;
    let length = args.length.as_deref().map(|text| positive("--for or PME_RECORD_FOR", text)).transpose()?;
    let has_live = sources.iter().any(|source| source.input.is_live());
    let spec = RecordSpec {
        folder,
        sources,
        slice: slice.unwrap_or(LIVE_SLICE),
        // Stored samples take as long as they take.
        length: length.filter(|_| has_live).map(Span::duration),
        self_metrics_address: settings.self_metrics_address().map(str::to_owned),
    };
    inputs::record(spec, shutdown_signal(None)?).await
}

/// The folder of a recording.
fn out(path: Option<&Path>) -> Result<PathBuf, Error> {
    let missing = || Error::Usage("no folder given for the recording; name one with --out".to_owned());
    path.map(Path::to_owned).ok_or_else(missing)
}

/// The sources of the flags, and those of a file.
fn specs(args: &RecordArgs) -> Result<Vec<SourceSpec>, Error> {
    let mut kinds = Vec::new();
    if !args.scrape.is_empty() || !args.http_sd.is_empty() {
        kinds.push(SourceKind::Scrape { targets: args.scrape.clone(), lists: args.http_sd.clone() });
    }
    kinds.extend(args.kubernetes.clone().map(SourceKind::Kubernetes));
    kinds.extend(args.remote_read.clone().map(SourceKind::RemoteRead));
    kinds.extend(args.query.clone().map(SourceKind::Query));
    kinds.extend(args.blocks.clone().map(SourceKind::Blocks));
    kinds.extend(args.dump.clone().map(SourceKind::Dump));
    kinds.extend(args.listen_remote_write.clone().map(SourceKind::ListenRemoteWrite));
    kinds.extend(args.listen_otlp.clone().map(SourceKind::ListenOtlp));
    if args.name.is_some() && kinds.len() > 1 {
        let message = "--name is for one source; list several in a file with --sources, each with its name";
        return Err(Error::Usage(message.to_owned()));
    }
    let mut specs: Vec<SourceSpec> = kinds
        .into_iter()
        .map(|kind| SourceSpec {
            name: args.name.clone().unwrap_or_else(|| kind.default_name().to_owned()),
            kind,
            selectors: args.selectors.clone(),
            select: args.select.clone(),
            labels: Vec::new(),
            from: args.from.clone(),
            to: args.to.clone(),
            length: args.length.clone(),
            interval: args.interval.clone(),
            step: args.step.clone(),
            timeout: args.timeout.clone(),
            retries: args.retries,
            bandwidth: args.bandwidth.clone(),
            slice: args.slice.clone(),
        })
        .collect();
    if let Some(path) = &args.sources {
        specs.extend(source_file::read(path, args)?);
    }
    Ok(specs)
}
