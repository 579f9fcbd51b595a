//! `--all-classes`: the classes of a config that are tested.

use promemu_core::error::Error;
use promemu_core::time::Time;

use crate::args::TestArgs;
use crate::config;
use crate::settings::{Settings, Variant};

/// The classes that have verdicts, or all if none has.
///
/// # Errors
///
/// A class has problems, or `--class` names one.
pub(super) fn with_verdicts(settings: &Settings, args: &TestArgs) -> Result<Vec<Variant>, Error> {
    if settings.cli().class.is_some() {
        let message = "--all-classes and --class exclude each other; leave one of them out";
        return Err(Error::Usage(message.to_owned()));
    }
    let file = config::open(settings, &args.name)?;
    let (mut all, mut with_verdicts) = (Vec::new(), Vec::new());
    for name in file.class_names()? {
        // The one class of a file without names.
        let variant = Variant::of_class((!name.is_empty()).then_some(name));
        let at = Time::parse(&args.from)
            .map_err(|error| Error::Usage(format!("--from or PME_TEST_FROM: {error}")))?;
        let plan = settings.load_variant(&file, &variant, settings.cli().no_faults, at)?.plan;
        if !plan.verdicts.is_empty() {
            with_verdicts.push(variant.clone());
        }
        all.push(variant);
    }
    Ok(if with_verdicts.is_empty() { all } else { with_verdicts })
}
