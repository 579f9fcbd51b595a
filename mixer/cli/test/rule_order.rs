//! The order in which the rules of a test are evaluated: a rule comes after those whose series it reads.
//!
//! Over the whole run at once a rule is evaluated when all series that it reads are there: its level is above those of the
//! rules that make them. At each time of a run, group by group, as promtool does it, a group comes after those that it reads.

use std::collections::BTreeSet;
use std::path::PathBuf;

use indexmap::IndexSet;
use promemu_core::time::Span;
use promemu_core::verdict::{AlertRule, LabelTemplate};
use promemu_wire::rule_file::{Rule, RuleFile, RuleGroup, RuleKind};

use super::reads::{ALERTS, Reads};

/// A rule of a test.
#[derive(Debug)]
pub(super) struct TestRule {
    /// Its file, group and name.
    pub(super) place: String,
    /// The rule, with the labels of its group.
    pub(super) rule: Rule,
    /// The interval of its group; `None` for that of the test.
    pub(super) interval: Option<Span>,
    /// The other rules whose series it may read.
    pub(super) sources: Vec<usize>,
    /// Number of rules one above the other that it needs; an error if it cannot be evaluated.
    pub(super) level: Result<usize, String>,
}

/// All rules with their levels, in the order of their files.
pub(super) fn ordered(files: &[(PathBuf, RuleFile)]) -> Vec<TestRule> {
    let (mut rules, mut reads) = (Vec::new(), Vec::new());
    for (path, file) in files {
        for group in &file.groups {
            for rule in &group.rules {
                let place = format!(
                    "{}: group {:?}, {} {:?}",
                    path.display(),
                    group.name,
                    rule.kind.field(),
                    rule.name
                );
                let own = Reads::of(&rule.expr);
                let level = hindrance(group, &own).map_or(Ok(0), Err);
                reads.push(own);
                let (rule, interval) = (with_labels(rule, group), group.interval);
                rules.push(TestRule { place, rule, interval, sources: Vec::new(), level });
            }
        }
    }
    for (number, reads) in reads.iter().enumerate() {
        rules[number].sources = makers(&rules, reads);
    }
    set_levels(&mut rules);
    rules
}

/// The names of all groups in the order in which promtool evaluates them at each time; empty if no group reads another, as
/// any order is right then. Without an order promtool takes another one in each run. Groups that read each other are in the
/// order of their files.
pub(super) fn group_order(files: &[(PathBuf, RuleFile)]) -> Vec<String> {
    let groups: Vec<&RuleGroup> = files.iter().flat_map(|(_, file)| &file.groups).collect();
    let group_of: Vec<usize> = groups
        .iter()
        .enumerate()
        .flat_map(|(number, group)| group.rules.iter().map(move |_| number))
        .collect();
    let mut read: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); groups.len()];
    for (rule, reader) in ordered(files).iter().zip(&group_of) {
        read[*reader].extend(rule.sources.iter().map(|source| group_of[*source]).filter(|own| own != reader));
    }
    if read.iter().all(BTreeSet::is_empty) {
        return Vec::new();
    }
    let (mut left, mut order) = ((0..groups.len()).collect::<Vec<_>>(), IndexSet::new());
    while !left.is_empty() {
        let is_next = |group: &usize| read[*group].iter().all(|source| !left.contains(source));
        let next = left.remove(left.iter().position(is_next).unwrap_or_default());
        // promtool refuses a name that comes twice, and takes the groups of one name together.
        order.insert(groups[next].name.clone());
    }
    order.into_iter().collect()
}

/// The rules whose series an expression may read.
pub(super) fn makers(rules: &[TestRule], reads: &Reads) -> Vec<usize> {
    let is_read = |rule: &Rule| match rule.kind {
        RuleKind::Record => reads.may_read(&rule.name, None),
        RuleKind::Alert => reads.may_read(ALERTS, Some(("alertname", &rule.name))),
    };
    rules.iter().enumerate().filter(|(_, rule)| is_read(&rule.rule)).map(|(number, _)| number).collect()
}

impl TestRule {
    /// The rule for the states of its alerts.
    ///
    /// # Errors
    ///
    /// A label needs more than the labels and the value of a result.
    pub(super) fn alert(&self) -> Result<AlertRule, String> {
        let Rule { name, hold, keep_firing_for, labels, .. } = &self.rule;
        let labels = labels.iter().map(|(label, text)| {
            let template = LabelTemplate::parse(text).map_err(|part| {
                format!("the large mode does not know {part} in the label {label:?}; use --mode exact")
            })?;
            Ok((label.clone(), template))
        });
        let labels = labels.collect::<Result<_, String>>()?;
        Ok(AlertRule { name: name.clone(), hold: *hold, keep_firing_for: *keep_firing_for, labels })
    }
}

/// A rule with the labels of its group, which its own replace.
fn with_labels(rule: &Rule, group: &RuleGroup) -> Rule {
    let mut rule = rule.clone();
    for (name, value) in &group.labels {
        rule.labels.entry(name.clone()).or_insert_with(|| value.clone());
    }
    rule
}

