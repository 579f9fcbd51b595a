//! `promemu ctl`: a client of the control API, for the shell.

mod client;
mod request;
mod tables;
mod words;

use std::process::ExitCode;

use promemu_core::error::Error;

use crate::args::{Cli, CtlAction, CtlArgs};
use crate::settings::token;
use crate::{stdout, table};
use client::Client;
use request::{Request, event_stream_path};

/// Sends the action's request, and prints the answer. The exit code is that of the same command without a daemon.
pub(crate) async fn ctl(cli: &Cli, args: &CtlArgs) -> Result<ExitCode, Error> {
    let client = Client::new(&args.url, token(cli)?)?;
    if matches!(args.action, CtlAction::Events { follow: true }) {
        return client.follow(&event_stream_path(args), args.json).await.map(|()| ExitCode::SUCCESS);
    }
    let answer = client.send(&Request::new(cli, args)?).await?;
    let text = if args.json {
        format!("{answer:#}\n")
    } else {
        tables::render(&args.action, &answer, table::width())
    };
    let print = if args.json { stdout::print_for_programs } else { stdout::print };
    print(text.as_bytes())?;
    let is_refused = matches!(args.action, CtlAction::Check { .. }) && answer["valid"] != true;
    Ok(if is_refused { ExitCode::from(2) } else { ExitCode::SUCCESS })
}
