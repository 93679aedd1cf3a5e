//! Local ports: how many connections there can be to one address, and how soon a port is free again.

use super::finding::{Finding, Subject};
use super::{Host, Needs};

const RANGE: &str = "proc/sys/net/ipv4/ip_local_port_range";
const REUSE: &str = "proc/sys/net/ipv4/tcp_tw_reuse";
const SOCKETS: &str = "proc/net/sockstat";
const TRACKED_MAX: &str = "proc/sys/net/netfilter/nf_conntrack_max";
const TRACKED: &str = "proc/sys/net/netfilter/nf_conntrack_count";

/// A closed connection holds its port for so long (`TCP_TIMEWAIT_LEN` of Linux).
const TIME_WAIT_S: f64 = 60.0;
/// With `tcp_tw_reuse` it can be taken again after so long.
const REUSED_S: f64 = 1.0;
/// A closed connection stays in the table of conntrack for so long (`nf_conntrack_tcp_timeout_time_wait`).
const TRACKED_S: f64 = 120.0;

const FIX: &str = "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\" net.ipv4.tcp_tw_reuse=1, \
    or more addresses (--connect-to, --source-ip), or keep-alive";

fn range(host: &Host) -> Option<(u64, u64)> {
    let text = host.read(RANGE)?;
    let mut numbers = text.split_whitespace().map(|word| word.parse::<u64>().ok());
    let (first, last) = (numbers.next()??, numbers.next()??);
    (first <= last).then_some((first, last))
}

/// How long a port of a closed connection cannot be used.
fn held_s(host: &Host, needs: &Needs) -> Option<f64> {
    match host.number(REUSE)? {
        1 => Some(REUSED_S),
        // 2: only of connections to this host.
        2 if needs.is_local => Some(REUSED_S),
        _ => Some(TIME_WAIT_S),
    }
}

pub(super) fn local_ports(host: &Host, needs: &Needs) -> Finding {
    let subject = Subject {
        check: "local_ports",
        why: "each connection to an address takes a local port, and a closed one holds it for a while",
    };
    let Some((first, last)) = range(host) else { return subject.unreadable(RANGE) };
    let ports = (last - first + 1) * needs.address_pairs;
    let open = f64::from(needs.connections);
    let text = format!("{ports} ports, {first} to {last} for each pair of addresses");
    if open > ports as f64 {
        return subject.bad(format!("{text}; {open} connections"), FIX);
    }
    let Some(connects_per_s) = needs.connects_per_s else {
        let text = format!("{text}; a closed loop opens connections as fast as it can");
        return subject.note(text, FIX);
    };
    if connects_per_s == 0.0 {
        return subject.ok(format!("{text}; {open} connections that stay open"));
    }
    let Some(held_s) = held_s(host, needs) else { return subject.unreadable(REUSE) };
    let needed = open + connects_per_s * held_s;
    let text = format!(
        "{text}; {connects_per_s:.0} new connections a second hold {needed:.0} for {held_s:.0} s where \
         this side closes first"
    );
    // Whoever closes first holds the port, and that is mostly the target.
    if needed > ports as f64 { subject.note(text, FIX) } else { subject.ok(text) }
}

pub(super) fn time_wait(host: &Host, needs: &Needs) -> Finding {
    let subject = Subject {
        check: "time_wait",
        why: "connections closed a moment ago, of this or of an earlier run, still hold their ports",
    };
    let waiting = host.read(SOCKETS).and_then(|text| time_wait_of(&text));
    let Some(waiting) = waiting else { return subject.unreadable(SOCKETS) };
    let Some((first, last)) = range(host) else { return subject.unreadable(RANGE) };
    let ports = (last - first + 1) * needs.address_pairs;
    let text = format!("{waiting} connections in TIME-WAIT, {ports} ports");
    match waiting * 2 > ports {
        true => subject.note(text, "wait a minute before the next run"),
        false => subject.ok(text),
    }
}

fn time_wait_of(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_whitespace().skip_while(|word| *word != "tw");
    words.nth(1)?.parse().ok()
}

pub(super) fn conntrack(host: &Host, needs: &Needs) -> Finding {
    let subject = Subject {
        check: "conntrack",
        why: "a firewall with states drops packets of new connections when its table is full",
    };
    let (Some(most), Some(now)) = (host.number(TRACKED_MAX), host.number(TRACKED)) else {
        let modules = host.read("proc/modules");
        let is_loaded = |text: String| text.lines().any(|line| line.starts_with("nf_conntrack "));
        let is_there = host.exists(TRACKED_MAX) || modules.is_none_or(is_loaded);
        return match is_there {
            true => subject.unreadable(TRACKED_MAX),
            false => subject.ok("not loaded"),
        };
    };
    let new = needs.connects_per_s.unwrap_or(0.0) * TRACKED_S;
    let needed = now as f64 + f64::from(needs.connections) + new;
    let text = format!("{now} of {most} connections; with the plan {needed:.0}");
    let fix = format!("sysctl -w net.netfilter.nf_conntrack_max={:.0}", needed * 2.0);
    match needed / most.max(1) as f64 {
        // With other connections open, an empty table means that no rule asks for it.
        full if full > 1.0 && now == 0 => subject.note(format!("{text}; it is not used now"), fix),
        full if full > 1.0 => subject.bad(text, fix),
        full if full > 0.8 => subject.note(text, fix),
        _ => subject.ok(text),
    }
}
