//! The exit codes of promemu, for descriptions and for the reference in the docs.

/// Each code with its meaning.
pub(crate) const EXIT_CODES: [(u8, &str); 5] = [
    (
        0,
        "done: all hosts or the `--duration` are over, or the run was stopped by SIGINT, by SIGTERM, or by its closed terminal (not under `nohup`)",
    ),
    (
        1,
        "failed at run time: a job belongs to another run or program, the address is in use, a file cannot be written, none of a run's pushes arrived, `clean` got no answer; `promemu test` could not decide a verdict",
    ),
    (
        2,
        "wrong usage or config; nothing was sent; also of `ctl check` and `ctl create`, if the daemon finds errors in the config",
    ),
    (
        3,
        "`promemu test`: a verdict failed; `promemu cardinality`: a budget is exceeded; `promemu data quality`: the recording is worse than its budget",
    ),
    (130, "stopped at once by a second signal, more than 0.1 s after the first, without clean-up"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_on_exit_codes_is_made_of_the_list() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md");
        let rows = EXIT_CODES.map(|(code, meaning)| format!("| {code} | {meaning} |\n")).concat();
        let page = format!(
            "# Exit codes\n\nThe exit code of a run and of every command, for scripts.\n\n| code | meaning |\n| --- | --- |\n{rows}"
        );
        if std::env::var_os("PROMEMU_UPDATE_DOCS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let hint = "run it once with PROMEMU_UPDATE_DOCS=1 to write the page anew";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), page, "{hint}");
    }
}
