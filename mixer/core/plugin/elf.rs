//! Whether a library in the Executable and Linkable Format is whole.
//!
//! The system maps such a file as its headers say. Where the file ends earlier, touching the mapping ends the process
//! (SIGBUS), so a file that is still being written must not get that far. The fields are those of the System V ABI,
//! chapters "ELF Header" and "Program Header".

/// What a library of this format begins with.
const MAGIC: &[u8] = b"\x7fELF";
/// The kind of a segment that is mapped.
const PT_LOAD: u64 = 1;

/// Where the fields are: offset and bytes.
struct Fields {
    header_bytes: usize,
    program_offset: (usize, usize),
    section_offset: (usize, usize),
    program_size: (usize, usize),
    program_count: (usize, usize),
    section_size: (usize, usize),
    section_count: (usize, usize),
    /// In a program header.
    segment_offset: (usize, usize),
    segment_bytes: (usize, usize),
}

const OF_32_BITS: Fields = Fields {
    header_bytes: 52,
    program_offset: (28, 4),
    section_offset: (32, 4),
    program_size: (42, 2),
    program_count: (44, 2),
    section_size: (46, 2),
    section_count: (48, 2),
    segment_offset: (4, 4),
    segment_bytes: (16, 4),
};

const OF_64_BITS: Fields = Fields {
    header_bytes: 64,
    program_offset: (32, 8),
    section_offset: (40, 8),
    program_size: (54, 2),
    program_count: (56, 2),
    section_size: (58, 2),
    section_count: (60, 2),
    segment_offset: (8, 8),
    segment_bytes: (32, 8),
};

/// Refuses a file that ends before its headers say so. What is of another format, or for another kind of machine, the
/// system refuses by itself.
pub(super) fn refuse_halves(bytes: &[u8]) -> Result<(), String> {
    if !bytes.starts_with(MAGIC) {
        return Ok(());
    }
    let end = end(bytes).ok_or_else(|| refusal(bytes.len(), "its headers need more"))?;
    if end > bytes.len() as u64 {
        return Err(refusal(bytes.len(), &format!("its headers speak of {end}")));
    }
    Ok(())
}

fn refusal(bytes: usize, why: &str) -> String {
    format!("it is not whole: it has {bytes} bytes, and {why}; wait until it is written, or build it anew")
}

/// Where the last of what is mapped and of the headers ends; none if that is beyond the file or all numbers.
fn end(bytes: &[u8]) -> Option<u64> {
    let is_little = *bytes.get(5)? != 2;
    let fields = if *bytes.get(4)? == 1 { OF_32_BITS } else { OF_64_BITS };
    let number = |from: usize, (offset, len): (usize, usize)| -> Option<u64> {
        let from = from.checked_add(offset)?;
        let digits = bytes.get(from..from.checked_add(len)?)?.iter();
        let add = |number: u64, digit: &u8| number << 8 | u64::from(*digit);
        Some(if is_little { digits.rev().fold(0, add) } else { digits.fold(0, add) })
    };
    let of_header = |field| number(0, field);
    bytes.get(..fields.header_bytes)?;
    let sections = of_header(fields.section_size)?.checked_mul(of_header(fields.section_count)?)?;
    let mut end = of_header(fields.section_offset)?.checked_add(sections)?;
    let (first, size) = (of_header(fields.program_offset)?, of_header(fields.program_size)?);
    for index in 0..of_header(fields.program_count)? {
        let at = usize::try_from(first.checked_add(size.checked_mul(index)?)?).ok()?;
        if number(at, (0, 4))? == PT_LOAD {
            let segment =
                number(at, fields.segment_offset)?.checked_add(number(at, fields.segment_bytes)?)?;
            end = end.max(segment);
        }
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the headers say, nothing overflows or is read beyond the file.
        #[test]
        fn odd_headers_are_refused_or_not_and_that_is_all(
            class in 0..4u8,
            order in 0..4u8,
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [MAGIC, &[class, order], &rest].concat();
            let outcome = refuse_halves(&bytes);
            prop_assert!(bytes.len() >= 52 || outcome.is_err());
        }
    }

    #[test]
    fn other_formats_are_left_to_the_system() {
        assert_eq!(refuse_halves(b"\xcf\xfa\xed\xfe and so on"), Ok(()));
        assert_eq!(refuse_halves(b""), Ok(()));
    }
}
