//! What may be loaded: every host of a plan, every address of every name, and how fast.
//!
//! A name is allowed by a rule that names it, or when a network rule holds each of its addresses.
//! Even a name that a rule names must not lead to loopback, link-local (where clouds keep their
//! credentials), multicast or unspecified addresses, unless a network rule holds those: whoever
//! runs the name's DNS does not decide what is loaded here.

use super::target_rule::{Rule, TargetRule, normal_name};
use acp_plan::{Endpoint, Plan, Schedule};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use thiserror::Error;

const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a plan must not be run.
#[derive(Debug, Error, PartialEq)]
#[expect(missing_docs, reason = "each variant is its message")]
pub enum TargetError {
    #[error(
        "bad target `{rule}` in the settings: {why}\nhint: write it like `shop.example`, `*.shop.example`, `10.0.0.5` or `10.0.0.0/8`; a table can say `ports`"
    )]
    BadRule { rule: String, why: String },
    #[error(
        "target `{0}` is not allowed\nhint: allow its host with `acp up --allow HOST`, or in `api.targets` of control's settings"
    )]
    NotAllowed(String),
    #[error(
        "target `{name}` is not allowed: it resolves to {address}\nhint: allow a network that holds {address} with `acp up --allow`, or in `api.targets` of control's settings"
    )]
    Resolves { name: String, address: IpAddr },
    #[error(
        "the name of target `{name}` cannot be resolved: {why}\nhint: give addresses in target.connect_to"
    )]
    Unresolved { name: String, why: String },
    #[error(
        "{asked} requests per second are above the ceiling of {limit} for `{rule}`, {others} of which others use\nhint: lower the rate, or wait for other runs to end"
    )]
    AboveCeiling { rule: String, asked: f64, others: f64, limit: f64 },
    #[error(
        "a closed loop has no rate, and `{0}` has a ceiling\nhint: set load.model = \"open\" and a rate"
    )]
    NoRate(String),
}

/// The allow list.
#[derive(Clone, Debug)]
pub struct Targets {
    rules: Vec<Rule>,
}

/// How much of a ceiling is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    /// The rule that has the ceiling, as written.
    pub rule: String,
    /// The ceiling, per second.
    pub limit: f64,
    /// What others use of it, per second.
    pub others: f64,
}

/// What a plan was allowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// Numbers of the rules that match any of its targets.
    rules: BTreeSet<usize>,
    /// Every address that was looked at, `address:port`, in the order of the targets.
    addresses: Vec<String>,
    /// Whether any target is a name.
    is_named: bool,
}

impl Admitted {
    /// The addresses to connect to instead of names, which may lead elsewhere the next time that
    /// somebody asks; none where no target is a name.
    #[must_use]
    pub fn pinned(&self) -> Option<&[String]> {
        self.is_named.then_some(self.addresses.as_slice())
    }

    /// Every address that may be connected to, `address:port`.
    #[must_use]
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }
}

impl Targets {
    /// Parses the rules.
    ///
    /// # Errors
    ///
    /// [`TargetError::BadRule`].
    pub fn new(rules: &[TargetRule]) -> Result<Self, TargetError> {
        Ok(Self { rules: rules.iter().map(Rule::parse).collect::<Result<_, _>>()? })
    }

    /// Checks every host of `plan`, and every address of every name.
    ///
    /// # Errors
    ///
    /// The first target that is not allowed, or cannot be resolved.
    pub async fn admit(&self, plan: &Plan) -> Result<Admitted, TargetError> {
        let mut admitted = Admitted::default();
        for endpoint in &plan.endpoints {
            self.admit_endpoint(endpoint, &mut admitted).await?;
        }
        Ok(admitted)
    }

    /// What the plan of a run that was admitted goes on by. It has addresses where there was a name
    /// (see [`Admitted::pinned`]), and the rules for the name of its URL count for them.
    ///
    /// # Errors
    ///
    /// The first target that is not allowed, or cannot be resolved.
    pub async fn admit_run(&self, plan: &Plan) -> Result<Admitted, TargetError> {
        let named = self.rules_of_url(plan);
        let mut admitted = Admitted::default();
        for endpoint in &plan.endpoints {
            match self.admit_endpoint(endpoint, &mut admitted).await {
                Err(TargetError::NotAllowed(_)) if !named.is_empty() => {}
                result => result?,
            }
        }
        admitted.rules.extend(named);
        Ok(admitted)
    }

