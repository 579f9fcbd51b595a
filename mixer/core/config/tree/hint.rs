//! The text to write in place of a text that is no RON, for the mistakes that people make: expressions without quotes, missing
//! commas, the habits of other languages.

use super::brackets::{Open, OpenBracket};
use crate::error::SourceSpan;
use crate::expression::is_function;

/// The message for the first error that `ron` finds in a text, at this place; and the place of the mistake, which may be
/// before it.
pub(super) fn message(text: &str, place: SourceSpan, error: &ron::Error) -> (SourceSpan, String) {
    let rest = text[place.start..].trim_start();
    let before = text[..place.start].trim_end();
    let at = text.len() - rest.len();
    let is_endless = matches!(error, ron::Error::ExpectedStringEnd);
    let open = Open::at_end_of(if is_endless { text } else { before });
    if let Some((at, message)) = of_file(text).or_else(|| of_quotes(text, before, rest, &open)) {
        return (SourceSpan { start: at, end: at + 1 }, message);
    }
    if let (ron::Error::ExpectedMapColon, Some(bracket)) = (error, open.brackets.last())
        && bracket.bracket == '{'
        && !rest.starts_with(['=', '*', '+'])
        && (!rest.starts_with('}') || is_struct(&text[bracket.at + 1..]))
    {
        let message = "a list is written in square brackets, as in [a, b]; a map has a colon behind each name, as in { \"a\": b }";
        return (SourceSpan { start: bracket.at, end: bracket.at + 1 }, message.to_owned());
    }
    let found = of_place(text, before, rest, &open)
        .or_else(|| range(text, at))
        .or_else(|| number_with_unit(text, at))
        .or_else(|| of_brackets(rest, &open));
    let message = found.unwrap_or_else(|| match error {
        ron::Error::ExpectedComma if !rest.is_empty() => match next_token(rest) {
            Some(token) => format!("expected a comma before {token}, or a closing bracket"),
            None => describe_syntax(error),
        },
        _ => describe_syntax(error),
    });
    (place, message)
}

/// `true` for a text that begins as a host or a metric does: `Host(…`.
fn is_struct(text: &str) -> bool {
    let text = text.trim_start();
    let name = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    name.starts_with(char::is_uppercase) && text[name.len()..].trim_start().starts_with('(')
}

/// The mistake of a file that has no config at all.
fn of_file(text: &str) -> Option<(usize, String)> {
    let has_config = text.lines().any(|line| !line.trim().is_empty() && !line.trim().starts_with("//"));
    (!has_config).then(|| (0, "the file has no config; write one, as in Config(hosts: […])".to_owned()))
}

/// The mistake in the quotes around the place: a missing one, or one that a word processor made.
fn of_quotes(text: &str, before: &str, rest: &str, open: &Open) -> Option<(usize, String)> {
    const CURLY: [char; 6] = ['“', '”', '„', '‘', '’', '‚'];
    if let Some(inside) = rest.strip_prefix(CURLY) {
        let inside = inside.split(CURLY).next().filter(|inside| !inside.contains(['\n', '"']));
        let inside = inside.unwrap_or("text");
        return Some((
            text.len() - rest.len(),
            format!("text is written in straight quotes; write \"{inside}\""),
        ));
    }
    let (start, end) = open.quoted?;
    let line = text[start..].lines().next().unwrap_or_default();
    let is_left_open = match end {
        None => true,
        // The next quote of the text, which was to begin another one, has closed it.
        Some(end) => {
            let is_here = end + 1 == before.len() && line.len() < end - start;
            is_here && line.trim_end().ends_with([',', ')', ']', '}', '(', '['])
        }
    };
    let written = line.trim_end().trim_end_matches([',', ')', ']', '}', ' ']);
    is_left_open
        .then(|| (start, format!("the text that begins here has no closing quote; write {written}\"")))
}

/// A syntax error of the `ron` crate, in plain words.
pub(super) fn describe_syntax(error: &ron::Error) -> String {
    match error {
        ron::Error::Eof => "the file ends too early; close what is open".to_owned(),
        ron::Error::ExpectedComma => "expected a comma, or a closing bracket".to_owned(),
        ron::Error::TrailingCharacters => {
            "there is more behind the config's end; a file holds one Config(…), or a map of them".to_owned()
        }
        ron::Error::ExceededRecursionLimit => "nested too deeply; a config has at most 128 levels".to_owned(),
        other => {
            let text = other.to_string();
            let mut chars = text.chars();
            let first = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
            format!("not valid RON: {first}{}", chars.as_str())
        }
    }
}

