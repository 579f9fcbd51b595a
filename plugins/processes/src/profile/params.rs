//! The parameter `profile`: a built-in profile, or one of the config's own, written there or in a file.

use promemu_plugin::{Param, Params, Refused};

use super::{MIB, Priority, Profile, Program, UsageRange};
use crate::UsagePattern;

const PATTERNS: &str = "steady,spiky,growing,random";

const PROGRAM: Param = Param::record(
    "program",
    &[
        Param::text("name", "", "name of the program"),
        Param::text("owner", "root", "user that it runs as"),
        Param::choice(
            "priority",
            "low,medium,high,critical",
            "medium",
            "churn replaces processes of the lowest priority, never critical ones",
        ),
        Param::number(
            "weight",
            "1",
            "relative probability that a further process belongs to it; 0: it has a single process",
        ),
        Param::range("cpu_cores", "", "cores that a process wants, with their course over time")
            .with_words(PATTERNS),
        Param::range("memory_mib", "", "memory of a process in MiB, with its course over time")
            .with_words(PATTERNS),
        Param::range("threads", "(1, 1)", "number of threads when idle and when fully busy"),
        Param::range("open_fds", "(8, 16)", "number of open files when idle and when fully busy"),
    ],
    "",
    "program and its behaviour",
);

/// The declaration of the parameter.
pub(crate) const PROFILE: Param = Param::record(
    "profile",
    &[
        Param::number("churn_rate", "0", "share of the processes replaced each minute"),
        Param::number("chaos", "0", "faults per minute"),
        Param::list("programs", &PROGRAM, "", "programs of the host"),
    ],
    "realistic",
    "programs and their behaviour: a built-in profile, one of your own, or the path of a .ron file with one",
)
.with_words("realistic,high-cardinality,high-churn,process-churn,chaos")
.or_file();

/// The value of the parameter. All wrong programs are refused.
pub(crate) fn profile(params: &Params<'_>) -> Result<Profile, Refused> {
    if let Some(name) = params.word("profile") {
        return Profile::of(name).ok_or_else(|| params.refuse("profile", format!("{name:?} is unknown")));
    }
    let own = params.record("profile");
    let (mut programs, mut refused) = (Vec::new(), None);
    for program in own.items("programs") {
        match read_program(&program) {
            Ok(program) => programs.push(program),
            Err(why) => refused = Some(why),
        }
    }
    let profile = Profile {
        name: "own".to_owned(),
        programs,
        churn_rate: own.number("churn_rate"),
        chaos: own.number("chaos"),
    };
    refused.map_or(Ok(profile), Err)
}

fn read_program(params: &Params<'_>) -> Result<Program, Refused> {
    let whole = |name: &str, number: f64| {
        let why = || params.refuse(name, format!("must have whole numbers from 0 on, but has {number}"));
        whole(number).ok_or_else(why)
    };
    let pair = |name: &str| {
        let (low, high) = params.range(name);
        Ok::<_, Refused>((whole(name, low)?, whole(name, high)?))
    };
    let usage = |name: &str, unit: f64| {
        let (pattern, (low, high)) = params.word_range(name);
        let pattern = match pattern {
            "spiky" => UsagePattern::Spiky,
            "growing" => UsagePattern::Growing,
            "random" => UsagePattern::Random,
            _ => UsagePattern::Steady,
        };
        UsageRange { pattern, low: low * unit, high: high * unit }
    };
    let priority = params.choice("priority");
    let priority = Priority::ALL.into_iter().find(|known| known.word() == priority);
    let program = Program {
        name: params.text("name").to_owned(),
        owner: params.text("owner").to_owned(),
        priority: priority.unwrap_or(Priority::Medium),
        weight: whole("weight", params.number("weight"))?,
        cpu_cores: usage("cpu_cores", 1.0),
        memory_bytes: usage("memory_mib", MIB),
        threads: pair("threads")?,
        open_fds: pair("open_fds")?,
    };
    program.check().map_err(|(field, why)| params.refuse(field, why))?;
    Ok(program)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range, as checked")]
fn whole(number: f64) -> Option<u32> {
    (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
}
