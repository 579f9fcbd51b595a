//! The number to write in place of a text that is none.

use crate::expression::{Expression, Value};
use crate::time::Span;

/// The right spelling of a text that people write for a number: a size, a duration, a share, an expression.
pub(super) fn number_hint(value: &Value) -> String {
    let Value::Text(text) = value else { return String::new() };
    let text = text.trim();
    percent_hint(text)
        .or_else(|| duration_hint(text))
        .or_else(|| size_hint(text))
        .or_else(|| expression_hint(text))
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default()
}

fn percent_hint(text: &str) -> Option<String> {
    let count = text.strip_suffix('%')?.trim_end();
    let number = count.parse::<f64>().ok().filter(|number| number.is_finite())?;
    Some(format!("write {count} in percent, or {} as a share of 1", (number * 1e10).round() / 1e12))
}

/// A duration's seconds. A capital M is more likely a million than a month.
fn duration_hint(text: &str) -> Option<String> {
    let is_one = text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(|c: char| c.is_lowercase());
    let span = Span::parse(text).ok().filter(|_| is_one)?;
    Some(format!("numbers of seconds have no unit; write {}", span.as_secs_f64()))
}

/// The right spelling of a size whose unit has other letters than ours: kB is 1000 bytes, KiB 1024.
fn size_hint(text: &str) -> Option<String> {
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (count, unit) = (text[..digits].trim(), text[digits..].to_ascii_lowercase());
    let units =
        ["B", "kB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB", "PiB", "kbit", "Mbit", "Gbit"];
    let known = units.iter().filter(|known| known.eq_ignore_ascii_case(&unit));
    // A quantity of Kubernetes has no B: 1Gi, 500M.
    let short = units.iter().filter(|known| {
        (unit.len() == 1 || unit.ends_with('i')) && known.to_ascii_lowercase() == format!("{unit}b")
    });
    let meant: Vec<&str> = known.chain(short).copied().collect();
    let meant = meant.first().filter(|_| count.parse::<f64>().is_ok())?;
    let binary = if meant.len() == 2 {
        let letter = meant[..1].to_ascii_uppercase();
        format!(" (powers of 1000), or {count}{letter}iB (powers of 1024)")
    } else {
        String::new()
    };
    Some(format!("write {count}{meant}{binary}"))
}

/// The way to write a calculation that stands in a text for a number.
fn expression_hint(text: &str) -> Option<String> {
    let is_calculation = text.contains(['.', '(', '+', '*', '/']) || text.contains(" - ");
    let expression = Expression::compile(text).ok().filter(|_| is_calculation)?;
    if expression.reads_the_run() {
        return Some(format!(
            "this field has one value for the whole run; a formula stands in a script, as in script(source: {text:?})"
        ));
    }
    Some(format!("an expression in a field stands in braces; write {:?}", format!("{{{text}}}")))
}
