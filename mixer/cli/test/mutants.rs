//! `--mutate`: the verdicts judged with mutated rules. Those that pass all verdicts show what the verdicts would not notice.

use promemu_core::error::Error;
use promemu_core::plan::{Verdict, VerdictPlan};
use promemu_core::plural::plural;
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_core::verdict::{Observation, Outcome, judge};
use promemu_wire::rule_file::RuleFile;
use serde_json::{Value, json};

use super::mutation::{Mutant, mutants};
use super::rules::Rules;
use super::subject::Subject;
use crate::table::{self, prose, table, whole};

/// A mutant, and the first verdict that it failed; `None` if all verdicts passed.
#[derive(Debug)]
pub(super) struct JudgedMutant {
    mutant: Mutant,
    caught_by: Option<String>,
}

/// Judges each mutant of the subject's rules. `observe` also asks for the queries of dashboards if its second argument is `true`, which is left for
/// those that no other verdict catches.
pub(super) fn judge_all(
    subject: &Subject,
    observe: &dyn Fn(&Rules, bool) -> Result<Observation, Error>,
) -> Result<Vec<JudgedMutant>, Error> {
    let failed = |source| Error::System {
        what: "mutated rules cannot be written to the folder of temporary files".to_owned(),
        source,
    };
    let is_of_rules = |verdict: &&VerdictPlan| {
        !matches!(verdict.verdict, Verdict::Panels { .. } | Verdict::QueryTime { .. })
    };
    let of_rules: Vec<VerdictPlan> = subject.verdicts.iter().filter(is_of_rules).cloned().collect();
    let files: Vec<RuleFile> = subject.rules.files.iter().map(|(_, file)| file.clone()).collect();
    let judged = mutants(&files).into_iter().map(|mutant| {
        let dir = TemporaryFolder::new().map_err(failed)?;
        let rules = Rules::written_to(mutant.files(&files), dir.path()).map_err(failed)?;
        let caught_by = |verdicts: &[VerdictPlan], has_dashboards| match observe(&rules, has_dashboards) {
            Ok(seen) => {
                let judgements = judge(&subject.run.plan, verdicts, &seen);
                let bad = judgements.into_iter().find(|judgement| judgement.outcome != Outcome::Passed);
                Ok(bad.map(|judgement| judgement.verdict))
            }
            // Rules that nobody can evaluate would be noticed at once.
            Err(Error::Usage(_)) => Ok(Some("the rule engine".to_owned())),
            Err(other) => Err(other),
        };
        let caught_by = match caught_by(&of_rules, false)? {
            None if !subject.dashboards.is_empty() => caught_by(&subject.verdicts, true)?,
            first => first,
        };
        Ok(JudgedMutant { mutant, caught_by })
    });
    judged.collect()
}

/// The mutants that nothing caught, and how many were.
pub(super) fn text(judged: &[JudgedMutant]) -> String {
    let width = table::width();
    let caught = judged.iter().filter(|judged| judged.caught_by.is_some()).count();
    let all = plural(judged.len(), "mutation", "mutations");
    let mut text = table::paragraph(&format!("\n{caught} of {all} of the rules were caught"), 0, width);
    if caught < judged.len() {
        let left = judged.iter().filter(|judged| judged.caught_by.is_none());
        let rows = left.map(|judged| {
            let Mutant { change, rule, .. } = &judged.mutant;
            [rule.name.clone(), (*change).to_owned(), rule.expr.clone()]
        });
        text.push_str("\nnot caught by any verdict:\n");
        text.push_str(&table([whole("RULE"), whole("CHANGE"), prose("EXPRESSION")], rows, 0, width));
    }
    text
}

/// All mutants as JSON.
pub(super) fn json(judged: &[JudgedMutant]) -> Value {
    let mutant = |judged: &JudgedMutant| {
        let Mutant { change, rule, .. } = &judged.mutant;
        json!({ "rule": rule.name, "change": change, "expr": rule.expr, "caught_by": judged.caught_by })
    };
    judged.iter().map(mutant).collect()
}
