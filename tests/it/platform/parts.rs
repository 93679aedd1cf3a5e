//! The real parts below a platform: ZooKeeper and MariaDB of Debian's packages.

use super::cluster::Backing;
use super::mariadb::MariaDb;
use super::zookeeper::ZooKeeper;

/// A ZooKeeper and a MariaDB of a test's own.
pub(super) struct Parts {
    pub(super) zookeeper: ZooKeeper,
    pub(super) mariadb: MariaDb,
}

impl Parts {
    /// Starts both. Without the packages: `None`, or a panic in CI.
    pub(super) fn start() -> Option<Self> {
        Some(Self { zookeeper: ZooKeeper::start()?, mariadb: MariaDb::start() })
    }

    /// Settings of controls and agents on them.
    pub(super) fn backing(&self, session_timeout: &str) -> Backing {
        Backing {
            coord: format!(
                "[coord]\nkind = \"zookeeper\"\nconnect = \"{}\"\nsession_timeout = \"{session_timeout}\"\n\
                 jitter = \"0s\"\n",
                self.zookeeper.address()
            ),
            store: self.mariadb.new_database(),
            lease: "2s",
        }
    }
}
