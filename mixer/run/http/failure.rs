//! Failures of connections, in words that say what to do: libraries say what went wrong inside them.

use std::error::Error as StdError;
use std::io::{Error as IoError, ErrorKind};

use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// The failure of a request without a response, without the URL and its secrets.
#[must_use]
pub(super) fn failure(error: &reqwest::Error) -> String {
    if error.is_timeout() && !error.is_connect() {
        return "no answer in time".to_owned();
    }
    let chain = Chain::of(error);
    let known = chain.tls().map(of_tls).or_else(|| chain.http()).or_else(|| chain.proxy());
    let known = known.or_else(|| chain.name()).or_else(|| chain.io());
    let reason = known.unwrap_or_else(|| chain.deepest());
    let what = if error.is_builder() {
        ""
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "the exchange broke off"
    };
    let parts = [what.to_owned(), reason];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

/// A failure of TLS.
pub(super) fn of_tls(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(problem) => of_certificate(problem),
        TlsError::InvalidMessage(_) => "it does not speak TLS; write http:// in place of https://".to_owned(),
        TlsError::NoCertificatesPresented => "it shows no certificate".to_owned(),
        TlsError::PeerIncompatible(_) | TlsError::AlertReceived(AlertDescription::ProtocolVersion) => {
            "it has no version of TLS, or no cipher, in common with promemu; TLS 1.2 or 1.3 is needed".to_owned()
        }
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::AccessDenied,
        ) => "it refuses the client's certificate, or asks for one; give one that it trusts with cert_file and key_file"
            .to_owned(),
        TlsError::AlertReceived(AlertDescription::UnrecognisedName) => {
            "it has no certificate for this host name; use a name that it knows".to_owned()
        }
        TlsError::AlertReceived(alert) => format!("it ended the TLS handshake with the alert {}", words(&format!("{alert:?}"))),
        TlsError::InconsistentKeys(_) => "the key does not belong to the certificate; give the two of one pair".to_owned(),
        other => in_lower_case(&other.to_string()),
    }
}

fn of_certificate(problem: &CertificateError) -> String {
    match problem {
        CertificateError::UnknownIssuer => {
            "its certificate is signed by an authority that is not trusted; give that authority's certificate with ca_file"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; renew it, or set this machine's clock".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; wait, or set this machine's clock".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for other names; use one of those in the url, or give that very certificate with ca_file"
                .to_owned()
        }
        CertificateError::Revoked => "its certificate has been revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is for another purpose than servers".to_owned()
        }
        // webpki has no public name for it here.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "its certificate is an authority's own, as a self-signed one is; give that very certificate with ca_file"
                .to_owned()
        }
        CertificateError::Other(other) => format!("its certificate is refused: {}", words(&format!("{:?}", other.0))),
        other => format!("its certificate is refused: {}", words(&format!("{other:?}"))),
    }
}

/// `CamelCase` as words.
fn words(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars().take_while(char::is_ascii_alphanumeric) {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// An error's text as part of a sentence: an acronym or a name keeps its capitals.
fn in_lower_case(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), second) if second.is_none_or(|second| !second.is_uppercase()) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// An error and its causes, the outermost first.
struct Chain<'a>(Vec<&'a (dyn StdError + 'static)>);

impl<'a> Chain<'a> {
    fn of(error: &'a (dyn StdError + 'static)) -> Self {
        let mut chain = vec![error];
        while let Some(last) = chain.last().copied() {
            // An I/O error that wraps another one skips it as its source.
            let inner = last.downcast_ref::<IoError>().and_then(IoError::get_ref);
            let inner = inner.map(|inner| inner as &(dyn StdError + 'static));
            let Some(source) = inner.or_else(|| last.source()) else { break };
            chain.push(source);
        }
        Self(chain)
    }

    fn find<E: StdError + 'static>(&self) -> Option<&'a E> {
        self.0.iter().rev().find_map(|error| error.downcast_ref())
    }

    fn tls(&self) -> Option<&'a TlsError> {
        self.find()
    }

    fn http(&self) -> Option<String> {
        let error = self.find::<hyper::Error>()?;
        // A server that talks first has no name of its own among hyper's errors.
        let text = if error.is_parse() || error.to_string().contains("unexpected message") {
            "its answer is not HTTP; if it speaks TLS, write https:// in place of http://"
        } else if error.is_incomplete_message() || error.is_closed() {
            "it closed the connection before its answer was complete"
        } else {
            return None;
        };
        Some(text.to_owned())
    }

    fn proxy(&self) -> Option<String> {
        let texts = self.0.iter().map(ToString::to_string);
        let tunnel = texts.into_iter().find(|text| text.contains("tunnel") || text.contains("proxy auth"))?;
        Some(if tunnel.contains("auth") {
            "the proxy asks for a user and password; give them in its variable, as in http://USER:PASSWORD@proxy:3128"
                .to_owned()
        } else {
            "the proxy of HTTPS_PROXY does not connect to it; name the server in NO_PROXY if it is to be reached directly"
                .to_owned()
        })
    }

    fn name(&self) -> Option<String> {
        let is_lookup = self.0.iter().any(|error| error.to_string().starts_with("dns error"));
        is_lookup.then(|| format!("its name cannot be resolved ({}); check the url", self.deepest()))
    }

    fn io(&self) -> Option<String> {
        let error = self.find::<IoError>()?;
        let text = match error.kind() {
            ErrorKind::ConnectionRefused => "connection refused (does it run, and on this port?)",
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
                "it closed the connection"
            }
            ErrorKind::UnexpectedEof => "it closed the connection before its answer was complete",
            ErrorKind::TimedOut => "no answer in time",
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                "there is no way to its address; check the url and this machine's network"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn deepest(&self) -> String {
        let deepest = self.0.last().filter(|_| self.0.len() > 1);
        deepest.map(|error| in_lower_case(&error.to_string())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use rustls::OtherError;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn failures_of_tls_say_what_to_do() {
        let certificate = |problem| of_tls(&TlsError::InvalidCertificate(problem));
        for (text, advice) in [
            (certificate(CertificateError::UnknownIssuer), "with ca_file"),
            (certificate(CertificateError::Expired), "renew it"),
            (certificate(CertificateError::NotValidForName), "for other names"),
            (certificate(CertificateError::BadSignature), "refused: bad signature"),
            (
                certificate(CertificateError::Other(OtherError(Arc::new(IoError::other("x"))))),
                "its certificate is refused: custom",
            ),
            (of_tls(&TlsError::InvalidMessage(rustls::InvalidMessage::InvalidContentType)), "write http://"),
            (of_tls(&TlsError::AlertReceived(AlertDescription::CertificateRequired)), "with cert_file"),
            (
                of_tls(&TlsError::AlertReceived(AlertDescription::HandshakeFailure)),
                "the alert handshake failure",
            ),
        ] {
            assert!(text.contains(advice) && !text.contains('('), "{text}");
        }
        assert_eq!(in_lower_case("TLS is hard"), "TLS is hard");
        assert_eq!(in_lower_case("Peer is X"), "peer is X");
    }
}
