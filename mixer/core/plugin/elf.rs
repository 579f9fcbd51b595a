//! Completeness of a library in the Executable and Linkable Format (ELF).
//!
//! The system maps such a file as its headers say. Where the file ends earlier, touching the mapping ends the process
//! (SIGBUS), so a file that is still being written must not get that far. Other formats are left to the system, which
//! refuses them itself.

use object::elf::{
    ELFMAG, EM_386, EM_AARCH64, EM_ARM, EM_RISCV, EM_X86_64, FileHeader32, FileHeader64, PT_LOAD,
};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind};

/// Refuses a file whose headers or mapped segments reach beyond its end.
pub(super) fn refuse_incomplete(bytes: &[u8]) -> Result<(), String> {
    if !bytes.starts_with(&ELFMAG) {
        return Ok(());
    }
    let end = match FileKind::parse(bytes) {
        Ok(FileKind::Elf32) => mapped_end::<FileHeader32<Endianness>>(bytes),
        Ok(FileKind::Elf64) => mapped_end::<FileHeader64<Endianness>>(bytes),
        _ => Err("its ELF header is unreadable".to_owned()),
    };
    let outcome = end.and_then(|end| match end {
        end if end > bytes.len() as u64 => Err(format!("its headers describe {end}")),
        _ => Ok(()),
    });
    outcome.map_err(|reason| {
        format!(
            "file is incomplete: it has {} bytes, and {reason}; wait until it is written, or rebuild it",
            bytes.len()
        )
    })
}

/// Refuses a library that is built for another machine: the system says no more than that it finds no such file.
pub(super) fn refuse_other_machine(bytes: &[u8]) -> Result<(), String> {
    let own = match std::env::consts::ARCH {
        "x86_64" => EM_X86_64,
        "aarch64" => EM_AARCH64,
        _ => return Ok(()),
    };
    // Both kinds have it at the same place.
    let Some(machine) = bytes.get(18..20).filter(|_| bytes.starts_with(&ELFMAG)) else { return Ok(()) };
    let machine = u16::from_ne_bytes([machine[0], machine[1]]);
    if machine == own {
        return Ok(());
    }
    let arch = std::env::consts::ARCH;
    let found = match machine {
        EM_X86_64 => "x86_64".to_owned(),
        EM_AARCH64 => "aarch64".to_owned(),
        EM_386 => "i386".to_owned(),
        EM_ARM => "arm".to_owned(),
        EM_RISCV => "riscv".to_owned(),
        other => format!("machine {other} of ELF"),
    };
    Err(format!("file is built for {found}, but this promemu for {arch}; build it for {arch}"))
}