    /// Rules that have the name of the plan's URL.
    fn rules_of_url(&self, plan: &Plan) -> BTreeSet<usize> {
        let mut document = plan.document.clone();
        document.target.connect_to.clear();
        let Ok(plan) = acp_plan::compile(&document) else { return BTreeSet::new() };
        let of = |host: &Endpoint| {
            self.matching(|rule| rule.has_name(&normal_name(&host.host), host.port))
        };
        plan.endpoints.iter().flat_map(of).collect()
    }

    /// Whether a rate has to be checked at all.
    #[must_use]
    pub fn has_ceiling(&self, admitted: &Admitted) -> bool {
        self.ceiling_per_s(admitted).is_some()
    }

    /// The lowest ceiling of what a plan was admitted by.
    #[must_use]
    pub fn ceiling_per_s(&self, admitted: &Admitted) -> Option<f64> {
        let ceilings =
            admitted.rules.iter().filter_map(|&number| self.rules[number].max_rate_per_s);
        ceilings.reduce(f64::min)
    }

    /// Checks a rate against the ceilings of what the plan was admitted by. `others` are the rates of
    /// other runs now, with what they were admitted by.
    ///
    /// # Errors
    ///
    /// [`TargetError::AboveCeiling`], or [`TargetError::NoRate`] when there is no rate to check.
    pub fn check_rate(
        &self,
        admitted: &Admitted,
        rate_per_s: Option<f64>,
        others: &[(Admitted, f64)],
    ) -> Result<(), TargetError> {
        for Room { rule, limit, others } in self.ceilings(admitted, others) {
            let Some(asked) = rate_per_s else { return Err(TargetError::NoRate(rule)) };
            if asked + others > limit {
                return Err(TargetError::AboveCeiling { rule, asked, others, limit });
            }
        }
        Ok(())
    }

    /// The ceiling that has the least left; none where there is no ceiling. `others` as in
    /// [`Self::check_rate`].
    #[must_use]
    pub fn room(&self, admitted: &Admitted, others: &[(Admitted, f64)]) -> Option<Room> {
        let left = |room: &Room| room.limit - room.others;
        self.ceilings(admitted, others).min_by(|a, b| left(a).total_cmp(&left(b)))
    }

    fn ceilings(
        &self,
        admitted: &Admitted,
        others: &[(Admitted, f64)],
    ) -> impl Iterator<Item = Room> {
        admitted.rules.iter().filter_map(|&number| {
            let rule = &self.rules[number];
            let same = others.iter().filter(|(other, _)| other.rules.contains(&number));
            Some(Room {
                rule: rule.text.clone(),
                limit: rule.max_rate_per_s?,
                others: same.map(|(_, rate)| rate).sum(),
            })
        })
    }

    /// Adds the rules that match a host, and its addresses; an error when it is not allowed.
    async fn admit_endpoint(
        &self,
        endpoint: &Endpoint,
        admitted: &mut Admitted,
    ) -> Result<(), TargetError> {
        let port = endpoint.port;
        if let Ok(address) = endpoint.host.parse::<IpAddr>() {
            let found = self.with_address(address, port);
            if found.is_empty() {
                return Err(TargetError::NotAllowed(endpoint.to_string()));
            }
            admitted.rules.extend(found);
            admitted.addresses.push(endpoint.to_string());
            return Ok(());
        }
        let name = normal_name(&endpoint.host);
        let mut found: BTreeSet<usize> = self.matching(|rule| rule.has_name(&name, port));
        let is_named = !found.is_empty();
        for address in resolve(&name, port).await? {
            let here = self.with_address(address, port);
            if here.is_empty() && (!is_named || is_special(address)) {
                return Err(TargetError::Resolves { name: endpoint.to_string(), address });
            }
            found.extend(here);
            let address = SocketAddr::new(address, port).to_string();
            if !admitted.addresses.contains(&address) {
                admitted.addresses.push(address);
            }
        }
        admitted.rules.extend(found);
        admitted.is_named = true;
        Ok(())
    }

    fn with_address(&self, address: IpAddr, port: u16) -> BTreeSet<usize> {
        self.matching(|rule| rule.has_address(address.to_canonical(), port))
    }

    fn matching(&self, is_match: impl Fn(&Rule) -> bool) -> BTreeSet<usize> {
        let numbered = self.rules.iter().enumerate();
        numbered.filter(|(_, rule)| is_match(rule)).map(|(number, _)| number).collect()
    }
}