/// The mistake that the text on both sides of the place shows.
fn of_place(text: &str, before: &str, rest: &str, open: &Open) -> Option<String> {
    if rest.starts_with('=') {
        let start = value_start(text, before, open);
        let has_colon = text[..start].trim_end().ends_with([':', '[']);
        return Some(if has_colon && start < before.len() {
            format!("text is written in quotes; write \"{}\"", bare_text(&text[start..]))
        } else {
            "expected a colon: a field is written name: value".to_owned()
        });
    }
    if before.ends_with('#') || rest.starts_with("# ") {
        return Some("a comment begins with //, not with #".to_owned());
    }
    if let Some(quoted) = in_single_quotes(before, rest) {
        return Some(format!("text is written in double quotes; write \"{quoted}\""));
    }
    if rest.starts_with(':') {
        return Some(of_colon(text, open));
    }
    let word = word_before(before);
    if rest.starts_with('{') && !word.is_empty() && word != "if" {
        return Some(format!("fields stand in round brackets; write {word}(field: value)"));
    }
    let is_in_braces = before[..before.len() - word.len()].trim_end().ends_with('{');
    if rest.starts_with('}') && is_in_braces && !word.is_empty() {
        return Some(format!("an expression is text; write \"{{{word}}}\""));
    }
    expression(text, before, rest, open)
}

/// The mistake of a colon behind a text.
fn of_colon(text: &str, open: &Open) -> String {
    let Some(bracket) = open.brackets.last() else {
        return "a config is RON, and not YAML; write Config(hosts: […])".to_owned();
    };
    let key = open.quoted.and_then(|(start, end)| text.get(start + 1..end?));
    match key {
        Some(key) if !word_before(&text[..bracket.at]).is_empty() => {
            format!("the name of a field has no quotes; write {key}: value")
        }
        _ => "a map is written in braces, as in { \"zone\": \"a\" }".to_owned(),
    }
}

/// An expression, or a name with other characters, without its quotes.
fn expression(text: &str, before: &str, rest: &str, open: &Open) -> Option<String> {
    let start = value_start(text, before, open);
    let value = &text[start..];
    let whole = value[..value_length(value)].trim_end();
    let word = word_before(before);
    if word == "if" || rest.starts_with("if ") {
        return Some(as_expression(whole));
    }
    // A pattern that begins with its star ends the reading behind it.
    let pattern = bare_text(value);
    if pattern.starts_with(['*', '?']) && before.len() <= start + 1 {
        return Some(format!("text is written in quotes; write \"{pattern}\""));
    }
    let has_operator = rest.starts_with(['+', '-', '*', '%', '<', '>', '&', '|', '?'])
        || (rest.starts_with('/') && !rest.starts_with("//") && !rest.starts_with("/*"));
    if !has_operator || whole.is_empty() {
        return None;
    }
    let is_close = text[before.len()..].starts_with(['-', '*', '?']);
    let begins_as_number = whole.starts_with(|c: char| c.is_ascii_digit());
    let name = bare_text(value);
    // A pattern has its star at the end of a part; a product has a factor there.
    let is_pattern = name.contains(['*', '?'])
        && name
            .split(['*', '?'])
            .skip(1)
            .all(|part| !part.starts_with(|c: char| c.is_alphanumeric() || c == '('));
    let is_name = rest.starts_with('-') && is_close && !word.is_empty() && name == whole;
    if !begins_as_number && (is_name || (is_pattern && name == whole)) {
        return Some(format!("text is written in quotes; write \"{name}\""));
    }
    if whole.ends_with('%') {
        return Some(format!("a percentage is a number; write {}", whole.trim_end_matches(['%', ' '])));
    }
    (before.len() > start).then(|| as_expression(whole))
}

/// The sentence for an expression without quotes. A text in it takes other quotes around the whole.
fn as_expression(whole: &str) -> String {
    let (open, close) = if whole.contains(['"', '\\']) { ("r#\"", "\"#") } else { ("\"", "\"") };
    format!("an expression is text; write {open}{{{whole}}}{close}")
}

