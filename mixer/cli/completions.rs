//! `promemu completions`: a shell's completion script, made of the command line's own definition.

use clap_complete::Shell;
use promemu_core::error::Error;

use crate::{args, stdout};

/// Prints a shell's completion script.
pub(crate) fn completions(shell: Shell) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "promemu", &mut script);
    stdout::print_for_programs(&script)
}
