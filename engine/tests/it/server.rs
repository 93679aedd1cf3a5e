//! A server that does what a test says: a thread and a script for each connection.
//!
//! It counts what it has seen by itself, so that a report can be held against it.

use socket2::{Domain, SockRef, Socket, Type};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Long enough for any machine; a test that gets here has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a server has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Connections accepted.
    pub(crate) connections: u64,
    /// Requests read to their last byte.
    pub(crate) requests: u64,
}

#[derive(Default)]
struct State {
    seen: Seen,
    has_left: bool,
    streams: Vec<TcpStream>,
    peers: Vec<JoinHandle<()>>,
}

struct Shared {
    address: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock().expect("no script panics with the lock"));
        self.changed.notify_all();
        result
    }
}

/// A server on a free port of the loopback.
pub(crate) struct Server {
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// A request as it came over the wire.
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// The server's end of one connection.
pub(crate) struct Peer {
    stream: TcpStream,
    shared: Arc<Shared>,
    /// Bytes received and not yet used.
    rest: Vec<u8>,
    bite_bytes: usize,
}

impl Server {
    /// A server whose connections run `script`; each is closed when its script ends.
    pub(crate) fn start(script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        Self::start_on(listener(None), 65_536, script)
    }

    /// A server that takes what it is sent in small bites, through a small window.
    pub(crate) fn start_slow(script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        Self::start_on(listener(Some(4096)), 1024, script)
    }

    /// A server that gives every request the same answer.
    pub(crate) fn answering(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::start(move |peer| peer.answer_all(&response))
    }

    fn start_on(
        listener: TcpListener,
        bite_bytes: usize,
        script: impl Fn(&mut Peer) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("address");
        let state = Mutex::new(State::default());
        let shared = Arc::new(Shared { address, state, changed: Condvar::new() });
        let script = Arc::new(script);
        let for_acceptor = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || {
            while let Some(peer) = accept(&listener, &for_acceptor, bite_bytes) {
                let script = Arc::clone(&script);
                let thread = std::thread::Builder::new().stack_size(128 * 1024);
                let handle = thread.spawn(move || run(peer, &*script)).expect("thread");
                for_acceptor.with(|state| state.peers.push(handle));
            }
        });
        Self { shared, acceptor: Some(acceptor) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.shared.address
    }

    pub(crate) fn seen(&self) -> Seen {
        self.shared.with(|state| state.seen)
    }

    /// Waits until so many requests were read.
    pub(crate) fn await_requests(&self, requests: u64) {
        let state = self.shared.state.lock().expect("no script panics with the lock");
        let is_less = |state: &mut State| state.seen.requests < requests;
        let waited = self.shared.changed.wait_timeout_while(state, PATIENCE, is_less);
        assert!(!waited.expect("lock").1.timed_out(), "fewer than {requests} requests came");
    }

    /// Waits until every connection is closed by its client, and stops listening.
    ///
    /// # Panics
    ///
    /// With what a script panicked with.
    pub(crate) fn stop(mut self) -> Seen {
        leave(&self.shared, false);
        let acceptor = self.acceptor.take().map(JoinHandle::join);
        let peers = self.shared.with(|state| std::mem::take(&mut state.peers));
        for result in acceptor.into_iter().chain(peers.into_iter().map(JoinHandle::join)) {
            if let Err(panic) = result {
                std::panic::resume_unwind(panic);
            }
        }
        self.seen()
    }
}

/// A listener on a free port.
fn listener(receive_bytes: Option<usize>) -> TcpListener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
    if let Some(bytes) = receive_bytes {
        socket.set_recv_buffer_size(bytes).expect("receive buffer");
    }
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    socket.bind(&any.into()).expect("bind");
    socket.listen(4096).expect("listen");
    socket.into()
}

/// A port that is taken and refuses connections, as long as the socket lives.
pub(crate) fn refusing() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    socket.bind(&any.into()).expect("bind");
    let address = socket.local_addr().expect("address").as_socket().expect("IP");
    (socket, address)
}

