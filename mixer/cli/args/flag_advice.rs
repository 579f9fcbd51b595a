//! Advice on flags that another way of promemu does: the config's name, the file that a command writes, the output of a run.

use std::ffi::OsString;

use super::usage::{CONFIG_VERBS, OUTPUT_KINDS, Path, WRITERS};

/// Flags that elsewhere give the address of a server.
pub(super) const LISTEN_ADDRESSES: [&str; 6] =
    ["port", "address", "bind", "web.listen-address", "listen-address", "host-port"];

/// The advice for a flag, without its dashes, that the command does not have.
pub(super) fn advice(path: Path<'_>, name: &str, flag: &str, value: Option<&str>) -> Option<String> {
    let is_writer = path.first().is_some_and(|verb| WRITERS.contains(verb));
    let takes_config = path.first().is_some_and(|verb| CONFIG_VERBS.contains(verb));
    match flag {
        "all" if matches!(path, ["ctl", ..]) => Some("'*' in place of a host's name is all hosts".to_owned()),
        "config" if takes_config => Some(format!("write {name} {}", value.unwrap_or("NAME"))),
        "output" if is_writer => Some(match value {
            Some(file) if !file.contains('=') => format!("write --out {file} for the file that it writes"),
            _ => format!(
                "write --out FILE for the file that it writes, or send a run's metrics with promemu run NAME --output {}",
                value.unwrap_or("KIND=TARGET")
            ),
        }),
        "out" | "o" if matches!(path, [] | ["run"]) => Some(output_of_run(value)),
        "dry-run" | "once" => dry_run(path),
        "for" if matches!(path, ["ctl", "stop"]) => Some(format!(
            "a stopped host stays so until promemu ctl start; for a while write promemu ctl down HOSTS --for {}",
            value.unwrap_or("2m")
        )),
        "label" | "labels" if path == ["new"] => Some(
            "labels belong to a metric, as in --metric 'requests_total{code=\"200|500\"}:counter'".to_owned(),
        ),
        "hosts" | "host" if path == ["ctl", "emit"] => {
            Some("an event reaches all hosts that listen to it, and --source NAME says from whom".to_owned())
        }
        "from" if path == ["ctl", "add"] => Some(format!("write --like {}", value.unwrap_or("HOST"))),
        _ if LISTEN_ADDRESSES.contains(&flag) && matches!(path, [] | ["run"]) => {
            let address = value.map_or_else(|| "127.0.0.1:9464".to_owned(), listen_address);
            Some(format!(
                "serve the metrics with --output scrape={address}, or with --embedded where a Pushgateway would be; the \
                 control API is at --listen"
            ))
        }
        _ => None,
    }
}

/// The output that `--out` of a run means.
fn output_of_run(value: Option<&str>) -> String {
    let is_kind = |value: &&str| OUTPUT_KINDS.contains(&value.split(['=', ',']).next().unwrap_or_default());
    if let Some(output) = value.filter(is_kind) {
        return format!("write --output {output}");
    }
    let file = value.unwrap_or("FILE");
    format!(
        "write --output file={file} for the samples of a run, or make a file at once with promemu export NAME --out {file}"
    )
}

/// The command that shows what another one would do.
fn dry_run(path: Path<'_>) -> Option<String> {
    match path {
        ["clean"] => Some("without --all it deletes the groups of ended runs only".to_owned()),
        [verb] if CONFIG_VERBS.contains(verb) => Some(
            "promemu check NAME shows the size of a config, and promemu run NAME --once its first values"
                .to_owned(),
        ),
        _ => None,
    }
}

/// An address with the host that one without any is meant to have.
fn listen_address(text: &str) -> String {
    match text.rsplit_once(':') {
        Some(("", port)) => format!("127.0.0.1:{port}"),
        Some(_) => text.to_owned(),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => format!("127.0.0.1:{text}"),
        None => format!("{text}:9464"),
    }
}

/// The duration of a flag that is called as a unit of time, as in `--hours 2`.
pub(super) fn with_unit(flag: &str, value: &str) -> Option<String> {
    let unit = ["days", "hours", "minutes", "seconds"].iter().find(|unit| **unit == flag)?;
    value.parse::<u32>().ok().map(|count| format!("{count}{}", &unit[..1]))
}

/// The sentence for a negative value, which looks like a flag.
pub(super) fn negative_value(flag: &str, typed: &[OsString]) -> Option<String> {
    let words: Vec<_> = typed.iter().map(|word| word.to_string_lossy()).collect();
    let is_number = flag.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let at = words.iter().position(|word| is_number && word.starts_with(&format!("-{flag}")))?;
    let (word, before) = (&words[at], words.get(at.checked_sub(1)?)?);
    before.starts_with("--").then(|| format!("{before} does not take {word:?}, as it is negative"))
}
