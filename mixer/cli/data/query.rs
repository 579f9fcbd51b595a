//! `promemu data query`: the samples of a recording, or what they come to.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use promemu_core::error::Error;
use promemu_core::time::Time;
use promemu_run::clock::wall_now;
use promemu_run::whole_file::unwritable;
use promemu_wire::recording::{Aggregation, AnswerFormat, AnswerWriter, Query, QueryCounts, Recording};
use promemu_wire::samples::Selector;
use tracing::{info, warn};

use super::query_cache::CachedAnswer;
use crate::args::{DataFormat, QueryArgs};
use crate::output_file::{replace, replace_with};
use crate::settings::{interval, moment};
use crate::stdout;

/// Writes the answer of a question.
pub(super) fn query(args: &QueryArgs) -> Result<(), Error> {
    let recording = open(&args.recording)?;
    let query = question(args, &recording)?;
    let format = format(args)?;
    let answer = |out: &mut (dyn Write + Send)| {
        let mut writer = AnswerWriter::new(format, out)?;
        let counts = query.answer(&recording, &mut writer)?;
        writer.finish().map(|()| counts)
    };
    if let Some(folder) = &args.cache {
        let place = (args.selector.as_str(), &*format!("{format:?}"));
        return cached(args, &CachedAnswer::of(folder, &query, place, &recording), answer);
    }
    let counts = if args.out == "-" {
        stdout::check()?;
        match answer(&mut BufWriter::new(io::stdout())) {
            // A reader that is gone is no error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.map_err(|error| unreadable(&args.recording, &error))?,
        }
    } else {
        let path = Path::new(&args.out);
        replace_with(path, answer).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::StorageFull => unwritable(path, "--out", error),
            _ => unreadable(&args.recording, &error),
        })?
    };
    tell(&counts, args);
    Ok(())
}

/// Writes the answer of a cache, or one that is kept there from now on.
fn cached(
    args: &QueryArgs,
    cache: &CachedAnswer,
    answer: impl Fn(&mut (dyn Write + Send)) -> io::Result<QueryCounts>,
) -> Result<(), Error> {
    let known = cache.read().map_err(|source| unusable(args, source))?;
    let is_known = known.is_some();
    let answer = if let Some(answer) = known {
        answer
    } else {
        let mut bytes = Vec::new();
        let counts = answer(&mut bytes).map_err(|error| unreadable(&args.recording, &error))?;
        tell(&counts, args);
        // One with a warning is asked again.
        if counts.rows > 0 && counts.histograms == 0 {
            cache.write(&bytes).map_err(|source| unusable(args, source))?;
        }
        bytes
    };
    if args.out == "-" {
        stdout::print_for_programs(&answer)?;
    } else {
        let path = Path::new(&args.out);
        replace(path, &answer).map_err(|source| unwritable(path, "--out", source))?;
    }
    if is_known {
        info!("answered from --cache");
    }
    Ok(())
}

fn unusable(args: &QueryArgs, source: io::Error) -> Error {
    let folder = args.cache.as_deref().unwrap_or(Path::new("")).display();
    let what = format!("--cache or PME_DATA_CACHE: {folder} cannot be used; name another folder");
    Error::System { what, source }
}

/// The recording of a folder.
pub(super) fn open(folder: &Path) -> Result<Recording, Error> {
    Recording::open(folder).map_err(|error| Error::Usage(error.to_string()))
}

fn unreadable(folder: &Path, error: &io::Error) -> Error {
    Error::Run(format!("recording {}: {error}", folder.display()))
}

fn tell(counts: &QueryCounts, args: &QueryArgs) {
    let QueryCounts { rows, histograms } = *counts;
    if histograms > 0 {
        warn!(histograms, "native histograms are left out; read the files in histograms/ of the recording");
    }
    if rows == 0 {
        warn!(selector = %args.selector, "the recording has no such samples; DuckDB lists its metrics, see docs/data.md");
    }
    if args.out != "-" {
        info!(rows, out = args.out, "answered");
    }
}

fn question(args: &QueryArgs, recording: &Recording) -> Result<Query, Error> {
    let selector = Selector::parse(&args.selector).map_err(Error::Usage)?;
    let now = wall_now();
    let time = |flag, text: &Option<String>| text.as_deref().map(|text| moment(flag, text, now)).transpose();
    let millis = |time: Time| time.unix_millis().cast_signed();
    let from = time("--from or PME_DATA_FROM", &args.from)?.map(millis);
    let to = time("--to or PME_DATA_TO", &args.to)?.map(millis);
    let whole = recording.range().unwrap_or_default();
    let range_ms = (from.unwrap_or(whole.0), to.unwrap_or(whole.1));
    if range_ms.0 >= range_ms.1 && (from.is_some() || to.is_some()) {
        let shown = |millis: i64| Time::from_unix_millis(millis).rfc3339();
        let (from, to) = (shown(range_ms.0), shown(range_ms.1));
        return Err(Error::Usage(format!("--from {from} must be before --to {to}")));
    }
    let step = args.step.as_deref().map(|text| interval("--step or PME_DATA_STEP", text)).transpose()?;
    let step_ms = step.map(|step| i64::try_from(step.as_nanos() / 1_000_000).unwrap_or(i64::MAX));
    if args.by.is_some() && args.agg.is_none() {
        let message = "--by needs --agg: name what series come to together, as in --agg sum";
        return Err(Error::Usage(message.to_owned()));
    }
    let aggregation = Aggregation::asked(step_ms, args.agg, args.by.clone());
    Ok(Query { selector, range_ms, aggregation })
}

fn format(args: &QueryArgs) -> Result<AnswerFormat, Error> {
    let of_name = || match Path::new(&args.out).extension().and_then(|extension| extension.to_str()) {
        _ if args.out == "-" => Some(DataFormat::Csv),
        Some("csv") => Some(DataFormat::Csv),
        Some("json" | "jsonl") => Some(DataFormat::Json),
        Some("parquet") => Some(DataFormat::Parquet),
        _ => None,
    };
    match args.format.or_else(of_name) {
        Some(DataFormat::Csv) => Ok(AnswerFormat::Csv),
        Some(DataFormat::Json) => Ok(AnswerFormat::Json),
        Some(DataFormat::Parquet) => Ok(AnswerFormat::Parquet),
        None => Err(Error::Usage(format!(
            "--out {} does not tell its format; end it in .csv, .json or .parquet, or name one with --format",
            args.out
        ))),
    }
}
