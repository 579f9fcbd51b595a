//! The range of an export: `--from`, `--to`, `--for` and `--step`.

use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::time::{Span, Time};

use crate::args::ExportArgs;
use crate::settings::{interval, is_relative, moment, span};

const DEFAULT_LENGTH: Span = Span::from_secs(3_600);

/// The times of the samples. An export without `--from` and `--to` ends at `now`, rounded down
/// to a step, and so does one whose `--from` counts from now.
pub(super) fn grid(args: &ExportArgs, now: Time) -> Result<Grid, Error> {
    let step = interval("--step or PME_EXPORT_STEP", &args.step)?;
    let length = args.length.as_deref().map(|text| span("--for or PME_EXPORT_FOR", text)).transpose()?;
    let now = now.rounded_down(step);
    let from = args.from.as_deref().map(|text| moment("--from or PME_EXPORT_FROM", text, now)).transpose()?;
    let to = args.to.as_deref().map(|text| moment("--to or PME_EXPORT_TO", text, now)).transpose()?;
    // From a day ago is from a day ago until now.
    let is_until_now = args.from.as_deref().is_some_and(is_relative) && length.is_none();
    let to = to.or(is_until_now.then_some(now));
    let (from, to) = match (from, to, length) {
        (Some(_), Some(_), Some(_)) => {
            return Err(Error::Usage(
                "--from, --to and --for exclude each other; give two of them".to_owned(),
            ));
        }
        (Some(from), Some(to), None) => (from, to),
        (Some(from), None, length) => (from, from + length.unwrap_or(DEFAULT_LENGTH)),
        (None, to, length) => {
            let to = to.unwrap_or(now);
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: ExportArgs,
    }

    #[test]
    fn a_range_may_count_from_now() {
        let now = Time::parse("2026-01-05T12:00:07Z").unwrap();
        let range = |words: &[&str]| {
            let line = Line::try_parse_from(["export", "shop"].iter().chain(words)).unwrap();
            grid(&line.args, now).map(|grid| (grid.from.rfc3339(), grid.to.rfc3339()))
        };
        let is = |from: &str, to: &str| (format!("2026-01-{from}Z"), format!("2026-01-{to}Z"));
        assert_eq!(range(&[]).unwrap(), is("05T11:00:00", "05T12:00:00"));
        assert_eq!(range(&["--from", "-1d"]).unwrap(), is("04T12:00:00", "05T12:00:00"));
        assert_eq!(range(&["--from", "-1d", "--for", "2h"]).unwrap(), is("04T12:00:00", "04T14:00:00"));
        assert_eq!(range(&["--from", "now-2h", "--to", "-30m"]).unwrap(), is("05T10:00:00", "05T11:30:00"));
        assert_eq!(range(&["--to=-30m"]).unwrap(), is("05T10:30:00", "05T11:30:00"));
        assert_eq!(range(&["--from", "2026-01-01"]).unwrap(), is("01T00:00:00", "01T01:00:00"));
        assert!(range(&["--from", "now"]).is_err());
    }
}
