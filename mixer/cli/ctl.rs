//! `promemu ctl`: a client of the control API, for the shell.

mod client;
mod request;
mod tables;

use promemu_core::error::Error;

use crate::args::{Cli, CtlAction, CtlArgs};
use crate::settings::token;
use crate::stdout;
use client::Client;
use request::{Request, event_stream_path};

/// Sends the action's request, and prints the answer.
pub(crate) async fn ctl(cli: &Cli, args: &CtlArgs) -> Result<(), Error> {
    let client = Client::new(&args.url, token(cli)?)?;
    if matches!(args.action, CtlAction::Events { follow: true }) {
        return client.follow(&event_stream_path(args), args.json).await;
    }
    let answer = client.send(&Request::new(cli, args)?).await?;
    let text = if args.json { format!("{answer:#}\n") } else { tables::render(&args.action, &answer) };
    stdout::print(text.as_bytes())
}
