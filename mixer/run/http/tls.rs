//! TLS of a server: its certificate, and the authorities of its clients' certificates.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

use super::options::HttpOptions;
use promemu_core::error::Error;

/// The TLS configuration of a server with these options; `None` without a certificate.
pub fn server_tls(options: &HttpOptions) -> Result<Option<Arc<ServerConfig>>, Error> {
    let Some(pem) = options.identity() else { return Ok(None) };
    let broken =
        |reason: String| Error::Usage(format!("cert_file, key_file or ca_file cannot be used: {reason}"));
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
