//! What became of a planned request: the closed lists of error classes and of reasons not to send.

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants have a stable wire name, an index and a list of all.
macro_rules! classes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $wire)] $variant,)*
        }

        impl $name {
            /// Every class, in the order of its index.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            /// How many classes there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name on the wire and in reports.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $wire,)* }
            }

            /// Position in [`Self::ALL`].
            #[must_use]
            pub fn index(self) -> usize {
                self as usize
            }
        }
    };
}

classes! {
    /// Why a request that was handed to a connection did not end as expected.
    ///
    /// A response with a status that is not expected is `unexpected`: it *is* a response, so it is
    /// counted as completed and its response time is recorded apart.
    ErrorClass {
        /// The target refused the connection.
        ConnectRefused = "connect_refused",
        /// No connection within the connect timeout.
        ConnectTimeout = "connect_timeout",
        /// The connection failed in another way; the report's events carry the errno.
        ConnectOther = "connect_other",
        /// The TLS handshake failed in another way than the three below.
        Tls = "tls",
        /// The certificate of the target is not signed by an authority that is trusted.
        TlsUnknownCa = "tls_unknown_ca",
        /// The certificate of the target is not valid any more, or not yet.
        TlsExpired = "tls_expired",
        /// The certificate of the target is for another name.
        TlsHostName = "tls_host_name",
        /// No complete response within the timeout.
        Timeout = "timeout",
        /// The connection was reset before the response was complete.
        Reset = "reset",
        /// The target closed the connection before the response was complete.
        ClosedEarly = "closed_early",
        /// The bytes were not HTTP.
        Protocol = "protocol",
        /// A complete response with a status or body that was not expected.
        Unexpected = "unexpected",
        /// The name of the target could not be resolved.
        Dns = "dns",
        /// No local port was free.
        PortsExhausted = "ports_exhausted",
        /// The limit of open files was reached.
        TooManyFiles = "too_many_files",
    }
}

impl ErrorClass {
    /// Whether a request of this class ended without a complete response.
    #[must_use]
    pub fn is_without_response(self) -> bool {
        self != Self::Unexpected
    }
}

classes! {
    /// Why a planned request was never handed to a connection.
    NotSent {
        /// More slots waited for a connection than `backlog` allows.
        Backlog = "backlog",
        /// Given up because it was late and the catch-up policy is `none`.
        Catchup = "catchup",
        /// The run was stopped by a user or by a rule before the slot was sent.
        Stopped = "stopped",
        /// The run ended, and its grace with it, while the slot still waited for a connection.
        Ended = "ended",
        /// The source had no request to give.
        Source = "source",
        /// Its agent was lost, and no other had its share yet.
        AgentLost = "agent_lost",
    }
}
