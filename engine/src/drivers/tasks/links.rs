//! The connections of a shard, as the core commands them: one task each, woken when there is work.

use super::core::Core;
use crate::drivers::uring::tcp_info;
use crate::plan::ShardPlan;
use crate::shard::Net;
use acp_wire::frame::TcpInfo;
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Waker;

/// One connection: what its task has to know.
#[derive(Default)]
struct Link {
    /// Raised by opening and closing: a task of an earlier life ends and reports nothing.
    life: u64,
    is_open: bool,
    /// Copies of the plan's request that the task has not begun to write.
    to_write: usize,
    /// Other bytes that it has not.
    bytes: Vec<u8>,
    waker: Option<Waker>,
    /// Its socket, while the task of this life has it.
    socket: Option<RawFd>,
    /// Its task is being polled. Waking it then would put it in front of all others.
    is_running: bool,
}

impl Link {
    fn wake(&self) {
        if let (Some(waker), false) = (&self.waker, self.is_running) {
            waker.wake_by_ref();
        }
    }
}

/// What one write takes.
pub(in crate::drivers) enum Batch {
    /// So many bytes of copies of the plan's request.
    Copies(Rc<Vec<u8>>, usize),
    /// These bytes.
    Bytes(Vec<u8>),
}

impl Batch {
    /// What is written.
    #[cfg_attr(
        not(feature = "glommio"),
        expect(dead_code, reason = "the other runtime takes the memory, not the bytes")
    )]
    pub(in crate::drivers) fn bytes(&self) -> &[u8] {
        match self {
            Self::Copies(requests, bytes) => &requests[..*bytes],
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// Starts the task of one life of a connection.
pub(super) type StartTask = fn(Rc<RefCell<Core>>, usize, u64);

/// All connections of one shard.
pub(super) struct Links {
    core: Weak<RefCell<Core>>,
    start: StartTask,
    links: Vec<Link>,
    /// As many copies of the request as a connection may carry.
    requests: Rc<Vec<u8>>,
    request_bytes: usize,
    plan: ShardPlan,
    /// What the kernel said of connections, and the core was not told yet.
    inspected: Vec<(usize, TcpInfo)>,
}

impl Links {
    pub(super) fn new(core: Weak<RefCell<Core>>, start: StartTask, plan: &ShardPlan) -> Self {
        let request = &plan.plan.request.bytes;
        Self {
            core,
            start,
            links: (0..plan.connections).map(|_| Link::default()).collect(),
            requests: Rc::new(request.repeat(plan.plan.pipeline as usize)),
            request_bytes: request.len(),
            plan: plan.clone(),
            inspected: Vec::new(),
        }
    }

    /// Where a connection goes to, and where it comes from if that is said.
    pub(super) fn route(&self, conn: usize) -> (SocketAddr, Option<IpAddr>) {
        (self.plan.addresses[self.plan.address_index(conn)], self.plan.origin(conn))
    }

    /// Whether `life` is the present life of a connection.
    pub(super) fn is_live(&self, conn: usize, life: u64) -> bool {
        self.links[conn].is_open && self.links[conn].life == life
    }

    /// A connection has a socket.
    pub(super) fn connected(&mut self, conn: usize, life: u64, socket: &impl AsRawFd) {
        if self.is_live(conn, life) {
            self.links[conn].socket = Some(socket.as_raw_fd());
        }
    }

    /// A connection that the core has asked about, and the answer.
    pub(super) fn next_inspected(&mut self) -> Option<(usize, TcpInfo)> {
        self.inspected.pop()
    }

    /// A task is about to run. Returns whether it still has a connection.
    pub(super) fn enter(&mut self, conn: usize, life: u64, waker: &Waker) -> bool {
        let is_live = self.is_live(conn, life);
        if is_live {
            let link = &mut self.links[conn];
            link.is_running = true;
            link.waker.get_or_insert_with(|| waker.clone());
        }
        is_live
    }

    /// A task has run. Returns whether it still has a connection.
    pub(super) fn leave(&mut self, conn: usize, life: u64) -> bool {
        let is_live = self.is_live(conn, life);
        if is_live {
            self.links[conn].is_running = false;
        }
        is_live
    }

    /// What is to be written now.
    pub(super) fn take_batch(&mut self, conn: usize, life: u64) -> Option<Batch> {
        if !self.is_live(conn, life) {
            return None;
        }
        if !self.links[conn].bytes.is_empty() {
            return Some(Batch::Bytes(std::mem::take(&mut self.links[conn].bytes)));
        }
        if self.links[conn].to_write == 0 {
            return None;
        }
        let count = self.links[conn].to_write.min(self.plan.plan.pipeline as usize);
        self.links[conn].to_write -= count;
        Some(Batch::Copies(Rc::clone(&self.requests), count * self.request_bytes))
    }

    /// Bytes that were written: their memory serves again.
    pub(super) fn give_back(&mut self, conn: usize, life: u64, mut bytes: Vec<u8>) {
        if self.is_live(conn, life) && self.links[conn].bytes.capacity() == 0 {
            bytes.clear();
            self.links[conn].bytes = bytes;
        }
    }

    /// Whether a connection has something that its task has not begun to write.
    pub(super) fn is_waiting_to_write(&self, conn: usize) -> bool {
        self.links[conn].to_write > 0 || !self.links[conn].bytes.is_empty()
    }

    /// Whether any task has requests that it has not begun to write.
    pub(super) fn has_requests_to_write(&self) -> bool {
        (0..self.links.len()).any(|conn| self.is_waiting_to_write(conn))
    }

    /// Ends every task.
    pub(super) fn close_all(&mut self) {
        (0..self.links.len()).for_each(|conn| self.close(conn));
    }
}

impl Net for Links {
    fn retarget(&mut self, addresses: &Arc<[SocketAddr]>) {
        self.plan.addresses = Arc::clone(addresses);
    }

    fn open(&mut self, conn: usize) {
        let life = self.links[conn].life + 1;
        self.links[conn] = Link { life, is_open: true, ..Link::default() };
        if let Some(core) = self.core.upgrade() {
            (self.start)(core, conn, life);
        }
    }

    fn send(&mut self, conn: usize, count: usize) {
        self.links[conn].to_write += count;
        self.links[conn].wake();
    }

    fn write(&mut self, conn: usize, bytes: &[u8]) {
        self.links[conn].bytes.extend_from_slice(bytes);
        self.links[conn].wake();
    }

    fn inspect(&mut self, conn: usize) {
        let info = self.links[conn].socket.and_then(tcp_info);
        self.inspected.extend(info.map(|info| (conn, info)));
    }

    fn close(&mut self, conn: usize) {
        let link = &mut self.links[conn];
        let was = std::mem::replace(link, Link { life: link.life + 1, ..Link::default() });
        if let (Some(waker), false) = (was.waker, was.is_running) {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{compile, split};
    use acp_wire::agent::Share;

    /// Connection 0, open, of a plan that sends two requests at once.
    fn links() -> Links {
        let schema = acp_wire::PLAN_SCHEMA.into();
        let mut document = acp_wire::Plan { schema, ..Default::default() };
        document.target.url = "http://127.0.0.1/".into();
        document.load.connections = 1;
        document.load.requests = Some(9);
        document.connection.pipeline = 2;
        let plan = Arc::new(compile(&document).unwrap());
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let parts = split(&plan, &Share::whole(1), 1, &[address]);
        let mut links = Links::new(Weak::new(), |_, _, _| {}, &parts[0]);
        links.open(0);
        links
    }

    /// Bytes of the next write.
    fn next(links: &mut Links, life: u64) -> Option<Vec<u8>> {
        links.take_batch(0, life).map(|batch| match batch {
            Batch::Copies(requests, bytes) => requests[..bytes].to_vec(),
            Batch::Bytes(bytes) => bytes,
        })
    }

    #[test]
    fn the_end_of_a_write_is_not_that_of_what_came_while_it_went_on() {
        let mut links = links();
        links.write(0, b"handshake");
        assert!(links.is_waiting_to_write(0));
        assert_eq!(next(&mut links, 1).unwrap(), b"handshake");
        assert!(!links.is_waiting_to_write(0), "all of it is being written");
        links.write(0, b"request");
        assert!(links.is_waiting_to_write(0), "when the handshake is written the request is not");
        assert_eq!(next(&mut links, 1).unwrap(), b"request");
        assert!(!links.is_waiting_to_write(0) && !links.has_requests_to_write());
    }

    #[test]
    fn more_requests_than_fit_into_one_write_wait_for_the_next() {
        let mut links = links();
        let request_bytes = links.request_bytes;
        links.send(0, 3);
        assert_eq!(next(&mut links, 1).unwrap().len(), 2 * request_bytes);
        assert!(links.is_waiting_to_write(0) && links.has_requests_to_write());
        assert_eq!(next(&mut links, 1).unwrap().len(), request_bytes);
        assert!(!links.is_waiting_to_write(0));
    }

    #[test]
    fn a_life_that_is_over_writes_nothing() {
        let mut links = links();
        links.send(0, 1);
        links.close(0);
        assert!(next(&mut links, 1).is_none(), "closed");
        links.open(0);
        links.send(0, 1);
        assert!(next(&mut links, 1).is_none(), "another life is open");
        assert!(next(&mut links, 3).is_some());
    }

    #[test]
    fn memory_that_was_written_serves_again() {
        let mut links = links();
        links.give_back(0, 1, Vec::with_capacity(100));
        links.write(0, b"x");
        assert_eq!(
            links.take_batch(0, 1).map(|batch| match batch {
                Batch::Bytes(bytes) => bytes.capacity(),
                Batch::Copies(..) => 0,
            }),
            Some(100)
        );
        links.write(0, b"not yet written");
        links.give_back(0, 1, b"written".to_vec());
        assert_eq!(next(&mut links, 1).unwrap(), b"not yet written");
    }
}
