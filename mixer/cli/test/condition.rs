//! The conditions of verdicts as queries whose elements are 0 or 1.
//!
//! A comparison in PromQL leaves out the elements for which it is false, so that nothing tells them from missing ones. With `bool`
//! they are there, as 0.

use promemu_core::verdict::{Answer, Element, ResultSeries};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{BinModifier, Expr};

use super::promql::{may_compare, parse};

/// Number of series whose values are kept for a chart.
const CHARTED_MAX: usize = 20;

/// A condition as it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The query.
    pub(super) query: String,
    /// `true` if an element is 0 where the condition is false; otherwise it is not there.
    pub(super) has_zeros: bool,
    /// `true` if its values are wanted, not its truth.
    is_value: bool,
    /// The reason for which nobody knows where it is false.
    pub(super) hindrance: Option<String>,
}

impl Condition {
    /// The condition of a query. One that is no comparison is true for each of its elements.
    pub(super) fn of(query: &str) -> Self {
        let plain = Self { query: query.to_owned(), has_zeros: false, is_value: false, hindrance: None };
        match parse(query).map(without_parentheses) {
            Ok(Expr::Binary(mut binary)) if binary.op.is_comparison_operator() => {
                let modifier = binary.modifier.get_or_insert_with(BinModifier::default);
                modifier.return_bool = true;
                Self { query: Expr::Binary(binary).to_string(), has_zeros: true, ..plain }
            }
            // Elements for which it is false would be missing from the answer, and nobody would notice.
            Err(why) if may_compare(query) => {
                let why = why.lines().next().unwrap_or_default();
                let text =
                    format!("promemu does not understand its comparison: {why}; write it in other words");
                Self { hindrance: Some(text), ..plain }
            }
            _ => plain,
        }
    }

    /// The condition that asks for the values of a query.
    pub(super) fn values_of(query: &str) -> Self {
        Self { query: query.to_owned(), has_zeros: true, is_value: true, hindrance: None }
    }

    /// The answer from the results of the query, as far as it is judged: at each step the first element that is false, and the
    /// first that is true. Of values those of some series, as many as a chart shows.
    ///
    /// # Errors
    ///
    /// Nobody knows where it is false.
    pub(super) fn answer(&self, results: Vec<ResultSeries>, steps: usize) -> Result<Answer, String> {
        if let Some(why) = &self.hindrance {
            return Err(why.clone());
        }
        let mut answer: Answer = vec![Vec::new(); steps];
        let series_max = if self.is_value { CHARTED_MAX } else { usize::MAX };
        for ResultSeries { labels, values } in results.into_iter().take(series_max) {
            for (step, value) in values {
                let value = if self.has_zeros { value } else { 1.0 };
                let is_true = |value: f64| value != 0.0;
                let Some(elements) = answer.get_mut(step) else { continue };
                if self.is_value || elements.iter().all(|known| is_true(known.value) != is_true(value)) {
                    elements.push(Element { labels: label_text(&labels), value });
                }
            }
        }
        Ok(answer)
    }
}

/// Labels as in PromQL; empty if there are none.
pub(super) fn label_text(labels: &[(String, String)]) -> String {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(", ")) }
}

/// The comparison of an alert's expression with a number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comparison {
    /// The query for the one of its values that is farthest on the side on which the alert is on.
    pub(super) query: String,
    /// The number.
    pub(super) threshold: f64,
    /// `true` if the alert is on above the number.
    pub(super) is_above: bool,
}

impl Comparison {
    /// That of an expression which is one on the whole, and says above or below.
    pub(super) fn of(expression: &str) -> Option<Self> {
        let Ok(Expr::Binary(binary)) = parse(expression).map(without_parentheses) else { return None };
        let is_greater = match binary.op.to_string().as_str() {
            ">" | ">=" => true,
            "<" | "<=" => false,
            _ => return None,
        };
        let (value, threshold, is_above) = match (number(&binary.lhs), number(&binary.rhs)) {
            (None, Some(threshold)) => (&binary.lhs, threshold, is_greater),
            (Some(threshold), None) => (&binary.rhs, threshold, !is_greater),
            _ => return None,
        };
        let farthest = if is_above { "max" } else { "min" };
        let is_vector = value.value_type() == ValueType::Vector;
        is_vector.then(|| Self { query: format!("{farthest}({value})"), threshold, is_above })
    }