/// End of the last mapped segment, in bytes; the error says which headers cannot be read.
fn mapped_end<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<u64, String> {
    let unreadable = |error: object::Error| format!("its headers are unreadable ({error})");
    let header = Elf::parse(bytes).map_err(unreadable)?;
    let endian = header.endian().map_err(unreadable)?;
    // The section headers stand last, and are checked although nothing maps them: most truncated files lack them.
    header.section_headers(endian, bytes).map_err(unreadable)?;
    let segments = header.program_headers(endian, bytes).map_err(unreadable)?;
    let loaded = segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
    let ends = loaded.map(|segment| {
        let (offset, size): (u64, u64) = segment.file_range(endian);
        offset.saturating_add(size)
    });
    Ok(ends.max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// A library that the system has just loaded into this test.
    fn library() -> Vec<u8> {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let path = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
        let libc = path.into_iter().find(|path| path.contains("/libc.so")).unwrap();
        fs::read(libc).unwrap()
    }

    fn patched(offset: usize, bytes: &[u8]) -> Vec<u8> {
        let mut library = library();
        library[offset..offset + bytes.len()].copy_from_slice(bytes);
        library
    }

    #[test]
    fn a_whole_library_passes_and_every_part_of_it_is_refused() {
        let library = library();
        assert_eq!(refuse_incomplete(&library), Ok(()));
        for len in [4, 15, 16, 63, 64, 500, library.len() / 2, library.len() - 1] {
            let refusal = refuse_incomplete(&library[..len]).unwrap_err();
            assert!(
                refusal.starts_with(&format!("file is incomplete: it has {len} bytes, and ")),
                "{refusal}"
            );
        }
    }

    #[test]
    fn a_segment_beyond_the_end_is_refused_even_if_all_headers_are_there() {
        let library = library();
        let header = FileHeader64::<Endianness>::parse(library.as_slice()).unwrap();
        let endian = header.endian().unwrap();
        let segments = header.program_headers(endian, library.as_slice()).unwrap();
        let loaded = segments.iter().rposition(|segment| segment.p_type(endian) == PT_LOAD).unwrap();
        let table = usize::try_from(header.e_phoff(endian)).unwrap();
        // p_filesz of the last mapped segment: elf(5).
        let longer = patched(table + loaded * 56 + 32, &(1_u64 << 40).to_ne_bytes());
        let refusal = refuse_incomplete(&longer).unwrap_err();
        assert!(refusal.contains("its headers describe "), "{refusal}");
        let endless = patched(table + loaded * 56 + 32, &u64::MAX.to_ne_bytes());
        assert!(refuse_incomplete(&endless).is_err(), "offset and size overflow");
    }

    #[test]
    fn a_library_of_a_wrong_class_or_another_machine_is_refused() {
        // e_ident[EI_CLASS] says 32 bits, all else is of 64.
        let refusal = refuse_incomplete(&patched(4, &[1])).unwrap_err();
        assert!(refusal.contains("its headers are unreadable"), "{refusal}");
        assert!(refuse_incomplete(&patched(4, &[7])).unwrap_err().contains("ELF header is unreadable"));
        assert_eq!(refuse_other_machine(&library()), Ok(()));
        let others = [EM_AARCH64, EM_X86_64, EM_386, EM_RISCV, 0xfefe];
        let refused = others.map(|machine| refuse_other_machine(&patched(18, &machine.to_ne_bytes())).err());
        assert_eq!(refused.iter().flatten().count(), 4, "{refused:?}");
        assert!(
            refused[3]
                .as_ref()
                .is_some_and(|why| why.starts_with("file is built for riscv, but this promemu for "))
        );
    }

    #[test]
    fn other_formats_are_left_to_the_system() {
        for text in [&b"#!/bin/sh\nexit 0\n"[..], b"\xcf\xfa\xed\xfe and so on", b"\x7fEL", b""] {
            assert_eq!(refuse_incomplete(text), Ok(()));
        }
    }

    proptest! {
        /// A file that passes holds all bytes that its program headers map.
        #[test]
        fn what_passes_is_mapped_within_the_file(
            segments in prop::collection::vec((any::<bool>(), 0..400_u64, 0..400_u64), 0..4),
            len in 64..700_usize,
        ) {
            let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
            bytes.resize(64, 0);
            bytes[32] = 64; // e_phoff
            bytes[54] = 56; // e_phentsize
            bytes[56] = u8::try_from(segments.len()).unwrap();
            for (is_loaded, offset, size) in &segments {
                let mut segment = vec![0; 56];
                segment[0] = if *is_loaded { 1 } else { 6 };
                segment[8..16].copy_from_slice(&offset.to_le_bytes());
                segment[32..40].copy_from_slice(&size.to_le_bytes());
                bytes.extend(segment);
            }
            let headers = bytes.len();
            bytes.resize(len.max(headers), 0);
            bytes.truncate(len);
            let ends = segments.iter().filter(|(is_loaded, ..)| *is_loaded).map(|(_, offset, size)| offset + size);
            let fits = len >= headers && ends.max().unwrap_or(0) <= len as u64;
            prop_assert_eq!(refuse_incomplete(&bytes).is_ok(), fits);
        }
    }
}
