//! Selection of series by matchers, as PromQL has them.

use std::fmt;

use promemu_core::name_regex;
use regex_lite::Regex;

use super::label_text::{take_name, take_text};
use super::{NAME, ReadSeries};

/// The comparison of a matcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchKind {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchKind {
    /// The operator.
    #[must_use]
    pub const fn operator(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// A condition on a label.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// The comparison.
    pub kind: MatchKind,
    /// A value, or an expression for it.
    pub value: String,
    regex: Option<Regex>,
}

/// Conditions that a series must meet, all of them.
#[derive(Clone, Debug, Default)]
pub struct Selector(Vec<Matcher>);

impl Matcher {
    fn new(label: &str, kind: MatchKind, value: &str) -> Result<Self, String> {
        let is_regex = matches!(kind, MatchKind::Regex | MatchKind::NotRegex);
        let regex = is_regex.then(|| name_regex::parse_whole(value)).transpose();
        let regex = regex.map_err(|why| format!("{value:?} {why}"))?;
        Ok(Self { label: label.to_owned(), kind, value: value.to_owned(), regex })
    }

    fn matches(&self, series: &ReadSeries) -> bool {
        // A label that is not there is an empty one.
        let value = series.label(&self.label).unwrap_or_default();
        let is_found = self.regex.as_ref().map_or_else(|| value == self.value, |regex| regex.is_match(value));
        matches!(self.kind, MatchKind::Equal | MatchKind::Regex) == is_found
    }
}

impl Selector {
    /// Reads `{label="value",…}`, with or without a name before it.
    ///
    /// # Errors
    ///
    /// In words: the text is no selector.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, inside) = match text.split_once('{') {
            None => (text, ""),
            Some((name, rest)) => {
                let inside = rest.strip_suffix('}');
                (name.trim(), inside.ok_or_else(|| format!("selector {text:?} has no }} at its end"))?)
            }
        };
        let mut matchers = Vec::new();
        if !name.is_empty() {
            matchers.push(Matcher::new(NAME, MatchKind::Equal, name)?);
        }
        let mut rest = inside.trim_start();
        while !rest.is_empty() {
            matchers.push(take_matcher(&mut rest).map_err(|why| format!("selector {text:?}: {why}"))?);
        }
        if matchers.is_empty() {
            return Err(format!("selector {text:?} selects nothing; write a name, or {{label=\"value\"}}"));
        }
        Ok(Self(matchers))
    }

    /// Its matchers.
    #[must_use]
    pub fn matchers(&self) -> &[Matcher] {
        &self.0
    }

    /// `true` if a series meets all conditions.
    #[must_use]
    pub fn matches(&self, series: &ReadSeries) -> bool {
        self.0.iter().all(|matcher| matcher.matches(series))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (n, matcher) in self.0.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            write!(f, "{comma}{}{}{:?}", matcher.label, matcher.kind.operator(), matcher.value)?;
        }
        f.write_str("}")
    }
}

/// Takes a matcher, and the comma behind it.
fn take_matcher(rest: &mut &str) -> Result<Matcher, String> {
    let label = take_name(rest).to_owned();
    if label.is_empty() {
        return Err("a label is missing".to_owned());
    }
    let behind = rest.trim_start();
    let kinds = [MatchKind::Regex, MatchKind::NotRegex, MatchKind::NotEqual, MatchKind::Equal];
    let kind = kinds.into_iter().find(|kind| behind.starts_with(kind.operator()));
    let kind = kind.ok_or_else(|| format!("{label} has no =, !=, =~ or !~"))?;
    *rest = behind[kind.operator().len()..].trim_start();
    let value = take_text(rest)?;
    *rest = rest.trim_start();
    *rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    Matcher::new(&label, kind, &value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(metric: &str, job: &str) -> ReadSeries {
        let labels = [(NAME, metric), ("job", job)];
        ReadSeries::of_labels(labels.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    #[test]
    fn a_selector_selects_as_promql_does() {
        for (text, selected) in [
            ("up", [true, false, false]),
            ("{__name__=~\"up|down\"}", [true, true, false]),
            ("{job=\"a\"}", [true, false, true]),
            ("up{job!='b'}", [true, false, false]),
            ("{ job !~ \"a\" , other = \"\" }", [false, true, false]),
        ] {
            let selector = Selector::parse(text).unwrap();
            let given = [series("up", "a"), series("down", "b"), series("upper", "a")];
            assert_eq!(given.map(|series| selector.matches(&series)), selected, "{text}");
        }
        let shown = Selector::parse("up{job=~'a.*'}").unwrap().to_string();
        assert_eq!(shown, "{__name__=\"up\",job=~\"a.*\"}");
    }

    #[test]
    fn a_wrong_selector_is_told() {
        for (text, error) in [
            ("", "selector \"\" selects nothing; write a name, or {label=\"value\"}"),
            ("up{", "selector \"up{\" has no } at its end"),
            ("{a}", "selector \"{a}\": a has no =, !=, =~ or !~"),
            ("{a=b}", "selector \"{a=b}\": a quoted text is missing before \"b\""),
        ] {
            assert_eq!(Selector::parse(text).unwrap_err(), error);
        }
        assert!(Selector::parse("{a=~\"(\"}").unwrap_err().contains("is not a regular expression"));
    }
}
