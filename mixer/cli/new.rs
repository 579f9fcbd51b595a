//! `promemu new`: writes a commented config to start from, or a plugin.
//!
//! What is written appears whole or not at all, and only a config that would run without a warning is written.

use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use promemu_core::error::Error;

use crate::args::NewArgs;
use crate::settings::Settings;
use crate::starter::{Starter, StarterMetric, plugin};
use crate::{questions, stdout};

/// Writes the config that the flags, or answers to questions, describe, and says what to do next.
pub(crate) fn write(settings: &Settings, args: &NewArgs) -> Result<(), Error> {
    let name = checked_name(&args.name)?;
    if args.plugin {
        return write_plugin(name, args);
    }
    let place = Place::of(settings.cli().configs_dir.as_deref(), name);
    if !args.force && place.path.symlink_metadata().is_ok() {
        let path = place.path.display();
        return Err(Error::Usage(format!("{path} exists; choose another name, or replace it with --force")));
    }
    let (starter, text) = if is_asked(args) {
        let mut answers = std::io::stdin().lock();
        questions::ask(name, &mut answers, &mut std::io::stderr())?
    } else {
        let starter = from_flags(name, args)?;
        let refused = |why| Error::Usage(format!("{why}; nothing was written"));
        let text = starter.checked_text().map_err(refused)?;
        (starter, text)
    };
    put(&place.path, &text)?;
    stdout::print(place.next_steps(&starter).as_bytes())
}

/// Writes the folder of a plugin into the current one, and says what to do next.
fn write_plugin(name: &str, args: &NewArgs) -> Result<(), Error> {
    if args.hosts.is_some() || !args.metric.is_empty() || args.job.is_some() || args.description.is_some() {
        return Err(Error::Usage(
            "--plugin makes no config; leave out --hosts, --metric, --job and --description".to_owned(),
        ));
    }
    let scenario = plugin::scenario_name(name).map_err(Error::Usage)?;
    let folder = Path::new(name);
    if folder.symlink_metadata().is_ok() {
        return Err(Error::Usage(format!("{name} exists; choose another name")));
    }
    put_plugin(folder, name, &scenario).map_err(|source| {
        let what = format!("folder {name} cannot be written; try another folder");
        Error::System { what, source }
    })?;
    let steps = [
        (format!("cd {name} && cargo build --release"), "builds it"),
        ("promemu plugins --plugins-dir target/release".to_owned(), "says what it brings"),
        (
            "promemu --config example.ron --plugins-dir target/release --embedded --watch".to_owned(),
            "runs it; what is built anew is taken over",
        ),
    ];
    let steps = steps.iter().map(|(command, what)| format!("  {command}\n    # {what}\n"));
    let steps: String = steps.collect();
    let next =
        format!("{name}/ is written: a plugin with the scenario {scenario}, in {name}/src/lib.rs. Next:\n\n");
    stdout::print(format!("{next}{steps}").as_bytes())
}

/// The whole folder or nothing.
fn put_plugin(folder: &Path, name: &str, scenario: &str) -> Result<(), std::io::Error> {
    let beside = tempfile::Builder::new().prefix(".promemu-new").tempdir_in(".")?;
    let whole = beside.path().join(name);
    plugin::write(&whole, name, scenario)?;
    std::fs::rename(whole, folder)
}

/// Whether there is somebody to ask, and nothing has been said yet.
fn is_asked(args: &NewArgs) -> bool {
    let is_silent =
        args.hosts.is_none() && args.metric.is_empty() && args.job.is_none() && args.description.is_none();
    is_silent && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn from_flags(name: &str, args: &NewArgs) -> Result<Starter, Error> {
    let mut starter = Starter::new(name);
    if let Some(hosts) = args.hosts {
        starter.hosts = hosts;
    }
    if let Some(job) = &args.job {
        starter.job.clone_from(job);
    }
    if let Some(description) = &args.description {
        starter.description.clone_from(description);
    }
    let metrics = args.metric.iter().flat_map(|words| words.split_whitespace()).map(str::parse);
    let metrics: Result<Vec<StarterMetric>, String> = metrics.collect();
    let metrics = metrics.map_err(|why| Error::Usage(format!("--metric or PME_NEW_METRIC: {why}")))?;
    if !metrics.is_empty() {
        starter.metrics = metrics;
    }
    Ok(starter)
}

/// A name that is the same as a file's stem, in a command and in a host's name.
fn checked_name(name: &str) -> Result<&str, Error> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_plain) && !name.starts_with('-') {
        return Ok(name);
    }
    Err(Error::Usage(format!(
        "config name {name:?} is not allowed; use letters, digits, _ and -, without a folder or .ron \
         (--configs-dir DIR chooses the folder)"
    )))
}

/// Where a config is written, and how commands name it.
struct Place {
    path: PathBuf,
    argument: String,
}

impl Place {
    /// The folder given, else `configs` if there is one, else the current folder.
    fn of(configs_dir: Option<&Path>, name: &str) -> Self {
        let file = format!("{name}.ron");
        let configs = Path::new("configs");
        match configs_dir {
            Some(dir) => Self::by_path(dir.join(file)),
            None if configs.is_dir() => Self { path: configs.join(file), argument: name.to_owned() },
            None => Self::by_path(PathBuf::from(file)),
        }
    }

    /// A place that only a path names for sure, in whatever folder promemu looks.
    fn by_path(path: PathBuf) -> Self {
        let argument = shell_word(&path.display().to_string());
        Self { path, argument }
    }

    fn next_steps(&self, starter: &Starter) -> String {
        let (path, config) = (self.path.display(), &self.argument);
        let steps = [
            (format!("promemu check {config}"), "says what it would run"),
            (format!("promemu --config {config} --once"), "prints the first values of all series"),
            (format!("promemu --config {config} --embedded"), "serves the metrics to be scraped"),
        ];
        let width = steps.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
        let steps = steps.iter().map(|(command, what)| format!("  {command:width$}  # {what}\n"));
        format!("{path} is written: {}. Next:\n\n{}", starter.summary(), steps.collect::<String>())
    }
}

/// A word as a POSIX shell takes it.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./+,@%:".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// The whole file or nothing.
fn put(path: &Path, text: &str) -> Result<(), Error> {
    stdout::replace_file(path, text.as_bytes()).map_err(|source| {
        let why = if source.kind() == ErrorKind::PermissionDenied {
            "; choose a folder with --configs-dir"
        } else {
            ""
        };
        Error::System { what: format!("{} cannot be written{why}", path.display()), source }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_are_plain() {
        for name in ["shop", "shop-2", "Shop_b", "_"] {
            assert_eq!(checked_name(name).unwrap(), name);
        }
        for name in ["", "shop.ron", "a/b", "..", "-x", "größe", "a b"] {
            assert_eq!(checked_name(name).unwrap_err().exit_code(), 2, "{name}");
        }
    }

    #[test]
    fn a_command_names_a_file_so_that_a_shell_takes_it() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(Some(dir.path()), "shop");
        assert_eq!(place.argument, dir.path().join("shop.ron").display().to_string());
        assert_eq!(shell_word("it's here/shop.ron"), r"'it'\''s here/shop.ron'");
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("shop.ron")).unwrap();
        let error = put(&dir.path().join("shop.ron"), "Config()").unwrap_err();
        assert!(error.to_string().contains("shop.ron cannot be written"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
