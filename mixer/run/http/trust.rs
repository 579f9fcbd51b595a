//! Trust in certificates: the authorities of a `ca_file`, and the very certificates in it.
//!
//! The commonest self-signed certificate is marked as an authority's own, which no verifier takes from a server or client.
//! Named in `ca_file`, it is trusted all the same when it is shown, for any name, as long as it is valid in time.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};

/// Verifier of a peer's certificate.
#[derive(Debug)]
pub(super) struct Trust<V: ?Sized> {
    named: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
    authorities: Arc<V>,
}

impl Trust<WebPkiServerVerifier> {
    /// Trust of a client in servers with these certificates.
    pub(super) fn in_servers(
        named: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<Self>, String> {
        let roots = roots(&named)?;
        let authorities = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider)).build();
        let authorities = authorities.map_err(|error| error.to_string())?;
        Ok(Arc::new(Self { named, algorithms: provider.signature_verification_algorithms, authorities }))
    }
}

impl Trust<dyn ClientCertVerifier> {
    /// Trust of a server in clients with these certificates.
    pub(super) fn in_clients(
        named: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<Self>, String> {
        let roots = roots(&named)?;
        let authorities = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider)).build();
        let authorities = authorities.map_err(|error| error.to_string())?;
        Ok(Arc::new(Self { named, algorithms: provider.signature_verification_algorithms, authorities }))
    }
}

fn roots(certificates: &[CertificateDer<'static>]) -> Result<Arc<RootCertStore>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(|error| super::failure::of_tls(&error))?;
    }
    Ok(Arc::new(roots))
}

impl<V: ?Sized> Trust<V> {
    /// `true` if the certificate is a named one, and this problem is no reason to refuse it.
    fn overrides(&self, shown: &CertificateDer<'_>, problem: &Error) -> bool {
        let Error::InvalidCertificate(problem) = problem else { return false };
        let is_about_time = matches!(
            problem,
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        );
        !is_about_time && self.named.iter().any(|named| named == shown)
    }
}

/// The checks of signatures, which both traits of verifiers ask for.
macro_rules! checks_signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signature, &self.algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signature, &self.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.algorithms.supported_schemes()
        }
    };
}

impl ServerCertVerifier for Trust<WebPkiServerVerifier> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.authorities.verify_server_cert(end_entity, intermediates, name, ocsp_response, now) {
            Err(problem) if self.overrides(end_entity, &problem) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    checks_signatures!();
}

impl ClientCertVerifier for Trust<dyn ClientCertVerifier> {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authorities.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.authorities.verify_client_cert(end_entity, intermediates, now) {
            Err(problem) if self.overrides(end_entity, &problem) => Ok(ClientCertVerified::assertion()),
            verified => verified,
        }
    }

    checks_signatures!();
}
