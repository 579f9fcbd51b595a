//! The text of a config.

use crate::call::{Call, Term, Value};
use crate::grouping::{Cell, HostGroup, MetricGroup};
use crate::inventory::Labels;

/// A line that is longer has its fields on lines of their own.
const WIDTH: usize = 180;

/// The number of the host in its group, and of the row in its metric, in expressions.
const HOST: &str = "h";
const ROW: &str = "n";

/// The text of the hosts, each line indented.
pub(crate) fn hosts(groups: &[HostGroup]) -> String {
    let mut text = String::new();
    for group in groups {
        put_host(group, &mut text);
    }
    text
}

fn put_host(group: &HostGroup, text: &mut String) {
    let count = group.hosts.len();
    text.push_str("        Host(\n");
    let mut line = |content: String| put_line(12, &format!("{content},"), text);
    let names: Vec<&str> = group.hosts.iter().map(|host| &*host.name).collect();
    if count > 1 {
        line(format!("repeat: Repeat(var: \"{HOST}\", from: 0, to: {})", count - 1));
    }
    line(format!("name: {}", texts(&names, HOST)));
    line(format!("job_name: {}", quoted(&group.job)));
    line(format!("interval: {}", secs(group.sample_secs)));
    line("ttl: inf".to_owned());
    let labels = group.hosts.iter().map(|host| &host.labels).collect::<Vec<_>>();
    if labels.iter().any(|labels| !labels.is_empty()) {
        line(format!("labels: {}", label_map(&labels, HOST)));
    }
    text.push_str("            metrics: [\n");
    put_metrics(&group.metrics, 16, text);
    text.push_str("            ],\n");
    if !group.overrides.is_empty() {
        text.push_str("            overrides: {\n");
        for (host, metrics) in &group.overrides {
            put_line(16, &format!("{}: Host(metrics: [", quoted(names[*host])), text);
            put_metrics(metrics, 20, text);
            text.push_str("                ]),\n");
        }
        text.push_str("            },\n");
    }
    text.push_str("        ),\n");
}

fn put_metrics(metrics: &[MetricGroup], indent: usize, text: &mut String) {
    for metric in metrics {
        put_line(indent, &format!("// {}", metric.measured), text);
        let fields = fields(metric);
        let one_line = format!("Metric({}),", fields.join(", "));
        if indent + one_line.len() <= WIDTH {
            put_line(indent, &one_line, text);
            continue;
        }
        put_line(indent, "Metric(", text);
        for field in fields {
            put_line(indent + 4, &format!("{field},"), text);
        }
        put_line(indent, "),", text);
    }
}

fn put_line(indent: usize, content: &str, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
    text.push_str(content);
    text.push('\n');
}

fn fields(metric: &MetricGroup) -> Vec<String> {
    let mut fields = Vec::new();
    let rows: Vec<&Labels> = metric.rows.iter().collect();
    if rows.len() > 1 {
        fields.push(format!("repeat: Repeat(var: \"{ROW}\", from: 0, to: {})", rows.len() - 1));
    }
    fields.push(format!("name: {}", quoted(&metric.name)));
    if rows.iter().any(|labels| !labels.is_empty()) {
        fields.push(format!("labels: {}", label_map(&rows, ROW)));
    }
    let mut cells = metric.cells.iter();
    for (name, value) in &metric.record.fields {
        let mut text = format!("{name}: ");
        put_value(value, &mut cells, &mut text);
        fields.push(text);
    }
    fields
}

fn put_call(call: &Call, cells: &mut std::slice::Iter<'_, Cell>, text: &mut String) {
    text.push_str(call.name);
    if call.fields.is_empty() {
        return;
    }
    text.push('(');
    for (n, (name, value)) in call.fields.iter().enumerate() {
        if n > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push_str(": ");
        put_value(value, cells, text);
    }
    text.push(')');
}

