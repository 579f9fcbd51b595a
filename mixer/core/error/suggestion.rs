//! Guesses of what a mistyped word means. Their work is bounded, however long the words are.

/// Maximum length of a word that is compared with others.
const NAME_BYTES_MAX: usize = 200;
/// Maximum number of names that a word is compared with; among more of them no mistake is guessed.
pub(crate) const NAMES_COMPARED_MAX: usize = 1_000;
/// Maximum work of one suggestion: the sum of the products of the lengths compared.
const COMPARED_BYTES_MAX: usize = 500_000;

/// `; did you mean "x"?` if one of `known` is close to `word`, else a list of `known`.
#[must_use]
pub fn suggestion<S: AsRef<str>>(word: &str, known: &[S]) -> String {
    match nearest(word, known) {
        Some(name) => format!("; did you mean {name:?}?"),
        None if known.is_empty() => "; there are none".to_owned(),
        None => {
            let names: Vec<&str> = known.iter().map(AsRef::as_ref).take(30).collect();
            format!("; expected {}{}", if names.len() > 1 { "one of " } else { "" }, names.join(", "))
        }
    }
}

/// The one of `known` that is close to `word`, if there is one.
#[must_use]
pub fn nearest<'a, S: AsRef<str>>(word: &str, known: &'a [S]) -> Option<&'a str> {
    // The edit distance of a very long word takes too much memory.
    let is_nameable = word.len() <= NAME_BYTES_MAX && known.len() <= NAMES_COMPARED_MAX;
    let nameable = if is_nameable { known } else { &[] };
    let mut compared = 0;
    let closest = nameable
        .iter()
        .filter(|k| k.as_ref().len() <= NAME_BYTES_MAX)
        .take_while(|k| {
            compared += word.len() * k.as_ref().len();
            compared <= COMPARED_BYTES_MAX
        })
        .map(|k| (strsim::damerau_levenshtein(word, k.as_ref()), k.as_ref()))
        .filter(|(distance, k)| {
            let len = k.chars().count().max(word.chars().count());
            *distance <= (len / 3).max(1) && *distance < len
        })
        .min();
    // The word may be the first or last part of a name.
    let has_part = |k: &&str| {
        k.strip_suffix(word).is_some_and(|start| start.ends_with('_'))
            || k.strip_prefix(word).is_some_and(|end| end.starts_with('_'))
    };
    closest.map(|(_, name)| name).or_else(|| nameable.iter().map(AsRef::as_ref).find(has_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_name_is_suggested_and_a_far_one_lists_all() {
        assert_eq!(suggestion("sine_wav", &["sine_wave", "random_walk"]), "; did you mean \"sine_wave\"?");
        assert_eq!(suggestion("walk", &["sine_wave", "random_walk"]), "; did you mean \"random_walk\"?");
        assert_eq!(suggestion("random", &["sine_wave", "random_walk"]), "; did you mean \"random_walk\"?");
        assert_eq!(
            suggestion("zzz", &["sine_wave", "random_walk"]),
            "; expected one of sine_wave, random_walk"
        );
    }
}
