//! Who is let in: clients that show the right `Authorization`, over TLS if there is a certificate.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::http::HttpOptions;
use promemu_core::error::Error;

/// So many connections may be about to agree on keys at the same time.
const HANDSHAKES_AT_ONCE: usize = 256;
/// A client that takes longer for it is cut off.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Lets a request pass if it shows what is wanted.
pub(super) async fn check(State(wanted): State<HeaderValue>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION);
    // In constant time, so that the credentials cannot be found byte by byte.
    if shown.is_some_and(|shown| shown.as_bytes().ct_eq(wanted.as_bytes()).into()) {
        return next.run(request).await;
    }
    let scheme = if wanted.as_bytes().starts_with(b"Basic") { "Basic realm=\"promemu\"" } else { "Bearer" };
    let headers = [(header::WWW_AUTHENTICATE, scheme)];
    (StatusCode::UNAUTHORIZED, headers, "not without the right authorization\n").into_response()
}

/// How TLS is spoken with these options; not at all without a certificate.
pub(super) fn tls(options: &HttpOptions) -> Result<Option<Arc<ServerConfig>>, Error> {
    let Some(pem) = options.identity() else { return Ok(None) };
    let broken =
        |problem: String| Error::Usage(format!("cert_file, key_file or ca_file cannot be used: {problem}"));
    let read = |pem: &[u8]| {
        let all: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(pem).collect();
        all.map_err(|error| broken(error.to_string()))
    };
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| broken(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let config = config.map_err(|error| broken(error.to_string()))?;
    let config = match options.ca_certificates() {
        None => config.with_no_client_auth(),
        Some(authorities) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in read(authorities)? {
                roots.add(certificate).map_err(|error| broken(error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.map_err(|error| broken(error.to_string()))?)
        }
    };
    let mut config = config.with_single_cert(read(pem)?, key).map_err(|error| broken(error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

/// A listener whose connections are private. Clients that are slow to agree on keys hold up no other.
pub(super) struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    pub(super) fn new(listener: TcpListener, tls: Arc<ServerConfig>) -> Self {
        Self { listener, acceptor: tls.into(), handshakes: JoinSet::new() }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    // One that failed is the client's business.
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
                (stream, address) = Listener::accept(&mut self.listener),
                    if self.handshakes.len() < HANDSHAKES_AT_ONCE =>
                {
                    let handshake = self.acceptor.accept(stream);
                    self.handshakes.spawn(async move {
                        let agreed = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await;
                        Some((agreed.ok()?.ok()?, address))
                    });
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Listener::local_addr(&self.listener)
    }
}
