//! The platform as a whole: every test starts its own controls, agents and target.

pub(crate) mod cluster;
mod exact;
mod full;
pub(crate) mod http;
mod loss;
#[path = "../../../control/tests/it/mariadb.rs"]
mod mariadb;
mod parts;
mod rate;
mod restart;
mod stop;
#[path = "../../../control/coord/tests/it/zookeeper.rs"]
mod zookeeper;
