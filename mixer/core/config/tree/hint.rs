//! The text to write in place of a text that is no RON, for the mistakes that people make: expressions without quotes, missing
//! commas, the habits of other languages.

/// The message for the first error that `ron` finds in a text, at this byte.
pub(super) fn message(text: &str, at: usize, error: &ron::Error) -> String {
    let rest = text[at..].trim_start();
    let before = text[..at].trim_end();
    let at = text.len() - rest.len();
    let found = of_place(text, before, rest)
        .or_else(|| range(text, at))
        .or_else(|| number_with_unit(text, at))
        .or_else(|| of_brackets(text, at, rest));
    found.unwrap_or_else(|| match error {
        ron::Error::ExpectedComma if !rest.is_empty() => match next_token(rest) {
            Some(token) => format!("expected a comma before {token}, or a closing bracket"),
            None => describe_syntax(error),
        },
        _ => describe_syntax(error),
    })
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
fn of_place(text: &str, before: &str, rest: &str) -> Option<String> {
    if rest.starts_with('=') {
        return Some("expected a colon: a field is written name: value".to_owned());
    }
    if before.ends_with('#') || rest.starts_with("# ") {
        return Some("a comment begins with //, not with #".to_owned());
    }
    if let Some(quoted) = in_single_quotes(before, rest) {
        return Some(format!("text is written in double quotes; write \"{quoted}\""));
    }
    if rest.starts_with(':') {
        let is_root = !before.contains(['(', '[', '{']);
        let root = "a config is RON, and not YAML; write Config(hosts: […])";
        let map = "a map is written in braces, as in { \"zone\": \"a\" }";
        return Some(if is_root { root } else { map }.to_owned());
    }
    let word = word_before(before);
    if rest.starts_with('{') && !word.is_empty() && word != "if" {
        return Some(format!("fields stand in round brackets; write {word}(field: value)"));
    }
    let is_in_braces = before[..before.len() - word.len()].trim_end().ends_with('{');
    if rest.starts_with('}') && is_in_braces && !word.is_empty() {
        return Some(format!("an expression is text; write \"{{{word}}}\""));
    }
    expression(text, before, rest)
}

/// An expression, or a name with a dash, without its quotes.
fn expression(text: &str, before: &str, rest: &str) -> Option<String> {
    let word = word_before(before);
    let start = before.len() - word.len();
    let whole = || text[start..start + value_length(&text[start..])].trim_end();
    if word == "if" || rest.starts_with("if ") {
        let start = if word == "if" { start } else { text.len() - rest.len() };
        let whole = text[start..start + value_length(&text[start..])].trim_end();
        return Some(format!("an expression is text; write \"{{{whole}}}\""));
    }
    let has_operator = rest.starts_with(['+', '-', '*', '%', '<', '>', '&', '|', '?'])
        || (rest.starts_with('/') && !rest.starts_with("//") && !rest.starts_with("/*"));
    if !has_operator || word.is_empty() {
        return None;
    }
    let is_name = rest.starts_with('-')
        && text[before.len()..].starts_with('-')
        && !word.starts_with(|c: char| c.is_ascii_digit());
    if is_name {
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let name = &text[start..];
        let name = &name[..name.find(|c| !part(c)).unwrap_or(name.len())];
        return Some(format!("text is written in quotes; write \"{name}\""));
    }
    if whole().ends_with('%') {
        return Some(format!("a percentage is a number; write {word}"));
    }
    Some(format!("an expression is text; write \"{{{}}}\"", whole()))
}

/// A text in single quotes around the place.
fn in_single_quotes<'a>(before: &'a str, rest: &'a str) -> Option<&'a str> {
    let inside = |text: &'a str| {
        text.split(['\'', '\n']).next().filter(|inside| text[inside.len()..].starts_with('\''))
    };
    if let Some(after) = rest.strip_prefix('\'') {
        return inside(after);
    }
    let (_, after) = before.rsplit_once('\'')?;
    let is_open = after.len() < 2 && !after.contains(['"', '\n']);
    let quoted = inside(rest).filter(|_| is_open)?;
    // What stands before the place belongs to it, too.
    after.is_empty().then_some(quoted)
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
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let start = text[..at].trim_end_matches(is_part).len();
    let end = text[start..].find(|c| !is_part(c)).map_or(text.len(), |length| start + length);
    let word = &text[start..end];
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | '.'));
    let is_one = word.starts_with(|c: char| c.is_ascii_digit()) && unit.starts_with(char::is_alphabetic);
    is_one.then(|| format!("a number with a unit is text; write \"{word}\""))
}

/// A bracket that is open at the end of the file, or closed by another one.
fn of_brackets(text: &str, at: usize, rest: &str) -> Option<String> {
    let (bracket, line) = open_bracket(&text[..at])?;
    let close = match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    };
    let behind = rest.strip_prefix(next_token(rest).unwrap_or_default()).unwrap_or(rest);
    match rest.chars().next().filter(|_| !behind.trim_start().is_empty()) {
        None => {
            Some(format!("the file ends, but the {bracket} of line {line} is open; close it with {close}"))
        }
        Some(found @ (')' | ']' | '}')) if found != close => {
            Some(format!("the {bracket} of line {line} is open; close it with {close} before this {found}"))
        }
        _ => None,
    }
}

/// The innermost bracket that is open at the end of a text, and its line.
fn open_bracket(text: &str) -> Option<(char, usize)> {
    let mut open = Vec::new();
    let mut line = 1;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => line += 1,
            '(' | '[' | '{' => open.push((c, line)),
            ')' | ']' | '}' => drop(open.pop()),
            '"' => {
                while let Some((_, c)) = chars.next() {
                    match c {
                        '\\' => drop(chars.next()),
                        '\n' => line += 1,
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '/' if text[at..].starts_with("//") => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            _ => {}
        }
    }
    open.pop()
}

/// The word at the end of a text; empty if another character is there.
fn word_before(text: &str) -> &str {
    let start = text.trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.')).len();
    &text[start..]
}

/// The length of the value that a text begins with: up to the comma or bracket that ends it, or the line's end.
fn value_length(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' | ',' if depth == 0 => return at,
            ')' | ']' | '}' => depth -= 1,
            '\n' => return at,
            _ => {}
        }
    }
    text.len()
}

/// The word, text or number that a text begins with, for messages.
fn next_token(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let length = if let Some(inside) = text.strip_prefix('"') {
        inside.find('"').map(|end| end + 2).filter(|length| *length < 40)?
    } else {
        text.find(|c| !is_part(c)).unwrap_or(text.len())
    };
    (length > 0).then(|| &text[..length])
}

#[cfg(test)]
mod tests {
    use crate::config::tree::parse;

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
        ];
        let said: Vec<String> = cases
            .iter()
            .map(|text| format!("{}\n    {}", text.replace('\n', "⏎"), parse(text).unwrap_err().1))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
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
            expected a comma before b, or a closing bracket
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
            the file ends, but the [ of line 2 is open; close it with ]
        Config(⏎    a: [1, 2),⏎)
            the [ of line 2 is open; close it with ] before this )
        Config(a: 1
            the file ends, but the ( of line 1 is open; close it with )
        Config(a: "(", // (⏎ b: (1, 2]
            the ( of line 2 is open; close it with ) before this ]
        Config(a: 1) Config(b: 2)
            there is more behind the config's end; a file holds one Config(…), or a map of them
        "#);
    }
}
