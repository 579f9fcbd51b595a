//! Small files in RON, other than configs, with errors that say where and what else.

use promemu_core::error::suggestion;
use ron::extensions::Extensions;
use serde::de::DeserializeOwned;

/// The content of a text. The error begins with its line and column.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
    options.from_str(text).map_err(|error| {
        let start = error.span.start;
        let what = match &error.code {
            ron::Error::NoSuchStructField { expected, found, .. } => {
                format!("no field is called {found:?}{}", suggestion(found, expected))
            }
            ron::Error::NoSuchEnumVariant { expected, found, .. } => {
                format!("{found:?} is not known here{}", suggestion(found, expected))
            }
            other => other.to_string(),
        };
        format!("{}:{}: {what}", start.line, start.col)
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
        Green,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        colour: Colour,
        size: Option<u32>,
    }

    #[test]
    fn an_unknown_word_is_told_by_its_place_with_the_one_that_was_meant() {
        let told = |text: &str| parse::<Shape>(text).unwrap_err();
        assert_eq!(parse("(colour: red, size: 3)"), Ok(Shape { colour: Colour::Red, size: Some(3) }));
        insta::assert_snapshot!(told("(colour: red,\n  sise: 3)"), @r#"2:3: no field is called "sise"; did you mean "size"?"#);
        insta::assert_snapshot!(told("(colour: blue)"), @r#"1:10: "blue" is not known here; expected one of red, green"#);
        insta::assert_snapshot!(told("(colour: red"), @"1:10: Expected comma");
    }
}