/// A listener whose queue is full: what connects to it gets no answer. Keep what is returned.
pub(crate) fn silent() -> (Socket, Vec<TcpStream>, SocketAddr) {
    let (socket, address) = refusing();
    socket.listen(0).expect("listen");
    let mut queued = Vec::new();
    // A queue of 0 takes one; how many really is left to the kernel.
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
        queued.push(stream);
        assert!(queued.len() < 64, "the queue has no end");
    }
    (socket, queued, address)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, bite_bytes: usize) -> Option<Peer> {
    let (stream, _) = listener.accept().expect("accept");
    stream.set_nodelay(true).expect("nodelay");
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("timeout");
    let kept = stream.try_clone().expect("clone");
    let is_over = shared.with(|state| {
        if !state.has_left {
            state.seen.connections += 1;
            state.streams.push(kept);
        }
        state.has_left
    });
    let shared = Arc::clone(shared);
    (!is_over).then_some(Peer { stream, shared, rest: Vec::new(), bite_bytes })
}

fn run(mut peer: Peer, script: &(impl Fn(&mut Peer) + ?Sized)) {
    script(&mut peer);
    // A copy of the socket is kept for leaving: dropping this one alone would not close it.
    let Peer { stream, shared, .. } = peer;
    let address = stream.peer_addr();
    shared.with(|state| {
        state.streams.retain(|kept| kept.peer_addr().ok() != address.as_ref().ok().copied())
    });
}

/// Stops listening, and cuts the connections where that is wanted.
fn leave(shared: &Shared, cut: bool) {
    let was_there = shared.with(|state| {
        if cut {
            // Those that the client has closed already cannot be shut down any more.
            state.streams.drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
        }
        !std::mem::replace(&mut state.has_left, true)
    });
    if was_there {
        // Wakes the acceptor. It may have gone with a panic, which `stop` shows.
        drop(TcpStream::connect(shared.address));
    }
}

impl Peer {
    /// Where the client's end is.
    pub(crate) fn client(&self) -> SocketAddr {
        self.stream.peer_addr().expect("a connection has two ends")
    }

    /// The next request; none when the client has closed.
    pub(crate) fn request(&mut self) -> Option<Request> {
        let end = loop {
            if let Some(at) = memchr::memmem::find(&self.rest, b"\r\n\r\n") {
                break at + 4;
            }
            if self.receive() == 0 {
                assert!(self.rest.is_empty(), "the client has closed within a request");
                return None;
            }
        };
        let head = String::from_utf8(self.rest[..end].to_vec()).expect("a head is text");
        let length = content_length(&head);
        while self.rest.len() < end + length {
            assert_ne!(self.receive(), 0, "the client has closed within a body");
        }
        let body = self.rest[end..end + length].to_vec();
        self.rest.drain(..end + length);
        self.shared.with(|state| state.seen.requests += 1);
        Some(Request { head, body })
    }

    fn receive(&mut self) -> usize {
        let start = self.rest.len();
        self.rest.resize(start + self.bite_bytes, 0);
        let length = match self.stream.read(&mut self.rest[start..]) {
            Ok(length) => length,
            // A client may close on bytes that it has not read.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("the client neither sends nor closes: {error}"),
        };
        self.rest.truncate(start + length);
        length
    }

    /// Sends bytes. The client may have closed by then.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes));
    }

    /// Answers requests until the client closes.
    pub(crate) fn answer_all(&mut self, response: &[u8]) {
        while self.request().is_some() {
            self.send(response);
        }
    }

    /// Waits until the client has said something.
    pub(crate) fn await_bytes(&mut self) {
        assert_ne!(self.receive(), 0, "the client has closed without a word");
    }

    /// The bare connection.
    pub(crate) fn stream(&self) -> TcpStream {
        self.stream.try_clone().expect("clone")
    }

    /// Waits until the client closes, without an answer.
    pub(crate) fn await_close(&mut self) {
        while self.receive() > 0 {}
    }

    /// Lets the end of the script reset the connection.
    pub(crate) fn reset_at_end(&self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("linger");
    }

    /// Requests that the whole server has read.
    pub(crate) fn requests_of_all(&self) -> u64 {
        self.shared.with(|state| state.seen.requests)
    }

    /// The server goes away: nothing listens any more, every connection is cut.
    pub(crate) fn leave(&self) {
        leave(&self.shared, true);
    }
}

fn content_length(head: &str) -> usize {
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value.trim())
    });
    value.map_or(0, |value| value.parse().expect("content-length is a number"))
}
