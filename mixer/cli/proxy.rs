//! `promemu proxy`: a process of TCP proxies that are controlled by Toxiproxy's HTTP API.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use promemu_core::error::Error;
use promemu_core::rng::random_seed;
use promemu_core::{text_file, user_file};
use promemu_run::http::{listen_address, server};
use promemu_run::proxy::{Proxies, ProxyRules, router};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

use crate::args::ProxyArgs;
use crate::settings::Settings;
use crate::signals::shutdown_signal;

/// Serves the API until a signal comes. Connections end with it.
pub(crate) async fn proxy(settings: &Settings, args: &ProxyArgs) -> Result<(), Error> {
    let shutdown = shutdown_signal(None)?;
    let listener = listen(&args.address).await?;
    let address = listener.local_addr();
    let address = address.map_err(|source| unlistenable(&args.address, source))?;
    let seed = settings.cli().seed.unwrap_or_else(random_seed);
    let rules =
        ProxyRules { is_loopback: address.ip().is_loopback(), upstreams: args.allow_upstream.clone() };
    let mut proxies = Proxies::new(rules, seed)?;
    if let Some(file) = &args.file {
        load(&mut proxies, file).await?;
    } else if args.allow_upstream.is_empty() {
        info!(
            "clients may name no upstream yet; name those that they may with --allow-upstream, or proxies in a file"
        );
    }
    info!(url = %format!("http://{address}"), seed, "serving the API of the proxies");
    let (stop, stopped) = watch::channel(false);
    let router = router(Arc::new(proxies), args.metrics);
    let serving = tokio::spawn(server::serve(listener, None, router, stopped));
    shutdown.await;
    stop.send_replace(true);
    // A server that has panicked has ended, too.
    let _is_over = serving.await.is_ok();
    Ok(())
}

async fn listen(address: &str) -> Result<TcpListener, Error> {
    let (host, port) = listen_address(address).ok_or_else(|| {
        Error::Usage(format!(
            "--address or PME_PROXY_ADDRESS: {address} is not HOST:PORT, as in 127.0.0.1:8474"
        ))
    })?;
    let host = if host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) {
        format!("[{host}]")
    } else {
        host
    };
    let address = format!("{host}:{port}");
    TcpListener::bind(&*address).await.map_err(|source| unlistenable(&address, source))
}

fn unlistenable(address: &str, source: std::io::Error) -> Error {
    let what = format!("cannot listen on {address}; choose a free address of this machine with --address");
    Error::System { what, source }
}

/// Begins with the proxies of a file.
async fn load(proxies: &mut Proxies, file: &Path) -> Result<(), Error> {
    let text = text_file::read(file, user_file::CONFIG_BYTES_MAX)
        .map_err(|source| Error::System { what: format!("{} cannot be read", file.display()), source })?;
    let count =
        proxies.load(&text).await.map_err(|why| Error::Usage(format!("{}: {why}", file.display())))?;
    info!(proxies = count, file = %file.display(), "proxies are there");
    Ok(())
}
