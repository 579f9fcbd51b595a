//! `promemu new`: writes a commented config, or a plugin, to start from.
//!
//! A file or folder appears whole or not at all, and a config is only written if it runs without a warning.

mod plugin;
mod questions;
mod starter;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use promemu_core::error::Error;
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_run::whole_file::unwritable;

use crate::args::NewArgs;
use crate::settings::Settings;
use crate::{output_file, stdout};
use starter::{Starter, StarterMetric, outside_quotes};

/// Writes the config of the flags or of the answers to questions, and prints the next steps.
pub(crate) fn new(settings: &Settings, args: &NewArgs) -> Result<(), Error> {
    let name = checked_name(&args.name)?;
    if args.plugin {
        return write_plugin(name, args);
    }
    let place = Place::of(settings.cli().configs_dir.as_deref(), name);
    if !args.force && place.path.symlink_metadata().is_ok() {
        let path = place.path.display();
        return Err(Error::Usage(format!("{path} exists; choose another name, or replace it with --force")));
    }
    let (starter, text) = if is_interactive(args) {
        let mut answers = std::io::stdin().lock();
        questions::ask(name, &mut answers, &mut std::io::stderr())?
    } else {
        let starter = from_flags(name, args)?;
        let refused = |why| Error::Usage(format!("{why}; nothing was written"));
        let text = starter.checked_text().map_err(refused)?;
        (starter, text)
    };
    write_config(&place.path, &text)?;
    stdout::print(place.next_steps(&starter).as_bytes())
}

/// Writes a plugin's folder into the current one, and prints the next steps.
fn write_plugin(name: &str, args: &NewArgs) -> Result<(), Error> {
    if !has_no_contents(args) {
        return Err(Error::Usage(
            "--plugin writes no config; leave out --hosts, --metric, --job, --ttl and --description"
                .to_owned(),
        ));
    }
    let scenario = plugin::scenario_name(name).map_err(Error::Usage)?;
    let folder = Path::new(name);
    if folder.symlink_metadata().is_ok() {
        return Err(Error::Usage(format!("{name} exists; choose another name")));
    }
    write_plugin_folder(folder, name, &scenario).map_err(|source| {
        let what = format!("folder {name} cannot be written; try another folder");
        Error::System { what, source }
    })?;
    let steps = [
        (format!("cd {name} && cargo build --release"), "build it"),
        ("promemu plugins --plugins-dir target/release".to_owned(), "show what it provides"),
        (
            "promemu run example.ron --plugins-dir target/release --embedded --watch".to_owned(),
            "run it; a rebuilt plugin is reloaded",
        ),
    ];
    let steps = steps.iter().map(|(command, purpose)| format!("  {command}\n    # {purpose}\n"));
    let steps: String = steps.collect();
    let next =
        format!("{name}/ is written: a plugin with the scenario {scenario}, in {name}/src/lib.rs. Next:\n\n");
    stdout::print(format!("{next}{steps}").as_bytes())
}

fn write_plugin_folder(folder: &Path, name: &str, scenario: &str) -> Result<(), std::io::Error> {
    let beside = TemporaryFolder::new_in(Path::new("."))?;
    let whole = beside.path().join(name);
    plugin::write(&whole, name, scenario)?;
    std::fs::rename(whole, folder)
}

/// `true` without a flag for the contents of the config.
fn has_no_contents(args: &NewArgs) -> bool {
    let NewArgs { hosts, metric, job, ttl, description, .. } = args;
    hosts.is_none() && metric.is_empty() && job.is_none() && ttl.is_none() && description.is_none()
}

/// `true` on a terminal without flags.
fn is_interactive(args: &NewArgs) -> bool {
    has_no_contents(args) && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
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
    starter.ttl.clone_from(&args.ttl);
    let words = args.metric.iter().flat_map(|words| outside_quotes(words, char::is_whitespace));
    let metrics: Result<Vec<StarterMetric>, String> = words.map(metric).collect();
    let metrics = metrics.map_err(|why| Error::Usage(format!("--metric or PME_NEW_METRIC: {why}")))?;
    if !metrics.is_empty() {
        starter.metrics = metrics;
    }
    Ok(starter)
}

