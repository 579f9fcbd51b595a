//! The form of an error: with the line and a caret on a terminal, one line a problem elsewhere, JSON where the log is
//! JSON.

use std::io::IsTerminal;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use promemu_core::error::{ConfigError, Error, Problem, Severity, Sources};
use promemu_core::excerpt;
use promemu_run::log_queue;
use promemu_run::printable::printable;

use crate::args::LogFormat;
use crate::logs::{flush, is_coloured, wants_colour};
use crate::stdout;

/// A config's line that is longer is not shown.
const LINE_BYTES_MAX: usize = 2_000;

/// Prints an error on standard error.
pub(crate) fn print(error: &Error, format: LogFormat) {
    let text = match (error, format) {
        (_, LogFormat::Json) => json(error),
        (Error::Config(ConfigError::Invalid { sources, problems }), LogFormat::Text)
            if std::io::stderr().is_terminal() =>
        {
            let renderer = if is_coloured() { Renderer::styled() } else { Renderer::plain() };
            let texts = problems.iter().map(|problem| with_caret(&renderer, sources, problem));
            texts.collect::<Vec<_>>().join("\n\n")
        }
        (Error::Config(ConfigError::Invalid { sources, problems }), LogFormat::Text) => {
            let texts = problems.iter().map(|problem| on_a_line(sources, problem));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => format!("error: {}", error.with_causes()),
    };
    put_last(&format!("{text}\n"));
}

/// Prints the help or the version on standard output, or the error of a command line on standard error.
pub(crate) fn print_usage(message: &clap::Error) -> Result<(), Error> {
    let text = message.render();
    if !message.use_stderr() {
        let is_coloured = std::io::stdout().is_terminal() && wants_colour();
        let text = if is_coloured { text.ansi().to_string() } else { text.to_string() };
        return stdout::print(text.as_bytes());
    }
    put_last(&if is_coloured() { text.ansi().to_string() } else { text.to_string() });
    flush(None);
    Ok(())
}

fn put_last(text: &str) {
    let text: String = text.split_inclusive('\n').map(excerpt::message).collect();
    log_queue::stderr().put_last(printable(text.as_bytes(), is_coloured()).as_bytes());
}

fn on_a_line(sources: &Sources, problem: &Problem) -> String {
    let kind = if problem.severity == Severity::Warning { "warning" } else { "error" };
    format!("{kind}: {}", problem.render(sources))
}

fn with_caret(renderer: &Renderer, sources: &Sources, problem: &Problem) -> String {
    let Some(place) = problem.place(sources).filter(|place| place.line_text.len() <= LINE_BYTES_MAX) else {
        return on_a_line(sources, problem);
    };
    let level = if problem.severity == Severity::Warning { Level::WARNING } else { Level::ERROR };
    let title = level.primary_title(problem.message.as_str());
    let snippet = Snippet::source(place.line_text)
        .path(place.file)
        .line_start(place.line)
        .annotation(AnnotationKind::Primary.span(place.in_line));
    renderer.render(&[title.element(snippet)])
}

/// One object per problem.
fn json(error: &Error) -> String {
    let Error::Config(ConfigError::Invalid { sources, problems }) = error else {
        return serde_json::json!({ "level": "ERROR", "message": excerpt::message(&error.with_causes()) })
            .to_string();
    };
    let object = |problem: &Problem| {
        let place = problem.place(sources);
        let level = if problem.severity == Severity::Warning { "WARN" } else { "ERROR" };
        let file = place.as_ref().map_or(sources.name(), |place| place.file);
        let (line, column) =
            place.as_ref().map_or((None, None), |place| (Some(place.line), Some(place.column)));
        let message = &problem.message;
        serde_json::json!({ "level": level, "file": file, "line": line, "column": column, "message": message })
    };
    problems.iter().map(|problem| object(problem).to_string()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use promemu_core::error::SourceSpan;

    use super::*;

    const TEXT: &str = "Config(\n    hosts: [Hots(name: \"a\")],\n)";

    fn sources(text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.add("a.ron", text);
        sources
    }

    fn problem() -> Problem {
        let span = Some(SourceSpan { start: 20, end: 35 });
        Problem { severity: Severity::Error, span, message: "expected Host(…), found Hots(…)".into() }
    }

    #[test]
    fn a_terminal_shows_the_line_and_a_caret() {
        let shown = with_caret(&Renderer::plain(), &sources(TEXT), &problem());
        insta::assert_snapshot!(shown, @r#"
        error: expected Host(…), found Hots(…)
         --> a.ron:2:13
          |
        2 |     hosts: [Hots(name: "a")],
          |             ^^^^^^^^^^^^^^^
        "#);
    }

    #[test]
    fn a_long_line_or_no_place_shows_the_message_alone() {
        let long = format!("Config(\n    hosts: {}", "x".repeat(LINE_BYTES_MAX));
        insta::assert_snapshot!(with_caret(&Renderer::plain(), &sources(&long), &problem()), @"error: a.ron:2:13: expected Host(…), found Hots(…)");
        let nowhere = Problem { span: None, ..problem() };
        insta::assert_snapshot!(with_caret(&Renderer::plain(), &sources(TEXT), &nowhere), @"error: a.ron: expected Host(…), found Hots(…)");
    }

    #[test]
    fn json_has_an_object_per_problem() {
        let invalid = ConfigError::Invalid { sources: sources(TEXT), problems: vec![problem(), problem()] };
        insta::assert_snapshot!(json(&Error::Config(invalid)), @r#"
        {"column":13,"file":"a.ron","level":"ERROR","line":2,"message":"expected Host(…), found Hots(…)"}
        {"column":13,"file":"a.ron","level":"ERROR","line":2,"message":"expected Host(…), found Hots(…)"}
        "#);
        insta::assert_snapshot!(json(&Error::Usage("no".into())), @r#"{"level":"ERROR","message":"no"}"#);
    }
}
