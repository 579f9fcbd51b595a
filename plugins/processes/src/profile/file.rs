//! Profiles in files, in RON.

use std::fs::{File, metadata};
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{Priority, Profile, Program, UsageRange};
use crate::UsagePattern;

/// Maximum size of a profile.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A profile, as in a file.
#[derive(Deserialize)]
#[serde(rename = "Profile", deny_unknown_fields)]
struct ProfileText {
    #[serde(default)]
    churn_rate: f64,
    #[serde(default)]
    chaos: f64,
    programs: Vec<ProgramText>,
}

/// A program. It is checked while it is read, so that an error has a position.
#[derive(Deserialize)]
#[serde(try_from = "Fields")]
struct ProgramText(Program);

#[derive(Deserialize)]
#[serde(rename = "Program", deny_unknown_fields)]
struct Fields {
    name: String,
    #[serde(default = "root")]
    owner: String,
    #[serde(default = "medium")]
    priority: PriorityText,
    #[serde(default = "one")]
    weight: u32,
    cpu_cores: UsageText,
    memory_mib: UsageText,
    #[serde(default = "one_thread")]
    threads: (u32, u32),
    #[serde(default = "few_fds")]
    open_fds: (u32, u32),
}

#[derive(Deserialize)]
#[serde(rename = "priority", rename_all = "lowercase")]
enum PriorityText {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Deserialize)]
#[serde(rename = "pattern", rename_all = "lowercase", expecting = "a pattern with its low and its high end")]
enum UsageText {
    Steady(f64, f64),
    Spiky(f64, f64),
    Growing(f64, f64),
    Random(f64, f64),
}

fn root() -> String {
    "root".to_owned()
}

const fn medium() -> PriorityText {
    PriorityText::Medium
}

const fn one() -> u32 {
    1
}

const fn one_thread() -> (u32, u32) {
    (1, 1)
}

const fn few_fds() -> (u32, u32) {
    (8, 16)
}

impl TryFrom<Fields> for ProgramText {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let priority = match fields.priority {
            PriorityText::Low => Priority::Low,
            PriorityText::Medium => Priority::Medium,
            PriorityText::High => Priority::High,
            PriorityText::Critical => Priority::Critical,
        };
        let program = Program {
            name: fields.name,
            owner: fields.owner,
            priority,
            weight: fields.weight,
            cpu_cores: fields.cpu_cores.in_units_of(1.0),
            memory_bytes: fields.memory_mib.in_units_of(1024.0 * 1024.0),
            threads: fields.threads,
            open_fds: fields.open_fds,
        };
        program.check()?;
        Ok(Self(program))
    }
}

impl UsageText {
    fn in_units_of(self, unit: f64) -> UsageRange {
        let (pattern, low, high) = match self {
            Self::Steady(low, high) => (UsagePattern::Steady, low, high),
            Self::Spiky(low, high) => (UsagePattern::Spiky, low, high),
            Self::Growing(low, high) => (UsagePattern::Growing, low, high),
            Self::Random(low, high) => (UsagePattern::Random, low, high),
        };
        UsageRange { pattern, low: low * unit, high: high * unit }
    }
}

