//! Whose certificates are accepted: those of given authorities, of this host's, or all.

use super::tls::TlsError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// A PEM text has this; what does not is the path of a file.
const PEM: &str = "-----BEGIN";

/// The authorities of a PEM file or text, or this host's own.
pub(super) fn authorities(cacert: Option<&str>) -> Result<RootCertStore, TlsError> {
    match cacert {
        None => own_authorities(),
        Some(text) if text.contains(PEM) => {
            let found = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
            given_authorities(found, "(text in the plan)")
        }
        Some(path) => {
            let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
            given_authorities(found, path)
        }
    }
}

fn given_authorities(
    found: Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error>,
    path: &str,
) -> Result<RootCertStore, TlsError> {
    let (field, path) = ("tls.cacert", path.to_owned());
    let found = match found {
        Ok(found) if found.is_empty() => return Err(TlsError::NoCertificate { field, path }),
        Ok(found) => found,
        Err(source) => return Err(TlsError::Read { field, path, source }),
    };
    let mut store = RootCertStore::empty();
    for certificate in found {
        store.add(certificate).map_err(TlsError::Authority)?;
    }
    Ok(store)
}

/// What this host trusts. Some of it may be too old to be understood; that is left out.
fn own_authorities() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        let why = if errors.is_empty() { "none is installed".into() } else { errors.join(", ") };
        return Err(TlsError::NoAuthorities(why));
    }
    Ok(store)
}

/// Accepts every certificate. Whoever shows one must still have its key.
#[derive(Debug)]
pub(super) struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyCertificate {
    pub(super) fn new(provider: &CryptoProvider) -> Self {
        Self { algorithms: provider.signature_verification_algorithms }
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
