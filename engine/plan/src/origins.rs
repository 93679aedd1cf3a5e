//! Local addresses to connect from: each has local ports of its own, and a target sees as many
//! clients.

use crate::PlanError;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Addresses of one plan, at the most.
const MAX_ADDRESSES: u128 = 65_536;

/// Local addresses, by family and in order; of each family all that the plan names, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    v4: Vec<IpAddr>,
    v6: Vec<IpAddr>,
}

impl Origins {
    /// The addresses of `texts`: `10.0.0.1`, `10.0.0.7-10.0.0.9`, `fd00::1-fd00::ff`.
    pub(super) fn new(texts: &[String]) -> Result<Self, PlanError> {
        let mut origins = Self::default();
        for text in texts {
            let bad = |why: &str| PlanError::SourceIp(format!("`{text}`: {why}"));
            let range = text.split_once('-').unwrap_or((text, text));
            let parse = |part: &str| {
                part.trim()
                    .parse()
                    .map_err(|_| bad(&format!("`{}` is not an address", part.trim())))
            };
            match (parse(range.0)?, parse(range.1)?) {
                (IpAddr::V4(first), IpAddr::V4(last)) => {
                    let (first, last) = (u128::from(first.to_bits()), u128::from(last.to_bits()));
                    let address = |bits| u32::try_from(bits).map(Ipv4Addr::from_bits);
                    origins.v4.extend(
                        range_of(first, last)
                            .map_err(bad)?
                            .filter_map(|bits| address(bits).ok())
                            .map(IpAddr::V4),
                    );
                }
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    let range = range_of(first.to_bits(), last.to_bits()).map_err(bad)?;
                    origins.v6.extend(range.map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))));
                }
                _ => return Err(bad("a range has both ends of one family")),
            }
            if (origins.v4.len() + origins.v6.len()) as u128 > MAX_ADDRESSES {
                return Err(bad(&format!("more than {MAX_ADDRESSES} addresses")));
            }
        }
        // One that is named twice has its ports once.
        let mut seen = HashSet::new();
        origins.v4.retain(|address| seen.insert(*address));
        origins.v6.retain(|address| seen.insert(*address));
        Ok(origins)
    }

    /// Whether connections come from wherever the kernel takes them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Every address.
    pub fn all(&self) -> impl Iterator<Item = &IpAddr> {
        self.v4.iter().chain(&self.v6)
    }

    /// The addresses that can reach `target`.
    #[must_use]
    pub fn towards(&self, target: &SocketAddr) -> &[IpAddr] {
        if target.is_ipv4() { &self.v4 } else { &self.v6 }
    }

    /// Ways from here to `target`: local addresses that connections to it come from, at least 1.
    #[must_use]
    pub fn ways(&self, target: &SocketAddr) -> usize {
        self.towards(target).len().max(1)
    }
}

fn range_of(first: u128, last: u128) -> Result<std::ops::RangeInclusive<u128>, &'static str> {
    if last < first {
        return Err("the last address is before the first");
    }
    if last - first >= MAX_ADDRESSES {
        return Err("that are too many addresses");
    }
    Ok(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_are_addresses() {
        for (texts, v4, v6) in [
            (&[][..], 0, 0),
            (&["127.0.0.1"], 1, 0),
            (&["10.0.0.254 - 10.0.1.1", "10.1.1.1"], 5, 0),
            (&["::1", "fd00::a-fd00::f"], 0, 7),
            (&["127.0.0.0-127.0.255.255"], 65_536, 0),
            (&["127.0.0.1", "127.0.0.1", "127.0.0.0-127.0.0.2"], 3, 0),
            (&["::1", "0::1", "::1-::2"], 0, 2),
            (
                &[
                    "255.255.255.254-255.255.255.255",
                    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                ],
                2,
                2,
            ),
        ] {
            let owned: Vec<String> = texts.iter().map(ToString::to_string).collect();
            let origins = Origins::new(&owned).unwrap();
            assert_eq!((origins.v4.len(), origins.v6.len()), (v4, v6), "{texts:?}");
            assert_eq!(origins.is_empty(), texts.is_empty());
            let (one, other) = ("1.2.3.4:5".parse().unwrap(), "[::2]:5".parse().unwrap());
            assert_eq!((origins.ways(&one), origins.ways(&other)), (v4.max(1), v6.max(1)));
        }
        let range = Origins::new(&["10.0.0.254-10.0.1.1".into()]).unwrap();
        let found: Vec<_> = range.v4.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]);
        let again = Origins::new(&["10.0.0.2".into(), "10.0.0.1-10.0.0.3".into()]).unwrap();
        let found: Vec<_> = again.v4.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.2", "10.0.0.1", "10.0.0.3"], "in the order of first mention");
    }

    #[test]
    fn other_texts_are_refused_with_a_reason() {
        for (text, part) in [
            ("", "not an address"),
            ("eth0", "`eth0` is not an address"),
            ("10.0.0.1:80", "not an address"),
            ("10.0.0.1-", "`` is not an address"),
            ("10.0.0.0/24", "not an address"),
            ("10.0.0.2-10.0.0.1", "before the first"),
            ("10.0.0.1-::1", "one family"),
            ("10.0.0.0-10.1.0.0", "too many"),
            ("::-ffff::", "too many"),
        ] {
            let error = Origins::new(&[text.to_string()]).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("source_ips"), "{text}: {error}");
        }
        let many = vec!["10.0.0.0-10.0.255.255".to_string(), "10.1.0.0".to_string()];
        assert!(Origins::new(&many).unwrap_err().to_string().contains("more than 65536"));
    }
}
