//! The TLS of a target: its certificate, made at the start or read from files, and its settings.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use crate::conn::tls;

/// The only protocol that is spoken.
const HTTP_1_1: &[u8] = b"http/1.1";

/// Where the certificate of a target comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetTls {
    /// It is made at the start, for `localhost`, the addresses of loopback and the one that is
    /// listened on, and signs itself.
    Made {
        /// Where it is written to as PEM, for clients that are to trust it.
        ca: Option<PathBuf>,
    },
    /// It is there, as PEM.
    Files {
        /// The certificate with its chain.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

/// Why a target cannot speak TLS.
#[derive(Debug, Error)]
pub enum TargetTlsError {
    /// A file that is not there or not PEM.
    #[error("failed to read `{path}`, hint: it is to be a PEM file")]
    Read {
        /// The file.
        path: PathBuf,
        /// The failure.
        source: pem::Error,
    },
    /// PEM without a certificate.
    #[error(
        "no certificate in `{path}`, hint: PEM of one has a line `-----BEGIN CERTIFICATE-----`"
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The certificate could not be made.
    #[error("failed to make a certificate")]
    Make {
        /// The failure.
        #[from]
        source: rcgen::Error,
    },
    /// The certificate could not be written.
    #[error("failed to write the certificate to `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The failure.
        source: io::Error,
    },
    /// Certificate and key do not go together, or settings cannot be met.
    #[error("failed to set up TLS")]
    Settings {
        /// The failure.
        #[from]
        source: rustls::Error,
    },
}

/// A certificate with its chain, and its key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// The server's side of TLS for all connections: versions 1.2 and 1.3, with tickets to resume by.
pub(super) fn acceptor(
    options: &TargetTls,
    address: SocketAddr,
) -> Result<tls::Server, TargetTlsError> {
    let identity = match options {
        TargetTls::Made { ca } => make(address, ca.as_deref())?,
        TargetTls::Files { cert, key } => read(cert, key)?,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    // Tickets are kept by the clients: the threads share no store that they could wait for.
    config.ticketer = Ticketer::new()?;
    Ok(tls::Server::new(config))
}

fn make(address: SocketAddr, ca: Option<&Path>) -> Result<Identity, TargetTlsError> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let listened_on = address.ip().to_string();
    if !names.contains(&listened_on) {
        names.push(listened_on);
    }
    let made = rcgen::generate_simple_self_signed(names)?;
    if let Some(path) = ca {
        fs::write(path, made.cert.pem())
            .map_err(|source| TargetTlsError::Write { path: path.to_owned(), source })?;
    }
    Ok(Identity { chain: vec![made.cert.der().clone()], key: made.signing_key.into() })
}

fn read(cert: &Path, key: &Path) -> Result<Identity, TargetTlsError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TargetTlsError::Read { path, source }
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed(cert))?;
    if chain.is_empty() {
        return Err(TargetTlsError::NoCertificate { path: cert.to_owned() });
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(failed(key))?;
    Ok(Identity { chain, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 443);

    #[test]
    fn a_certificate_that_is_made_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        acceptor(&TargetTls::Made { ca: Some(ca.clone()) }, ADDRESS).unwrap();
        let written = CertificateDer::from_pem_file(&ca).unwrap();
        let address = |needle: &[u8]| written.windows(needle.len()).any(|part| part == needle);
        assert!(address(b"localhost") && address(&[192, 0, 2, 1]), "names of the certificate");
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let made = |name| rcgen::generate_simple_self_signed([String::from(name)]).unwrap();
        let (one, other) = (made("a"), made("b"));
        let cert = file("cert", &one.cert.pem());
        let key = file("key", &one.signing_key.serialize_pem());
        let other_key = file("other", &other.signing_key.serialize_pem());
        let (empty, missing) = (file("empty", ""), folder.path().join("missing"));
        for (what, cert, key, expect) in [
            ("good", &cert, &key, None),
            ("no file of a certificate", &missing, &key, Some("failed to read")),
            ("no file of a key", &cert, &missing, Some("failed to read")),
            ("nothing in it", &empty, &key, Some("no certificate in")),
            ("a key for a certificate", &key, &key, Some("no certificate in")),
            ("a certificate for a key", &cert, &cert, Some("failed to read")),
            ("the key of another", &cert, &other_key, Some("failed to set up TLS")),
        ] {
            let options = TargetTls::Files { cert: cert.clone(), key: key.clone() };
            let found = acceptor(&options, ADDRESS).err().map(|error| error.to_string());
            match (&found, expect) {
                (None, None) => {}
                (Some(text), Some(part)) if text.contains(part) => {}
                _ => panic!("{what}: {found:?}"),
            }
        }
        let nowhere = TargetTls::Made { ca: Some(missing.join("ca.pem")) };
        let error = acceptor(&nowhere, ADDRESS).unwrap_err().to_string();
        assert!(error.contains("failed to write the certificate"), "{error}");
    }
}
