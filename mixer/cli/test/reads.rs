//! The series that an expression of PromQL reads.

use std::convert::Infallible;

use promql_parser::label::Matcher;
use promql_parser::parser::{AggregateExpr, AtModifier, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::promql::parse;

/// Name of the series that alerts make.
pub(super) const ALERTS: &str = "ALERTS";
/// Name of the series with the time since which alerts are active.
const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// The series that an expression reads.
#[derive(Clone, Debug)]
pub(super) enum Reads {
    /// Those of its selectors.
    Selectors {
        selectors: Vec<VectorSelector>,
        /// `true` if a time in it is that of the first or the last step of a range.
        has_range_time: bool,
    },
    /// It is in words that are new to promemu: each name in its text may be one that it reads.
    Unknown(String),
}

impl Reads {
    pub(super) fn of(expression: &str) -> Self {
        let Ok(parsed) = parse(expression) else { return Self::Unknown(expression.to_owned()) };
        let mut found = Found::default();
        let Ok(_is_walked) = walk_expr(&mut found, &parsed);
        Self::Selectors { selectors: found.selectors, has_range_time: found.has_range_time }
    }

    /// `true` if it may read a series of this name, with this label if it is given.
    pub(super) fn may_read(&self, name: &str, label: Option<(&str, &str)>) -> bool {
        match self {
            Self::Selectors { selectors, .. } => {
                selectors.iter().any(|selector| takes(selector, name, label))
            }
            Self::Unknown(text) => {
                let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
                text.split(|c| !is_of_name(c)).any(|word| word == name)
            }
        }
    }

    /// `true` if it has this name, or a pattern that it fits.
    fn names(&self, name: &str) -> bool {
        let is_named = |selector: &VectorSelector| {
            selector.name.is_some() || selector.matchers.matchers.iter().any(|own| own.name == "__name__")
        };
        match self {
            Self::Selectors { selectors, .. } => {
                selectors.iter().any(|selector| is_named(selector) && takes(selector, name, None))
            }
            Self::Unknown(_) => self.may_read(name, None),
        }
    }

    /// The reason for which no range query gives what a rule engine gives; `None` if one does.
    pub(super) fn refusal(&self) -> Option<String> {
        if self.names(ALERTS_FOR_STATE) {
            return Some(format!("{ALERTS_FOR_STATE} is not there in the large mode; use --mode exact"));
        }
        match self {
            Self::Selectors { has_range_time: true, .. } => {
                Some("the large mode does not know start() and end(); use --mode exact".to_owned())
            }
            _ => None,
        }
    }
}

/// `true` if a selector may take a series of this name.
fn takes(selector: &VectorSelector, name: &str, label: Option<(&str, &str)>) -> bool {
    if selector.name.as_ref().is_some_and(|own| own != name) {
        return false;
    }
    let of_series = |matcher: &Matcher| match (matcher.name.as_str(), label) {
        ("__name__", _) => matcher.is_match(name),
        (own, Some((label, value))) if own == label => matcher.is_match(value),
        _ => true,
    };
    let matchers = &selector.matchers;
    matchers.matchers.iter().all(of_series)
        && (matchers.or_matchers.is_empty()
            || matchers.or_matchers.iter().any(|all| all.iter().all(of_series)))
}

#[derive(Default)]
struct Found {
    selectors: Vec<VectorSelector>,
    has_range_time: bool,
}

impl ExprVisitor for Found {
    type Error = Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        let at = match expression {
            Expr::Aggregate(AggregateExpr { param: Some(parameter), .. }) => {
                walk_expr(self, parameter)?;
                &None
            }
            Expr::VectorSelector(selector) => {
                self.selectors.push(selector.clone());
                &selector.at
            }
            Expr::MatrixSelector(selector) => {
                self.selectors.push(selector.vs.clone());
                &selector.vs.at
            }
            Expr::Subquery(subquery) => &subquery.at,
            _ => &None,
        };
        self.has_range_time |= matches!(at, Some(AtModifier::Start | AtModifier::End));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_reads_what_its_selectors_may_take() {
        let reads = |expression: &str, name: &str| Reads::of(expression).may_read(name, None);
        for expression in [
            "a:b",
            "sum by (a) (rate(a:b{x=\"1\"}[5m])) > 1",
            "max_over_time((1 - a:b)[10m:1m])",
            "x / on (y) group_left () a:b offset 5m",
            "{__name__=~\"a:.*\"}",
            "{job=\"j\"}",
            "quantile(scalar(a:b), x)",
            "new_function!(a:b)",
        ] {
            assert!(reads(expression, "a:b"), "{expression}");
        }
        for expression in ["b", "a:bc > 1", "x{y=\"a:b\"}", "{__name__=~\"b:.*\"}", "1", "new!(xa:b)"] {
            assert!(!reads(expression, "a:b"), "{expression}");
        }
    }

    #[test]
    fn an_alert_is_told_from_another_by_its_name() {
        let of = |expression: &str, alert: &str| {
            Reads::of(expression).may_read(ALERTS, Some(("alertname", alert)))
        };
        assert!(of("ALERTS{alertname=\"A\"}", "A") && !of("ALERTS{alertname=\"A\"}", "B"));
        assert!(of("count(ALERTS{alertname=~\"A|B\", alertstate=\"firing\"})", "B"));
        assert!(of("ALERTS", "A") && !of("up", "A"));
    }

    #[test]
    fn an_expression_that_needs_a_rule_engine_is_told() {
        assert!(Reads::of("time() - ALERTS_FOR_STATE > 5").refusal().unwrap().contains("ALERTS_FOR_STATE"));
        for expression in ["x @ start()", "rate(x[5m] @ end())", "sum_over_time(x[5m:1m] @ start())"] {
            assert!(Reads::of(expression).refusal().unwrap().contains("start()"), "{expression}");
        }
        assert_eq!(Reads::of("x @ 5 > ALERTS or {job=\"j\"}").refusal(), None);
    }
}