impl Profile {
    /// The profile in a file. An error says which file, line and column.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let unreadable = |error: std::io::Error| format!("profile {shown} cannot be read: {error}");
        // Opening a pipe would block until it has a writer.
        if !metadata(path).map_err(unreadable)?.is_file() {
            return Err(format!("profile {shown} is not a file"));
        }
        let mut text = String::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(format!("profile {shown} is larger than {FILE_BYTES_MAX} bytes"));
        }
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let profile = Self::from_text(&name, &text).map_err(|error| format!("{shown}:{error}"))?;
        profile.check().map_err(|error| format!("{shown}: {error}"))?;
        Ok(profile)
    }

    /// The profile in a text. An error says the line and column.
    fn from_text(name: &str, text: &str) -> Result<Self, String> {
        let options =
            ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        let read: ProfileText = options.from_str(text).map_err(|error| {
            let (at, what) = (error.span.end, error.code.to_string());
            let mut letters = what.chars();
            let first = letters.next().map(|first| first.to_ascii_lowercase());
            format!("{}:{}: {}", at.line, at.col, first.into_iter().chain(letters).collect::<String>())
        })?;
        let programs = read.programs.into_iter().map(|program| program.0).collect();
        Ok(Self { name: name.to_owned(), programs, churn_rate: read.churn_rate, chaos: read.chaos })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"// Two programs.
Profile(
    churn_rate: 0.25,
    programs: [
        Program(name: "gateway", owner: "www-data", priority: critical, weight: 0, cpu_cores: spiky(0.1, 2),
            memory_mib: growing(64, 512.5), threads: (4, 16), open_fds: (20, 300)),
        Program(name: "job", cpu_cores: random(0, 1), memory_mib: steady(8, 8)),
    ],
)"#;

    #[test]
    fn a_profile_is_read_from_a_file() {
        let profile = Profile::from_text("own", TEXT).unwrap();
        let mib = 1024.0 * 1024.0;
        let gateway = Program {
            name: "gateway".to_owned(),
            owner: "www-data".to_owned(),
            priority: Priority::Critical,
            weight: 0,
            cpu_cores: UsageRange { pattern: UsagePattern::Spiky, low: 0.1, high: 2.0 },
            memory_bytes: UsageRange { pattern: UsagePattern::Growing, low: 64.0 * mib, high: 512.5 * mib },
            threads: (4, 16),
            open_fds: (20, 300),
        };
        let job = Program {
            name: "job".to_owned(),
            owner: "root".to_owned(),
            priority: Priority::Medium,
            weight: 1,
            cpu_cores: UsageRange { pattern: UsagePattern::Random, low: 0.0, high: 1.0 },
            memory_bytes: UsageRange { pattern: UsagePattern::Steady, low: 8.0 * mib, high: 8.0 * mib },
            threads: (1, 1),
            open_fds: (8, 16),
        };
        let own =
            Profile { name: "own".to_owned(), programs: vec![gateway, job], churn_rate: 0.25, chaos: 0.0 };
        assert_eq!(profile, own);
    }

    #[test]
    fn errors_have_a_position() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.ron");
        let refused = |from: &str, to: &str| {
            assert!(TEXT.contains(from), "{from}");
            std::fs::write(&path, TEXT.replacen(from, to, 1)).unwrap();
            let error = Profile::find(path.to_str().unwrap()).unwrap_err();
            error.replace(&folder.path().display().to_string(), "DIR")
        };
        let refused = [
            refused("churn_rate", "chrn_rate"),
            refused("critical", "urgent"),
            refused("spiky(0.1, 2)", "spicky(0.1, 2)"),
            refused("spiky(0.1, 2)", "spiky(0.1)"),
            refused("spiky(0.1, 2)", "spiky(3, 2)"),
            refused("spiky(0.1, 2)", "spiky(NaN, 2)"),
            refused("(4, 16)", "(0, 16)"),
            refused("weight: 0", "weight: -1"),
            refused("name: \"job\", ", ""),
            refused("name: \"job\"", "name: \"job\", name: \"job\""),
            refused("name: \"job\"", "name: \"\""),
            refused("name: \"job\"", "name: \"j\\u{0}b\""),
            refused("www-data", &"w".repeat(256)),
            refused("\n)", "\n"),
            refused(&TEXT[TEXT.find("Program(").unwrap()..TEXT.len() - 9], ""),
        ];
        insta::assert_snapshot!(refused.join("\n"), @r#"
        DIR/own.ron:3:14: unexpected field named `chrn_rate` in `Profile`, expected one of `churn_rate`, `chaos`, or `programs` instead
        DIR/own.ron:5:69: unexpected variant named `urgent` in enum `priority`, expected one of `low`, `medium`, `high`, or `critical` instead
        DIR/own.ron:5:101: unexpected variant named `spicky` in enum `pattern`, expected one of `steady`, `spiky`, `growing`, or `random` instead
        DIR/own.ron:5:104: expected a pattern with its low and its high end but found one element instead
        DIR/own.ron:6:83: cpu_cores of program "gateway" must go from 0 or more up to no less, but goes from 3 to 2
        DIR/own.ron:6:83: cpu_cores of program "gateway" must go from 0 or more up to no less, but goes from NaN to 2
        DIR/own.ron:6:83: threads of program "gateway" must go from 1 or more up to no less, but go from 0 to 16
        DIR/own.ron:5:83: integer is out of bounds
        DIR/own.ron:7:66: unexpected missing field named `name` in `Program`
        DIR/own.ron:7:34: unexpected duplicate field named `name` in `Program`
        DIR/own.ron:7:77: a program needs a name
        DIR/own.ron:7:84: the name of a program must have 255 bytes at most and no control characters
        DIR/own.ron:6:83: the owner of a program must have 255 bytes at most and no control characters
        DIR/own.ron:9:1: unexpected end of RON
        DIR/own.ron: profile "own" has no programs
        "#);
        std::fs::remove_file(&path).unwrap();
        let missing = Profile::find(path.to_str().unwrap()).unwrap_err();
        assert!(missing.contains("own.ron cannot be read: "), "{missing}");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let pipe = Profile::find(path.to_str().unwrap()).unwrap_err();
        assert!(pipe.ends_with("own.ron is not a file"), "{pipe}");
        let unknown = Profile::find("relistic").unwrap_err();
        let names = "realistic, high-cardinality, high-churn, chaos";
        let expected = format!(
            "unknown profile \"relistic\"; expected {names}, or the path of a .ron file with a Profile"
        );
        assert_eq!(unknown, expected);
    }
}
