//! `promemu check`: the size of configs, or their errors and warnings.

use indexmap::IndexMap;
use promemu_core::config::ConfigFile;
use promemu_core::error::{ConfigError, Error};
use promemu_core::estimate::Estimate;
use promemu_core::excerpt;
use promemu_core::plan::{Plan, Shard};
use promemu_core::plural::plural;
use promemu_core::preview::first_failures;
use promemu_run::clock::wall_now;

use crate::settings::Settings;
use crate::table::{self, paragraph, spare, table, whole};
use crate::{config, diagnostics, playlist, stdout};

/// A scenario that fails does so with any seed.
const SEED: u64 = 1;

/// Checks these configs, or all; `true` if all are good.
pub(crate) fn check(settings: &Settings, names: &[String], all: bool) -> Result<bool, Error> {
    if all {
        return check_all(settings);
    }
    if names.is_empty() {
        return Err(Error::Usage(
            "no config given; write promemu check NAME, or check all with --all".to_owned(),
        ));
    }
    if names == ["all"] && !settings.config_dirs().configs().iter().any(|name| name == "all") {
        return Err(Error::Usage(
            "there is no config \"all\"; to check all configs write promemu check --all".to_owned(),
        ));
    }
    let mut is_good = true;
    for name in names {
        match lines(settings, name) {
            Ok(lines) => stdout::print(lines.as_bytes())?,
            Err(error @ Error::Config(_)) => {
                diagnostics::print(&error, settings.cli().log_format);
                is_good = false;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(is_good)
}

/// The lines about the config of this name; of a library one that says so.
fn lines(settings: &Settings, name: &str) -> Result<String, Error> {
    let file = config::open(settings, name)?;
    if file.is_playlist() {
        let (line, warnings) = checked_playlist(settings, name, &file)?;
        let warnings = warnings.iter().map(|warning| format!("warning: {warning}\n"));
        return Ok(warnings.chain([line + "\n"]).collect());
    }
    if file.is_include() {
        return Ok(format!("{name}: a library that other configs include\n"));
    }
    Ok(checked(settings, name, &file)?.iter().map(Checked::lines).collect())
}

/// Prints a table of all configs, and what is to be said about some.
fn check_all(settings: &Settings) -> Result<bool, Error> {
    let (mut rows, mut notes, mut skipped, mut is_good) = (Vec::new(), Vec::new(), IndexMap::new(), true);
    for name in settings.config_dirs().configs() {
        match checked_or_noted(settings, &name) {
            Ok(Noted { rows: of_classes, notes: of_config }) => {
                rows.extend(of_classes);
                notes.extend(of_config);
            }
            // Shipped configs are no errors where their plugins have not been built, or without the recording or the model that they are of.
            Err(Error::Config(error)) if error.needs_more() => {
                skipped.entry(missing_part(&error)).or_insert_with(Vec::new).push(name);
            }
            Err(error @ Error::Config(_)) => {
                diagnostics::print(&error, settings.cli().log_format);
                is_good = false;
            }
            Err(error) => return Err(error),
        }
    }
    let columns = [
        whole("CONFIG"),
        whole("HOSTS"),
        whole("SERIES"),
        whole("MEMORY"),
        spare("VALUES/S"),
        spare("JOBS"),
        spare("FAMILIES"),
        spare("PUSHES/S"),
        spare("SAMPLES/S"),
    ];
    let width = table::width();
    notes.extend(
        skipped
            .iter()
            .map(|(why, names): (&String, &Vec<String>)| format!("skipped: {}: {why}", names.join(", "))),
    );
    let line = |note: &String| if width.is_some() { paragraph(note, 0, width) } else { format!("{note}\n") };
    let notes: String = notes.iter().map(line).collect();
    let gap = if notes.is_empty() || width.is_none() { "" } else { "\n" };
    stdout::print((table(columns, rows, 0, width) + gap + notes.as_str()).as_bytes())?;
    Ok(is_good)
}

/// A config among all: its rows in the table, and what is to be said about it.
struct Noted {
    rows: Vec<[String; 9]>,
    notes: Vec<String>,
}

/// Checks a config, whose classes have rows, or a playlist, which has a line of its own.
fn checked_or_noted(settings: &Settings, name: &str) -> Result<Noted, Error> {
    let file = config::open(settings, name)?;
    if file.is_playlist() {
        let (line, warnings) = checked_playlist(settings, name, &file)?;
        let warnings = warnings.iter().map(|warning| format!("warning: {name}: {warning}"));
        return Ok(Noted { rows: Vec::new(), notes: [line].into_iter().chain(warnings).collect() });
    }
    let classes = checked(settings, name, &file)?;
    let warnings = classes
        .iter()
        .flat_map(|class| class.warnings.iter().map(|warning| format!("warning: {}: {warning}", class.name)));
    Ok(Noted { rows: classes.iter().map(Checked::row).collect(), notes: warnings.collect() })
}

/// A line about a playlist whose items have no errors, and the warnings.
fn checked_playlist(
    settings: &Settings,
    name: &str,
    file: &ConfigFile,
) -> Result<(String, Vec<String>), Error> {
    let playlist = settings.playlist(file)?;
    let mut warnings = playlist.warnings.clone();
    for item in &playlist.items {
        let loaded = settings.load_item(item, wall_now())?;
        let of_item = loaded.warnings.iter().map(|warning| excerpt::message(warning).into_owned());
        warnings.extend(of_item);
    }
    let size = plural(playlist.items.len(), "config", "configs");
    Ok((format!("{name}: a playlist of {size}, {}", playlist::rounds(&playlist)), warnings))
}

/// The message about what a config needs, without its place.
fn missing_part(error: &ConfigError) -> String {
    let ConfigError::Invalid { problems, .. } = error else { return error.to_string() };
    problems.first().map(|problem| problem.message.clone()).unwrap_or_default()
}

/// A class of a config without errors.
struct Checked {
    /// The config's name, and the class if the config names it.
    name: String,
    warnings: Vec<String>,
    estimate: Estimate,
    /// With `--shard`, each shard and its part.
    shards: Vec<(Shard, Estimate)>,
}

impl Checked {
    /// The warnings, then the estimate, a line each.
    fn lines(&self) -> String {
        let warnings = self.warnings.iter().map(|warning| format!("warning: {warning}\n"));
        let estimate = format!("{}: {}\n", self.name, self.estimate);
        let shards = self.shards.iter().map(|(shard, estimate)| format!("  shard {shard}: {estimate}\n"));
        warnings.chain([estimate]).chain(shards).collect::<Vec<_>>().concat()
    }

    fn row(&self) -> [String; 9] {
        let Estimate { jobs, hosts, families, series_text, .. } = &self.estimate;
        // The column's name says the rest.
        let series = series_text.trim_end_matches(" series").to_owned();
        let [values, pushes, samples] = [
            (self.estimate.updates_per_sec, 1),
            (self.estimate.pushes_per_sec, 2),
            (self.estimate.samples_per_sec, 1),
        ]
        .map(|(number, decimals)| format!("{number:.decimals$}"));
        let memory = self.estimate.memory_text();
        let [jobs, hosts, families] = [jobs, hosts, families].map(ToString::to_string);
        [self.name.clone(), hosts, series, memory, values, jobs, families, pushes, samples]
    }
}

/// The part of each shard, if `--shard` is given.
fn of_shards(settings: &Settings, plan: &Plan) -> Vec<(Shard, Estimate)> {
    let push_interval = settings.push_interval(&plan.defaults);
    let shards = settings.shard().into_iter().flat_map(Shard::all);
    shards.map(|shard| (shard, Estimate::of(&plan.of_shard(shard), push_interval))).collect()
}

/// Checks each class of a config, or that of `--class`.
fn checked(settings: &Settings, name: &str, file: &ConfigFile) -> Result<Vec<Checked>, ConfigError> {
    let classes = match &settings.cli().class {
        Some(class) => vec![class.clone()],
        None => file.class_names()?,
    };
    let mut checked = Vec::new();
    for class in classes {
        let started_at = wall_now();
        let loaded = settings.load_class(file, Some(&class), started_at)?;
        let failures = first_failures(&loaded.plan, SEED, started_at);
        let warnings = loaded.warnings.into_iter().chain(failures);
        let warnings = warnings.map(|warning| excerpt::message(&warning).into_owned()).collect();
        let estimate = Estimate::of(&loaded.plan, settings.push_interval(&loaded.plan.defaults));
        let name = if class.is_empty() { name.to_owned() } else { format!("{name} {class}") };
        let shards = of_shards(settings, &loaded.plan);
        checked.push(Checked { name, warnings, estimate, shards });
    }
    Ok(checked)
}
