//! Text files of users: UTF-8, with or without a byte order mark.
//!
//! Every text that a user writes is read here, so that a mark, which some editors add, is nowhere part of the text.

use std::io;
use std::path::Path;

use crate::user_file;

/// U+FEFF at the beginning of a file: the byte order mark of UTF-8.
const MARK: char = '\u{feff}';
/// The same in UTF-8.
const MARK_BYTES: &[u8] = "\u{feff}".as_bytes();

/// The text of a file, without a byte order mark.
///
/// # Errors
///
/// The file cannot be read, is larger than `bytes_max`, or is not UTF-8.
pub fn read(path: &Path, bytes_max: u64) -> io::Result<String> {
    text_of(user_file::read(path, bytes_max)?)
}

/// The text that these bytes of a file are, without a byte order mark.
///
/// # Errors
///
/// The bytes are not UTF-8.
pub fn text_of(bytes: Vec<u8>) -> io::Result<String> {
    let invalid = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(invalid("the file is UTF-16; save it as UTF-8"));
    }
    let text = String::from_utf8(bytes).map_err(|_| invalid("the file is not UTF-8; save it as UTF-8"))?;
    Ok(without_mark(&text).map(str::to_owned).unwrap_or(text))
}

/// The bytes of a file in a format that allows text of any encoding, as PEM does, without a byte order mark.
#[must_use]
pub fn bytes_without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK_BYTES).unwrap_or(bytes)
}

/// The rest of a text that begins with a byte order mark.
#[must_use]
pub fn without_mark(text: &str) -> Option<&str> {
    text.strip_prefix(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_text() {
        assert_eq!(text_of(b"\xef\xbb\xbfs3cret".to_vec()).unwrap(), "s3cret");
        assert_eq!(text_of(b"a\xef\xbb\xbfb".to_vec()).unwrap(), "a\u{feff}b", "only at the beginning");
        assert_eq!(text_of("plain ü".into()).unwrap(), "plain ü");
        assert_eq!(bytes_without_mark(b"\xef\xbb\xbf-----\xfc"), b"-----\xfc");
        assert_eq!(bytes_without_mark(b"\xef\xbb"), b"\xef\xbb");
    }

    #[test]
    fn another_encoding_is_named() {
        for bytes in [b"\xff\xfea\0".to_vec(), b"\xfe\xff\0a".to_vec()] {
            assert_eq!(text_of(bytes).unwrap_err().to_string(), "the file is UTF-16; save it as UTF-8");
        }
        assert!(text_of(b"\xe4".to_vec()).unwrap_err().to_string().contains("not UTF-8"));
    }
}
