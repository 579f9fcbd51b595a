//! Configs made by plugins: their arguments and texts.

use indexmap::IndexMap;

use super::arguments::Argument;
use super::summary::ClassSummary;
use crate::error::{Problems, suggestion};
use crate::excerpt::beginning;
use crate::expression::Value;
use crate::plugin::{ConfigDecl, ParamDecl, ParamType, ParamValue};

/// The description of a plugin's config.
pub(super) fn describe(config: &ConfigDecl) -> ClassSummary {
    let arguments = config.args.iter().map(|arg| Argument {
        name: arg.name.clone(),
        takes: takes(arg),
        choices: if let ParamType::Choice(words) = &arg.param_type { words.clone() } else { Vec::new() },
        default: if arg.default.is_some() { arg.default_text.clone() } else { "must be given".to_owned() },
        help: arg.help.clone(),
    });
    ClassSummary { name: String::new(), description: config.summary.clone(), arguments: arguments.collect() }
}

const fn takes(arg: &ParamDecl) -> &'static str {
    match arg.param_type {
        ParamType::Number => "a number",
        ParamType::Duration => "a duration, as in 15m",
        ParamType::Range => "a range, as in 0,100",
        ParamType::WordRange(_) => "a range behind a word",
        ParamType::Text => "text",
        ParamType::Choice(_) => "a choice",
        ParamType::Numbers => "numbers, as in 1.5,2",
        // The plugin's declaration is refused if an argument is nested.
        ParamType::List(_) | ParamType::Map(_) | ParamType::Record(_) => "a nested value",
    }
}

/// The text that the plugin makes with these arguments; errors in them go to `problems`.
pub(super) fn text(
    config: &ConfigDecl,
    given: &IndexMap<String, Value>,
    problems: &mut Problems,
) -> Option<String> {
    let known: Vec<&str> = config.args.iter().map(|arg| arg.name.as_str()).collect();
    for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
        problems.error_anywhere(format!("the config has no argument {name:?}{}", suggestion(name, &known)));
    }
    let values: Vec<Option<ParamValue>> =
        config.args.iter().map(|arg| value(arg, given.get(&arg.name), problems)).collect();
    if problems.error_count() > 0 {
        return None;
    }
    let values = values.into_iter().collect::<Option<Vec<ParamValue>>>()?;
    config.build(&values).map_err(|error| problems.error_anywhere(error)).ok()
}

fn value(arg: &ParamDecl, given: Option<&Value>, problems: &mut Problems) -> Option<ParamValue> {
    let name = &arg.name;
    let Some(given) = given else {
        if arg.default.is_none() {
            problems.needs_more_anywhere(format!("argument {name:?} must be given: {}", arg.help));
        }
        return arg.default.clone();
    };
    let text = given.to_string();
    let wrong = |_| {
        let found = beginning(&text);
        problems.error_anywhere(match &arg.param_type {
            ParamType::Choice(words) => {
                format!("argument {name:?} cannot be {found:?}{}", suggestion(&text, words))
            }
            _ => format!("argument {name:?} takes {}, not {found:?}", takes(arg)),
        });
    };
    arg.param_type.parse(&text).map_err(wrong).ok()
}
