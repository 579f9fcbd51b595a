//! The labels of a metric of a new config, as `{code="200|500",zone="a"}`: each of several values has a series.

use std::fmt;

use promemu_core::config::is_free_name;

/// The labels of one metric, with the values of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::new) struct Labels(Vec<(String, Vec<String>)>);

/// The names that the config itself has: of its repetition, of its arguments, and in its scripts.
const OWN_NAMES: [&str; 5] = ["i", "hosts", "ttl", "errors", "part"];

impl Labels {
    /// The labels between braces.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("labels {{{text}}} are not of the form {{label=\"value|other\",label=\"value\"}}");
        let mut labels: Vec<(String, Vec<String>)> = Vec::new();
        for pair in outside_quotes(text, |c| c == ',') {
            let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
            let value = value.trim();
            let bare = value
                .strip_prefix('"')
                .map_or(Some(value), |rest| rest.strip_suffix('"'))
                .ok_or_else(wrong)?;
            let name = name.trim();
            if name.is_empty() || bare.contains(['"', '\\']) {
                return Err(wrong());
            }
            if labels.iter().any(|(other, _)| other == name) {
                return Err(format!("label {name:?} is given twice; write its values as {name}=\"a|b\""));
            }
            labels.push((name.to_owned(), bare.split('|').map(str::to_owned).collect()));
        }
        Ok(Self(labels))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The field `repeat` with its comment, if a label has several values.
    pub(super) fn repeat(&self) -> Option<String> {
        let several = self.0.iter().filter(|(_, values)| values.len() > 1);
        let repeats: Vec<String> = several
            .map(|(name, values)| {
                let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                format!("Repeat(var: {:?}, in: [{}])", variable(name), values.join(", "))
            })
            .collect();
        match repeats.as_slice() {
            [] => None,
            [one] => Some(format!("repeat: {one}")),
            several => Some(format!("repeat: [{}]", several.join(", "))),
        }
    }

    /// The field `labels`.
    pub(super) fn field(&self) -> String {
        let pairs = self.0.iter().map(|(name, values)| match values.as_slice() {
            [value] => format!("{name:?}: {}", quoted(value)),
            _ => format!("{name:?}: \"{{{}}}\"", variable(name)),
        });
        format!("labels: {{ {} }}", pairs.collect::<Vec<_>>().join(", "))
    }

    /// The share of a series in what its metric counts, as a formula of `errors`, the share of errors, if a label tells errors from successes.
    pub(super) fn share(&self) -> Option<String> {
        let is_error = |value: &&String| {
            let is_status =
                value.len() == 3 && value.starts_with('5') && value.bytes().all(|c| c.is_ascii_digit());
            is_status || ["error", "errors", "failed", "failure"].contains(&value.to_lowercase().as_str())
        };
        self.0.iter().find_map(|(name, values)| {
            let (errors, others): (Vec<&String>, Vec<&String>) = values.iter().partition(is_error);
            if errors.is_empty() || others.is_empty() {
                return None;
            }
            let variable = variable(name);
            let is_one: Vec<String> = errors.iter().map(|value| format!("{variable} == {value:?}")).collect();
            let among = |share: &str, count: usize| {
                if count == 1 { share.to_owned() } else { format!("({share}) / {count}") }
            };
            Some(format!(
                "if {} {{ {} }} else {{ {} }}",
                is_one.join(" || "),
                among("errors", errors.len()),
                among("1 - errors", others.len())
            ))
        })
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.0.iter().map(|(name, values)| format!("{name}=\"{}\"", values.join("|")));
        if self.is_empty() { Ok(()) } else { write!(f, "{{{}}}", pairs.collect::<Vec<_>>().join(",")) }
    }
}

/// A variable for the values of a label.
fn variable(label: &str) -> String {
    let is_free = is_free_name(label) && !OWN_NAMES.contains(&label);
    if is_free { label.to_owned() } else { format!("{label}_value") }
}

/// A text of the config, which has no expressions.
fn quoted(value: &str) -> String {
    format!("{:?}", value.replace('{', "{{").replace('}', "}}"))
}

/// The pieces of a text between separators that are not in quotes.
pub(in crate::new) fn outside_quotes(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<&str> {
    let mut is_quoted = false;
    text.split(|c| {
        is_quoted ^= c == '"';
        !is_quoted && is_separator(c)
    })
    .filter(|piece| !piece.is_empty())
    .collect()
}
