//! Where to connect: host and port of a URL.

use crate::PlanError;
use http::Uri;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) endpoint: Endpoint,
    /// Path and query, `/` where there is none.
    pub(super) path: String,
    /// What the Host header says: the port only where it is not the scheme's own.
    pub(super) host: String,
    /// Connections are encrypted.
    pub(super) is_https: bool,
}

/// Takes `text` apart. The scheme may be left out.
pub(super) fn parse_url(text: &str) -> Result<Url, PlanError> {
    let bad = |why: &str| PlanError::Url { url: text.into(), why: why.into() };
    if text.is_empty() {
        return Err(bad("it is empty"));
    }
    let full = if text.contains("://") { text.to_string() } else { format!("http://{text}") };
    // A fragment is for browsers and never sent.
    let full = full.split('#').next().unwrap_or_default();
    let (is_https, default_port) = match full.split("://").next() {
        Some("http") => (false, 80),
        Some("https") => (true, 443),
        Some(scheme) => return Err(PlanError::Scheme(scheme.into())),
        None => return Err(bad("it has no scheme")),
    };
    let (full, template) = split_template(full);
    let uri: Uri = full.parse().map_err(|error: http::uri::InvalidUri| bad(&error.to_string()))?;
    let authority = uri.authority().ok_or_else(|| bad("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(bad("user and password belong into an `Authorization` header"));
    }
    let endpoint =
        parse_endpoint(authority.as_str(), Some(default_port)).map_err(|why| bad(&why))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let path = template.unwrap_or(path);
    let path = if path.starts_with('?') { format!("/{path}") } else { path.to_string() };
    let host = match authority.as_str() {
        host if endpoint.port == default_port => {
            host.trim_end_matches(&format!(":{default_port}")).trim_end_matches(':')
        }
        host => host,
    };
    Ok(Url { endpoint, path, host: host.to_string(), is_https })
}

/// A URL without its path where that holds values, and the path: values have blanks.
fn split_template(full: &str) -> (&str, Option<&str>) {
    let host_at = full.find("://").map_or(0, |at| at + 3);
    match full[host_at..].find(['/', '?']).map(|at| full.split_at(host_at + at)) {
        Some((host, path)) if path.contains("{{") => (host, Some(path)),
        _ => (full, None),
    }
}

/// Takes `host:port` or `[v6]:port` apart.
pub(super) fn parse_endpoint(text: &str, default: Option<u16>) -> Result<Endpoint, String> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match text.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => {
                return Err(format!("an IPv6 address needs brackets: `[{text}]`"));
            }
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match (port, default) {
        (None | Some(""), Some(default)) => default,
        (None | Some(""), None) => return Err(format!("`{text}` has no port")),
        (Some(port), _) => match port.parse() {
            Ok(0) | Err(_) => return Err(format!("`{port}` is not a port (1 to 65535)")),
            Ok(port) => port,
        },
    };
    if host.is_empty() {
        return Err("it has no host".into());
    }
    Ok(Endpoint { host: host.into(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (text, endpoint, path, host) in [
            ("http://a/", "a:80", "/", "a"),
            ("a", "a:80", "/", "a"),
            ("a/{{int 1 9}}/b?{{slot}}", "a:80", "/{{int 1 9}}/b?{{slot}}", "a"),
            ("a:81?{{hex 4}}#x", "a:81", "/?{{hex 4}}", "a:81"),
            ("localhost:8080", "localhost:8080", "/", "localhost:8080"),
            ("http://a:80/x", "a:80", "/x", "a"),
            ("http://a?q=1", "a:80", "/?q=1", "a"),
            ("http://a:8080/x/y?z=1&w#frag", "a:8080", "/x/y?z=1&w", "a:8080"),
            ("http://[::1]:8080/", "[::1]:8080", "/", "[::1]:8080"),
            ("[::1]/x", "[::1]:80", "/x", "[::1]"),
            ("https://a", "a:443", "/", "a"),
            ("https://a:443/x", "a:443", "/x", "a"),
            ("https://a:80/", "a:80", "/", "a:80"),
            ("http://a:443/", "a:443", "/", "a:443"),
            ("https://[::1]:443/", "[::1]:443", "/", "[::1]"),
            ("https://a:8443/?x", "a:8443", "/?x", "a:8443"),
        ] {
            let url = parse_url(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(url.is_https, text.starts_with("https:"), "{text}");
            assert_eq!(url.endpoint.to_string(), endpoint, "{text}");
            assert_eq!((url.path.as_str(), url.host.as_str()), (path, host), "{text}");
        }
    }

    #[test]
    fn bad_urls_are_refused_with_a_reason() {
        for (text, part) in [
            ("", "empty"),
            ("ftp://a/", "scheme `ftp`"),
            ("HTTPS://a/", "scheme `HTTPS`"),
            ("https://", "bad url"),
            ("https://a:0/", "not a port"),
            ("http://", "bad url"),
            ("http:///x", "bad url"),
            ("http://a:0/", "not a port"),
            ("http://a:99999/", "port"),
            ("http://a:x/", "port"),
            ("http://u:p@a/", "Authorization"),
            ("http://a/b c", "bad url"),
            ("::1", "bad url"),
        ] {
            let error = parse_url(text).expect_err(text).to_string();
            assert!(error.contains(part), "`{text}`: {error}");
        }
    }
}
