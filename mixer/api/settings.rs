//! The API's address and token.

use promemu_core::naming::host_and_port;
use tokio::net::TcpListener;

use promemu_core::error::Error;
use promemu_run::http::server;

use crate::access::Token;

/// The address to listen on, and the token to ask for.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The host name or address.
    pub host: String,
    /// The port; with 0 the system chooses one.
    pub port: u16,
    /// `true` if it must be this port; if not, the next free one is taken.
    pub is_fixed: bool,
    /// The token that clients must send; `None` for no check.
    pub token: Option<Token>,
}

impl ApiSettings {
    /// `HOST:PORT`, an IPv6 address in brackets.
    pub(crate) fn address(&self) -> String {
        host_and_port(&self.host, self.port)
    }

    /// `true` if only this machine can connect to the address.
    pub(crate) async fn is_loopback(&self) -> Result<bool, Error> {
        let Self { host, port, .. } = self;
        let unknown = |source| Error::System {
            what: format!(
                "cannot listen on {}; choose an address of this machine with --listen",
                self.address()
            ),
            source,
        };
        let mut addresses = tokio::net::lookup_host((host.as_str(), *port)).await.map_err(unknown)?;
        Ok(addresses.all(|address| address.ip().is_loopback()))
    }

    /// Binds the address.
    pub(crate) async fn bind(&self) -> Result<TcpListener, Error> {
        let Self { host, port, is_fixed, .. } = self;
        let bound = server::bind(host, *port, !is_fixed).await;
        bound.map_err(|source| {
            let what = if *is_fixed {
                format!(
                    "cannot listen on {}; choose a free address of this machine with --listen, or --listen off",
                    self.address()
                )
            } else {
                format!("no port from {port} on is free on {host}; choose one with --listen, or --listen off")
            };
            Error::System { what, source }
        })
    }
}
