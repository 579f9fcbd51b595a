//! The variables of a dashboard.

use serde_json::Value;

use super::{list, text_of};

/// A variable of a dashboard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrafanaVariable {
    /// Its name.
    pub name: String,
    /// The source of its values.
    pub kind: VariableKind,
    /// The regular expression that selects values, or parts of them; as it is written, and empty if there is none.
    pub regex: String,
    /// `true` if all values can be selected at once.
    pub has_all: bool,
    /// The text that stands for all values, unless they stand themselves.
    pub all_value: Option<String>,
    /// `true` if several values can be selected.
    pub is_multi: bool,
}

/// The source of a variable's values.
#[derive(Clone, Debug, PartialEq)]
pub enum VariableKind {
    /// A question to the data source, as in `label_values(up, job)`.
    Query(String),
    /// These values.
    Values(Vec<String>),
    /// Anything, with one value by default.
    Free(String),
}

impl Default for VariableKind {
    fn default() -> Self {
        Self::Values(Vec::new())
    }
}

/// A variable; `None` for one without a name.
pub(super) fn variable(found: &Value) -> Option<GrafanaVariable> {
    let name = text_of(&found["name"])?;
    let query = || {
        let of_query = [&found["query"], &found["query"]["query"], &found["definition"]];
        of_query.into_iter().find_map(text_of).unwrap_or_default()
    };
    let current = || {
        let value = &found["current"]["value"];
        text_of(value).or_else(|| list(value).find_map(text_of)).unwrap_or_default()
    };
    let kind = match found["type"].as_str() {
        Some("query") => VariableKind::Query(query()),
        Some("custom") => VariableKind::Values(values_of(&query(), true)),
        Some("interval") => {
            let mut steps = values_of(&query(), false);
            steps.retain(|step| step != "auto" && !step.starts_with("$__auto"));
            VariableKind::Values(steps)
        }
        Some("constant") => VariableKind::Values(vec![query()]),
        Some("textbox") => {
            let text = query();
            VariableKind::Free(if text.is_empty() { current() } else { text })
        }
        _ => VariableKind::Free(current()),
    };
    Some(GrafanaVariable {
        name,
        kind,
        regex: text_of(&found["regex"]).unwrap_or_default(),
        has_all: found["includeAll"] == true,
        all_value: text_of(&found["allValue"]),
        is_multi: found["multi"] == true,
    })
}

/// The values of a list with commas, of which some are escaped; with `has_names` as in `name : value`.
fn values_of(text: &str, has_names: bool) -> Vec<String> {
    const ESCAPED: char = '\u{0}';
    let text = text.replace("\\,", &ESCAPED.to_string());
    let value = |item: &str| {
        let item = item.trim().replace(ESCAPED, ",");
        match item.split_once(" : ") {
            Some((_, value)) if has_names => value.trim().to_owned(),
            _ => item,
        }
    };
    text.split(',').map(value).filter(|value| !value.is_empty()).collect()
}
