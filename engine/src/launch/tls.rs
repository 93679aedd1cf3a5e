//! The TLS of a run, set up before it: files read, authorities found, settings that can be met.

use super::trust::{AnyCertificate, authorities};
use crate::plan::{Plan, ServerName};
use crate::shard::TlsClient;
use acp_wire::plan::{Tls, TlsVersion};
use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ConfigBuilder, SupportedProtocolVersion};
use std::sync::Arc;
use thiserror::Error;

/// The only protocol that is spoken.
const HTTP_1_1: &[u8] = b"http/1.1";

/// Why there can be no TLS.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file that is not there or not PEM.
    #[error("cannot read {field} `{path}`: {source}\nhint: it is to be a PEM file on this host")]
    Read { field: &'static str, path: String, source: pem::Error },
    /// PEM without a certificate.
    #[error(
        "no certificate in {field} `{path}`\nhint: PEM has a line `-----BEGIN CERTIFICATE-----`"
    )]
    NoCertificate { field: &'static str, path: String },
    /// Not an authority.
    #[error("bad certificate in tls.cacert: {0}")]
    Authority(rustls::Error),
    #[error(
        "this host trusts no authority: {0}\nhint: install `ca-certificates`, give --cacert FILE, or -k to check nothing"
    )]
    NoAuthorities(String),
    /// Certificate and key do not go together.
    #[error("tls.cert and tls.key cannot be used: {0}")]
    Identity(rustls::Error),
    /// No version and cryptography that go together.
    #[error("TLS cannot be set up: {0}")]
    Settings(rustls::Error),
}

/// Everything that the shards of a run need for TLS.
pub(super) struct TlsSetup {
    config: ClientConfig,
    name: ServerName<'static>,
    resumes: bool,
}

impl TlsSetup {
    /// What a plan asks for; none where its target speaks plain HTTP.
    pub(super) fn of(plan: &Plan) -> Result<Option<Self>, TlsError> {
        let Some(name) = plan.server_name.clone() else { return Ok(None) };
        let tls = &plan.document.tls;
        Ok(Some(Self { config: config(tls)?, name, resumes: tls.resumption }))
    }

    /// The client's side for one more shard.
    pub(super) fn client(&self) -> TlsClient {
        TlsClient::new(self.config.clone(), self.name.clone(), self.resumes)
    }
}

/// The cryptography, named: what a library picks by itself depends on what else is linked in. Only
/// classical groups are offered for the exchange of keys, the cheapest first: the cost of opening a
/// connection is to be the target's.
fn provider() -> CryptoProvider {
    let kx_groups = vec![
        aws_lc_rs::kx_group::X25519,
        aws_lc_rs::kx_group::SECP256R1,
        aws_lc_rs::kx_group::SECP384R1,
    ];
    CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() }
}

fn config(tls: &Tls) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(tls))
        .map_err(TlsError::Settings)?;
    let builder = if tls.verify {
        builder.with_root_certificates(authorities(tls.cacert.as_deref())?)
    } else {
        let verifier = Arc::new(AnyCertificate::new(&provider));
        builder.dangerous().with_custom_certificate_verifier(verifier)
    };
    let mut config = with_identity(builder, tls)?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

/// Versions to offer.
fn versions(tls: &Tls) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(TlsVersion::V1_2, &TLS12), (TlsVersion::V1_3, &TLS13)];
    let is_offered = |version: TlsVersion| {
        tls.min_version.is_none_or(|lowest| lowest <= version)
            && tls.max_version.is_none_or(|highest| version <= highest)
    };
    all.into_iter().filter(|&(version, _)| is_offered(version)).map(|(_, found)| found).collect()
}

fn with_identity(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    tls: &Tls,
) -> Result<ClientConfig, TlsError> {
    let (Some(cert), Some(key)) = (&tls.cert, &tls.key) else {
        return Ok(builder.with_no_client_auth());
    };
    let read = |field, path: &String, source| TlsError::Read { field, path: path.clone(), source };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| read("tls.cert", cert, source))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { field: "tls.cert", path: cert.clone() });
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|source| read("tls.key", key, source))?;
    builder.with_client_auth_cert(chain, key).map_err(TlsError::Identity)
}