/// The beginning of the value around the place where `before` ends: of a call of a function, or of numbers in brackets, the
/// beginning of the whole expression.
fn value_start(text: &str, before: &str, open: &Open) -> usize {
    let first = |at: usize| text.len() - text[at..].trim_start().len();
    let mut start = open.brackets.last().map_or(0, |bracket| first(bracket.value_at.min(before.len())));
    for pair in open.brackets.windows(2).rev() {
        let [outer, inner] = pair else { break };
        let outside = first(outer.value_at.min(before.len()));
        if inner.bracket != '(' || !is_calculated(text, outside, inner) {
            break;
        }
        start = outside;
    }
    start
}

/// `true` for a bracket of an expression, whose text begins at `start`.
fn is_calculated(text: &str, start: usize, bracket: &OpenBracket) -> bool {
    let name = text[start..bracket.at].trim_end();
    let called = word_before(name);
    if !called.is_empty() {
        return is_function(called);
    }
    // An operator stands before it or behind it.
    let behind = &text[bracket.at + 1..];
    let behind = behind[length_until(behind, &[])..].trim_start();
    let behind = behind.strip_prefix(')').unwrap_or_default().trim_start();
    !name.is_empty() || (behind.starts_with(['+', '-', '*', '/', '%']) && !behind.starts_with("//"))
}

/// The characters up to a blank or to the end of a value, as those of a name, a pattern or a matcher.
fn bare_text(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, ',' | ')' | ']' | '}' | '"' | '('));
    &text[..end.unwrap_or(text.len())]
}

/// A text in single quotes around the place.
fn in_single_quotes<'a>(before: &'a str, rest: &'a str) -> Option<&'a str> {
    let inside = |text: &'a str| {
        text.split(['\'', '\n']).next().filter(|inside| text[inside.len()..].starts_with('\''))
    };
    if let Some(after) = rest.strip_prefix('\'') {
        return inside(after);
    }
    inside(rest).filter(|_| before.ends_with('\''))
}

/// The pair for two numbers with two dots between them, around this place.
pub(super) fn range(text: &str, at: usize) -> Option<String> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '_');
    let start = text[..at].trim_end_matches(is_part).len();
    let word = &text[start..];
    let word = &word[..word.find(|c| !is_part(c)).unwrap_or(word.len())];
    let (low, high) = word.split_once("..")?;
    let are_numbers = low.parse::<f64>().is_ok() && high.parse::<f64>().is_ok();
    are_numbers.then(|| format!("a range of numbers is a pair; write ({low}, {high})"))
}

/// The bare word around this place, if it is a number with a unit, as in `10m`.
fn number_with_unit(text: &str, at: usize) -> Option<String> {
    let word = &text[at - word_before(&text[..at]).len()..];
    let word = &word[..word.find(|c| !is_in_word(c)).unwrap_or(word.len())];
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '.'));
    let is_one = word.starts_with(|c: char| c.is_ascii_digit()) && unit.starts_with(char::is_alphabetic);
    is_one.then(|| format!("a number with a unit is text; write \"{word}\""))
}

/// A bracket that is open at the end of the file, or closed by another one.
fn of_brackets(rest: &str, open: &Open) -> Option<String> {
    let bracket = open.brackets.last()?;
    let OpenBracket { bracket: sign, line, .. } = bracket;
    let close = bracket.close();
    let behind = rest.strip_prefix(next_token(rest).unwrap_or_default()).unwrap_or(rest);
    match rest.chars().next().filter(|_| !behind.trim_start().is_empty()) {
        None => Some(format!("the file ends, but the {sign} of line {line} is open; close it with {close}")),
        Some(found @ (')' | ']' | '}')) if found != close => {
            Some(format!("the {sign} of line {line} is open; close it with {close} before this {found}"))
        }
        _ => None,
    }
}

/// The word at the end of a text; empty if another character is there.
fn word_before(text: &str) -> &str {
    &text[text.trim_end_matches(is_in_word).len()..]
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.')
}

/// The length of the value that a text begins with: up to the comma or bracket that ends it, or the line's end.
fn value_length(text: &str) -> usize {
    let line = text.find('\n').unwrap_or(text.len());
    length_until(&text[..line], &[','])
}

/// The length up to the first closing bracket without an opening one, or of one of `stops` outside of brackets.
fn length_until(text: &str, stops: &[char]) -> usize {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return at,
            ')' | ']' | '}' => depth -= 1,
            _ if depth == 0 && stops.contains(&c) => return at,
            _ => {}
        }
    }
    text.len()
}

