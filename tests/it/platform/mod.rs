//! The platform as a whole: every test starts its own controls, agents and target.

mod cluster;
mod exact;
mod full;
mod http;
mod loss;
#[path = "../../../control/tests/it/mariadb.rs"]
mod mariadb;
mod parts;
mod rate;
mod restart;
mod stop;
#[path = "../../../control/coord/tests/it/zookeeper.rs"]
mod zookeeper;
