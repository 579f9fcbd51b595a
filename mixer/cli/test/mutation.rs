//! Mutations of rules: small changes that make an alert wrong, which good verdicts notice.

use promemu_core::time::Span;
use promemu_wire::rule_file::{Rule, RuleFile, RuleKind};
use promql_parser::parser::token::{T_EQLC, T_GTE, T_GTR, T_LSS, T_LTE, T_NEQ, TokenId, TokenType};
use promql_parser::parser::{Expr, NumberLiteral, VectorSelector};

use super::promql::parse;

/// The time by which `for` is prolonged.
const LONGER: Span = Span::from_secs(600);
/// The comparisons and what they are turned into.
const TURNED: [(TokenId, TokenId); 6] =
    [(T_GTR, T_LSS), (T_LSS, T_GTR), (T_GTE, T_LTE), (T_LTE, T_GTE), (T_EQLC, T_NEQ), (T_NEQ, T_EQLC)];

/// A change of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    ThresholdTimesTen,
    ThresholdByTen,
    LongerFor,
    TurnedComparison,
    RenamedMetric,
    MisspeltMatcher,
    DroppedAggregation,
}

/// All changes, with their names in reports.
const CHANGES: [(Change, &str); 7] = [
    (Change::ThresholdTimesTen, "threshold ×10"),
    (Change::ThresholdByTen, "threshold ÷10"),
    (Change::LongerFor, "for +10m"),
    (Change::TurnedComparison, "comparison turned"),
    (Change::RenamedMetric, "metric renamed"),
    (Change::MisspeltMatcher, "matcher misspelt"),
    (Change::DroppedAggregation, "aggregation dropped"),
];

/// A change of one rule of some files.
#[derive(Clone, Debug)]
pub(super) struct Mutant {
    /// The change, in words.
    pub(super) change: &'static str,
    /// The rule with the change.
    pub(super) rule: Rule,
    /// The numbers of its file, its group and the rule.
    place: [usize; 3],
}

impl Mutant {
    /// The files with the change.
    pub(super) fn files(&self, files: &[RuleFile]) -> Vec<RuleFile> {
        let ([file, group, number], mut files) = (self.place, files.to_vec());
        files[file].groups[group].rules[number] = self.rule.clone();
        files
    }
}

/// All mutants of rule files: each has one change of one rule. A change that a rule does not allow has none.
pub(super) fn mutants(files: &[RuleFile]) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for (file, content) in files.iter().enumerate() {
        for (group, rules) in content.groups.iter().enumerate() {
            for (number, rule) in rules.rules.iter().enumerate() {
                for (change, name) in CHANGES {
                    let Some(rule) = changed(rule, change) else { continue };
                    mutants.push(Mutant { change: name, rule, place: [file, group, number] });
                }
            }
        }
    }
    mutants
}

/// The rule with another number in its outermost comparison; `None` if that compares no number.
pub(super) fn with_threshold(rule: &Rule, threshold: f64) -> Option<Rule> {
    let mut expression = parse(&rule.expr).ok()?;
    let is_changed = first(&mut expression, &mut |node| change_threshold(node, |_| threshold));
    let expr = expression.to_string();
    (is_changed && parse(&expr).is_ok()).then(|| Rule { expr, ..rule.clone() })
}

/// The rule with a change; `None` if it has nothing to change.
fn changed(rule: &Rule, change: Change) -> Option<Rule> {
    if change == Change::LongerFor {
        return (rule.kind == RuleKind::Alert).then(|| Rule { hold: rule.hold.plus(LONGER), ..rule.clone() });
    }
    let mut expression = parse(&rule.expr).ok()?;
    let before = expression.to_string();
    let is_changed = match change {
        Change::ThresholdTimesTen => {
            first(&mut expression, &mut |node| change_threshold(node, |val| val * 10.0))
        }
        Change::ThresholdByTen => first(&mut expression, &mut |node| change_threshold(node, |val| val * 0.1)),
        Change::TurnedComparison => first(&mut expression, &mut turn),
        Change::RenamedMetric => first(&mut expression, &mut |node| on_selector(node, rename)),
        Change::MisspeltMatcher => first(&mut expression, &mut |node| on_selector(node, misspell)),
        Change::DroppedAggregation => first(&mut expression, &mut drop_aggregation),
        Change::LongerFor => false,
    };
    let expr = expression.to_string();
    // An expression that cannot be read again is no mutant.
    let is_good = is_changed && expr != before && parse(&expr).is_ok();
    is_good.then(|| Rule { expr, ..rule.clone() })
}

