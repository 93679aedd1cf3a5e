//! Settings of the kernel's TCP.

use super::finding::{Finding, Subject};
use super::{Host, Needs};

const BACKLOG: &str = "proc/sys/net/core/somaxconn";
const CONGESTION: &str = "proc/sys/net/ipv4/tcp_congestion_control";
const RECEIVE: &str = "proc/sys/net/ipv4/tcp_rmem";
const SEND: &str = "proc/sys/net/ipv4/tcp_wmem";

/// Below it, one connection cannot fill a fast or a far link.
const BUFFER_MIN_BYTES: u64 = 1 << 20;

pub(super) fn listen_backlog(host: &Host, needs: &Needs) -> Finding {
    let subject = Subject {
        check: "listen_backlog",
        why: "a server on this host drops connections beyond its backlog when all come at once",
    };
    let Some(most) = host.number(BACKLOG) else { return subject.unreadable(BACKLOG) };
    let wanted = u64::from(needs.connections).min(4096);
    let text = format!("{most}; the plan opens {} connections", needs.connections);
    match most < wanted && needs.is_local {
        true => subject.note(text, format!("sysctl -w net.core.somaxconn={wanted}")),
        false => subject.ok(text),
    }
}

pub(super) fn congestion_control(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "congestion_control",
        why: "response times of large bodies depend on it: compare runs with the same one",
    };
    match host.read(CONGESTION) {
        Some(name) if !name.is_empty() => subject.ok(name),
        _ => subject.unreadable(CONGESTION),
    }
}

pub(super) fn socket_buffers(host: &Host, _: &Needs) -> Finding {
    let subject = Subject {
        check: "socket_buffers",
        why: "large bodies wait for room in the buffers of a connection",
    };
    let most = |path| host.read(path)?.split_whitespace().nth(2)?.parse::<u64>().ok();
    let Some(receive) = most(RECEIVE) else { return subject.unreadable(RECEIVE) };
    let Some(send) = most(SEND) else { return subject.unreadable(SEND) };
    let text = format!("receive up to {receive} bytes, send up to {send}");
    match receive.min(send) < BUFFER_MIN_BYTES {
        true => subject.note(
            text,
            "sysctl -w net.ipv4.tcp_rmem=\"4096 131072 6291456\" net.ipv4.tcp_wmem=\"4096 16384 4194304\"",
        ),
        false => subject.ok(text),
    }
}
