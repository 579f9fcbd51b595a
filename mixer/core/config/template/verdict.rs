//! Verdicts in a template: `verdicts` of a config.

use crate::config::fields::{Fields, read_name, read_scalar, read_text, read_texts};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::Scalar;
use crate::error::{Problems, SourceSpan, suggestion};
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) struct VerdictTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) kind: VerdictKind,
    /// The fault that it is about.
    pub(in crate::config) of: Option<Scalar<String>>,
    /// The phase that it is about.
    pub(in crate::config) during: Option<Scalar<String>>,
}

#[derive(Debug)]
pub(in crate::config) enum VerdictKind {
    Fires { alert: AlertTemplate, within: Option<Scalar<Span>>, times: Option<Scalar<i64>> },
    Resolves { alert: AlertTemplate, within: Scalar<Span> },
    NoOtherAlerts { except: Vec<Scalar<String>> },
    Holds { query: String },
    First { query: String, between: Option<(Scalar<Span>, Scalar<Span>)> },
    Series { total: Option<Scalar<i64>>, each: Option<Scalar<i64>> },
    Panels { dashboard: Scalar<String>, may_be_empty: Vec<String> },
    QueryTime { query: String, p95: Scalar<Span>, runs: Option<Scalar<i64>> },
    Notifies { receiver: Scalar<String>, alert: AlertTemplate, within: Option<Scalar<Span>> },
}

#[derive(Debug)]
pub(in crate::config) struct AlertTemplate {
    pub(in crate::config) name: Scalar<String>,
    pub(in crate::config) labels: Vec<(String, Scalar<String>)>,
}

/// The verdicts, each with an example.
const VERDICTS: [(&str, &str); 9] = [
    ("fires", "fires(alert: \"HighErrorRatio\", within: \"3m\", of: \"db-slow\")"),
    ("resolves", "resolves(alert: \"HighErrorRatio\", within: \"5m\", of: \"db-slow\")"),
    ("no_other_alerts", "no_other_alerts()"),
    ("holds", "holds(query: \"error_ratio < 0.05\", during: \"baseline\")"),
    ("first", "first(query: \"latency > 5\")"),
    ("series", "series(total: 10000, each: 500)"),
    ("panels", "panels(dashboard: \"hosts.json\")"),
    ("query", "query(query: \"sum(rate(requests_total[5m]))\", p95: \"1s\")"),
    ("notifies", "notifies(receiver: \"pager\", alert: \"HighErrorRatio\", within: \"5m\", of: \"db-slow\")"),
];

impl VerdictTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let name = match &node.kind {
            NodeKind::Struct(Some(name), _) | NodeKind::Word(name) => name.clone(),
            NodeKind::Tuple(Some(name), items) if items.is_empty() => name.clone(),
            NodeKind::Tuple(Some(name), _) => {
                let form = VERDICTS.iter().find(|(known, _)| known == name).map(|(_, form)| *form);
                let form = form.unwrap_or(VERDICTS[0].1);
                problems.error(span, format!("a verdict has its values by name, as in {form}"));
                return None;
            }
            other => {
                let (found, form) = (other.describe(), VERDICTS[0].1);
                problems.error(span, format!("expected a verdict, as in {form}; found {found}"));
                return None;
            }
        };
        let Some((what, _)) = VERDICTS.into_iter().find(|(known, _)| *known == name) else {
            let hint = suggestion(&name, &VERDICTS.map(|(known, _)| known));
            problems.error(span, format!("unknown verdict {name:?}{hint}"));
            return None;
        };
        let node = match node.kind {
            NodeKind::Word(_) => Node { kind: NodeKind::Nothing, ..node },
            _ => node,
        };
        let mut fields = Fields::of(node, what, problems)?;
        let errors = problems.error_count();
        let kind = read_kind(what, &mut fields, problems);
        let has_scope = !matches!(what, "no_other_alerts" | "series" | "panels" | "query");
        let mut scope = |name| has_scope.then(|| fields.scalar(name, problems)).flatten();
        let (of, during) = (scope("of"), scope("during"));
        fields.refuse_unknown(problems);
        let kind = kind.filter(|_| problems.error_count() == errors)?;
        Some(Self { span, kind, of, during })
    }
}

