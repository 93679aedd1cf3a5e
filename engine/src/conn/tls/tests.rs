//! A session against a real server's side in memory: what comes out depends on the bytes alone.

use super::*;
use proptest::prelude::*;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
};
use std::io::{Read as _, Write as _};
use std::sync::{Arc, LazyLock};

/// One self-signed certificate, both the server's and the authority.
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Identity { certificate: made.cert.der().clone(), key: made.signing_key.serialize_der() }
});

fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(IDENTITY.certificate.clone()).unwrap();
    roots
}

fn client(version: &'static SupportedProtocolVersion) -> Client {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots())
        .with_no_client_auth();
    Client::new(config, ServerName::try_from("localhost").unwrap(), true)
}

fn server(
    version: &'static SupportedProtocolVersion,
    wants_certificate: bool,
) -> Arc<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots()), Arc::clone(&provider));
    let builder =
        ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let builder = match wants_certificate {
        true => builder.with_client_cert_verifier(verifier.build().unwrap()),
        false => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(IDENTITY.key.clone()));
    Arc::new(builder.with_single_cert(vec![IDENTITY.certificate.clone()], key).unwrap())
}

/// Both ends, and what the client's end has given out.
struct Pair {
    session: Session,
    buffers: Buffers,
    server: ServerConnection,
    plain: Vec<u8>,
    last: Result<Received, Failure>,
    /// What the server has received.
    asked: Vec<u8>,
}

impl Pair {
    fn new(client: &Client, server: &Arc<ServerConfig>) -> Self {
        Self {
            session: client.open(7).unwrap(),
            buffers: Buffers::default(),
            server: ServerConnection::new(Arc::clone(server)).unwrap(),
            plain: Vec::new(),
            last: Ok(Received::All),
            asked: Vec::new(),
        }
    }

    /// Brings what either end has to say to the other, in pieces of the lengths given in turn.
    fn talk(&mut self, lengths: &[usize]) {
        let mut lengths = lengths.iter().copied().cycle();
        loop {
            let outgoing = self.session.take_outgoing();
            self.bring(&outgoing);
            let mut incoming = Vec::new();
            while self.server.wants_write() {
                self.server.write_tls(&mut incoming).unwrap();
            }
            if outgoing.is_empty() && incoming.is_empty() {
                return;
            }
            let mut rest = &incoming[..];
            while !rest.is_empty() && self.last == Ok(Received::All) {
                let length = lengths.next().unwrap_or(usize::MAX).clamp(1, rest.len());
                let (piece, behind) = rest.split_at(length);
                rest = behind;
                self.last = self.session.receive(piece, &mut self.buffers, |plain| {
                    self.plain.extend_from_slice(plain);
                    true
                });
            }
        }
    }

    fn bring(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            self.server.read_tls(&mut bytes).unwrap();
            drop(self.server.process_new_packets());
            // Nothing to read is no fault.
            drop(self.server.reader().read_to_end(&mut self.asked));
        }
    }

    fn ask(&mut self, request: &[u8]) {
        let records = self.session.encrypt(request, &mut self.buffers).unwrap().to_vec();
        self.bring(&records);
    }

    fn answer(&mut self, response: &[u8], lengths: &[usize]) {
        self.server.set_buffer_limit(None);
        self.server.writer().write_all(response).unwrap();
        self.talk(lengths);
    }
}

#[test]
fn plaintext_goes_both_ways_and_later_sessions_are_resumed() {
    for version in [&TLS12, &TLS13] {
        let (client, server) = (client(version), server(version, false));
        for number in 0..4 {
            let mut pair = Pair::new(&client, &server);
            assert!(pair.session.is_handshaking() && pair.session.begun_ns() == 7);
            pair.talk(&[usize::MAX]);
            assert!(!pair.session.is_handshaking(), "{version:?}");
            assert_eq!(pair.session.is_resumed(), number > 0, "{version:?}, number {number}");
            let large = vec![b'x'; 100_000];
            for request in [&b"GET"[..], b"", &large, b"HEAD"] {
                pair.asked.clear();
                pair.ask(request);
                assert_eq!(pair.asked, request);
            }
            pair.answer(b"hello", &[usize::MAX]);
            assert_eq!(pair.plain, b"hello");
        }
    }
}

#[test]
fn the_peer_says_when_it_has_ended() {
    for version in [&TLS12, &TLS13] {
        let mut pair = Pair::new(&client(version), &server(version, false));
        pair.talk(&[1]);
        pair.server.writer().write_all(b"bye").unwrap();
        pair.server.send_close_notify();
        pair.talk(&[1]);
        assert_eq!((pair.plain.as_slice(), pair.last.clone()), (&b"bye"[..], Ok(Received::End)));
        assert!(pair.session.is_ended());
    }
}

