//! In the place of the driver on glommio, where the program was built without it.

use super::host::Host;
use crate::shard::Shard;

/// What runs a shard here.
///
/// # Errors
///
/// There is nothing.
pub(super) fn driver() -> Result<fn(Shard, Host), String> {
    Err("this program was built without it, hint: build with `--features glommio`, or \
         --driver monoio-epoll"
        .into())
}
