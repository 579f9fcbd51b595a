//! Hashes of texts, in hexadecimal digits.

use ring::digest::{Context, SHA256, digest};

use crate::recording::hashed_file::hex;

/// SHA-256 of a text.
#[must_use]
pub fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

/// SHA-256 of texts, each of which is told apart from the next.
pub fn key<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut digest = Context::new(&SHA256);
    for text in texts {
        digest.update(&(text.as_ref().len() as u64).to_le_bytes());
        digest.update(text.as_ref().as_bytes());
    }
    hex(digest.finish().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        assert_eq!(sha256("a"), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
        assert_ne!(key(["ab", "c"]), key(["a", "bc"]));
        assert_eq!(key(["ab", "c"]), key(["ab".to_owned(), "c".to_owned()]));
    }
}
