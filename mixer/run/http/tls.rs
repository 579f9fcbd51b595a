//! TLS of clients and servers: the certificate that each shows, and the ones it trusts.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ServerConfig};

use super::failure;
use super::options::HttpOptions;
use super::trust::Trust;
use promemu_core::error::Error;

/// The TLS configuration of a client with these options; `None` without a `ca_file`.
pub(super) fn client_tls(options: &HttpOptions) -> Result<Option<ClientConfig>, Error> {
    let Some(authorities) = options.ca_certificates() else { return Ok(None) };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let trust = Trust::in_servers(certificates(authorities)?, &provider).map_err(unusable)?;
    let config = config.map_err(tls)?.dangerous().with_custom_certificate_verifier(trust);
    let mut config = match options.identity() {
        None => config.with_no_client_auth(),
        Some(pem) => config.with_client_auth_cert(certificates(pem)?, key(pem)?).map_err(tls)?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(config))
}

/// The TLS configuration of a server with these options; `None` without a certificate.
pub fn server_tls(options: &HttpOptions) -> Result<Option<Arc<ServerConfig>>, Error> {
    let Some(pem) = options.identity() else { return Ok(None) };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let config = config.map_err(tls)?;
    let config = match options.ca_certificates() {
        None => config.with_no_client_auth(),
        Some(authorities) => {
            let trust = Trust::in_clients(certificates(authorities)?, &provider).map_err(unusable)?;
            config.with_client_cert_verifier(trust)
        }
    };
    let mut config = config.with_single_cert(certificates(pem)?, key(pem)?).map_err(tls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all: Result<_, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.map_err(|error| unusable(error.to_string()))
}

fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| unusable(error.to_string()))
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn tls(error: rustls::Error) -> Error {
    unusable(failure::of_tls(&error))
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn unusable(reason: String) -> Error {
    Error::Usage(format!("cert_file, key_file or ca_file cannot be used: {reason}"))
}