    /// Its name among the answers.
    pub(super) fn key(&self) -> String {
        format!("value of {}", self.query)
    }
}

/// The number that an expression is.
fn number(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(inside) => number(&inside.expr),
        Expr::Unary(negative) => number(&negative.expr).map(|number| -number),
        _ => None,
    }
}

/// The value that an alert's expression compares, as a query, and the threshold; the whole expression if it is no comparison.
pub(super) fn value_and_threshold(expression: &str) -> (String, Option<f64>) {
    if let Ok(Expr::Binary(binary)) = parse(expression).map(without_parentheses)
        && binary.op.is_comparison_operator()
        && let Expr::NumberLiteral(threshold) = &*binary.rhs
    {
        return (binary.lhs.to_string(), Some(threshold.val));
    }
    (expression.to_owned(), None)
}

fn without_parentheses(expression: Expr) -> Expr {
    match expression {
        Expr::Paren(inside) => without_parentheses(*inside.expr),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_says_where_it_is_false() {
        let asked = |query: &str| Condition::of(query);
        for (query, with_bool) in [
            ("up == 1", "up == bool 1"),
            ("(up == 1)", "up == bool 1"),
            (
                "sum by (job) (rate(a_total{code=~\"5..\"}[5m])) / b < 0.05",
                "sum by (job) (rate(a_total{code=~\"5..\"}[5m])) / b < bool 0.05",
            ),
            ("a > on (x) group_left () b", "a > bool on (x) group_left () b"),
            ("a < bool 1", "a < bool 1"),
        ] {
            let asked = asked(query);
            assert_eq!((&*asked.query, asked.has_zeros, asked.hindrance), (with_bool, true, None));
        }
        for query in ["up", "a < 1 and b > 2", "absent(up)", "not a query", "new_function!(up)"] {
            let asked = asked(query);
            assert_eq!((&*asked.query, asked.has_zeros, asked.hindrance), (query, false, None));
        }
    }

    #[test]
    fn a_comparison_with_a_number_says_on_which_side_an_alert_is_on() {
        for (expression, query, threshold, is_above) in [
            ("rate(a_total[5m]) > 0.9", "max(rate(a_total[5m]))", 0.9, true),
            ("(free / size <= (0.1))", "min(free / size)", 0.1, false),
            ("5 < up", "max(up)", 5.0, true),
            ("-5 >= temperature", "min(temperature)", -5.0, false),
            ("sum by (job) (up) >= 1e3", "max(sum by (job) (up))", 1e3, true),
        ] {
            let found = Comparison { query: query.to_owned(), threshold, is_above };
            assert_eq!(Comparison::of(expression), Some(found), "{expression}");
        }
        for expression in [
            "up == 0",
            "a > b",
            "a > 1 and b",
            "up",
            "2 > 1",
            "vector(1)",
            "time() > 5",
            "a > bool 1 > 0 or b",
            "wrong(",
        ] {
            assert_eq!(Comparison::of(expression), None, "{expression}");
        }
    }

    #[test]
    fn a_comparison_that_is_not_understood_is_not_taken_for_true() {
        let large = format!("{}up{} == 1", "(".repeat(1_000), ")".repeat(1_000));
        for query in ["new_function!(up) < 1", "up > new!", "{x!=\"1\"} new 5", "a == b new", &large] {
            let asked = Condition::of(query);
            let why = asked.answer(Vec::new(), 1).unwrap_err();
            assert!(why.starts_with("promemu does not understand its comparison: "), "{query}: {why}");
            assert!(!why.contains('\n') && asked.query == query, "{why}");
        }
    }
}
