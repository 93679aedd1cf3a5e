//! Where oha's command line says that connections go: `--connect-to`, `--ipv4`, `--ipv6`.

use super::super::refusal::Refusal;
use crate::plan::{Endpoint, compile};
use acp_wire::Plan;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

/// A connection to `host:port` goes to another address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detour {
    host: String,
    port: String,
    to: String,
}

/// Takes `host:port:to_host:to_port` apart; IPv6 addresses are in brackets.
pub(super) fn parse_detour(text: &str) -> Result<Detour, String> {
    let bad = || "expected host:port:to_host:to_port".to_string();
    let mut parts = Vec::new();
    let mut rest = Some(text);
    while let Some(part) = rest {
        let end = match part.strip_prefix('[') {
            Some(_) => part.find(']').map(|end| end + 1).ok_or_else(bad)?,
            None => part.find(':').unwrap_or(part.len()),
        };
        parts.push(&part[..end]);
        rest = match &part[end..] {
            "" => None,
            after => Some(after.strip_prefix(':').ok_or_else(bad)?),
        };
    }
    let [host, port, to_host, to_port] = parts[..] else { return Err(bad()) };
    if to_host.is_empty() || [port, to_port].iter().any(|port| port.parse::<u16>().is_err()) {
        return Err(bad());
    }
    Ok(Detour { host: host.into(), port: port.into(), to: format!("{to_host}:{to_port}") })
}

/// Sends connections on the detours that are for the target of a plan, and only to addresses of one
/// family where one of the two is wanted.
pub(super) fn direct(
    plan: &mut Plan,
    detours: &[Detour],
    ipv4: bool,
    ipv6: bool,
) -> Result<(), Refusal> {
    let target = compile(plan)?.endpoints;
    let is_for_target = |detour: &&Detour| {
        let host = detour.host.trim_matches(['[', ']']);
        let meets = |endpoint: &Endpoint| {
            endpoint.host.eq_ignore_ascii_case(host) && endpoint.port.to_string() == detour.port
        };
        target.iter().any(meets)
    };
    let taken = detours.iter().filter(is_for_target);
    plan.target.connect_to.extend(taken.map(|detour| detour.to.clone()));
    if ipv4 != ipv6 {
        plan.target.connect_to = addresses(&compile(plan)?.endpoints, ipv4)?;
    }
    Ok(())
}

fn addresses(endpoints: &[Endpoint], ipv4: bool) -> Result<Vec<String>, Refusal> {
    let mut found = Vec::new();
    for endpoint in endpoints {
        let resolved = (endpoint.host.as_str(), endpoint.port).to_socket_addrs();
        let resolved = resolved.map_err(|error| {
            Refusal::Value(format!("no address for host `{}`: {error}", endpoint.host))
        })?;
        let of_family = resolved.filter(|address| matches!(address.ip(), IpAddr::V4(_)) == ipv4);
        found.extend(of_family.map(|address: SocketAddr| address.to_string()));
    }
    if found.is_empty() {
        let hosts: Vec<_> = endpoints.iter().map(|endpoint| endpoint.host.as_str()).collect();
        let family = if ipv4 { "IPv4" } else { "IPv6" };
        return Err(Refusal::Value(format!(
            "no {family} address for host `{}`",
            hosts.join("`, `")
        )));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::super::request::plan_for;
    use super::*;

    #[test]
    fn detours_are_taken_apart() {
        let detour = |host: &str, port: &str, to: &str| {
            Ok(Detour { host: host.into(), port: port.into(), to: to.into() })
        };
        let bad = Err("expected host:port:to_host:to_port".to_string());
        for (text, expect) in [
            ("example.org:443:localhost:8443", detour("example.org", "443", "localhost:8443")),
            ("[::1]:80:[::2]:81", detour("[::1]", "80", "[::2]:81")),
            ("", bad.clone()),
            ("a:80", bad.clone()),
            ("a:80:b", bad.clone()),
            ("a:80:b:81:c", bad.clone()),
            ("a:80::81", bad.clone()),
            ("a:x:b:81", bad.clone()),
            ("a:80:b:99999", bad.clone()),
            ("[::1:80:b:81", bad.clone()),
            ("[::1]x:80:b:81", bad),
        ] {
            assert_eq!(parse_detour(text), expect, "`{text}`");
        }
    }

    #[test]
    fn connections_go_where_they_are_sent() {
        let detours = ["a:80:127.0.0.1:1", "a:81:127.0.0.1:2", "A:80:[::1]:3", "b:80:127.0.0.1:4"];
        let detours = detours.map(|text| parse_detour(text).unwrap());
        let both = &["127.0.0.1:1", "[::1]:3"][..];
        for (what, url, ipv4, ipv6, expect) in [
            ("those for the target", "http://a/", false, false, both),
            ("of any family", "http://a/", true, true, both),
            ("IPv4", "http://a/", true, false, &["127.0.0.1:1"]),
            ("IPv6", "http://a/", false, true, &["[::1]:3"]),
            ("another port", "http://a:81/", false, false, &["127.0.0.1:2"]),
            ("none for the target", "http://c/", false, false, &[]),
            ("an address is its own", "http://127.0.0.1:9/", true, false, &["127.0.0.1:9"]),
        ] {
            let mut plan = plan_for(url);
            direct(&mut plan, &detours, ipv4, ipv6).unwrap();
            assert_eq!(plan.target.connect_to, expect, "{what}");
        }
        for (url, ipv4, ipv6, part) in [
            ("http://127.0.0.1:9/", false, true, "no IPv6 address for host `127.0.0.1`"),
            ("http://[::1]:9/", true, false, "no IPv4 address for host `::1`"),
            ("ftp://a/", false, false, "unknown url scheme `ftp`"),
        ] {
            let refusal = direct(&mut plan_for(url), &[], ipv4, ipv6).unwrap_err();
            assert!(refusal.to_string().contains(part), "{url}: {refusal}");
        }
    }
}
