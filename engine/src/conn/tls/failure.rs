//! Why TLS has failed: the class that is counted, and words for a person.

use acp_wire::ErrorClass;
use rustls::{CertificateError, Error, InvalidMessage};

/// Why a connection cannot be used any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What its requests are counted as.
    pub class: ErrorClass,
    /// What a person should know.
    pub text: String,
}

impl Failure {
    /// The peer has gone in the middle of the handshake.
    #[must_use]
    pub fn gone(how: &str) -> Self {
        let text = format!("TLS: the target {how} the connection within the handshake");
        Self { class: ErrorClass::Tls, text }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (class, what) = match &error {
            Error::InvalidCertificate(problem) => of_certificate(problem),
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => (ErrorClass::Tls, "the target does not speak TLS here"),
            Error::AlertReceived(_) => (ErrorClass::Tls, "the target refuses"),
            _ => (ErrorClass::Tls, "the connection failed"),
        };
        Self { class, text: format!("TLS: {what}: {error}") }
    }
}

fn of_certificate(problem: &CertificateError) -> (ErrorClass, &'static str) {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    match problem {
        UnknownIssuer => {
            (ErrorClass::TlsUnknownCa, "no trusted authority has signed the target's certificate")
        }
        Expired | ExpiredContext { .. } => {
            (ErrorClass::TlsExpired, "the target's certificate has expired")
        }
        NotValidYet | NotValidYetContext { .. } => {
            (ErrorClass::TlsExpired, "the target's certificate is not valid yet")
        }
        NotValidForName | NotValidForNameContext { .. } => {
            (ErrorClass::TlsHostName, "the target's certificate is for another name")
        }
        _ => (ErrorClass::Tls, "the target's certificate cannot be accepted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::AlertDescription;
    use rustls::pki_types::{ServerName, UnixTime};
    use std::time::Duration;

    #[test]
    fn each_failure_has_its_class() {
        let certificate = Error::InvalidCertificate;
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let (time, not_after, not_before) = (at(2), at(1), at(3));
        let name = ServerName::try_from("a").unwrap();
        for (error, class, part) in [
            (certificate(CertificateError::UnknownIssuer), "tls_unknown_ca", "no trusted"),
            (certificate(CertificateError::Expired), "tls_expired", "has expired"),
            (
                certificate(CertificateError::ExpiredContext { time, not_after }),
                "tls_expired",
                "has expired",
            ),
            (certificate(CertificateError::NotValidYet), "tls_expired", "not valid yet"),
            (
                certificate(CertificateError::NotValidYetContext { time, not_before }),
                "tls_expired",
                "not valid yet",
            ),
            (certificate(CertificateError::NotValidForName), "tls_host_name", "another name"),
            (
                certificate(CertificateError::NotValidForNameContext {
                    expected: name,
                    presented: vec!["b".into()],
                }),
                "tls_host_name",
                "another name",
            ),
            (certificate(CertificateError::BadSignature), "tls", "cannot be accepted"),
            (certificate(CertificateError::Revoked), "tls", "cannot be accepted"),
            (Error::AlertReceived(AlertDescription::HandshakeFailure), "tls", "refuses"),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), "tls", "speak TLS"),
            (Error::DecryptError, "tls", "failed"),
        ] {
            let failure = Failure::from(error);
            assert_eq!(failure.class.name(), class, "{failure:?}");
            assert!(failure.text.contains(part), "{failure:?}");
        }
    }
}
