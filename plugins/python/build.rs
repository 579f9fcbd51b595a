//! Arguments for a linker that wants to be told that Python's symbols come later, as that of macOS.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