fn put_value(value: &Value, cells: &mut std::slice::Iter<'_, Cell>, text: &mut String) {
    let mut next = |number: &f64, show: fn(f64) -> String| {
        if !number.is_finite() {
            return number.to_string();
        }
        match cells.next() {
            Some(cell) => shown(cell, show),
            None => show(*number),
        }
    };
    match value {
        Value::Number(number) => text.push_str(&next(number, plain)),
        Value::Secs(number) => text.push_str(&next(number, secs)),
        Value::Range(low, high) => {
            let low = next(low, plain);
            text.extend(["(", &low, ", ", &next(high, plain), ")"]);
        }
        Value::Numbers(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(|number| next(number, plain)).collect();
            text.extend(["[", &numbers.join(", "), "]"]);
        }
        Value::Word(word) => text.push_str(word),
        Value::Text(own) => text.push_str(&quoted(own)),
        Value::Formula(terms) => {
            let mut formula = String::new();
            for part in terms {
                match part {
                    Term::Number(number) => {
                        formula.push_str(&cells.next().map_or_else(|| plain(*number), expression));
                    }
                    Term::Word(word) => formula.push_str(word),
                }
            }
            text.extend(["\"", &formula, "\""]);
        }
        Value::Record(call) => put_call(call, cells, text),
        Value::Records(of) => {
            text.push('[');
            for (n, call) in of.iter().enumerate() {
                if n > 0 {
                    text.push_str(", ");
                }
                put_call(call, cells, text);
            }
            text.push(']');
        }
        Value::Events(events) => put_events(events, cells, text),
    }
}

fn put_events(events: &[(String, Option<Call>)], cells: &mut std::slice::Iter<'_, Cell>, text: &mut String) {
    text.push_str("{ ");
    for (n, (event, call)) in events.iter().enumerate() {
        text.push_str(if n > 0 { ", " } else { "" });
        text.extend([&*quoted(event), ": ("]);
        if let Some(call) = call {
            text.push_str("scenario: ");
            put_call(call, cells, text);
        }
        text.push(')');
    }
    text.push_str(" }");
}

/// A cell as a value: a number, or an expression in braces.
fn shown(cell: &Cell, show: fn(f64) -> String) -> String {
    match cell {
        Cell::Same(number) => show(*number),
        _ => format!("\"{{{}}}\"", expression(cell)),
    }
}

/// A cell within an expression.
fn expression(cell: &Cell) -> String {
    // A list of whole numbers would divide as such.
    let list = |numbers: &[f64]| numbers.iter().map(|number| plain(*number)).collect::<Vec<_>>().join(", ");
    match cell {
        Cell::Same(number) => plain(*number),
        Cell::ByRow(numbers) => format!("[{}][{ROW}]", list(numbers)),
        Cell::ByHost(numbers) => format!("[{}][{HOST}]", list(numbers)),
        Cell::ByBoth(table) => {
            let rows: Vec<String> = table.iter().map(|numbers| format!("[{}]", list(numbers))).collect();
            format!("[{}][{HOST}][{ROW}]", rows.join(", "))
        }
    }
}

/// A map of labels, each with one value or one for each item.
fn label_map(items: &[&Labels], item: &str) -> String {
    let Some(first) = items.first() else { return "{}".to_owned() };
    let entries = first.iter().map(|(name, _)| {
        let of = |labels: &&Labels| {
            labels.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let values: Vec<String> = items.iter().map(of).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        format!("{}: {}", quoted(name), texts(&values, item))
    });
    format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
}

/// A text for all items, or one for each.
fn texts(values: &[&str], item: &str) -> String {
    match values {
        [first, rest @ ..] if rest.iter().all(|value| value == first) => quoted(first),
        _ => {
            let list: Vec<String> = values.iter().map(|value| in_expression(value)).collect();
            raw(&format!("{{[{}][{item}]}}", list.join(", ")))
        }
    }
}

/// A text as a string of a config, in which braces are expressions.
pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", text.replace('{', "{{").replace('}', "}}"))
}

/// A text as a string of an expression.
fn in_expression(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A string without escapes.
fn raw(text: &str) -> String {
    let mut hashes = "#".to_owned();
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// A number; very large and very small ones have an exponent.
pub(crate) fn plain(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    if (1e-4..1e15).contains(&number.abs()) { number.to_string() } else { format!("{number:e}") }
}

/// A duration.
pub(crate) fn secs(secs: f64) -> String {
    format!("\"{}s\"", plain(secs))
}
