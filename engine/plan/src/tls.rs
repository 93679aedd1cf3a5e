//! The TLS of a plan: whether there is any, whom to ask for, and what contradicts itself.
//!
//! Files are not read here: they are on the host that makes the load.

use crate::PlanError;
use crate::endpoint::Url;
use acp_wire::plan::Tls;
use rustls_pki_types::ServerName;

/// With this a PEM text begins that stands where a file could.
const PEM: &str = "-----BEGIN";

/// Whom to ask for, and whose certificate to accept; none: the target speaks plain HTTP.
pub(super) fn server_name(tls: &Tls, url: &Url) -> Result<Option<ServerName<'static>>, PlanError> {
    if !url.is_https {
        return used_field(tls).map_or(Ok(None), |field| Err(PlanError::TlsWithoutHttps(field)));
    }
    check_files(tls)?;
    if let (Some(lowest), Some(highest)) = (tls.min_version, tls.max_version)
        && lowest > highest
    {
        return Err(PlanError::TlsVersions);
    }
    let (name, place) = match &tls.sni {
        Some(name) => (name, "tls.sni"),
        None => (&url.endpoint.host, "target.url"),
    };
    let bad = |_| PlanError::ServerName { name: name.clone(), place };
    ServerName::try_from(name.clone()).map(Some).map_err(bad)
}

/// A field that says something.
fn used_field(tls: &Tls) -> Option<&'static str> {
    let fields = [
        ("tls.verify", !tls.verify),
        ("tls.cacert", tls.cacert.is_some()),
        ("tls.cert", tls.cert.is_some()),
        ("tls.key", tls.key.is_some()),
        ("tls.sni", tls.sni.is_some()),
        ("tls.min_version", tls.min_version.is_some()),
        ("tls.max_version", tls.max_version.is_some()),
        ("tls.resumption", !tls.resumption),
    ];
    fields.into_iter().find(|&(_, is_used)| is_used).map(|(field, _)| field)
}

fn check_files(tls: &Tls) -> Result<(), PlanError> {
    let files = [("tls.cacert", &tls.cacert), ("tls.cert", &tls.cert), ("tls.key", &tls.key)];
    for (field, file) in files {
        if file.as_ref().is_some_and(|file| file.trim().is_empty()) {
            return Err(PlanError::EmptyFile(field));
        }
    }
    if [&tls.key, &tls.cert].into_iter().flatten().any(|text| text.contains(PEM)) {
        return Err(PlanError::KeyInPlan);
    }
    match (&tls.cert, &tls.key) {
        (Some(_), None) => Err(PlanError::HalfIdentity("tls.key")),
        (None, Some(_)) => Err(PlanError::HalfIdentity("tls.cert")),
        _ => Ok(()),
    }
}
