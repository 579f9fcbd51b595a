//! Limits of flags, `NAME=VALUE`.

use promemu_core::error::suggestion;

/// The name and the value of a limit. An error tells the names, or the form with an `example`.
pub(crate) fn named<'t>(
    text: &'t str,
    names: &[&'static str],
    example: &str,
) -> Result<(&'static str, &'t str), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is not of the form NAME=VALUE; write it as {example}"))?;
    let name = name.trim();
    let known = names.iter().find(|known| **known == name);
    let known = known.ok_or_else(|| {
        format!("no limit {name:?}{}; they are {}", suggestion(name, names), names.join(", "))
    })?;
    Ok((known, value.trim()))
}

/// The same of a limit that is a number.
pub(crate) fn number(
    text: &str,
    names: &[&'static str],
    example: &str,
) -> Result<(&'static str, f64), String> {
    let (name, value) = named(text, names, example)?;
    let number = value.parse().ok().filter(|number: &f64| number.is_finite());
    let number =
        number.ok_or_else(|| format!("{name} must be a number, but is {value:?}; write it as {example}"))?;
    Ok((name, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_a_known_name_and_a_number() {
        let told = |text: &str| number(text, &["ks", "crps"], "ks=0.1").unwrap_err();
        assert_eq!(number(" ks = 0.2", &["ks"], ""), Ok(("ks", 0.2)));
        assert!(told("kss=1").contains("did you mean \"ks\"?"), "{}", told("kss=1"));
        assert_eq!(told("ks"), "\"ks\" is not of the form NAME=VALUE; write it as ks=0.1");
        for value in ["", "x", "nan", "inf"] {
            assert!(told(&format!("ks={value}")).starts_with("ks must be a number"));
        }
    }
}