/// A metric of the flag; several in one word are refused with the flags to write.
fn metric(word: &str) -> Result<StarterMetric, String> {
    let parts = outside_quotes(word, |c| c == ',');
    let braces_end_in = |part: &&str| part.matches('{').count() == part.matches('}').count();
    if parts.len() < 2 || !parts.iter().all(braces_end_in) {
        return word.parse();
    }
    let flags: Vec<String> = parts.iter().map(|part| format!("--metric {}", shell_word(part))).collect();
    Err(format!("{word:?} is several metrics; write {}", flags.join(" ")))
}

/// A name that is valid as a file's stem, a word in a shell, and a part of a host's name.
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

/// The file of a new config.
struct Place {
    path: PathBuf,
    /// The config's name in commands.
    argument: String,
}

impl Place {
    /// A file in `--configs-dir`, else in `configs` if that exists, else in the current folder.
    fn of(configs_dir: Option<&Path>, name: &str) -> Self {
        let file = format!("{name}.ron");
        let configs = Path::new("configs");
        match configs_dir {
            Some(dir) => Self::by_path(dir.join(file)),
            None if configs.is_dir() => Self { path: configs.join(file), argument: name.to_owned() },
            None => Self::by_path(PathBuf::from(file)),
        }
    }

    /// A file that commands name by its path, as promemu may not search its folder.
    fn by_path(path: PathBuf) -> Self {
        let argument = shell_word(&path.display().to_string());
        Self { path, argument }
    }

    fn next_steps(&self, starter: &Starter) -> String {
        let (path, config) = (self.path.display(), &self.argument);
        let steps = [
            (format!("promemu check {config}"), "show its size"),
            (format!("promemu run {config} --once"), "print the first values of all series"),
            (format!("promemu plot {config} --for 15m"), "draw them, with an incident at minute 5"),
            (format!("promemu run {config} --embedded"), "serve the metrics for a scrape"),
        ];
        let width = steps.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
        let steps = steps.iter().map(|(command, purpose)| format!("  {command:width$}  # {purpose}\n"));
        format!("{path} is written: {}. Next:\n\n{}", starter.summary(), steps.collect::<String>())
    }
}

/// A word, quoted for a POSIX shell if necessary.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./+,@%:".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn write_config(path: &Path, text: &str) -> Result<(), Error> {
    output_file::replace(path, text.as_bytes()).map_err(|source| unwritable(path, "--configs-dir", source))
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
    fn several_metrics_in_one_word_are_told_apart() {
        for word in ["cpu:gauge", "up{a=\"1,2\",b=\"3\"}:gauge"] {
            assert!(metric(word).is_ok(), "{word}");
        }
        for (word, flags) in [
            ("cpu:gauge,mem:gauge", "--metric cpu:gauge --metric mem:gauge"),
            ("a,b", "--metric a --metric b"),
            ("up{a=\"1,2\"}:gauge,b:counter", "--metric 'up{a=\"1,2\"}:gauge' --metric b:counter"),
        ] {
            assert!(metric(word).is_err_and(|why| why.ends_with(&format!("write {flags}"))), "{word}");
        }
    }

    #[test]
    fn a_path_in_a_command_is_quoted_for_the_shell() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(Some(dir.path()), "shop");
        assert_eq!(place.argument, dir.path().join("shop.ron").display().to_string());
        assert_eq!(shell_word("it's here/shop.ron"), r"'it'\''s here/shop.ron'");
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("shop.ron")).unwrap();
        let error = write_config(&dir.path().join("shop.ron"), "Config()").unwrap_err();
        assert!(error.to_string().contains("shop.ron cannot be written"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