/// The highest rate that a plan asks for; none in a closed loop.
#[must_use]
pub(crate) fn peak_rate_per_s(plan: &Plan) -> Option<f64> {
    match &plan.schedule {
        Schedule::Open { pace, warmup, .. } => {
            Some(pace.peak_rate_per_s().max(warmup.peak_rate_per_s()))
        }
        Schedule::Closed { .. } => None,
    }
}

/// Addresses that no name may lead to by itself.
fn is_special(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.octets()[0] == 0
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
        }
    }
}

async fn resolve(name: &str, port: u16) -> Result<Vec<IpAddr>, TargetError> {
    let failed = |why: String| TargetError::Unresolved { name: name.into(), why };
    let lookup = tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((name, port)));
    let found = lookup.await.map_err(|_| failed("no answer in 5 s".into()))?;
    let found = found.map_err(|error| failed(error.to_string()))?;
    let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    if addresses.is_empty() { Err(failed("it has no address".into())) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(url: &str, connect_to: &[&str]) -> Plan {
        let mut document =
            acp_wire::Plan { schema: acp_wire::PLAN_SCHEMA.into(), ..acp_wire::Plan::default() };
        document.target.url = url.into();
        document.target.connect_to = connect_to.iter().map(ToString::to_string).collect();
        acp_plan::compile(&document).unwrap()
    }

    fn targets(rules: &[&str]) -> Targets {
        Targets::new(&rules.iter().map(|rule| TargetRule::new(rule)).collect::<Vec<_>>()).unwrap()
    }

    #[tokio::test]
    async fn every_host_and_every_address_has_to_be_allowed() {
        let loopback = ["127.0.0.0/8", "::1"];
        for (what, rules, url, connect_to, part) in [
            ("an address in a network", &loopback[..], "http://127.0.0.1:8080/", &[][..], ""),
            ("an IPv6 address", &loopback, "http://[::1]:8080/", &[], ""),
            ("a name whose addresses are", &loopback, "http://localhost:8080/", &[], ""),
            ("encrypted", &loopback, "https://localhost/", &[], ""),
            ("encrypted, another", &loopback, "https://10.0.0.1/", &[], "not allowed"),
            ("upper case", &loopback, "http://LocalHost:8080/", &[], ""),
            ("a mapped address", &loopback, "http://[::ffff:127.0.0.1]/", &[], ""),
            ("another address", &loopback, "http://10.0.0.1/", &[], "not allowed"),
            ("a mapped other", &loopback, "http://[::ffff:10.0.0.1]/", &[], "not allowed"),
            ("nothing at all", &[], "http://127.0.0.1/", &[], "not allowed"),
            ("another network", &["10.0.0.0/8"], "http://localhost/", &[], "resolves to"),
            ("an address as a number", &["10.0.0.0/8"], "http://2130706433/", &[], "resolves to"),
            ("a short address", &["10.0.0.0/8"], "http://127.1/", &[], "resolves to"),
            ("a named host on loopback", &["localhost"], "http://localhost/", &[], "resolves to"),
            (
                "a named host, net as well",
                &["localhost", "127.0.0.0/8", "::1"],
                "localhost",
                &[],
                "",
            ),
            ("no such name", &["*.invalid"], "http://shop.invalid/", &[], "cannot be resolved"),
            ("one of connect_to", &loopback, "http://localhost/", &["10.0.0.1:80"], "not allowed"),
            ("instead of the name", &loopback, "http://shop.invalid/", &["127.0.0.1:80"], ""),
        ] {
            let result = targets(rules).admit(&plan(url, connect_to)).await;
            match result {
                Ok(_) => assert_eq!(part, "", "{what} was let in"),
                Err(error) => {
                    let text = error.to_string();
                    assert!(!part.is_empty() && text.contains(part), "{what}: {text}");
                }
            }
        }
    }

    #[tokio::test]
    async fn names_are_pinned_to_the_addresses_that_were_looked_at() {
        let targets = targets(&["127.0.0.0/8", "::1"]);
        for (what, url, connect_to, expected) in [
            ("an address", "http://127.0.0.1/", &[][..], None),
            ("addresses", "http://shop.invalid/", &["127.0.0.1:80", "[::1]:81"], None),
            ("a name for one", "http://127.1:8080/", &[], Some(&["127.0.0.1:8080"][..])),
            (
                "one of connect_to",
                "http://shop.invalid/",
                &["[::1]:81", "127.1:82"],
                Some(&["[::1]:81", "127.0.0.1:82"]),
            ),
        ] {
            let admitted = targets.admit(&plan(url, connect_to)).await.unwrap();
            let pinned = admitted.pinned().map(|all| all.iter().map(String::as_str).collect());
            assert_eq!(pinned, expected.map(<[&str]>::to_vec), "{what}");
        }
    }

    #[tokio::test]
    async fn a_pinned_run_goes_on_by_the_rules_of_its_name() {
        let capped = TargetRule { max_rate: Some("1k".into()), ..TargetRule::new("*.invalid") };
        let targets = Targets::new(&[capped, TargetRule::new("127.0.0.0/8")]).unwrap();
        for (what, url, start, goes_on, has_ceiling) in [
            ("its name is allowed", "http://shop.invalid/", false, true, true),
            ("another name", "http://shop.example/", false, false, false),
            ("another address", "http://10.0.0.2/", false, false, false),
        ] {
            let plan = plan(url, &["10.0.0.1:80"]);
            assert_eq!(targets.admit(&plan).await.is_ok(), start, "{what}: a new one");
            let admitted = targets.admit_run(&plan).await;
            assert_eq!(admitted.is_ok(), goes_on, "{what}");
            let found = admitted.is_ok_and(|admitted| targets.has_ceiling(&admitted));
            assert_eq!(found, has_ceiling, "{what}");
        }
    }

    #[tokio::test]
    async fn ceilings_count_what_others_use() {
        let capped = TargetRule { max_rate: Some("1k".into()), ..TargetRule::new("127.0.0.0/8") };
        let targets = Targets::new(&[capped, TargetRule::new("::1")]).unwrap();
        let four = targets.admit(&plan("http://127.0.0.1/", &[])).await.unwrap();
        let six = targets.admit(&plan("http://[::1]/", &[])).await.unwrap();
        let others = |admitted: &Admitted, rate| vec![(admitted.clone(), rate)];
        for (what, admitted, rate, others, expected) in [
            ("at the ceiling", &four, Some(1000.0), vec![], true),
            ("above it", &four, Some(1000.1), vec![], false),
            ("with others, at it", &four, Some(400.0), others(&four, 600.0), true),
            ("with others, above it", &four, Some(401.0), others(&four, 600.0), false),
            ("others elsewhere", &four, Some(1000.0), others(&six, 600.0), true),
            ("no rate", &four, None, vec![], false),
            ("no ceiling", &six, Some(1e9), vec![], true),
            ("no ceiling and no rate", &six, None, vec![], true),
        ] {
            let result = targets.check_rate(admitted, rate, &others);
            assert_eq!(result.is_ok(), expected, "{what}: {result:?}");
        }
    }

    #[tokio::test]
    async fn the_ceiling_with_the_least_left_counts() {
        let rule = |target: &str, rate: &str| TargetRule {
            max_rate: Some(rate.into()),
            ..TargetRule::new(target)
        };
        let rules = [rule("127.0.0.0/8", "1k"), rule("127.0.0.1", "600"), TargetRule::new("::1")];
        let targets = Targets::new(&rules).unwrap();
        let one = targets.admit(&plan("http://127.0.0.1/", &[])).await.unwrap();
        let two = targets.admit(&plan("http://127.0.0.2/", &[])).await.unwrap();
        let six = targets.admit(&plan("http://[::1]/", &[])).await.unwrap();
        for (what, admitted, others, expected) in [
            ("nobody else", &one, vec![], Some(("127.0.0.1", 600.0, 0.0))),
            ("another network", &two, vec![], Some(("127.0.0.0/8", 1000.0, 0.0))),
            ("others on both", &one, vec![(one.clone(), 500.0)], Some(("127.0.0.1", 600.0, 500.0))),
            ("others near", &one, vec![(two.clone(), 900.0)], Some(("127.0.0.0/8", 1000.0, 900.0))),
            ("no ceiling", &six, vec![(one.clone(), 900.0)], None),
        ] {
            let expected =
                expected.map(|(rule, limit, others)| Room { rule: rule.into(), limit, others });
            assert_eq!(targets.room(admitted, &others), expected, "{what}");
        }
    }

    #[test]
    fn special_addresses_need_a_network_of_their_own() {
        for (address, expected) in [
            ("169.254.169.254", true),
            ("::ffff:169.254.169.254", true),
            ("127.0.0.1", true),
            ("0.0.0.0", true),
            ("0.1.2.3", true),
            ("224.0.0.1", true),
            ("255.255.255.255", true),
            ("::1", true),
            ("::", true),
            ("fe80::1", true),
            ("ff02::1", true),
            ("10.0.0.1", false),
            ("8.8.8.8", false),
            ("fd00::1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_special(address.parse().unwrap()), expected, "{address}");
        }
    }
}
