//! What is installed beside the program: shell completions and the manual page, made of the command line's
//! own definition.

use clap::{Arg, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use promemu_core::error::Error;

use crate::args;

const NAME: &str = "promemu";

/// A shell's completion script.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), NAME, &mut script);
    script
}

/// The manual page, in roff: one page for the program and all its commands.
pub(crate) fn manual() -> Result<Vec<u8>, Error> {
    let page = manual_page();
    page.map_err(|source| Error::System { what: "the manual page cannot be made".to_owned(), source })
}

fn manual_page() -> Result<Vec<u8>, std::io::Error> {
    let command = args::command();
    let page = Man::new(command.clone()).manual("promemu");
    let mut roff = Vec::new();
    page.render_title(&mut roff)?;
    page.render_name_section(&mut roff)?;
    page.render_synopsis_section(&mut roff)?;
    page.render_description_section(&mut roff)?;
    page.render_options_section(&mut roff)?;
    for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
        command_section(subcommand, &mut roff)?;
    }
    examples_section(&command, &mut roff)?;
    page.render_version_section(&mut roff)?;
    Ok(roff)
}

/// What a command does and its own flags; those of the program have been said.
fn command_section(command: &Command, roff: &mut Vec<u8>) -> Result<(), std::io::Error> {
    let is_said = |arg: &Arg| arg.is_global_set() || matches!(arg.get_id().as_str(), "help" | "version");
    let own = command.clone().mut_args(|arg| if is_said(&arg) { arg.hide(true) } else { arg });
    let page = Man::new(own);
    let mut text = Vec::new();
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    heading(&format!("{NAME} {}", command.get_name()), roff)?;
    let text = String::from_utf8_lossy(&text).replace(".SH DESCRIPTION\n", "").replace(".SH OPTIONS\n", "");
    roff.extend_from_slice(text.as_bytes());
    Ok(())
}

/// The examples of `--help`, a line each.
fn examples_section(command: &Command, roff: &mut Vec<u8>) -> Result<(), std::io::Error> {
    heading("examples", roff)?;
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut examples = Roff::new();
    examples.control("nf", []);
    for line in help.lines().filter_map(|line| line.strip_prefix("  ")) {
        examples.text([roman(line)]);
    }
    examples.control("fi", []);
    examples.to_writer(roff)
}

fn heading(title: &str, roff: &mut Vec<u8>) -> Result<(), std::io::Error> {
    Roff::new().control("SH", [title.to_uppercase().as_str()]).to_writer(roff)
}
