//! The flags of `promemu new`.

use clap::Args;

/// Contents of a new config or plugin.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The config's name: letters, digits, _ and -; the file is NAME.ron
    pub(crate) name: String,

    /// Write a plugin instead: a folder NAME with a Rust package that builds as it is
    #[arg(long, env = "PME_NEW_PLUGIN")]
    pub(crate) plugin: bool,

    /// Number of hosts [default: 3]
    #[arg(long, env = "PME_NEW_HOSTS", value_name = "N", value_parser = parse_hosts)]
    pub(crate) hosts: Option<u32>,

    #[arg(
        long,
        env = "PME_NEW_METRIC",
        value_name = "NAME:TYPE",
        help = "A metric, with labels as in requests_total{code=\"200|500\"}:counter, a series for each value; may be repeated, and \
                the variable takes several separated by blanks. The type is gauge, counter, histogram, native_histogram, \
                summary, info or stateset [default: cpu_usage_percent:gauge requests_total{code=\"200|500\"}:counter \
                response_seconds:histogram]"
    )]
    pub(crate) metric: Vec<String>,

    /// The hosts' job [default: NAME]
    #[arg(long, env = "PME_NEW_JOB", value_name = "JOB")]
    pub(crate) job: Option<String>,

    /// The ttl of every host, as in 1h [default: none, they live for ever]
    #[arg(long, env = "PME_NEW_TTL", value_name = "DURATION")]
    pub(crate) ttl: Option<String>,

    /// The config's description, for --list-configs [default: emulated hosts of NAME]
    #[arg(long, env = "PME_NEW_DESCRIPTION", value_name = "TEXT")]
    pub(crate) description: Option<String>,

    /// Replace an existing file
    #[arg(long, env = "PME_NEW_FORCE")]
    pub(crate) force: bool,
}

fn parse_hosts(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(hosts @ 1..) => Ok(hosts),
        _ => Err("give a number from 1 on".to_owned()),
    }
}
