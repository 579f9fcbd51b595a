//! The rule files of a test: found, read, and compared with the alerts of its verdicts.

use std::fs;
use std::path::{Path, PathBuf, absolute};

use promemu_core::error::{Error, suggestion};
use promemu_core::plan::{Verdict, VerdictPlan};
use promemu_core::text_file;
use promemu_core::time::Span;
use promemu_wire::rule_file::{Rule, RuleFile, RuleKind};
use tracing::warn;

/// Largest file of rules.
const BYTES_MAX: u64 = 64 << 20;

/// The rule files, in the order in which they are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The absolute path of each file, and its contents.
    pub(super) files: Vec<(PathBuf, RuleFile)>,
}

impl Rules {
    /// Reads files and patterns of files, as a user names them.
    pub(crate) fn read(named: &[String]) -> Result<Self, Error> {
        let (mut rules, mut problems) = (Self::default(), Vec::new());
        for pattern in named {
            for path in paths(pattern)? {
                let shown = path.display().to_string();
                let path = absolute(&path).unwrap_or(path);
                if rules.files.iter().any(|(known, _)| *known == path) {
                    continue;
                }
                let text = text_file::read(&path, BYTES_MAX)
                    .map_err(|source| Error::System { what: format!("{shown} cannot be read"), source })?;
                match RuleFile::parse(&shown, &text) {
                    Ok(file) => rules.files.push((path, file)),
                    Err(found) => problems.extend(found),
                }
            }
        }
        if problems.is_empty() { Ok(rules) } else { Err(Error::Usage(problems.join("\n"))) }
    }

    /// The paths of the files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// All rules.
    pub(super) fn all(&self) -> impl Iterator<Item = &Rule> {
        let groups = self.files.iter().flat_map(|(_, file)| &file.groups);
        groups.flat_map(|group| &group.rules)
    }

    /// The rules for alerts.
    pub(crate) fn alerts(&self) -> impl Iterator<Item = &Rule> {
        self.all().filter(|rule| rule.kind == RuleKind::Alert)
    }

    /// Refuses verdicts on alerts that no rule has.
    pub(super) fn check(&self, verdicts: &[VerdictPlan], is_live: bool) -> Result<(), Error> {
        let place = if is_live { "load them into that Prometheus" } else { "name their files with --rules" };
        let known: Vec<&str> = self.alerts().map(|rule| rule.name.as_str()).collect();
        for verdict in verdicts {
            let names: Vec<&String> = match &verdict.verdict {
                Verdict::Fires { alert, .. }
                | Verdict::Resolves { alert, .. }
                | Verdict::Notifies { alert, .. } => vec![&alert.name],
                Verdict::NoOtherAlerts { except } => except.iter().collect(),
                _ => continue,
            };
            if known.is_empty() {
                let message = format!("{verdict} needs rules with alerts; {place}");
                return Err(Error::Usage(message));
            }
            if let Some(name) = names.into_iter().find(|name| !known.contains(&name.as_str())) {
                let hint = suggestion(name, &known);
                return Err(Error::Usage(format!("no rule has the alert of {verdict}{hint}")));
            }
        }
        Ok(())
    }

    /// The groups that are not evaluated as often as all else, each with its interval.
    pub(super) fn own_intervals(&self, evaluation: Span) -> impl Iterator<Item = (&str, Span)> {
        let groups = self.files.iter().flat_map(|(_, file)| &file.groups);
        let own = groups.filter_map(|group| Some((group.name.as_str(), group.interval?)));
        own.filter(move |(_, interval)| *interval != evaluation)
    }

    /// Warns of a time between scrapes that does not fit to evaluations, and of groups whose interval nothing follows.
    pub(super) fn warn_of_intervals(&self, evaluation: Span, step: Span, follows_groups: bool) {
        if let Some(why) = misfit(step, evaluation) {
            warn!(step = %step, evaluation_interval = %evaluation, "{why}");
        }
        for (group, interval) in self.own_intervals(evaluation) {
            if !follows_groups {
                warn!(
                    %group,
                    %interval,
                    "promtool evaluates the group every {evaluation}; use --mode large, which follows its interval"
                );
            } else if let Some(why) = misfit(step, interval) {
                warn!(%group, step = %step, evaluation_interval = %interval, "{why}");
            }
        }
    }

