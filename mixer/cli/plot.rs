//! `promemu plot`: charts of a config's metrics at once, in virtual time.
//!
//! The charts show what a Prometheus that scrapes the run would answer: gauges as their hosts report them, counters as
//! rates, histograms as quantiles, the successive members of a slot as one curve. The output of a large config is limited,
//! and notes say what is left out.

mod axis;
mod canvas;
mod chart;
mod figure;
mod groups;
mod growth;
mod image;
mod image_legend;
mod infos;
mod marks;
mod palette;
mod pen;
mod reading;
mod samples;
mod selection;
mod series_reading;
mod strip;
mod style;
mod svg_head;
mod terminal;

use std::path::Path;
use std::sync::Arc;

use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::host::START_SPREAD;
use promemu_core::plan::{Plan, TimelinePlan};
use promemu_core::rng::random_seed;
use promemu_core::time::{Span, Time};
use promemu_run::clock::wall_now;
use promemu_run::whole_file::unwritable;

use crate::args::PlotArgs;
use crate::settings::{Settings, interval, moment, positive};
use crate::{config, output_file, stdout, table};
use figure::Figure;
use image::ImageFormat;
use selection::Selection;
use style::ColourMode;

/// The length of a chart without a timeline, if all hosts live longer.
const DEFAULT_SPAN: Span = Span::from_secs(3_600);
/// The shortest step without `--step`, and the unit that lengths are rounded up to.
const SECOND: Span = Span::from_secs(1);
const DAY: Span = Span::from_secs(86_400);
const MINUTE: Span = Span::from_secs(60);
/// Number of values of a curve in a file without `--step`, about.
const DOTS_IN_FILE: usize = 180;
/// Maximum number of values of a curve.
const VALUES_MAX: usize = 10_000;

/// Prints charts of a config's metrics, or writes them to a file.
pub(crate) fn plot(settings: &Settings, args: &PlotArgs) -> Result<(), Error> {
    let times = Times::of(args)?;
    let out = match args.out.as_deref() {
        Some(path) => Some((path, ImageFormat::of(path)?)),
        None => None,
    };
    let plan = Arc::new(config::load_named(settings, &args.name, times.at)?.plan);
    let selection = Selection::of(&plan, args.metric.as_deref(), args.host.as_deref())?;
    let width = table::text_width();
    let dots = if out.is_some() { DOTS_IN_FILE } else { terminal::dots_across(width.into()) };
    let (grid, to) = times.grid(&plan, &selection, dots)?;
    let seed = settings.cli().seed.unwrap_or_else(random_seed);
    let figure = Figure::of(&plan, &selection, seed, grid, to, figure::STEPS_MAX)?;
    let (heading, notes) = (heading(&plan, &figure, seed), notes(&selection, &figure));
    let mut text = if let Some((path, format)) = out {
        write(path, &format.draw(&figure, &heading, &notes)?)?;
        table::paragraph(&format!("{} is written: {heading}", path.display()), 0, Some(width))
    } else {
        let charts = terminal::draw(&figure, width.into(), ColourMode::of_stdout());
        format!("{}\n{charts}", table::paragraph(&heading, 0, Some(width)))
    };
    for note in notes {
        text.push('\n');
        text.push_str(&table::paragraph(&note, 0, Some(width)));
    }
    stdout::print(text.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    output_file::replace(path, bytes).map_err(|source| unwritable(path, "--out", source))
}

/// The start, length and step of the flags.
#[derive(Debug)]
struct Times {
    at: Time,
    span: Option<Span>,
    step: Option<Span>,
}

impl Times {
    fn of(args: &PlotArgs) -> Result<Self, Error> {
        let now = wall_now().rounded_down(MINUTE);
        let at = args.at.as_deref().map_or(Ok(now), |text| moment("--at or PME_PLOT_AT", text, now))?;
        let span = args.span.as_deref().map(|text| positive("--for or PME_PLOT_FOR", text)).transpose()?;
        let step = args.step.as_deref().map(|text| interval("--step or PME_PLOT_STEP", text)).transpose()?;
        if span.is_some_and(|span| at + span == Time::NEVER) {
            return Err(Error::Usage(
                "--for or PME_PLOT_FOR goes beyond the year 2554; make it shorter".to_owned(),
            ));
        }
        Ok(Self { at, span, step })
    }

    /// The times of a curve's values, and the end of the time axis; without `--step` for a chart of `dots` dots.
    fn grid(&self, plan: &Plan, selection: &Selection, dots: usize) -> Result<(Grid, Time), Error> {
        let life = selection.life(plan).plus(START_SPREAD).as_nanos();
        let life = SECOND.times(life.div_ceil(SECOND.as_nanos()));
        let span = self.span.unwrap_or_else(|| default_span(&plan.timeline).min(life));
        let step = self.step.unwrap_or_else(|| {
            let steps = span.as_nanos().div_ceil(SECOND.as_nanos().saturating_mul(dots.max(1) as u64));
            SECOND.times(steps.max(1))
        });
        if step > span {
            return Err(Error::Usage(format!(
                "--step or PME_PLOT_STEP must not be longer than the time drawn, {span}, but is {step}; make --for longer"
            )));
        }
        let to = self.at + span;
        let grid = Grid { from: self.at, to, step };
        if grid.count() > VALUES_MAX {
            return Err(Error::Usage(format!(
                "--step or PME_PLOT_STEP: {step} makes {} values of {span}, more than {VALUES_MAX}; make it longer",
                grid.count()
            )));
        }
        Ok((grid, to))
    }
}

/// The length of a chart of hosts that live longer: all turns of the timeline, or one if they take longer than a day.
fn default_span(timeline: &TimelinePlan) -> Span {
    let all = timeline.length.times(timeline.repeat);
    let span = if all > DAY { timeline.length } else { all };
    if [Span::ZERO, Span::FOREVER].contains(&span) { DEFAULT_SPAN } else { span }
}

/// The config, the range, the step and the seed, on one line.
fn heading(plan: &Plan, figure: &Figure, seed: u64) -> String {
    let (from, to) = (figure.grid.from.rfc3339(), figure.to.rfc3339());
    let (day, from) = from.trim_end_matches('Z').split_once('T').unwrap_or_default();
    let to = to.trim_end_matches('Z');
    let to = to.strip_prefix(day).map_or(to, |to| to.trim_start_matches('T')).replace('T', " ");
    format!("{}, {day} {from} to {to} UTC, step {}, seed {seed}", plan.config, figure.grid.step)
}

/// Notes on what has no chart, is left out or failed.
fn notes(selection: &Selection, figure: &Figure) -> Vec<String> {
    let mut notes = selection.infos.clone();
    notes.extend(selection.left_out.iter().cloned());
    if figure.scenario_errors > 0 {
        notes.push(format!(
            "scenarios failed at {} updates; a run of the config logs why",
            figure.scenario_errors
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
