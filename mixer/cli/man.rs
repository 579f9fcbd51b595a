//! `promemu man`: the manual page in roff, made of the command line's own definition. One page has the program and all
//! its commands.

use clap::Command;
use clap::builder::Resettable;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use promemu_core::error::Error;

use crate::{args, stdout};

/// Prints the manual page.
pub(crate) fn man() -> Result<(), Error> {
    let page =
        page().map_err(|source| Error::System { what: "manual page cannot be made".to_owned(), source })?;
    stdout::print_for_programs(&page)
}

fn page() -> Result<Vec<u8>, std::io::Error> {
    // The build is no part of the manual.
    let command = args::command().long_version(Resettable::Reset);
    let page = Man::new(command.clone()).manual("promemu");
    let mut roff = Vec::new();
    page.render_title(&mut roff)?;
    page.render_name_section(&mut roff)?;
    page.render_synopsis_section(&mut roff)?;
    page.render_description_section(&mut roff)?;
    page.render_options_section(&mut roff)?;
    subcommand_sections(&command, command.get_name(), &mut roff)?;
    examples_section(&command, &mut roff)?;
    page.render_version_section(&mut roff)?;
    Ok(roff)
}

/// A section for each command below this one, with the flags that are not the parent's.
fn subcommand_sections(parent: &Command, path: &str, roff: &mut Vec<u8>) -> Result<(), std::io::Error> {
    for command in parent.get_subcommands().filter(|command| command.get_name() != "help") {
        let inherited = |arg: &clap::Arg| {
            arg.is_global_set() && parent.get_arguments().any(|other| other.get_id() == arg.get_id())
        };
        let own = command.clone().mut_args(|arg| {
            let is_hidden = inherited(&arg) || matches!(arg.get_id().as_str(), "help" | "version");
            if is_hidden { arg.hide(true) } else { arg }
        });
        let page = Man::new(own);
        let mut text = Vec::new();
        page.render_description_section(&mut text)?;
        page.render_options_section(&mut text)?;
        let path = format!("{path} {}", command.get_name());
        heading(&path, roff)?;
        let text =
            String::from_utf8_lossy(&text).replace(".SH DESCRIPTION\n", "").replace(".SH OPTIONS\n", "");
        roff.extend_from_slice(text.as_bytes());
        subcommand_sections(command, &path, roff)?;
    }
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
