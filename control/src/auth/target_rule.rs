//! One line of the allow list: which hosts and ports may be loaded, and how fast.

use super::TargetError;
use acp_wire::units::parse_rate;
use ipnet::IpNet;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// Something that may be loaded. In settings it is a table, or just the text of `target`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct TargetRule {
    /// A host (`shop.example`), every name below a domain (`*.shop.example`), an address
    /// (`10.0.0.5`) or a network (`10.0.0.0/8`).
    pub target: String,
    /// Ports; empty: all.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Highest total rate of all runs on it: `50k`. None: no limit.
    #[serde(default)]
    pub max_rate: Option<String>,
}

impl TargetRule {
    /// All ports of `target`, without a limit.
    #[must_use]
    pub fn new(target: &str) -> Self {
        Self { target: target.into(), ports: Vec::new(), max_rate: None }
    }
}

impl Serialize for TargetRule {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, out)
    }
}

impl<'de> Deserialize<'de> for TargetRule {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Written)
    }
}

/// A rule as it is written: by hand rather than untagged, which would not say what is wrong with a table.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = TargetRule;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a host, an address or a network, or a table with `target`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TargetRule, E> {
        Ok(TargetRule::new(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TargetRule, A::Error> {
        TargetRule::deserialize(MapAccessDeserializer::new(map))
    }
}

/// What a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Name(String),
    /// With the dot in front.
    Suffix(String),
    Network(IpNet),
}

/// A rule, parsed.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pattern: Pattern,
    ports: Vec<u16>,
    /// As written, for messages.
    pub(super) text: String,
    pub(super) max_rate_per_s: Option<f64>,
}

impl Rule {
    pub(super) fn parse(rule: &TargetRule) -> Result<Self, TargetError> {
        let bad = |why: String| TargetError::BadRule { rule: rule.target.clone(), why };
        let text = rule.target.trim();
        let pattern = if let Ok(network) = text.parse::<IpNet>() {
            Pattern::Network(network)
        } else if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            Pattern::Network(IpNet::from(address.to_canonical()))
        } else {
            let (is_suffix, name) = match text.strip_prefix("*.") {
                Some(rest) => (true, rest),
                None => (false, text),
            };
            let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            // A name that ends in digits is an address with a typing mistake.
            if name.is_empty() || !name.chars().all(is_good) || ends_in_a_number(name) {
                return Err(bad("it is not a name, an address or a network".into()));
            }
            let name = normal_name(name);
            if is_suffix { Pattern::Suffix(format!(".{name}")) } else { Pattern::Name(name) }
        };
        let rate = rule.max_rate.as_deref().map(parse_rate).transpose();
        let rate = rate.map_err(|error| bad(error.to_string()))?;
        Ok(Self {
            pattern,
            ports: rule.ports.clone(),
            text: text.into(),
            max_rate_per_s: rate.map(acp_wire::units::Rate::per_second),
        })
    }

    /// Whether it names this host. `name` is normal.
    pub(super) fn has_name(&self, name: &str, port: u16) -> bool {
        self.has_port(port)
            && match &self.pattern {
                Pattern::Name(own) => own == name,
                Pattern::Suffix(suffix) => name.ends_with(suffix) && name.len() > suffix.len(),
                Pattern::Network(_) => false,
            }
    }

    /// Whether this address is in it. `address` is canonical.
    pub(super) fn has_address(&self, address: IpAddr, port: u16) -> bool {
        let network = match &self.pattern {
            Pattern::Network(network) => network,
            Pattern::Name(_) | Pattern::Suffix(_) => return false,
        };
        self.has_port(port) && network.contains(&address)
    }

    fn has_port(&self, port: u16) -> bool {
        self.ports.is_empty() || self.ports.contains(&port)
    }
}

/// Lower case, without the dot of the root.
pub(super) fn normal_name(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn ends_in_a_number(name: &str) -> bool {
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    last.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_match_what_they_say() {
        for (rule, name, expected) in [
            ("shop.example", "shop.example", true),
            ("Shop.Example.", "shop.example", true),
            ("shop.example", "www.shop.example", false),
            ("shop.example", "xshop.example", false),
            ("*.shop.example", "www.shop.example", true),
            ("*.shop.example", "a.b.shop.example", true),
            ("*.shop.example", "shop.example", false),
            ("*.shop.example", "eshop.example", false),
            ("*.shop.example", ".shop.example", false),
            ("*.shop.example", "www.shop.example.evil", false),
            ("10.0.0.0/8", "10.evil.example", false),
        ] {
            let rule = Rule::parse(&TargetRule::new(rule)).unwrap();
            assert_eq!(rule.has_name(name, 80), expected, "{rule:?} and `{name}`");
        }
        for (rule, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.5", "10.0.0.5", true),
            ("10.0.0.5", "10.0.0.6", false),
            ("::1", "::1", true),
            ("[fd00::1]", "fd00::1", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("0.0.0.0/0", "::1", false),
            ("shop.example", "10.0.0.1", false),
        ] {
            let rule = Rule::parse(&TargetRule::new(rule)).unwrap();
            assert_eq!(rule.has_address(address.parse().unwrap(), 80), expected, "{rule:?}");
        }
    }

    #[test]
    fn ports_narrow_a_rule() {
        let rule = TargetRule { ports: vec![80, 8080], ..TargetRule::new("10.0.0.0/8") };
        let rule = Rule::parse(&rule).unwrap();
        for (port, expected) in [(80, true), (8080, true), (81, false), (22, false)] {
            assert_eq!(rule.has_address("10.0.0.1".parse().unwrap(), port), expected, "{port}");
        }
    }

    #[test]
    fn rules_are_written_as_text_or_as_tables() {
        #[derive(Deserialize)]
        struct File {
            targets: Vec<TargetRule>,
        }
        let check = |text: &str, expect: Result<TargetRule, &str>| {
            let read = toml::from_str::<File>(&format!("targets = [{text}]"));
            match (read, expect) {
                (Ok(mut file), Ok(rule)) => assert_eq!(file.targets.pop(), Some(rule), "{text}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (read, _) => panic!("{text}: {:?}", read.map(|file| file.targets)),
            }
        };
        let narrow = TargetRule { ports: vec![80], ..TargetRule::new("a") };
        check("\"10.0.0.0/8\"", Ok(TargetRule::new("10.0.0.0/8")));
        check("{ target = \"a\", ports = [80] }", Ok(narrow.clone()));
        check("{ target = \"a\", port = 80 }", Err("unknown field `port`"));
        check("{ ports = [80] }", Err("missing field `target`"));
        check("7", Err("expected a host, an address or a network"));
        let written = toml::to_string(&narrow).unwrap();
        assert_eq!(toml::from_str::<TargetRule>(&written).unwrap(), narrow, "{written}");
    }

    #[test]
    fn bad_rules_are_refused() {
        for text in
            ["", "*", "*.", "**.example", "10.0.0.0/33", "10.0.0", "a b", "http://a/", "a:80"]
        {
            assert!(Rule::parse(&TargetRule::new(text)).is_err(), "`{text}`");
        }
        let rule = TargetRule { max_rate: Some("fast".into()), ..TargetRule::new("::1") };
        assert!(Rule::parse(&rule).is_err());
    }
}
