//! A rule test that is exported again: its series are refreshed, and all else that a person wrote stays.
//!
//! The file is edited as text, as comments and the order of a person's YAML would be lost otherwise. The first
//! `input_series` of the file is the export's, down to the first comment in it.

use std::ops::Range;
use std::path::{Component, Path, PathBuf, absolute};

use promemu_core::error::Error;
use promemu_core::host::DrivenHost;
use promemu_run::whole_file::folder;
use promemu_wire::export::Sampling;
use tracing::warn;

use super::target;

/// Characters of a pattern of files.
const WILDCARDS: [char; 3] = ['*', '?', '['];
/// The line of an export for the rules.
const NO_RULE_FILES: &str = "rule_files: []\n";
const SERIES: &str = "input_series:";
const INTERVAL: &str = "interval:";
const RULE_FILES: &str = "rule_files:";

/// Writes a rule test of these rules, or refreshes the one that is there.
pub(super) fn write(sampling: Sampling<'_>, out: &str, rules: &[String]) -> Result<Vec<DrivenHost>, Error> {
    let order = group_order(rules);
    let rules = rules.iter().map(|rule| rule_file(rule, out)).collect::<Result<Vec<String>, Error>>()?;
    let path = Path::new(out);
    let is_there = out != "-" && path.metadata().is_ok_and(|found| found.is_file() && found.len() > 0);
    let old = if is_there {
        let what =
            || format!("{out} cannot be read; an export keeps what is written there beside the series");
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| Error::System { what: what(), source })?;
        Some(RuleTest::of(&text).ok_or_else(|| {
            Error::Usage(format!(
                "{out} has no input_series that an export could refresh; name another file with --out, or remove it"
            ))
        })?)
    } else {
        None
    };
    let edit = |made: &str| match &old {
        Some(old) => old.refreshed(made, &rules),
        None => with_rule_files(made, &rules, &order),
    };
    if rules.is_empty() && old.as_ref().is_none_or(|old| !old.has_rule_files()) {
        warn!("the rule test names no rules, so no alert of it fires; name them with --rules");
    }
    if old.is_none() && rules.is_empty() {
        return target::write_rule_test(sampling, out, None);
    }
    target::write_rule_test(sampling, out, Some(&edit))
}

/// The path of rules as promtool reads it: from the folder of the test.
fn rule_file(rule: &str, out: &str) -> Result<String, Error> {
    if !rule.contains(WILDCARDS) && !Path::new(rule).is_file() {
        return Err(Error::Usage(format!("--rules or PME_EXPORT_RULES: {rule} is not a file")));
    }
    if out == "-" || Path::new(rule).is_absolute() {
        return Ok(rule.to_owned());
    }
    match (absolute(folder(Path::new(out))), absolute(rule)) {
        (Ok(from), Ok(to)) => Ok(relative(&from, &to).display().to_string()),
        _ => Ok(rule.to_owned()),
    }
}

/// The way from a folder to a path, both absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let is_named = |part: &Component<'_>| !matches!(part, Component::CurDir);
    let [from, to] = [from, to].map(|path| path.components().filter(is_named).collect::<Vec<_>>());
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from[shared..].iter().map(|_| Component::ParentDir);
    up.chain(to[shared..].iter().copied()).collect()
}

/// The order of the groups of these rules; none if that is not known, and promtool then refuses the files.
fn group_order(rules: &[String]) -> Vec<String> {
    crate::test::group_order(rules).unwrap_or_else(|error| {
        warn!(
            "the order of the groups of these rules is not known, and left to promtool: {}",
            error.with_causes()
        );
        Vec::new()
    })
}