/// Changes the first node, from the outermost inwards, that `change` takes.
fn first(expression: &mut Expr, change: &mut dyn FnMut(&mut Expr) -> bool) -> bool {
    if change(expression) {
        return true;
    }
    match expression {
        Expr::Aggregate(aggregate) => first(&mut aggregate.expr, change),
        Expr::Unary(unary) => first(&mut unary.expr, change),
        Expr::Binary(binary) => first(&mut binary.lhs, change) || first(&mut binary.rhs, change),
        Expr::Paren(inside) => first(&mut inside.expr, change),
        Expr::Subquery(subquery) => first(&mut subquery.expr, change),
        Expr::Call(call) => call.args.args.iter_mut().any(|argument| first(argument, change)),
        _ => false,
    }
}

fn change_threshold(node: &mut Expr, change: impl Fn(f64) -> f64) -> bool {
    let Expr::Binary(binary) = node else { return false };
    if !binary.op.is_comparison_operator() {
        return false;
    }
    match (&mut *binary.lhs, &mut *binary.rhs) {
        (_, Expr::NumberLiteral(NumberLiteral { val })) | (Expr::NumberLiteral(NumberLiteral { val }), _) => {
            *val = change(*val);
            true
        }
        _ => false,
    }
}

fn turn(node: &mut Expr) -> bool {
    let Expr::Binary(binary) = node else { return false };
    let turned = TURNED.iter().find(|(from, _)| TokenType::new(*from) == binary.op);
    if let Some((_, to)) = turned {
        binary.op = TokenType::new(*to);
    }
    turned.is_some()
}

fn on_selector(node: &mut Expr, change: fn(&mut VectorSelector) -> bool) -> bool {
    match node {
        Expr::VectorSelector(selector) => change(selector),
        Expr::MatrixSelector(matrix) => change(&mut matrix.vs),
        _ => false,
    }
}

fn rename(selector: &mut VectorSelector) -> bool {
    match &mut selector.name {
        Some(name) => {
            name.push_str("_renamed");
            true
        }
        None => false,
    }
}

fn misspell(selector: &mut VectorSelector) -> bool {
    match selector.matchers.matchers.first_mut() {
        Some(matcher) => {
            matcher.name.push_str("_misspelt");
            true
        }
        None => false,
    }
}

fn drop_aggregation(node: &mut Expr) -> bool {
    let Expr::Aggregate(aggregate) = node else { return false };
    let inside = (*aggregate.expr).clone();
    *node = inside;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"groups: [{ name: g, rules: [
        { record: r, expr: 'sum by (job) (rate(a_total{code=~"5.."}[5m])) / sum by (job) (rate(a_total[5m]))' },
        { alert: A, expr: 'r > 0.05', for: 1m }, { alert: B, expr: 'up == 0' }] }]"#;

    #[test]
    fn a_threshold_is_the_number_of_the_outermost_comparison() {
        let files = [RuleFile::parse("r.yml", RULES).unwrap()];
        let changed =
            |number: usize| with_threshold(&files[0].groups[0].rules[number], 0.5).map(|rule| rule.expr);
        assert_eq!([0, 1, 2].map(changed), [None, Some("r > 0.5".to_owned()), Some("up == 0.5".to_owned())]);
    }

    #[test]
    fn each_change_is_made_where_it_can_be_and_alone() {
        let files = [RuleFile::parse("r.yml", RULES).unwrap()];
        let all = mutants(&files);
        let of = |rule: &str| -> Vec<(&str, &str)> {
            let own = all.iter().filter(|mutant| mutant.rule.name == rule);
            own.map(|mutant| (mutant.change, mutant.rule.expr.as_str())).collect()
        };
        assert_eq!(
            of("A"),
            [
                ("threshold ×10", "r > 0.5"),
                ("threshold ÷10", "r > 0.005000000000000001"),
                ("for +10m", "r > 0.05"),
                ("comparison turned", "r < 0.05"),
                ("metric renamed", "r_renamed > 0.05"),
            ]
        );
        // Ten times 0 is 0, which would be no change.
        let of_b: Vec<&str> = of("B").into_iter().map(|(change, _)| change).collect();
        assert_eq!(of_b, ["for +10m", "comparison turned", "metric renamed"]);
        assert_eq!(
            of("r")[1].1,
            r#"sum by (job) (rate(a_total{code_misspelt=~"5.."}[5m])) / sum by (job) (rate(a_total[5m]))"#
        );
        assert_eq!(of("r")[2].1, r#"rate(a_total{code=~"5.."}[5m]) / sum by (job) (rate(a_total[5m]))"#);
        for mutant in &all {
            let mutated = mutant.files(&files);
            let rules = mutated[0].groups[0].rules.iter().zip(&files[0].groups[0].rules);
            let differing = rules.filter(|(a, b)| a != b);
            assert_eq!(differing.count(), 1, "{mutant:?}");
        }
    }
}
