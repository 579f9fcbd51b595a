//! `--all-classes`: the classes of a config that are tested, each on its own: one that cannot be judged keeps no other from it.

use promemu_core::config::ConfigFile;
use promemu_core::error::Error;
use promemu_core::time::Time;

use super::case::Case;
use super::report::{Judged, Unjudged, unless_all_failed};
use super::{at_once, judged};
use crate::args::TestArgs;
use crate::settings::Settings;

/// Judges the classes that have verdicts, or all if none has, and those of which nobody knows.
///
/// # Errors
///
/// The file has problems, or `--class` names one; or no class can be judged.
pub(super) fn judge_all(
    settings: &Settings,
    args: &TestArgs,
    file: &ConfigFile,
) -> Result<Vec<Judged>, Error> {
    if settings.cli().class.is_some() {
        let message = "--all-classes and --class exclude each other; leave one of them out";
        return Err(Error::Usage(message.to_owned()));
    }
    let cases = with_verdicts(settings, args, file)?;
    let reports = at_once::each(&cases, args.parallel, |case| {
        Ok(judged(settings, args, case, None).map_err(|why| Unjudged { name: case.shown(), why }))
    })?;
    unless_all_failed(reports)
}

/// The classes that have verdicts or problems, or all if none has verdicts.
fn with_verdicts(settings: &Settings, args: &TestArgs, file: &ConfigFile) -> Result<Vec<Case>, Error> {
    let at =
        Time::parse(&args.from).map_err(|error| Error::Usage(format!("--from or PME_TEST_FROM: {error}")))?;
    let (mut all, mut tested, mut has_verdicts) = (Vec::new(), Vec::new(), false);
    for class in file.class_names()? {
        let case = Case::of_class(file, class);
        let loaded = settings.load_variant(file, &case.variant, settings.cli().no_faults, at);
        let own_verdicts = loaded.map(|loaded| !loaded.plan.verdicts.is_empty());
        has_verdicts |= own_verdicts.as_ref().is_ok_and(|has| *has);
        if own_verdicts.unwrap_or(true) {
            tested.push(case.clone());
        }
        all.push(case);
    }
    Ok(if has_verdicts { tested } else { all })
}
