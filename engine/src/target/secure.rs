//! Secure: TLS around the bytes of a serving thread. Handshakes are answered, records decrypted for
//! the desk, and its answers encrypted.
//!
//! Counts of bytes are those of HTTP, without what encryption adds.

use super::clock::monotonic_ns;
use super::server::Server;
use super::wire::Parcel;
use crate::conn::tls;
use crate::drivers::uring::BufferId;

/// What the encrypted connections of a thread share.
pub(super) struct Secure {
    pub(super) acceptor: tls::Server,
    pub(super) buffers: tls::Buffers,
}

impl Secure {
    /// Call it on the thread that serves.
    pub(super) fn new(acceptor: tls::Server) -> Secure {
        acceptor.prepare_thread();
        Secure { acceptor, buffers: tls::Buffers::default() }
    }
}

impl Server {
    /// A connection that is to be encrypted begins.
    pub(super) fn shake_hands(&mut self, connection: u32) {
        let Some(secure) = &self.secure else { return };
        match secure.acceptor.open() {
            Ok(session) => self.wires[connection as usize].session = Some(Box::new(session)),
            Err(_) => self.refuse(connection),
        }
    }

    /// Records have come. A request arrives when its bytes are decrypted.
    pub(super) fn on_records(&mut self, connection: u32, id: BufferId, length: u32) {
        let wire = &mut self.wires[connection as usize];
        let (Some(secure), Some(session), false) =
            (&mut self.secure, &mut wire.session, wire.broken)
        else {
            return;
        };
        let bytes = self.buffers.get(id, length);
        let (desk, now_ns) = (&mut self.desk, &mut self.now_ns);
        let received = session.receive(bytes, &mut secure.buffers, |plain| {
            if desk.is_recording() {
                *now_ns = monotonic_ns();
            }
            desk.receive(connection, plain, *now_ns);
            true
        });
        match received {
            Err(_) => return self.refuse(connection),
            Ok(tls::Received::End) => wire.ended = true,
            Ok(tls::Received::All | tls::Received::Unwanted) => {}
        }
        if wire.ended || wire.has_handshake() {
            self.desk.mark_ready(connection);
        }
    }

    /// The peer does not speak TLS, or not as it should.
    fn refuse(&mut self, connection: u32) {
        self.desk.add_bad_request();
        self.break_off(connection);
    }

    /// Sends what TLS has to say by itself.
    pub(super) fn send_handshake(&mut self, connection: u32) {
        let wire = &mut self.wires[connection as usize];
        let Some(session) = &mut wire.session else { return };
        let bytes = session.take_outgoing();
        let length = bytes.len();
        wire.own_bytes = Some(bytes.into());
        self.send(connection, Parcel { run: None, offset: 0, length, plain: 0 });
    }

    /// Tells the peer that the end of the connection is meant. False: it needs not be told, or
    /// knows.
    pub(super) fn says_goodbye(&mut self, connection: u32) -> bool {
        let wire = &mut self.wires[connection as usize];
        let (Some(secure), Some(session), false) =
            (&mut self.secure, &mut wire.session, wire.said_goodbye)
        else {
            return false;
        };
        wire.said_goodbye = true;
        let Ok(bytes) = session.say_goodbye(&mut secure.buffers) else { return false };
        let length = bytes.len();
        wire.own_bytes = Some(bytes.into());
        self.send(connection, Parcel { run: None, offset: 0, length, plain: 0 });
        true
    }
}