/// The reason for which a rule is not evaluated here.
fn hindrance(group: &RuleGroup, reads: &Reads) -> Option<String> {
    if group.limit > 0 {
        return Some("the large mode does not know the limit of a group; use --mode exact".to_owned());
    }
    if group.query_offset.is_some_and(|offset| offset > Span::ZERO) {
        return Some("the large mode does not know query_offset; leave it out".to_owned());
    }
    reads.refusal()
}

fn set_levels(rules: &mut [TestRule]) {
    // A rule that cannot be evaluated is a source all the same: those that read it get its reason.
    let mut levels: Vec<Option<usize>> =
        rules.iter().map(|rule| rule.level.as_ref().err().map(|_| 0)).collect();
    loop {
        let mut is_done = true;
        for number in 0..rules.len() {
            let sources = rules[number].sources.iter();
            let above = sources.map(|source| levels[*source].map(|level| level + 1));
            let level = above.reduce(|a, b| Some(a?.max(b?))).unwrap_or(Some(0));
            if levels[number].is_none() && level.is_some() {
                (levels[number], is_done) = (level, false);
            }
        }
        if is_done {
            break;
        }
    }
    for (rule, level) in rules.iter_mut().zip(levels) {
        if rule.level.is_ok() {
            rule.level = level.ok_or_else(|| {
                "it needs its own results, or those of a rule that does; use --mode exact".to_owned()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(text: &str) -> Vec<(String, Result<usize, String>)> {
        let file = RuleFile::parse("r.yml", text).unwrap();
        let rules = ordered(&[(PathBuf::from("r.yml"), file)]);
        rules.into_iter().map(|rule| (rule.rule.name, rule.level)).collect()
    }

    #[test]
    fn a_rule_is_above_those_that_make_what_it_reads() {
        let text = r#"groups: [{ name: g, rules: [
            { alert: Top, expr: "c > 1" }, { record: c, expr: "b + a" }, { record: b, expr: "max(a)" },
            { record: a, expr: x }, { alert: Meta, expr: 'ALERTS{alertname="Top"}' }, { alert: Plain, expr: x } ] }]"#;
        let expected = [("Top", 3), ("c", 2), ("b", 1), ("a", 0), ("Meta", 4), ("Plain", 0)];
        assert_eq!(levels(text), expected.map(|(name, level)| (name.to_owned(), Ok(level))));
    }

    #[test]
    fn a_rule_that_needs_its_own_results_is_told() {
        let text = r#"groups:
            - { name: g, rules: [{ record: a, expr: "a or x" }, { record: b, expr: c }, { record: c, expr: b },
                { alert: Reader, expr: b }, { alert: Hysteresis, expr: 'x > 1 or x > 0 and ALERTS{alertname="Hysteresis"}' },
                { alert: Plain, expr: x }] }
            - { name: limited, limit: 1, rules: [{ record: d, expr: x }] }
            - { name: late, query_offset: 1m, rules: [{ record: e, expr: x }] }
            - { name: reader, rules: [{ record: f, expr: d }, { alert: Since, expr: ALERTS_FOR_STATE }] }"#;
        let wrong: Vec<String> =
            levels(text).into_iter().filter(|(_, level)| level.is_err()).map(|(name, _)| name).collect();
        assert_eq!(wrong, ["a", "b", "c", "Reader", "Hysteresis", "d", "e", "Since"]);
    }

    #[test]
    fn a_group_comes_after_those_that_it_reads() {
        let order = |texts: &[&str]| {
            let file = |text: &&str| (PathBuf::from("r.yml"), RuleFile::parse("r.yml", text).unwrap());
            group_order(&texts.iter().map(file).collect::<Vec<_>>())
        };
        let record = |group: &str, name: &str, reads: &str| {
            format!("{{ name: {group}, rules: [{{ record: {name}, expr: 'max({reads})' }}] }}")
        };
        let [a, b, c, d] = [("a", "A", "C"), ("b", "B", "x"), ("c", "C", "B"), ("d", "D", "y")]
            .map(|(g, n, r)| record(g, n, r));
        assert_eq!(
            order(&[&format!("groups: [{a}, {d}]"), &format!("groups: [{b}, {c}]")]),
            ["d", "b", "c", "a"]
        );
        let nothing_between: [&str; 0] = [];
        assert_eq!(order(&[&format!("groups: [{a}, {b}]")]), nothing_between);
        let [circle, other] = [record("e", "E", "F"), record("f", "F", "E")];
        assert_eq!(order(&[&format!("groups: [{circle}, {other}]")]), ["e", "f"]);
        assert_eq!(
            order(&[&format!("groups: [{a}]"), &format!("groups: [{c}, {}]", record("a", "G", "z"))]),
            ["c", "a"]
        );
    }

    #[test]
    fn labels_of_groups_are_those_of_rules_without_their_own() {
        let text = r#"groups: [{ name: g, labels: { team: a, x: y }, rules: [
            { alert: A, expr: x, labels: { team: b, who: "{{ $labels.job | toUpper }}" } }] }]"#;
        let file = RuleFile::parse("r.yml", text).unwrap();
        let rules = ordered(&[(PathBuf::from("r.yml"), file)]);
        assert_eq!((&*rules[0].rule.labels["team"], &*rules[0].rule.labels["x"]), ("b", "y"));
        let error = rules[0].alert().unwrap_err();
        assert!(error.contains("{{ $labels.job | toUpper }}") && error.contains("\"who\""), "{error}");
    }
}
