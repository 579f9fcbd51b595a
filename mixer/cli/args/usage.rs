//! The program's flags that each command uses. A command's help lists these only, their variables alone are read for it,
//! and a flag that it does not use is refused.

/// The flags of a command that loads a config.
const CONFIG_FLAGS: [&str; 9] = [
    "class",
    "config_args",
    "config_args_file",
    "max_series",
    "max_memory",
    "no_faults",
    "configs_dir",
    "plugins_dir",
    "debug",
];
/// Flags of a call without a command, which name a config or list them all.
const OF_NO_COMMAND: [&str; 2] = ["config", "list_configs"];
/// The flags of a live run that a test has with `--live` alone.
pub(super) const OF_LIVE_TESTS: [&str; 9] = [
    "pushgateway_url",
    "output",
    "embedded",
    "push_interval",
    "push_timeout",
    "push_format",
    "cleanup_on_start",
    "cleanup_on_finish",
    "truth",
];
/// A flag of all commands.
const OF_ALL: &str = "log_format";

/// The commands that take a config's name, and write a file with `--out`.
pub(super) const WRITERS: [&str; 3] = ["export", "plot", "dashboard"];
/// The kinds of outputs of a run.
pub(crate) const OUTPUT_KINDS: [&str; 5] = ["pushgateway", "scrape", "remote-write", "otlp", "file"];
/// The commands that take a config's name first, and its arguments behind it.
pub(super) const CONFIG_VERBS: [&str; 8] =
    ["run", "check", "plot", "export", "truth", "test", "dashboard", "describe"];

/// A path of commands, as in `["ctl", "emit"]`; empty for a call without a command.
pub(super) type Path<'a> = &'a [&'a str];

/// `true` if the command uses this flag of the program, or of `ctl`.
pub(super) fn uses(path: Path<'_>, flag: &str) -> bool {
    let of_command: &[&str] = match path {
        [] => return true,
        ["run", ..] => return !OF_NO_COMMAND.contains(&flag),
        ["ctl", action, ..] => return flag == OF_ALL || action_uses(action, flag),
        ["ctl"] => &["api_token_file", "url", "json", "run"],
        ["check", ..] => &["push_interval", "shard"],
        ["export", ..] => &["seed", "output", "push_timeout", "truth", "shard"],
        ["plot" | "truth" | "validate", ..] => &["seed"],
        ["test", ..] => return uses(&["plot"], flag) || OF_LIVE_TESTS.contains(&flag),
        ["proxy" | "fit", ..] => &["seed", "debug"],
        ["record", "action"] | ["data", ..] => &["debug"],
        ["record", ..] => &["self_metrics_address", "debug"],
        ["store" | "pipeline", ..] => &["once", "debug"],
        ["plugins" | "scenarios", ..] => &["plugins_dir", "debug"],
        ["new", ..] => &["configs_dir", "debug"],
        ["clean", ..] => &["pushgateway_url", "output", "push_timeout", "debug"],
        _ => &[],
    };
    flag == OF_ALL
        || of_command.contains(&flag)
        || ((CONFIG_VERBS.contains(&path[0]) || path[0] == "validate") && CONFIG_FLAGS.contains(&flag))
}

/// `true` if the command reads the variable of this flag. `run` has no flag for the config's name, as its first word is that.
/// The variable of `--output` is about live runs: an export goes elsewhere unless its flag says so.
pub(super) fn reads_variable(path: Path<'_>, flag: &str) -> bool {
    (uses(path, flag) && (path != ["export"] || flag != "output")) || (path == ["run"] && flag == "config")
}

/// `true` if an action of `ctl` uses this flag of the program or of `ctl`.
fn action_uses(action: &str, flag: &str) -> bool {
    let own: &[&str] = match action {
        "check" => &["class", "config_args", "config_args_file"],
        "create" => &["class", "config_args", "config_args_file", "seed"],
        "configs" | "runs" | "show" | "end" | "delete" => &[],
        _ => &["run"],
    };
    own.contains(&flag) || ["url", "json", "api_token_file"].contains(&flag)
}
