//! Commands that do one of two things, and the variables that are about the other one: these are not read, as they may be set for
//! other calls of promemu.

use std::ffi::{OsStr, OsString};

use clap::Arg;

use super::typed::value_of;
use super::usage::{OF_LIVE_TESTS, Path};

/// Own flags of a test that only a live one has.
const OWN_OF_LIVE_TESTS: [&str; 4] = ["webhook", "alertmanager", "grafana", "budget"];
/// Own flags of a test that only one in virtual time has.
const OWN_OF_VIRTUAL_TESTS: [&str; 4] = ["rules", "from", "mode", "mutate"];

/// `true` if a command that was typed so does not do what the flag is about.
pub(super) fn is_of_other_mode(path: Path<'_>, arg: &Arg, typed: &[OsString]) -> bool {
    let id = arg.get_id().as_str();
    match path {
        ["test"] if is_live(typed) => OWN_OF_VIRTUAL_TESTS.contains(&id),
        // A test in virtual time starts a Prometheus by its path.
        ["test"] if id == "prometheus" => {
            arg.get_env().and_then(std::env::var_os).is_some_and(|text| is_url(&text))
        }
        ["test"] => OF_LIVE_TESTS.contains(&id) || OWN_OF_LIVE_TESTS.contains(&id),
        // An export to a file sends nothing.
        ["export"] => id == "push_timeout" && value_of("output", typed).is_none(),
        _ => false,
    }
}

/// `true` for a test with `--live`, or with its variable.
fn is_live(typed: &[OsString]) -> bool {
    let given = typed.iter().rev().find_map(|word| match word.to_str()? {
        "--live" => Some("true".to_owned()),
        word => word.strip_prefix("--live=").map(str::to_owned),
    });
    let given = given.or_else(|| std::env::var("PME_TEST_LIVE").ok()).unwrap_or_default();
    !["", "0", "f", "n", "false", "no", "off"].contains(&given.to_ascii_lowercase().as_str())
}

fn is_url(text: &OsStr) -> bool {
    text.to_str().is_some_and(|text| text.starts_with("http://") || text.starts_with("https://"))
}
