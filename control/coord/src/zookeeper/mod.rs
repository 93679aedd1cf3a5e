//! ZooKeeper behind the recipes: sessions over zookeeper-client.
//!
//! Its sockets live on a reactor of their own, so paused time does not reach them. A session that is
//! over stays over: the recipes make another.

mod session;

use crate::keeper::{Dial, Keeper, KeeperError};
use async_trait::async_trait;
use session::ZooKeeperSession;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;
use zookeeper_client::{Acls, Client};

/// A user of ZooKeeper's digest scheme.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Debug for Login {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Makes sessions with a ZooKeeper.
#[derive(Debug)]
pub(crate) struct ZooKeeperDial {
    /// `host:port,host:port`, without a chroot.
    pub(crate) servers: String,
    pub(crate) session_timeout: Duration,
    /// With one, nodes are made for this user only.
    pub(crate) login: Option<Login>,
}

#[async_trait]
impl Dial for ZooKeeperDial {
    fn address(&self) -> String {
        self.servers.clone()
    }

    fn session_timeout(&self) -> Duration {
        self.session_timeout
    }

    async fn dial(&self) -> Result<Arc<dyn Keeper>, KeeperError> {
        let mut connector = Client::connector().with_session_timeout(self.session_timeout);
        let mut acls = Acls::anyone_all();
        if let Some(Login { user, password }) = &self.login {
            connector = connector.with_auth("digest", format!("{user}:{password}").as_bytes());
            acls = Acls::creator_all();
        }
        let client = connector.connect(&self.servers).await.map_err(session::error)?;
        Ok(Arc::new(ZooKeeperSession::new(client, acls)))
    }
}
