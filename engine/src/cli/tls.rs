//! The flags of TLS, and what they are in a plan.

use acp_wire::plan::{Tls, TlsVersion};
use clap::{Args, ValueEnum};

/// Flags of `https` targets.
#[derive(Args, Debug)]
#[command(next_help_heading = "TLS")]
pub(super) struct TlsArgs {
    /// Do not check the certificate of the target
    #[arg(short = 'k', long)]
    insecure: bool,
    /// Authorities to trust instead of this machine's own: a PEM file
    #[arg(long, value_name = "FILE")]
    cacert: Option<String>,
    /// Certificate to show to the target, with its chain: a PEM file
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<String>,
    /// Private key of --cert: a PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<String>,
    /// Name to ask for and to check instead of the host of the URL
    #[arg(long, value_name = "NAME")]
    sni: Option<String>,
    /// Lowest version to offer
    #[arg(long, value_name = "VERSION")]
    tls_min: Option<VersionFlag>,
    /// Highest version to offer
    #[arg(long, value_name = "VERSION")]
    tls_max: Option<VersionFlag>,
    /// A full handshake for each connection
    #[arg(long)]
    no_resumption: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum VersionFlag {
    /// TLS 1.2.
    #[value(name = "1.2")]
    V1_2,
    /// TLS 1.3.
    #[value(name = "1.3")]
    V1_3,
}

impl From<VersionFlag> for TlsVersion {
    fn from(flag: VersionFlag) -> Self {
        match flag {
            VersionFlag::V1_2 => Self::V1_2,
            VersionFlag::V1_3 => Self::V1_3,
        }
    }
}

impl TlsArgs {
    /// The part of a plan that they are.
    pub(super) fn to_wire(&self) -> Tls {
        Tls {
            verify: !self.insecure,
            cacert: self.cacert.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            sni: self.sni.clone(),
            min_version: self.tls_min.map(Into::into),
            max_version: self.tls_max.map(Into::into),
            resumption: !self.no_resumption,
        }
    }
}
