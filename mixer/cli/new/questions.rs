//! The questions of `promemu new` on a terminal. Each has a default, which Enter takes.

use std::io::{BufRead, Write};

use promemu_core::error::Error;

use super::starter::{Starter, StarterMetric, outside_quotes};

/// Asks for the contents of the config `name`; returns them with their checked text. After a wrong answer it asks
/// again.
pub(super) fn ask(
    name: &str,
    answers: &mut impl BufRead,
    questions: &mut impl Write,
) -> Result<(Starter, String), Error> {
    let mut dialogue = Dialogue { answers, questions };
    let mut starter = Starter::new(name);
    dialogue.say("Enter takes what is in brackets.")?;
    starter.description =
        dialogue.answer("description", &starter.description)?.unwrap_or(starter.description);
    while let Some(answer) = dialogue.answer("number of hosts", &starter.hosts.to_string())? {
        match answer.parse() {
            Ok(hosts @ 1..) => {
                starter.hosts = hosts;
                break;
            }
            _ => dialogue.say(&format!("{answer:?} is not a whole number from 1"))?,
        }
    }
    dialogue.metrics(&mut starter)?;
    let refused = |why| Error::Usage(format!("{why}; nothing was written"));
    let text = starter.checked_text().map_err(refused)?;
    Ok((starter, text))
}

struct Dialogue<'a, A, Q> {
    answers: &'a mut A,
    questions: &'a mut Q,
}

impl<A: BufRead, Q: Write> Dialogue<'_, A, Q> {
    /// Asks for metrics until an empty answer.
    fn metrics(&mut self, starter: &mut Starter) -> Result<(), Error> {
        let defaults: Vec<String> = starter.metrics.iter().map(ToString::to_string).collect();
        self.say("metrics, one a line, as NAME:TYPE or NAME{LABEL=\"VALUE|OTHER\"}:TYPE; Enter ends them")?;
        let mut metrics: Vec<StarterMetric> = Vec::new();
        let mut default = defaults.join(" ");
        while let Some(answer) = self.answer("metric", &default)? {
            let more = outside_quotes(&answer, char::is_whitespace)
                .into_iter()
                .map(str::parse)
                .collect::<Result<Vec<StarterMetric>, _>>();
            let checked = more.and_then(|more| {
                let all = [metrics.clone(), more].concat();
                let starter = Starter { hosts: 1, metrics: all.clone(), ..starter.clone() };
                starter.checked_text().map(|_| all)
            });
            match checked {
                Ok(all) => {
                    metrics = all;
                    "no more".clone_into(&mut default);
                }
                Err(why) => self.say(&why)?,
            }
        }
        if !metrics.is_empty() {
            starter.metrics = metrics;
        }
        Ok(())
    }

    /// The answer to one question; `None` for its default.
    fn answer(&mut self, question: &str, default: &str) -> Result<Option<String>, Error> {
        let asked = write!(self.questions, "{question} [{default}]: ").and_then(|()| self.questions.flush());
        asked.map_err(no_terminal)?;
        let mut line = String::new();
        if self.answers.read_line(&mut line).map_err(no_terminal)? == 0 {
            return Err(Error::Usage("input ended before the last answer; nothing was written".to_owned()));
        }
        let line = line.trim();
        Ok((!line.is_empty()).then(|| line.to_owned()))
    }

    fn say(&mut self, text: &str) -> Result<(), Error> {
        writeln!(self.questions, "{text}").map_err(no_terminal)
    }
}

fn no_terminal(source: std::io::Error) -> Error {
    Error::System { what: "no questions can be asked here; use flags, as in --hosts 3".to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialogue(answers: &str) -> (Result<Starter, Error>, String) {
        let mut questions = Vec::new();
        let asked = ask("shop", &mut answers.as_bytes(), &mut questions);
        (asked.map(|(starter, _)| starter), String::from_utf8(questions).unwrap())
    }

    #[test]
    fn enter_takes_the_defaults() {
        let (starter, questions) = dialogue("\n\n\n");
        assert_eq!(starter.unwrap(), Starter::new("shop"));
        insta::assert_snapshot!(questions.replace("]: ", "]:\n"), @r#"
        Enter takes what is in brackets.
        description [emulated hosts of shop]:
        number of hosts [3]:
        metrics, one a line, as NAME:TYPE or NAME{LABEL="VALUE|OTHER"}:TYPE; Enter ends them
        metric [cpu_usage_percent:gauge requests_total{code="200|500"}:counter response_seconds:histogram]:
        "#);
    }

    #[test]
    fn a_wrong_answer_is_asked_again() {
        let answers = "a shop\nmany\n0\n5\nsales\nsales:count\nsales:counter\n9lives:gauge\nsales_total:counter\nsales_total:gauge\nload:gauge\n\n";
        let (starter, questions) = dialogue(answers);
        let starter = starter.unwrap();
        assert_eq!((starter.description.as_str(), starter.hosts), ("a shop", 5));
        let metrics: Vec<String> = starter.metrics.iter().map(ToString::to_string).collect();
        assert_eq!(metrics, ["sales_total:counter", "load:gauge"]);
        insta::assert_snapshot!(questions.replace("]: ", "]:\n"), @r#"
        Enter takes what is in brackets.
        description [emulated hosts of shop]:
        number of hosts [3]:
        "many" is not a whole number from 1
        number of hosts [3]:
        "0" is not a whole number from 1
        number of hosts [3]:
        metrics, one a line, as NAME:TYPE or NAME{LABEL="VALUE|OTHER"}:TYPE; Enter ends them
        metric [cpu_usage_percent:gauge requests_total{code="200|500"}:counter response_seconds:histogram]:
        "sales" is not NAME:TYPE, as in cpu_usage_percent:gauge or requests_total{code="200|500"}:counter
        metric [cpu_usage_percent:gauge requests_total{code="200|500"}:counter response_seconds:histogram]:
        "sales:count" has an unknown type; did you mean "counter"?
        metric [cpu_usage_percent:gauge requests_total{code="200|500"}:counter response_seconds:histogram]:
        a counter's name ends in _total; write sales_total:counter
        metric [cpu_usage_percent:gauge requests_total{code="200|500"}:counter response_seconds:histogram]:
        metric name "9lives" is not allowed; use letters, digits, _ and :, not beginning with a digit
        metric [cpu_usage_percent:gauge requests_total{code="200|500"}:counter response_seconds:histogram]:
        metric [no more]:
        metric "sales_total" is given twice; leave one out
        metric [no more]:
        metric [no more]:
        "#);
    }

    #[test]
    fn answers_that_end_early_write_nothing() {
        let (starter, _) = dialogue("a shop\n");
        assert_eq!(starter.unwrap_err().exit_code(), 2);
    }
}
