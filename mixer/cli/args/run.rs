//! The words of `promemu run`. Its flags are those of the program.

use clap::Args;

use super::words::ArgumentWords;

/// The config to run.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  promemu run hosts_load_with_peaks hosts_count=5 --embedded\n  promemu run shop.ron --output scrape=127.0.0.1:9464 --watch\n  promemu run - < shop.ron"
)]
pub(crate) struct RunArgs {
    /// The config: a name (--list-configs shows them), the path of a .ron file, or - for standard input
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) words: ArgumentWords,
}
