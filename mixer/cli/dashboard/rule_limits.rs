//! Limits of metrics: the numbers that alert rules compare them with.
//!
//! A rule sets one if it compares what a panel shows: a gauge, the highest, lowest or mean of it, or a quantile of a histogram. Of a
//! rule about something else, as a ratio of two metrics, no panel shows the limit.

use promql_parser::parser::token::{T_AVG, T_GTE, T_GTR, T_LSS, T_LTE, T_MAX, T_MIN};
use promql_parser::parser::{Call, Expr, VectorSelector};
use serde_json::{Value, json};

use crate::test::{Rules, parse};

/// Functions of a range whose values are those of the series.
const OF_VALUES: [&str; 4] = ["avg_over_time", "max_over_time", "min_over_time", "last_over_time"];
/// The severity whose limits are red; others are orange.
const CRITICAL: &str = "critical";

/// A number that an alert compares a metric with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RuleLimit {
    pub(super) value: f64,
    /// `true` if the alert fires above the number, `false` if below.
    pub(super) is_upper: bool,
    is_critical: bool,
}

/// The limits that these rules set for a metric: a histogram if it has buckets.
pub(super) fn limits(rules: &Rules, name: &str, has_buckets: bool) -> Vec<RuleLimit> {
    let of_alert = |rule: &promemu_wire::rule_file::Rule| {
        let Expr::Binary(binary) = parse(&rule.expr).ok()? else { return None };
        let Expr::NumberLiteral(number) = &*binary.rhs else { return None };
        let is_upper = match binary.op.id() {
            T_GTR | T_GTE => true,
            T_LSS | T_LTE => false,
            _ => return None,
        };
        let shown = if has_buckets { of_quantile(&binary.lhs) } else { of_values(&binary.lhs) };
        let is_critical = rule.labels.get("severity").is_some_and(|severity| severity == CRITICAL);
        let limit = RuleLimit { value: number.val, is_upper, is_critical };
        (shown? == name && number.val.is_finite()).then_some(limit)
    };
    rules.alerts().filter_map(of_alert).collect()
}

/// The metric whose values these are.
fn of_values(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Paren(inside) => of_values(&inside.expr),
        Expr::Aggregate(aggregate) if [T_AVG, T_MAX, T_MIN].contains(&aggregate.op.id()) => {
            of_values(&aggregate.expr)
        }
        Expr::Call(Call { func, args }) if OF_VALUES.contains(&func.name) => of_values(args.args.first()?),
        Expr::MatrixSelector(selector) => name_of(&selector.vs),
        Expr::VectorSelector(selector) => name_of(selector),
        _ => None,
    }
}

/// The histogram of which this is a quantile.
fn of_quantile(expression: &Expr) -> Option<&str> {
    let Expr::Call(Call { func, args }) = expression else { return None };
    if func.name != "histogram_quantile" {
        return None;
    }
    let mut inner = &**args.args.get(1)?;
    loop {
        inner = match inner {
            Expr::Paren(inside) => &inside.expr,
            Expr::Aggregate(aggregate) => &aggregate.expr,
            Expr::Call(Call { args, .. }) => args.args.first()?,
            Expr::MatrixSelector(selector) => {
                let name = name_of(&selector.vs)?;
                return Some(name.strip_suffix("_bucket").unwrap_or(name));
            }
            _ => return None,
        };
    }
}

fn name_of(selector: &VectorSelector) -> Option<&str> {
    selector.name.as_deref()
}

/// Grafana's thresholds of limits, the values between them in this colour.
pub(super) fn steps(limits: &[RuleLimit], colour: &str) -> Value {
    let of_side = |is_upper: bool| {
        let mut of_side: Vec<&RuleLimit> = limits.iter().filter(|limit| limit.is_upper == is_upper).collect();
        of_side.sort_by(|a, b| a.value.total_cmp(&b.value));
        of_side
    };
    let own = |limit: &RuleLimit| if limit.is_critical { "red" } else { "orange" };
    let (below, above) = (of_side(false), of_side(true));
    let first = below.first().map_or(colour, |limit| own(limit));
    let mut steps = vec![json!({ "color": first, "value": null })];
    let next = below.iter().skip(1).map(|limit| own(limit)).chain([colour]);
    steps.extend(below.iter().zip(next).map(|(limit, next)| json!({ "color": next, "value": limit.value })));
    steps.extend(above.iter().map(|limit| json!({ "color": own(limit), "value": limit.value })));
    json!({ "mode": "absolute", "steps": steps })
}
