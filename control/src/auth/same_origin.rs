//! What a browser says about where a request comes from, and which name it asked for.

use axum::http::{HeaderMap, Uri, header};
use std::net::{IpAddr, SocketAddr};

/// Whether a request without a login may be served under the host name it asked for.
///
/// A page of another site can have its own name resolve to 127.0.0.1 and then talk to us as if we
/// were that site; the name in `Host` gives it away.
#[must_use]
pub fn check_host(headers: &HeaderMap, uri: &Uri, bound: Option<SocketAddr>) -> bool {
    let Some(host) = host_of(headers, uri) else { return false };
    let name = without_port(&host);
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    match name.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => {
            // Other addresses of 127.0.0.0/8 only where we were told to be there.
            address == IpAddr::from([127, 0, 0, 1])
                || address.is_ipv6()
                || bound.is_some_and(|bound| bound.ip() == address)
        }
        Ok(address) => bound.is_some_and(|bound| bound.ip() == address),
        Err(_) => false,
    }
}

/// Whether a write that a browser would send by itself (with its cookie, or without a login) comes
/// from our own page, or from no page at all.
#[must_use]
pub fn check_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site")
        && !matches!(site, "same-origin" | "none")
    {
        return false;
    }
    match text(header::ORIGIN.as_str()) {
        None => true,
        Some(origin) => {
            let of_page = origin.split_once("://").map(|(_, host)| host.to_ascii_lowercase());
            of_page.is_some() && of_page == host_of(headers, uri)
        }
    }
}

fn host_of(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let given = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = given.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str))?;
    Some(host.to_ascii_lowercase())
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.find(']')) {
        Some(end) => &host[..end + 2],
        None => host.split(':').next().unwrap_or(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_names_of_this_machine_are_served() {
        let bound: SocketAddr = "127.0.0.2:7700".parse().unwrap();
        for (host, expected) in [
            ("localhost", true),
            ("localhost:7700", true),
            ("LOCALHOST:1", true),
            ("127.0.0.1:7700", true),
            ("[::1]:7700", true),
            ("[::1]", true),
            ("127.0.0.2:7700", true),
            ("127.0.0.3:7700", false),
            ("evil.example", false),
            ("evil.example:7700", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("10.0.0.5", false),
            ("0.0.0.0", false),
            ("", false),
            ("[::1", false),
        ] {
            let found = check_host(&headers(&[("host", host)]), &Uri::default(), Some(bound));
            assert_eq!(found, expected, "`{host}`");
        }
        assert!(!check_host(&HeaderMap::new(), &Uri::default(), Some(bound)), "no host");
    }

    #[test]
    fn pages_of_others_write_nothing() {
        for (what, pairs, expected) in [
            ("a program", &[][..], true),
            (
                "our page",
                &[("origin", "http://localhost:1"), ("sec-fetch-site", "same-origin")],
                true,
            ),
            ("our page, an old browser", &[("origin", "http://LOCALHOST:1")], true),
            ("typed in", &[("sec-fetch-site", "none")], true),
            ("another page", &[("origin", "http://evil.example")], false),
            ("another port of us", &[("origin", "http://localhost:2")], false),
            ("a sandboxed page", &[("origin", "null")], false),
            ("a picture elsewhere", &[("sec-fetch-site", "cross-site")], false),
            ("a sister site", &[("sec-fetch-site", "same-site")], false),
            ("nonsense", &[("sec-fetch-site", "\u{e4}")], false),
        ] {
            let mut map = HeaderMap::new();
            map.insert("host", "localhost:1".parse().unwrap());
            for (name, value) in pairs {
                let value = axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
                map.insert(*name, value);
            }
            assert_eq!(check_origin(&map, &Uri::default()), expected, "{what}");
        }
    }
}
