//! Which field of a plan an error is about, for whoever shows it next to that field.

use crate::PlanError;
use crate::endpoint::parse_endpoint;
use crate::pace::PaceError;
use acp_wire::Plan;

impl PlanError {
    /// The field of `document`, the plan that was compiled: `load.rate`, `target.connect_to[1]`.
    #[must_use]
    pub fn place(&self, document: &Plan) -> String {
        let field = match self {
            Self::Schema(_) => "schema",
            Self::Url { .. } | Self::Scheme(_) => "target.url",
            Self::TlsWithoutHttps(field) | Self::EmptyFile(field) | Self::HalfIdentity(field) => {
                field
            }
            Self::ServerName { place, .. } => place,
            Self::TlsVersions => "tls.min_version",
            Self::KeyInPlan => "tls.key",
            Self::ConnectTo(_) => return bad_address(document),
            Self::SourceIp(_) => "connection.source_ips",
            Self::Dns(_) => "target.dns",
            Self::Unit { field, .. }
            | Self::TooMany { field, .. }
            | Self::Zero(field)
            | Self::TooLong(field) => return place_of(field),
            Self::Profile { .. } => "load.profile",
            Self::Pace(error) => schedule(document, error),
            Self::NoRate | Self::RateAndProfile => "load.rate",
            Self::RateInClosedLoop if document.load.rate.is_none() => "load.profile",
            Self::RateInClosedLoop => "load.rate",
            Self::ArrivalInClosedLoop => "load.arrival",
            Self::DurationAndProfile | Self::NeverEnds(_) => "load.duration",
            Self::Method(_) => "request.method",
            Self::Path(_) if document.request.path.is_none() => "target.url",
            Self::Path(_) => "request.path",
            Self::Header(text) => {
                return header(document, |name, value| format!("{name}: {value}") == *text);
            }
            Self::TransferEncoding => return header_named(document, "transfer-encoding"),
            Self::ContentLength(_) | Self::VaryingLength => {
                return header_named(document, "content-length");
            }
            Self::Template { field, .. } => return field.place(),
            Self::NoFile => "source.file",
            Self::DataSet(_) => "source.dataset",
            Self::FormatOfValues | Self::FormatOfRows => "source.format",
            Self::NoLines | Self::TwoSources => "source",
            Self::Rows(error) => return format!("source.generate.{}", error.place),
            Self::RowsAreNoRequests => "source.generate",
            Self::TwoBodies | Self::Base64(_) => "request.body_base64",
            Self::Status(text) => {
                let status = document.expect.status.iter().position(|pattern| pattern == text);
                return numbered("expect.status", status);
            }
            Self::BatchBytes(_) | Self::TemplateBytes(_) => too_large(document),
        };
        field.into()
    }
}

/// Where a field stands that the compiler names without its table.
fn place_of(field: &str) -> String {
    let table = match field {
        "pipeline" | "timeout" | "connect_timeout" => "connection",
        _ => "load",
    };
    format!("{table}.{field}")
}

fn numbered(list: &str, number: Option<usize>) -> String {
    number.map_or_else(|| list.into(), |number| format!("{list}[{number}]"))
}

fn bad_address(document: &Plan) -> String {
    // Whether the URL has a port of its own does not matter: a port of an address is not the reason.
    let is_bad = |address: &String| parse_endpoint(address, Some(80)).is_err();
    numbered("target.connect_to", document.target.connect_to.iter().position(is_bad))
}

fn schedule(document: &Plan, error: &PaceError) -> &'static str {
    let load = &document.load;
    match error {
        _ if load.profile.is_some() => "load.profile",
        PaceError::TooLong if load.duration.is_none() => "load.requests",
        PaceError::TooLong => "load.duration",
        PaceError::TooFast | PaceError::Denominator | PaceError::TooManyChanges => "load.rate",
    }
}

fn header(document: &Plan, is_it: impl Fn(&str, &str) -> bool) -> String {
    let pairs = document.request.headers.pairs();
    numbered("request.headers", pairs.iter().position(|(name, value)| is_it(name, value)))
}

fn header_named(document: &Plan, wanted: &str) -> String {
    header(document, |name, _| name.eq_ignore_ascii_case(wanted))
}

/// What makes the requests of one batch large.
fn too_large(document: &Plan) -> &'static str {
    let request = &document.request;
    match (document.connection.pipeline, &request.body, &request.body_base64) {
        (2.., _, _) => "connection.pipeline",
        (_, Some(_), _) => "request.body",
        (_, _, Some(_)) => "request.body_base64",
        _ => "request.headers",
    }
}