/// The word, text or number that a text begins with, for messages.
fn next_token(text: &str) -> Option<&str> {
    let length = if let Some(inside) = text.strip_prefix('"') {
        inside.find('"').map(|end| end + 2).filter(|length| *length < 40)?
    } else {
        text.find(|c| !is_in_word(c) && c != '-').unwrap_or(text.len())
    };
    (length > 0).then(|| &text[..length])
}

#[cfg(test)]
mod tests {
    use crate::config::tree::parse;

    /// The message, with its line if it is not the first one.
    fn said(text: &str) -> String {
        let (place, message) = parse(text).unwrap_err();
        let line = text[..place.start].matches('\n').count() + 1;
        if line > 1 { format!("{line}: {message}") } else { message }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "it is a list of mistakes and their answers")]
    fn a_mistake_gets_the_text_to_write() {
        let cases = [
            "Config(a: if x { 1 } else { 2 })",
            "Config(a: [1, if x { (1, 2) } else { (2, 3) }, 4])",
            "Config(a: 5 * 60, b: 1)",
            "Config(a: n + 1)",
            "Config(a: 60 / n)",
            "Config(a: 5%)",
            "Config(a: web-1)",
            "Config(a: \"x\" b: 1)",
            "Config(a: [1 2])",
            "Config(a: [\"x\" \"y\"])",
            "Config(a: 1\n    b: 2)",
            "Config(a: 15m)",
            "Config(a: 1KB)",
            "Config(a: 0..100)",
            "Config(a: 14s..16s)",
            "Config(a: 'web-1')",
            "Config(a: ['web-1'])",
            "Config(a = 1)",
            "Config(a: (\"zone\": 1))",
            "Config(a: [Host { name: 1 }])",
            "Config(a: {n})",
            "# a comment\nConfig(a: 1)",
            "Config(a: 1, # a comment\n b: 2)",
            "hosts:\n  - name: a",
            "Config(\n    a: [1, 2,\n",
            "Config(\n    a: [1, 2),\n)",
            "Config(a: 1",
            "Config(a: \"(\", // (\n b: (1, 2]",
            "Config(a: 1) Config(b: 2)",
            "Config(a: floor(40 * dt), b: 1)",
            "Config(a: [min(5, max(2 * t, 1)) + 1])",
            "Config(a: floor(dt) * 2)",
            "Config(a: (n + 1) * 2)",
            "Config(a: random_walk(3 * n))",
            "Config(a: (n + 1, 5))",
            "Config(a: if zone == \"a\" { 1 } else { 2 })",
            "Config(a: web-*, b: 1)",
            "Config(a: web*)",
            "Config(a: *)",
            "Config(a: [*-a, db-?])",
            "Config(a: [db-?, *-a])",
            "Config(a: zone=north)",
            "Config(a: role=web-*)",
            "Config(a: n - 1)",
            "Config(\n    a: \"web-1,\n    b: \"x\",\n)",
            "Config(\n    a: [\"x],\n    b: \"y\",\n)",
            "Config(\n    a: \"x\",\n    b: \"y,\n)",
            "Config(a: “web”)",
            "Config(a: ‘web’, b: 1)",
            "Config(\n    hosts: {\n        Host(name: \"a\"),\n    },\n)",
            "Config(hosts: { 1, 2 })",
            "Config(hosts: { Host(name: \"a\") })",
            "",
            "\n// nothing yet\n",
            "Config(\"description\": \"x\")",
            "Config(hosts: [Host(\"name\": \"x\")])",
        ];
        let said: Vec<String> =
            cases.iter().map(|text| format!("{}\n    {}", text.replace('\n', "⏎"), said(text))).collect();
        insta::assert_snapshot!(said.join("\n"), @r##"
        Config(a: if x { 1 } else { 2 })
            an expression is text; write "{if x { 1 } else { 2 }}"
        Config(a: [1, if x { (1, 2) } else { (2, 3) }, 4])
            an expression is text; write "{if x { (1, 2) } else { (2, 3) }}"
        Config(a: 5 * 60, b: 1)
            an expression is text; write "{5 * 60}"
        Config(a: n + 1)
            an expression is text; write "{n + 1}"
        Config(a: 60 / n)
            an expression is text; write "{60 / n}"
        Config(a: 5%)
            a percentage is a number; write 5
        Config(a: web-1)
            text is written in quotes; write "web-1"
        Config(a: "x" b: 1)
            expected a comma before b, or a closing bracket
        Config(a: [1 2])
            expected a comma before 2, or a closing bracket
        Config(a: ["x" "y"])
            expected a comma before "y", or a closing bracket
        Config(a: 1⏎    b: 2)
            2: expected a comma before b, or a closing bracket
        Config(a: 15m)
            a number with a unit is text; write "15m"
        Config(a: 1KB)
            a number with a unit is text; write "1KB"
        Config(a: 0..100)
            a range of numbers is a pair; write (0, 100)
        Config(a: 14s..16s)
            a number with a unit is text; write "14s..16s"
        Config(a: 'web-1')
            text is written in double quotes; write "web-1"
        Config(a: ['web-1'])
            text is written in double quotes; write "web-1"
        Config(a = 1)
            expected a colon: a field is written name: value
        Config(a: ("zone": 1))
            a map is written in braces, as in { "zone": "a" }
        Config(a: [Host { name: 1 }])
            fields stand in round brackets; write Host(field: value)
        Config(a: {n})
            an expression is text; write "{n}"
        # a comment⏎Config(a: 1)
            a comment begins with //, not with #
        Config(a: 1, # a comment⏎ b: 2)
            a comment begins with //, not with #
        hosts:⏎  - name: a
            a config is RON, and not YAML; write Config(hosts: […])
        Config(⏎    a: [1, 2,⏎
            2: the file ends, but the [ of line 2 is open; close it with ]
        Config(⏎    a: [1, 2),⏎)
            2: the [ of line 2 is open; close it with ] before this )
        Config(a: 1
            the file ends, but the ( of line 1 is open; close it with )
        Config(a: "(", // (⏎ b: (1, 2]
            2: the ( of line 2 is open; close it with ) before this ]
        Config(a: 1) Config(b: 2)
            there is more behind the config's end; a file holds one Config(…), or a map of them
        Config(a: floor(40 * dt), b: 1)
            an expression is text; write "{floor(40 * dt)}"
        Config(a: [min(5, max(2 * t, 1)) + 1])
            an expression is text; write "{min(5, max(2 * t, 1)) + 1}"
        Config(a: floor(dt) * 2)
            an expression is text; write "{floor(dt) * 2}"
        Config(a: (n + 1) * 2)
            an expression is text; write "{(n + 1) * 2}"
        Config(a: random_walk(3 * n))
            an expression is text; write "{3 * n}"
        Config(a: (n + 1, 5))
            an expression is text; write "{n + 1}"
        Config(a: if zone == "a" { 1 } else { 2 })
            an expression is text; write r#"{if zone == "a" { 1 } else { 2 }}"#
        Config(a: web-*, b: 1)
            text is written in quotes; write "web-*"
        Config(a: web*)
            text is written in quotes; write "web*"
        Config(a: *)
            text is written in quotes; write "*"
        Config(a: [*-a, db-?])
            text is written in quotes; write "*-a"
        Config(a: [db-?, *-a])
            text is written in quotes; write "db-?"
        Config(a: zone=north)
            text is written in quotes; write "zone=north"
        Config(a: role=web-*)
            text is written in quotes; write "role=web-*"
        Config(a: n - 1)
            an expression is text; write "{n - 1}"
        Config(⏎    a: "web-1,⏎    b: "x",⏎)
            2: the text that begins here has no closing quote; write "web-1"
        Config(⏎    a: ["x],⏎    b: "y",⏎)
            2: the text that begins here has no closing quote; write "x"
        Config(⏎    a: "x",⏎    b: "y,⏎)
            3: the text that begins here has no closing quote; write "y"
        Config(a: “web”)
            text is written in straight quotes; write "web"
        Config(a: ‘web’, b: 1)
            text is written in straight quotes; write "web"
        Config(⏎    hosts: {⏎        Host(name: "a"),⏎    },⏎)
            2: a list is written in square brackets, as in [a, b]; a map has a colon behind each name, as in { "a": b }
        Config(hosts: { 1, 2 })
            a list is written in square brackets, as in [a, b]; a map has a colon behind each name, as in { "a": b }
        Config(hosts: { Host(name: "a") })
            a list is written in square brackets, as in [a, b]; a map has a colon behind each name, as in { "a": b }

            the file has no config; write one, as in Config(hosts: […])
        ⏎// nothing yet⏎
            the file has no config; write one, as in Config(hosts: […])
        Config("description": "x")
            the name of a field has no quotes; write description: value
        Config(hosts: [Host("name": "x")])
            the name of a field has no quotes; write name: value
        "##);
    }
}