    /// The same rules, written into a folder.
    pub(super) fn written_to(files: Vec<RuleFile>, folder: &Path) -> std::io::Result<Self> {
        let named = files.into_iter().enumerate().map(|(number, file)| {
            let path = folder.join(format!("rules-{number}.json"));
            fs::write(&path, file.to_json())?;
            Ok((path, file))
        });
        Ok(Self { files: named.collect::<std::io::Result<_>>()? })
    }
}

/// The effect of a time between scrapes that does not fit to the one between evaluations; `None` if it does.
fn misfit(step: Span, evaluation: Span) -> Option<&'static str> {
    if step > evaluation {
        return Some(
            "--step is longer than the evaluation interval, so that some evaluations see no new samples",
        );
    }
    let rest = evaluation.as_nanos() % step.as_nanos().max(1);
    (rest > 0).then_some(
        "--step does not divide the evaluation interval, so that evaluations see samples of different ages",
    )
}

/// The files of a pattern, in order of name; a name without wildcards is that of one file, or of a folder of them.
fn paths(pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let refused = |why: &str| Err(Error::Usage(format!("--rules or PME_TEST_RULES: {pattern} {why}")));
    if Path::new(pattern).is_file() {
        return Ok(vec![PathBuf::from(pattern)]);
    }
    let is_folder = Path::new(pattern).is_dir();
    let all =
        if is_folder { format!("{}/*.y*ml", glob::Pattern::escape(pattern)) } else { pattern.to_owned() };
    let Ok(found) = glob::glob(&all) else { return refused("is no pattern of files") };
    let found: Vec<PathBuf> = found.flatten().filter(|path| path.is_file()).collect();
    match found.as_slice() {
        [] if is_folder => refused("is a folder without .yml and .yaml files"),
        [] if pattern.contains(',') => refused("is not a file; repeat --rules for each file"),
        [] => refused("is not a file"),
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrapes_fit_to_evaluations_that_are_as_long_or_a_multiple() {
        let secs = Span::from_secs;
        for (step, evaluation, effect) in [
            (15, 15, None),
            (5, 60, None),
            (30, 15, Some("longer")),
            (61, 60, Some("longer")),
            (15, 20, Some("does not divide")),
            (7, 15, Some("does not divide")),
        ] {
            let found = misfit(secs(step), secs(evaluation));
            let is_as_expected = effect.is_none_or(|effect| found.unwrap_or_default().contains(effect));
            assert!(is_as_expected && found.is_some() == effect.is_some(), "{step} {evaluation}: {found:?}");
        }
    }

    #[test]
    fn patterns_take_files_in_order_of_name_each_once() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.yml", "a.yml", "b2.yml", "c.yaml"] {
            fs::write(dir.path().join(name), "groups: []\n").unwrap();
        }
        let read = |patterns: &[&str]| {
            let wanted: Vec<String> =
                patterns.iter().map(|pattern| dir.path().join(pattern).display().to_string()).collect();
            let rules = Rules::read(&wanted).map_err(|error| error.to_string())?;
            let found = rules.paths().map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
            Ok::<_, String>(found.collect::<Vec<String>>())
        };
        assert_eq!(read(&["*.yml", "a.yml"]).unwrap(), ["a.yml", "b.yml", "b2.yml"]);
        assert_eq!(read(&["c.yaml", "b?.yml"]).unwrap(), ["c.yaml", "b2.yml"]);
        assert!(read(&["d*"]).unwrap_err().ends_with("d* is not a file"));
        assert_eq!(read(&[""]).unwrap(), ["a.yml", "b.yml", "b2.yml", "c.yaml"], "a folder");
        let error = read(&["a.yml,b.yml"]).unwrap_err();
        assert!(error.ends_with("a.yml,b.yml is not a file; repeat --rules for each file"), "{error}");
        fs::create_dir(dir.path().join("empty")).unwrap();
        assert!(read(&["empty"]).unwrap_err().ends_with("is a folder without .yml and .yaml files"));
        fs::write(dir.path().join("d.yml"), "groups: [{ name: g, rules: [{ expr: up }] }]").unwrap();
        let error = read(&["*.yml"]).unwrap_err();
        assert!(error.contains("d.yml: group \"g\", rule 1: alert or record is missing"), "{error}");
    }
}
