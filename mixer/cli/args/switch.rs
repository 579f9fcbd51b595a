//! The one form of a switch: `--watch`, `--watch=false` and `PME_WATCH=yes` all set it.

use std::any::TypeId;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction};

/// Gives each `bool` with a variable the form of a switch; other arguments stay as they are. Without a default of its
/// own a `bool` is false, and an `Option<bool>` has none.
pub(super) fn as_switch(arg: Arg) -> Arg {
    let is_bool = arg.get_value_parser().type_id() == TypeId::of::<bool>();
    if !is_bool || arg.get_env().is_none() {
        return arg;
    }
    let needs_default = matches!(arg.get_action(), ArgAction::SetTrue) && arg.get_default_values().is_empty();
    let switch = arg
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .value_parser(BoolishValueParser::new())
        .hide_possible_values(true)
        .value_name("BOOL");
    if needs_default { switch.default_value("false") } else { switch }
}

#[cfg(test)]
mod tests {
    use crate::args::{Command, parse};

    #[test]
    fn a_switch_takes_no_value_or_one_after_an_equals_sign() {
        let watch = |line: &[&str]| parse(line.iter().map(Into::into)).map(|cli| cli.watch);
        assert!(!watch(&["promemu"]).unwrap());
        assert!(watch(&["promemu", "--watch"]).unwrap());
        assert!(watch(&["promemu", "--watch=on"]).unwrap());
        assert!(!watch(&["promemu", "--watch=false"]).unwrap());
        assert!(watch(&["promemu", "--watch=maybe"]).is_err());
        let cli = |line: &[&str]| parse(line.iter().map(Into::into)).unwrap();
        assert!(cli(&["promemu"]).show_hosts_status);
        assert_eq!(cli(&["promemu"]).cleanup_on_start, None);
        assert_eq!(cli(&["promemu", "--cleanup-on-start=0"]).cleanup_on_start, Some(false));
        let clean = cli(&["promemu", "clean", "--all"]);
        assert!(matches!(clean.command, Some(Command::Clean { all: true })));
    }
}
