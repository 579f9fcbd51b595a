//! The range of an export: `--from`, `--to`, `--for` and `--step`.

use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::time::{Span, Time};

use crate::args::ExportArgs;
use crate::settings::{interval, span};

const DEFAULT_LENGTH: Span = Span::from_secs(3_600);

/// The times of the samples. An export without `--from` and `--to` ends at `now`, rounded down to a step.
pub(super) fn grid(args: &ExportArgs, now: Time) -> Result<Grid, Error> {
    let step = interval("--step or PME_EXPORT_STEP", &args.step)?;
    let length = args.length.as_deref().map(|text| span("--for or PME_EXPORT_FOR", text)).transpose()?;
    let from = args.from.as_deref().map(|text| parse_time("--from or PME_EXPORT_FROM", text)).transpose()?;
    let to = args.to.as_deref().map(|text| parse_time("--to or PME_EXPORT_TO", text)).transpose()?;
    let (from, to) = match (from, to, length) {
        (Some(_), Some(_), Some(_)) => {
            return Err(Error::Usage(
                "--from, --to and --for exclude each other; give two of them".to_owned(),
            ));
        }
        (Some(from), Some(to), None) => (from, to),
        (Some(from), None, length) => (from, from + length.unwrap_or(DEFAULT_LENGTH)),
        (None, to, length) => {
            let to = to.unwrap_or_else(|| now.rounded_down(step));
            (to.before(length.unwrap_or(DEFAULT_LENGTH)), to)
        }
    };
    if from >= to || to == Time::NEVER || length == Some(Span::FOREVER) {
        return Err(Error::Usage(format!(
            "--from {} must be before --to {}, and the range must have an end",
            from.rfc3339(),
            to.rfc3339()
        )));
    }
    Ok(Grid { from, to, step })
}

fn parse_time(flag: &str, text: &str) -> Result<Time, Error> {
    Time::parse(text).map_err(|error| Error::Usage(format!("{flag}: {error}")))
}