#[test]
fn whoever_wants_no_more_gets_no_more() {
    let mut pair = Pair::new(&client(&TLS13), &server(&TLS13, false));
    pair.talk(&[usize::MAX]);
    let mut incoming = Vec::new();
    for part in [b"one", b"two"] {
        pair.server.writer().write_all(part).unwrap();
        pair.server.write_tls(&mut incoming).unwrap();
    }
    let mut seen = Vec::new();
    let received = pair.session.receive(&incoming, &mut pair.buffers, |plain| {
        seen.extend_from_slice(plain);
        false
    });
    assert_eq!((received, seen.as_slice()), (Ok(Received::Unwanted), &b"one"[..]));
}

#[test]
fn keys_that_change_do_not_disturb() {
    let mut pair = Pair::new(&client(&TLS13), &server(&TLS13, false));
    pair.talk(&[usize::MAX]);
    for number in 0..3_u8 {
        pair.server.refresh_traffic_keys().unwrap();
        pair.answer(&[number], &[1]);
        pair.ask(&[number]);
    }
    assert_eq!((pair.plain, pair.asked), (vec![0, 1, 2], vec![0, 1, 2]));
    assert_eq!(pair.last, Ok(Received::All));
}

#[test]
fn a_server_that_wants_a_certificate_says_so() {
    for version in [&TLS12, &TLS13] {
        let mut pair = Pair::new(&client(version), &server(version, true));
        pair.talk(&[usize::MAX]);
        let failure = pair.last.unwrap_err();
        assert!(failure.text.contains("refuses"), "{version:?}: {failure:?}");
    }
}

/// Feeds bytes to a client that has just begun.
fn check_garbage(bytes: &[u8], part: &str) {
    let mut session = client(&TLS13).open(0).unwrap();
    let received = session.receive(bytes, &mut Buffers::default(), |_| true);
    let failure = received.expect_err(part);
    assert!(failure.text.contains(part), "{failure:?}");
}

#[test]
fn what_is_not_tls_is_told_apart() {
    check_garbage(b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS");
    check_garbage(b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak TLS");
    check_garbage(&[22, 3, 3, 0, 0], "TLS");
    check_garbage(&[21, 3, 3, 0, 2, 2, 40], "refuses");
    check_garbage(&[23, 3, 3, 0, 1, 0], "TLS");
}

#[test]
fn versions_without_one_in_common_are_a_failure() {
    for (ours, theirs) in [(&TLS12, &TLS13), (&TLS13, &TLS12)] {
        let mut pair = Pair::new(&client(ours), &server(theirs, false));
        pair.talk(&[usize::MAX]);
        let failure = pair.last.expect_err("no version in common");
        assert_eq!(failure.class, acp_wire::ErrorClass::Tls);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn pieces_do_not_matter(
        lengths in prop::collection::vec(1_usize..3000, 1..20),
        responses in prop::collection::vec(0_usize..40_000, 1..5),
        is_old in any::<bool>(),
    ) {
        let version = if is_old { &TLS12 } else { &TLS13 };
        let mut pair = Pair::new(&client(version), &server(version, false));
        pair.talk(&lengths);
        prop_assert!(!pair.session.is_handshaking());
        let mut expect = Vec::new();
        for (number, bytes) in responses.into_iter().enumerate() {
            let pattern = (0..=u8::MAX).cycle().skip(number).step_by(7);
            let response: Vec<_> = pattern.take(bytes).collect();
            pair.ask(&response[..bytes / 2]);
            pair.answer(&response, &lengths);
            expect.extend_from_slice(&response);
            prop_assert_eq!(pair.last.clone(), Ok(Received::All));
        }
        prop_assert!(pair.plain == expect, "{} bytes of {}", pair.plain.len(), expect.len());
    }

    #[test]
    fn a_byte_that_was_changed_is_noticed(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut pair = Pair::new(&client(&TLS13), &server(&TLS13, false));
        pair.talk(&[usize::MAX]);
        pair.server.writer().write_all(b"response").unwrap();
        let mut incoming = Vec::new();
        pair.server.write_tls(&mut incoming).unwrap();
        let at = at.index(incoming.len());
        incoming[at] ^= 1 << bit;
        let mut plain = Vec::new();
        let received = pair.session.receive(&incoming, &mut pair.buffers, |piece| {
            plain.extend_from_slice(piece);
            true
        });
        // A longer record is waited for; a version is not looked at.
        let is_head = at < 5;
        prop_assert!(received.is_err() || is_head);
        prop_assert!(plain.is_empty() || is_head);
    }
}
