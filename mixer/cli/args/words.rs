//! The words of a command that takes a config: its name first, then its arguments as `ARGUMENT=VALUE`.

use clap::Args;

/// The arguments behind a config's name.
#[derive(Debug, Default, Args)]
pub(crate) struct ArgumentWords {
    /// Arguments of the config, as in hosts=5; promemu describe NAME lists them
    #[arg(value_name = "ARGUMENT=VALUE")]
    pub(crate) arguments: Vec<String>,
}

impl ArgumentWords {
    /// Takes the words out.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.arguments)
    }
}

/// `true` for `ARGUMENT=VALUE`, not for the path of a file that has an equals sign.
pub(crate) fn is_argument(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// Takes the arguments out of words that are names otherwise.
pub(super) fn take_arguments(words: &mut Vec<String>) -> Vec<String> {
    words.extract_if(.., |word| is_argument(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_a_name_an_equals_sign_and_any_value() {
        for word in ["hosts=5", "ttl=", "größe=1", "_a1=x=y", "label=a b"] {
            assert!(is_argument(word), "{word}");
        }
        for word in ["shop", "./a=b.ron", "a-b=c", "=5", "5=5", "dir/a=b.ron", "-"] {
            assert!(!is_argument(word), "{word}");
        }
    }
}
