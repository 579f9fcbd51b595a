//! The rule files of a test, read.

use std::path::{Path, PathBuf};
use std::{fs, io};

use promemu_core::error::Error;
use promemu_wire::rule_file::RuleFile;
use regex_lite::Regex;

use super::subject::WILDCARDS;

/// Reads the rule files of these absolute paths, whose last part may be a pattern. A file that two of them name is read once.
///
/// # Errors
///
/// A file cannot be read, or is no rule file: all problems of it.
pub(super) fn read(paths: &[String]) -> Result<Vec<(PathBuf, RuleFile)>, Error> {
    let mut files: Vec<(PathBuf, RuleFile)> = Vec::new();
    for path in paths {
        let unreadable =
            |source: io::Error| Error::System { what: format!("the rules {path} cannot be read"), source };
        for file in matching(Path::new(path)).map_err(unreadable)? {
            if files.iter().any(|(known, _)| *known == file) {
                continue;
            }
            let text = fs::read_to_string(&file).map_err(unreadable)?;
            let rules = RuleFile::parse(&file.display().to_string(), &text)
                .map_err(|problems| Error::Usage(problems.join("; ")))?;
            files.push((file, rules));
        }
    }
    Ok(files)
}

/// The files of a path, in order of name if its last part is a pattern.
fn matching(path: &Path) -> io::Result<Vec<PathBuf>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (Some(folder), true) = (path.parent(), name.contains(WILDCARDS)) else {
        return Ok(vec![path.to_owned()]);
    };
    let pattern = Regex::new(&regex_of(&name)).map_err(io::Error::other)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if pattern.is_match(&entry.file_name().to_string_lossy()) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The regular expression of a pattern of file names, as Prometheus reads it.
fn regex_of(pattern: &str) -> String {
    let (mut regex, mut is_in_class) = (String::from("^"), false);
    for c in pattern.chars() {
        match c {
            '*' if !is_in_class => regex.push_str(".*"),
            '?' if !is_in_class => regex.push('.'),
            '[' if !is_in_class => {
                is_in_class = true;
                regex.push('[');
            }
            ']' if is_in_class => {
                is_in_class = false;
                regex.push(']');
            }
            '-' | '^' if is_in_class => regex.push(c),
            c => {
                if c.is_ascii_punctuation() {
                    regex.push('\\');
                }
                regex.push(c);
            }
        }
    }
    regex.push('$');
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_the_files_that_prometheus_takes() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.yml", "b.yml", "b2.yml", "c.yaml", "+.yml"] {
            fs::write(dir.path().join(name), "groups: []\n").unwrap();
        }
        let files = |pattern: &str| -> Vec<String> {
            let all = matching(&dir.path().join(pattern)).unwrap();
            all.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(files("*.yml"), ["+.yml", "a.yml", "b.yml", "b2.yml"]);
        assert_eq!(files("b?.yml"), ["b2.yml"]);
        assert_eq!(files("[a-b].yml"), ["a.yml", "b.yml"]);
        assert_eq!(files("[^a].yml"), ["+.yml", "b.yml"]);
        assert_eq!(files("c.yaml"), ["c.yaml"]);
        assert!(files("d*").is_empty());
        let paths = ["*.yml", "a.yml"].map(|name| dir.path().join(name).display().to_string());
        assert_eq!(read(&paths).unwrap().len(), 4);
        fs::write(dir.path().join("d.yml"), "groups: [{ name: g, rules: [{ expr: up }] }]").unwrap();
        let error = read(&paths).unwrap_err().to_string();
        assert!(error.contains("d.yml: group \"g\", rule 1: alert or record is missing"), "{error}");
    }
}
