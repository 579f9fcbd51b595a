//! The output of `promtool test rules`, of whose expectations each is an empty answer: so it prints the answers.

use promemu_core::verdict::Element;

use super::condition::label_text;

/// The mark of a query, a comment behind it: a number of the query and of the step.
pub(super) fn mark(query: usize, step: usize) -> String {
    format!("# promemu {query}:{step}")
}

/// The answer to one query at one step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PrintedAnswer {
    /// Number of the query.
    pub(super) query: usize,
    /// Number of the step.
    pub(super) step: usize,
    /// The elements with their labels, or an error.
    pub(super) result: Result<Vec<LabelledValue>, String>,
}

/// An element of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LabelledValue {
    /// Its labels, in promtool's order.
    pub(super) labels: Vec<(String, String)>,
    /// Its value.
    pub(super) value: f64,
}

impl LabelledValue {
    /// The same as an element of a condition's answer.
    pub(super) fn element(&self) -> Element {
        Element { labels: label_text(&self.labels), value: self.value }
    }
}

/// The answers in the output, and the lines that belong to none.
pub(super) fn read(output: &str) -> (Vec<PrintedAnswer>, Vec<String>) {
    let (mut answers, mut others) = (Vec::new(), Vec::new());
    let mut open = None;
    for line in output.lines() {
        let text = line.trim_start();
        if text.starts_with("expr: ") {
            let Some((query, step, rest)) = marked(text) else {
                others.push(line.to_owned());
                continue;
            };
            open = Some((query, step));
            if let Some((_, error)) = rest.split_once(", err: ") {
                answers.push(PrintedAnswer { query, step, result: Err(error.to_owned()) });
            }
        } else if let (Some((query, step)), Some(printed)) = (open, text.strip_prefix("got:")) {
            let result = elements(printed.trim().trim_matches('"'))
                .ok_or_else(|| format!("promtool printed an answer that is not understood: {printed}"));
            answers.push(PrintedAnswer { query, step, result });
        } else if !text.is_empty() && !text.starts_with("exp:") {
            others.push(line.to_owned());
        }
    }
    (answers, others)
}

/// The numbers of a marked query, and the text behind it.
fn marked(text: &str) -> Option<(usize, usize, &str)> {
    let (_, behind) = text.rsplit_once("# promemu ")?;
    let (numbers, rest) = behind.split_once('"')?;
    let (query, step) = numbers.split_once(':')?;
    Some((query.parse().ok()?, step.parse().ok()?, rest))
}

/// The elements of an answer, as in `{a="b"} 1E+00, {} NaN`.
fn elements(mut text: &str) -> Option<Vec<LabelledValue>> {
    let mut elements = Vec::new();
    if text == "nil" {
        return Some(elements);
    }
    loop {
        let (labels, rest) = labels(text)?;
        let (value, rest) = rest.trim_start().split_once(',').unwrap_or((rest.trim_start(), ""));
        elements.push(LabelledValue { labels, value: value.trim().parse().ok()? });
        text = rest.trim_start();
        if text.is_empty() {
            return Some(elements);
        }
    }
}

/// Labels as in `{a="b", c="d"}`, and the text behind them.
fn labels(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut rest = text.strip_prefix('{')?;
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (name, behind) = rest.split_once('=')?;
        let (value, behind) = quoted(behind)?;
        labels.push((name.trim_matches('"').to_owned(), value));
        rest = behind;
    }
}

/// A text in quotes with the escapes of Go, and the text behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &inside[at + 1..])),
            '\\' => {
                let (_, escaped) = chars.next()?;
                let digits = match escaped {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                let hex: String = chars.by_ref().take(digits).map(|(_, digit)| digit).collect();
                value.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'v' => '\u{b}',
                    'x' | 'u' | 'U' => char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?,
                    other => other,
                });
            }
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_with_their_labels_errors_and_other_lines() {
        let printed = "Unit Testing:  t.yml\n  FAILED:\n    expr: \"ALERTS # promemu 0:12\", time: 3m,\n        exp: nil\n        \
            got: {__name__=\"ALERTS\", a=\"x, {y}=\\\"1\\\"\\n\\u0007\"} 1E+00, {} NaN\n    \
            expr: \"a{b=\\\"# promemu 9:9\\\"} # promemu 1:3\", time: 1m15s, err: found duplicate series, many\n\n  other: trouble\n";
        let (answers, others) = read(printed);
        let labels = vec![
            ("__name__".to_owned(), "ALERTS".to_owned()),
            ("a".to_owned(), "x, {y}=\"1\"\n\u{7}".to_owned()),
        ];
        let values = answers[0].result.clone().unwrap();
        assert_eq!((answers[0].query, answers[0].step, &values[0].labels), (0, 12, &labels));
        assert!(
            values[0].value.to_bits() == 1f64.to_bits()
                && values[1].labels.is_empty()
                && values[1].value.is_nan()
        );
        let error = Err("found duplicate series, many".to_owned());
        assert_eq!(answers[1], PrintedAnswer { query: 1, step: 3, result: error });
        assert_eq!(others, ["Unit Testing:  t.yml", "  FAILED:", "  other: trouble"]);
    }
}
