//! A config's arguments: a flag overrides a variable, that one of a process simulator, and that the file of
//! `--config-args-file`.

use indexmap::IndexMap;
use promemu_core::config::{ConfigFile, read_arguments};
use promemu_core::error::Error;
use promemu_core::expression::Value;

use super::simulator::SimulatorVariables;
use crate::args::{ARGUMENT_PREFIX, Cli};

/// The arguments of flags, variables and the file.
#[derive(Debug)]
pub(super) struct ConfigArguments {
    flags: IndexMap<String, Value>,
    /// By the variable's name without its prefix.
    variables: IndexMap<String, String>,
    simulator: SimulatorVariables,
    in_file: IndexMap<String, Value>,
}

impl ConfigArguments {
    pub(super) fn new(cli: &Cli, simulator: SimulatorVariables) -> Result<Self, Error> {
        let set = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix(ARGUMENT_PREFIX)?.to_owned();
            Some((name, value.into_string().ok()?))
        });
        Ok(Self {
            flags: of_flags(cli)?,
            variables: set.filter(|(_, value)| !value.is_empty()).collect(),
            simulator,
            in_file: of_file(cli)?,
        })
    }

    /// The arguments for a class, and the variables that name none of its arguments.
    pub(super) fn for_class(
        &self,
        file: &ConfigFile,
        class: Option<&str>,
    ) -> (IndexMap<String, Value>, Vec<String>) {
        let mut arguments = self.in_file.clone();
        let mut unknown = Vec::new();
        let of_simulator: Vec<(&str, &str)> = self.simulator.arguments(file).collect();
        if !self.variables.is_empty() || !of_simulator.is_empty() {
            // Errors of the file are reported when it is loaded.
            let declared = file.argument_names(class).unwrap_or_default();
            let mut set = |name: &str, value: &str| {
                let argument = declared.iter().find(|argument| argument.eq_ignore_ascii_case(name));
                argument.map(|argument| arguments.insert(argument.clone(), Value::from(value))).is_some()
            };
            for (name, value) in of_simulator {
                // A config of this name need not have the argument.
                let _is_known = set(name, value);
            }
            for (name, value) in &self.variables {
                if !set(name, value) {
                    unknown.push(format!("{ARGUMENT_PREFIX}{name}"));
                }
            }
        }
        arguments.extend(self.flags.clone());
        (arguments, unknown)
    }
}

/// The arguments of `--config-args-file`.
pub(crate) fn of_file(cli: &Cli) -> Result<IndexMap<String, Value>, Error> {
    Ok(cli.config_args_file.as_ref().map(|path| read_arguments(path)).transpose()?.unwrap_or_default())
}

/// The pairs of `--config-args`, and those behind the config's name, which override them.
pub(crate) fn of_flags(cli: &Cli) -> Result<IndexMap<String, Value>, Error> {
    let mut flags = pairs(&cli.config_args)?;
    let typed = cli.arguments.iter().filter_map(|word| word.split_once('='));
    flags.extend(typed.map(|(name, value)| (name.to_owned(), Value::from(value))));
    Ok(flags)
}

/// `name=value` pairs. The variable has all of them in one text, separated by blanks; a flag has one at a time, whose
/// value may hold blanks. The last one of a name counts.
fn pairs(texts: &[String]) -> Result<IndexMap<String, Value>, Error> {
    let is_pair = |word: &str| word.split_once('=').is_some_and(|(name, _)| !name.is_empty());
    let is_variable = texts.len() == 1 && texts[0].split_whitespace().all(is_pair);
    let words: Vec<&str> = if is_variable {
        texts[0].split_whitespace().collect()
    } else {
        texts.iter().map(String::as_str).collect()
    };
    let mut args = IndexMap::new();
    for word in words {
        let Some((name, value)) = word.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Error::Usage(format!(
                "config argument {word:?} is not of the form NAME=VALUE; put other words before --config-args"
            )));
        };
        args.insert(name.to_owned(), Value::from(value));
    }
    Ok(args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_come_one_by_one_or_all_in_one() {
        let args = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|word| (*word).to_owned()).collect();
            pairs(&texts).map(|args| args.into_iter().collect::<Vec<_>>())
        };
        let pair = |name: &str, value: &str| (name.to_owned(), Value::from(value));
        assert_eq!(args(&["a=1", "b=x y"]).unwrap(), [pair("a", "1"), pair("b", "x y")]);
        assert_eq!(args(&["a=1 b=2"]).unwrap(), [pair("a", "1"), pair("b", "2")]);
        assert_eq!(args(&["a=x y"]).unwrap(), [pair("a", "x y")]);
        assert_eq!(args(&["a=1", "a=2"]).unwrap(), [pair("a", "2")]);
        for wrong in [&["a"][..], &["=1"]] {
            assert_eq!(args(wrong).unwrap_err().exit_code(), 2);
        }
    }

    #[test]
    fn a_flag_overrides_a_variable_and_that_the_file() {
        let text = "Config(args: { \"a\": 0, \"b\": 0, \"c_C\": 0 }, hosts: [Host(name: \"h\", metrics: [Metric(name: \"m\")])])";
        let file = ConfigFile::from_text("test", text);
        let map = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), Value::Int(1))).collect();
        let variables = [("A", "2"), ("B", "2"), ("C_c", "2"), ("D", "2")];
        let arguments = ConfigArguments {
            flags: map(&["a"]),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            simulator: SimulatorVariables::default(),
            in_file: map(&["a", "b", "e"]),
        };
        let (arguments, unknown) = arguments.for_class(&file, None);
        let shown: Vec<String> = arguments.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["a=1", "b=2", "e=1", "c_C=2"]);
        assert_eq!(unknown, ["PME_ARG_D"]);
    }
}
