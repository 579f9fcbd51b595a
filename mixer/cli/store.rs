//! `promemu store`: compacts, downsamples, archives and expires recordings.

mod fields;
mod places;
mod policy;

use std::io::ErrorKind;
use std::path::Path;

use promemu_core::error::Error;
use promemu_core::time::Time;
use promemu_run::clock::wall_now;
use promemu_run::whole_file::unwritable;
use promemu_wire::recording::{
    Recording, RecordingFolder, StorePart, Stores, archive, compact, downsample, expire, load, restore,
};
use tracing::{debug, info};

use crate::args::{StoreArgs, StoreCommand, StoreRestoreArgs, StoreRunArgs};
use crate::settings::moment;
use crate::stdout;

/// Prints the plan of a command, and carries it out unless the run is dry.
pub(crate) fn store(args: &StoreArgs, is_dry: bool) -> Result<(), Error> {
    let run = match &args.command {
        StoreCommand::Compact(run)
        | StoreCommand::Downsample(run)
        | StoreCommand::Archive(run)
        | StoreCommand::Load(run)
        | StoreCommand::Expire(run)
        | StoreCommand::Restore(StoreRestoreArgs { run, .. }) => run,
    };
    let policy = policy::read(run.policy.as_deref())?;
    let now = wall_now();
    let now = run.now.as_deref().map_or(Ok(now), |text| moment("--now or PME_STORE_NOW", text, now))?;
    let now_ms = now.unix_millis().cast_signed();
    let recording = Recording::open(&run.recording).map_err(|error| Error::Usage(error.to_string()))?;
    let (manifest, tiers) = (recording.manifest(), &policy.tiers);
    let parts = match &args.command {
        StoreCommand::Compact(_) => compact(manifest, now_ms),
        StoreCommand::Downsample(_) => downsample(manifest, tiers, now_ms),
        StoreCommand::Archive(_) => archive(manifest, tiers, now_ms),
        StoreCommand::Load(_) => load(manifest, tiers, now_ms),
        StoreCommand::Expire(_) => expire(manifest, tiers, now_ms),
        StoreCommand::Restore(args) => restore(manifest, range(args, now)?),
    };
    stdout::print(table(&parts).as_bytes())?;
    if is_dry || parts.is_empty() {
        return Ok(());
    }
    let mut stores = Stores::default();
    if parts.iter().any(StorePart::needs_store) {
        let actions = recording.actions().map_err(|error| failed(&run.recording, error))?;
        stores = places::open(policy.places, &actions)?;
    }
    carry_out(run, &parts, &mut stores)
}

/// The range that comes back.
fn range(args: &StoreRestoreArgs, now: Time) -> Result<(i64, i64), Error> {
    let time = |flag, text: &Option<String>, default: i64| -> Result<i64, Error> {
        let Some(text) = text else { return Ok(default) };
        Ok(moment(flag, text, now)?.unix_millis().cast_signed())
    };
    let from = time("--from or PME_STORE_FROM", &args.from, i64::MIN)?;
    Ok((from, time("--to or PME_STORE_TO", &args.to, i64::MAX)?))
}

fn carry_out(run: &StoreRunArgs, parts: &[StorePart], stores: &mut Stores) -> Result<(), Error> {
    let failed = |source: std::io::Error| failed(&run.recording, source);
    let folder = RecordingFolder::open(&run.recording, 0).map_err(failed)?;
    for (n, part) in (1..).zip(parts) {
        part.carry_out(&folder, stores).map_err(failed)?;
        debug!(part = n, of = parts.len(), action = part.action, source = part.source, "part is done");
    }
    info!(folder = %run.recording.display(), parts = parts.len(), "done");
    Ok(())
}

fn failed(folder: &Path, source: std::io::Error) -> Error {
    match source.kind() {
        ErrorKind::ResourceBusy => Error::Usage(source.to_string()),
        ErrorKind::PermissionDenied | ErrorKind::StorageFull => unwritable(folder, "RECORDING", source),
        _ => Error::Run(format!("recording {}: {source}", folder.display())),
    }
}

/// The plan, a line for each part.
fn table(parts: &[StorePart]) -> String {
    if parts.is_empty() {
        return "nothing to do\n".to_owned();
    }
    let line = |part: &StorePart| {
        let StorePart { action, source, tier, day_ms, files: [files, rows, bytes], .. } = part;
        let day = Time::from_unix_secs(u64::try_from(day_ms / 1000).unwrap_or(0)).rfc3339();
        let day = &day[..10];
        format!("{action} {day} {source} {tier}: {files} files, {rows} rows, {bytes} bytes\n")
    };
    parts.iter().map(line).collect()
}