/// A new rule test with these rules, and with this order of their groups.
fn with_rule_files(made: &str, rules: &[String], order: &[String]) -> String {
    let list = |items: &[String]| items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ");
    let order =
        if order.is_empty() { String::new() } else { format!("group_eval_order: [{}]\n", list(order)) };
    made.replacen(NO_RULE_FILES, &format!("{RULE_FILES} [{}]\n{order}", list(rules)), 1)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A rule test that is there.
struct RuleTest {
    lines: Vec<String>,
    /// The line of the first `input_series`.
    series_at: usize,
    /// The lines of the series that are the export's.
    series: Range<usize>,
    /// The line of the interval of these series.
    interval_at: Option<usize>,
    /// The line of the rules, and those of its list.
    rule_files: Option<(usize, Range<usize>)>,
}

/// The column of a line's first key, behind the dash of a list item.
fn column(line: &str) -> usize {
    let text = line.trim_start();
    let dash = text.strip_prefix("- ").map_or(0, |rest| text.len() - rest.trim_start().len());
    line.len() - text.len() + dash
}

/// The key of a line and what follows it, without the dash of a list item.
fn key(line: &str) -> &str {
    let text = line.trim_start();
    text.strip_prefix("- ").map_or(text, str::trim_start)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The end of the block below a line: before the first line that is no longer below it.
fn block_end(lines: &[String], at: usize) -> usize {
    let own = column(&lines[at]);
    let is_below = |line: &String| {
        let text = line.trim_start();
        text.is_empty() || indent(line) > own || (indent(line) == own && text.starts_with("- "))
    };
    let behind = lines[at + 1..].iter().position(|line| !is_below(line));
    let mut end = behind.map_or(lines.len(), |behind| at + 1 + behind);
    while end > at + 1 && lines[end - 1].trim().is_empty() {
        end -= 1;
    }
    end
}

impl RuleTest {
    /// `None` without series.
    fn of(text: &str) -> Option<Self> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let series_at = lines.iter().position(|line| key(line).starts_with(SERIES))?;
        let end = block_end(&lines, series_at);
        let comment = lines[series_at + 1..end].iter().position(|line| line.trim_start().starts_with('#'));
        let series = series_at + 1..comment.map_or(end, |comment| series_at + 1 + comment);
        let own = column(&lines[series_at]);
        let is_item = |line: &String| line.trim_start().starts_with("- ") && indent(line) < own;
        let item = lines[..=series_at].iter().rposition(is_item)?;
        let of_item = lines[item..].iter().skip(1).position(|line| {
            !line.trim().is_empty() && !line.trim_start().starts_with('#') && indent(line) < own
        });
        let item_end = of_item.map_or(lines.len(), |behind| item + 1 + behind);
        let is_interval = |line: &String| column(line) == own && key(line).starts_with(INTERVAL);
        let interval_at = lines[item..item_end].iter().position(is_interval).map(|at| item + at);
        let rules_at = lines.iter().position(|line| line.starts_with(RULE_FILES));
        let rule_files = rules_at.map(|at| (at, at + 1..block_end(&lines, at)));
        Some(Self { lines, series_at, series, interval_at, rule_files })
    }

    /// The rules that it names, as a list in brackets or below.
    fn rules(&self) -> Vec<String> {
        let Some((at, list)) = &self.rule_files else { return Vec::new() };
        let mut named = Vec::new();
        for line in &self.lines[*at..list.end] {
            let text = line.split(" #").next().unwrap_or_default().trim();
            let text = text.strip_prefix(RULE_FILES).unwrap_or(text).trim();
            let text = text.strip_prefix("- ").unwrap_or(text).trim_matches(['[', ']', ' ']);
            let unquoted = text.split(',').map(|rule| rule.trim().trim_matches(['"', '\'']).to_owned());
            named.extend(unquoted.filter(|rule| !rule.is_empty()));
        }
        named
    }

    fn has_rule_files(&self) -> bool {
        !self.rules().is_empty()
    }

    /// The test with the series of an export and their interval, and with these rules beside its own.
    fn refreshed(&self, made: &str, rules: &[String]) -> String {
        let Some(new) = Self::of(made) else { return made.to_owned() };
        let mut edits: Vec<(Range<usize>, Vec<String>)> = self.rules_edit(rules).into_iter().collect();
        let head = &self.lines[self.series_at];
        let interval = new.interval_at.map(|at| key(&new.lines[at]).to_owned()).unwrap_or_default();
        edits.push(if let Some(at) = self.interval_at {
            let old = &self.lines[at];
            let comment = old.find(" #").map_or("", |comment| &old[comment..]);
            (at..at + 1, vec![format!("{}{interval}{comment}", &old[..column(old)])])
        } else {
            let end = block_end(&self.lines, self.series_at);
            (end..end, vec![format!("{:1$}{interval}", "", column(head))])
        });
        let place = self.lines[self.series.clone()].first().map_or(column(head) + 2, |line| indent(line));
        let fresh = &new.lines[new.series.clone()];
        let from = fresh.first().map_or(0, |line| indent(line));
        let fresh = fresh.iter().map(|line| format!("{:place$}{}", "", &line[from..])).collect();
        edits.push((self.series.clone(), fresh));
        edits.push((self.series_at..self.series_at + 1, vec![format!("{}{SERIES}", &head[..column(head)])]));
        // From the end to the beginning, so that places stay.
        edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let mut lines = self.lines.clone();
        for (range, with) in edits {
            lines.splice(range, with);
        }
        lines.join("\n") + "\n"
    }

    /// The edit that adds those of these rules that it does not name.
    fn rules_edit(&self, rules: &[String]) -> Option<(Range<usize>, Vec<String>)> {
        let known = self.rules();
        let more = rules.iter().filter(|rule| !known.contains(rule));
        let more: Vec<String> = more.map(|rule| quoted(rule)).collect();
        if more.is_empty() {
            return None;
        }
        Some(match &self.rule_files {
            Some((_, list)) if list.clone().any(|at| self.lines[at].trim_start().starts_with("- ")) => {
                let place = indent(&self.lines[list.start]);
                (list.end..list.end, more.iter().map(|rule| format!("{:place$}- {rule}", "")).collect())
            }
            Some((at, list)) => {
                let all: Vec<String> = known.iter().map(|rule| quoted(rule)).chain(more).collect();
                (*at..list.end, vec![format!("{RULE_FILES} [{}]", all.join(", "))])
            }
            None => {
                let first = self.lines.iter().position(|line| !line.starts_with('#')).unwrap_or_default();
                (first..first, vec![format!("{RULE_FILES} [{}]", more.join(", "))])
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: &str = "# Add the rules.\nrule_files: []\nevaluation_interval: 60000ms\ntests:\n  - interval: 60000ms\n    \
                        input_series:\n      - series: 'b{x=\"1\"}'\n        values: '1 2'\n";

    fn refreshed(old: &str, rules: &[&str]) -> String {
        let rules: Vec<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
        RuleTest::of(old).unwrap().refreshed(MADE, &rules)
    }

    #[test]
    fn a_new_test_names_its_rules() {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let made = with_rule_files(MADE, &named(&["../a.yml", "b.yml"]), &[]);
        assert!(made.contains("rule_files: [\"../a.yml\", \"b.yml\"]\nevaluation"), "{made}");
        let made = with_rule_files(MADE, &named(&["a.yml"]), &named(&["b", "a: c"]));
        assert!(made.contains("rule_files: [\"a.yml\"]\ngroup_eval_order: [\"b\", \"a: c\"]\n"), "{made}");
        assert_eq!(with_rule_files(MADE, &[], &[]), MADE);
    }

    #[test]
    fn series_and_their_interval_are_refreshed_and_all_else_stays() {
        let old = "# mine\nrule_files:\n  # the shop's\n  - shop.yml\n\nevaluation_interval: 15s # often\n\ntests:\n  - name: one\n    \
                   interval: 15s # of the export\n    input_series:\n      - series: 'a'\n        values: '1'\n      # by hand\n      \
                   - series: 'mine'\n        values: '0x10'\n\n    # the alerts\n    alert_rule_test:\n      - eval_time: 1m\n        \
                   alertname: A\n  - interval: 15s\n    input_series:\n      - series: 'other'\n        values: '7'\n";
        insta::assert_snapshot!(refreshed(old, &["shop.yml", "more.yml"]), @r#"
        # mine
        rule_files:
          # the shop's
          - shop.yml
          - "more.yml"

        evaluation_interval: 15s # often

        tests:
          - name: one
            interval: 60000ms # of the export
            input_series:
              - series: 'b{x="1"}'
                values: '1 2'
              # by hand
              - series: 'mine'
                values: '0x10'

            # the alerts
            alert_rule_test:
              - eval_time: 1m
                alertname: A
          - interval: 15s
            input_series:
              - series: 'other'
                values: '7'
        "#);
        assert_eq!(refreshed(&refreshed(old, &["more.yml"]), &["more.yml"]), refreshed(old, &["more.yml"]));
    }

    #[test]
    fn other_forms_of_a_test_are_edited_as_they_are_written() {
        let dashes = "rule_files: [a.yml,\n  b.yml]\ntests:\n- input_series:\n  - series: 'a'\n    values: '1'\n  interval: 5s\n";
        insta::assert_snapshot!(refreshed(dashes, &["b.yml", "c.yml"]), @r#"
        rule_files: ["a.yml", "b.yml", "c.yml"]
        tests:
        - input_series:
          - series: 'b{x="1"}'
            values: '1 2'
          interval: 60000ms
        "#);
        let bare = "tests:\n- input_series: []\n  alert_rule_test: []\n";
        insta::assert_snapshot!(refreshed(bare, &["c.yml"]), @r#"
        rule_files: ["c.yml"]
        tests:
        - input_series:
            - series: 'b{x="1"}'
              values: '1 2'
          interval: 60000ms
          alert_rule_test: []
        "#);
    }

    #[test]
    fn rules_are_named_from_the_folder_of_the_test() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(way("/a/b", "/a/b/r.yml"), "r.yml");
        assert_eq!(way("/a/b/tests", "/a/b/rules/*.yml"), "../rules/*.yml");
        assert_eq!(way("/a/./b", "/c/r.yml"), "../../c/r.yml");
        assert!(
            rule_file("no-such.yml", "t.yml").is_err_and(|error| error.to_string().contains("is not a file"))
        );
    }
}