fn read_kind(what: &str, fields: &mut Fields, problems: &mut Problems) -> Option<VerdictKind> {
    match what {
        "fires" => {
            let alert = read_alert(fields, problems);
            let (within, times) = (fields.scalar("within", problems), fields.scalar("times", problems));
            Some(VerdictKind::Fires { alert: alert?, within, times })
        }
        "resolves" => {
            let (alert, within) = (read_alert(fields, problems), fields.needed("within", problems));
            Some(VerdictKind::Resolves { alert: alert?, within: within? })
        }
        "no_other_alerts" => {
            let except = fields.take("except");
            let except = except.map(|node| read_texts(&node, "except", problems)).unwrap_or_default();
            Some(VerdictKind::NoOtherAlerts { except })
        }
        "panels" => {
            let dashboard = fields.needed("dashboard", problems);
            let may_be_empty = read_titles(fields, problems);
            Some(VerdictKind::Panels { dashboard: dashboard?, may_be_empty })
        }
        "query" => {
            let (query, p95) = (read_query(fields, problems), fields.needed("p95", problems));
            let runs = fields.scalar("runs", problems);
            Some(VerdictKind::QueryTime { query: query?, p95: p95?, runs })
        }
        "notifies" => {
            let (receiver, alert) = (fields.needed("receiver", problems), read_alert(fields, problems));
            let within = fields.scalar("within", problems);
            Some(VerdictKind::Notifies { receiver: receiver?, alert: alert?, within })
        }
        "holds" => Some(VerdictKind::Holds { query: read_query(fields, problems)? }),
        "first" => {
            let query = read_query(fields, problems);
            let between = fields.take("between").map(|node| read_between(&node, problems));
            let between = match between {
                None => None,
                Some(between) => Some(between?),
            };
            Some(VerdictKind::First { query: query?, between })
        }
        _ => {
            let (total, each) = (fields.scalar("total", problems), fields.scalar("each", problems));
            Some(VerdictKind::Series { total, each })
        }
    }
}

/// Titles of panels, whose braces are Grafana's, and no expressions.
fn read_titles(fields: &mut Fields, problems: &mut Problems) -> Vec<String> {
    let Some(node) = fields.take("may_be_empty") else { return Vec::new() };
    let titles = match node.kind {
        NodeKind::List(titles) => titles,
        _ => vec![node],
    };
    let expected = "the title of a panel, as in \"Errors of $service\"";
    titles.iter().filter_map(|title| read_text(title, ("may_be_empty", expected), problems)).collect()
}

fn read_alert(fields: &mut Fields, problems: &mut Problems) -> Option<AlertTemplate> {
    let name = fields.needed("alert", problems);
    let labels = fields.map("labels", problems).into_iter().filter_map(|(key, value)| {
        let name = read_name(&key, "a label's name", problems)?;
        let value = read_scalar(&value, &name, problems)?;
        Some((name, value))
    });
    let labels = labels.collect();
    Some(AlertTemplate { name: name?, labels })
}

/// A query of PromQL, whose braces are no expressions.
fn read_query(fields: &mut Fields, problems: &mut Problems) -> Option<String> {
    let Some(node) = fields.take("query") else {
        problems.error(fields.span(), "a verdict of a query needs a field \"query\"");
        return None;
    };
    read_text(&node, ("query", "a query, as in \"up == 1\""), problems)
}

fn read_between(node: &Node, problems: &mut Problems) -> Option<(Scalar<Span>, Scalar<Span>)> {
    if let NodeKind::Tuple(None, items) = &node.kind
        && let [from, to] = items.as_slice()
    {
        let (from, to) = (read_scalar(from, "between", problems), read_scalar(to, "between", problems));
        return Some((from?, to?));
    }
    let found = node.kind.describe();
    problems.error(node.span, format!("between is a pair of times, as in (\"50m\", \"1h\"); found {found}"));
    None
}
