//! The platform on a real ZooKeeper and a real MariaDB.

use super::cluster::{Backing, Cluster, wait_for};
use super::parts::Parts;
use super::restart::{assert_whole, begin};
use super::{exact, loss};
use std::time::{Duration, Instant};

#[test]
fn three_agents() {
    let Some(parts) = Parts::start() else { return };
    exact::three_agents(parts.backing("4s"));
}

#[test]
fn the_share_of_a_lost_agent_goes_to_others() {
    let Some(parts) = Parts::start() else { return };
    loss::reassign(parts.backing("2s"));
}

/// The second of two controls goes on when the first is killed.
#[test]
fn another_control_takes_over() {
    let Some(parts) = Parts::start() else { return };
    // A lease lasts longer than a take-over.
    let backing = Backing { lease: "10s", ..parts.backing("2s") };
    let (mut cluster, run) = begin(backing, 2);
    let leads = |cluster: &Cluster, number: usize| {
        let address = &cluster.controls[number].address;
        let found = super::http::request(address, "GET", "/api/v1/cluster", None);
        found.is_some_and(|(_, body)| body.contains("\"is_leader\":true"))
    };
    let first = wait_for("a leader", || (0..2).find(|&number| leads(&cluster, number)));
    cluster.controls[first].kill();
    let killed = Instant::now();
    wait_for("the other to lead", || leads(&cluster, 1 - first).then_some(()));
    println!("the other led after {:?}", killed.elapsed());
    assert!(killed.elapsed() < Duration::from_secs(8), "twice the session and then some");
    assert_whole(&cluster, &run);
}

#[test]
fn zookeeper_is_away_for_ten_seconds() {
    let Some(mut parts) = Parts::start() else { return };
    let (cluster, run) = begin(parts.backing("20s"), 1);
    parts.zookeeper.stop();
    std::thread::sleep(Duration::from_secs(10));
    parts.zookeeper.restart();
    assert_whole(&cluster, &run);
}

#[test]
fn mariadb_is_away_for_ten_seconds() {
    let Some(parts) = Parts::start() else { return };
    let (cluster, run) = begin(parts.backing("4s"), 1);
    parts.mariadb.kill();
    std::thread::sleep(Duration::from_secs(10));
    parts.mariadb.restart();
    assert_whole(&cluster, &run);
}
