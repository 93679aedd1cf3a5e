//! What a client is asked to do, in terms every tool understands.

/// One kind of load. The address and the length come with each run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) connections: u32,
    /// Total rate of an open loop; none: as fast as the answers come.
    pub(crate) rate_per_s: Option<u32>,
    pub(crate) keep_alive: bool,
    /// Requests in flight on one connection; 1 is no pipelining.
    pub(crate) pipeline: u32,
    /// Ends the run instead of the clock.
    pub(crate) requests: Option<u64>,
    /// Requests come from the query file of the suite, in this order; none: all are the same.
    pub(crate) order: Option<Order>,
}

/// In which order the lines of a query file are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Seq,
    Random,
}

impl Order {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Seq => "seq",
            Self::Random => "random",
        }
    }
}

impl Work {
    pub(crate) const fn closed(connections: u32) -> Self {
        Self {
            connections,
            rate_per_s: None,
            keep_alive: true,
            pipeline: 1,
            requests: None,
            order: None,
        }
    }

    pub(crate) const fn paced(connections: u32, rate_per_s: u32) -> Self {
        Self { rate_per_s: Some(rate_per_s), ..Self::closed(connections) }
    }

    pub(crate) const fn connecting(connections: u32) -> Self {
        Self { keep_alive: false, ..Self::closed(connections) }
    }

    pub(crate) const fn pipelined(connections: u32, pipeline: u32) -> Self {
        Self { pipeline, ..Self::closed(connections) }
    }

    pub(crate) const fn counted(connections: u32, requests: u64) -> Self {
        Self { requests: Some(requests), ..Self::closed(connections) }
    }

    pub(crate) const fn from_file(connections: u32, order: Order) -> Self {
        Self { order: Some(order), ..Self::closed(connections) }
    }

    /// Closed loop over kept connections, one request at a time: what even the simplest tool can do.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::closed(self.connections)
    }
}
