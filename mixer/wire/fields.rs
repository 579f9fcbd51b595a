//! Protobuf messages as their fields, to be split where a server refuses a whole request.
//!
//! It knows no message type: callers know the tags.

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// Number and wire type; those of larger numbers are not told apart.
    pub(crate) tag: u8,
    /// The whole field, tag included.
    pub(crate) bytes: &'a [u8],
    /// The content of a field with a length, else nothing.
    pub(crate) content: &'a [u8],
}

/// The fields of a message; `None` for anything else.
pub(crate) fn fields(message: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let (key, key_len) = varint(rest)?;
        let (content, len) = match key & 7 {
            0 => (0..0, key_len + varint(&rest[key_len..])?.1),
            1 => (0..0, key_len + 8),
            2 => {
                let (len, len_len) = varint(&rest[key_len..])?;
                let start = key_len + len_len;
                let end = start.checked_add(usize::try_from(len).ok()?)?;
                (start..end, end)
            }
            5 => (0..0, key_len + 4),
            _ => return None,
        };
        let (bytes, behind) = rest.split_at_checked(len)?;
        fields.push(Field { tag: u8::try_from(key).unwrap_or(u8::MAX), bytes, content: &bytes[content] });
        rest = behind;
    }
    Some(fields)
}

/// A number, and how many bytes it has.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(index).ok()?)?;
        if *byte < 0x80 {
            return Some((number, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_is_its_fields() {
        let message = [0x08, 0x96, 0x01, 0x12, 2, 7, 8, 0x25, 1, 2, 3, 4];
        let fields = fields(&message).unwrap();
        let parts: Vec<_> =
            fields.iter().map(|field| (field.tag, field.bytes.len(), field.content)).collect();
        assert_eq!(parts, [(0x08, 3, &[][..]), (0x12, 4, &[7, 8]), (0x25, 5, &[])]);
        assert_eq!(super::fields(&message[..11]), None, "it is cut off");
    }

    proptest! {
        #[test]
        fn the_fields_of_any_bytes_are_all_of_them(message: Vec<u8>) {
            if let Some(fields) = fields(&message) {
                prop_assert_eq!(fields.iter().flat_map(|field| field.bytes).copied().collect::<Vec<u8>>(), message);
            }
        }
    }
}
