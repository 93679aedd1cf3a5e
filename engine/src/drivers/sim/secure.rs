//! The server's side of encrypted connections, and what seeds vary about them.
//!
//! Keys and signatures are of kinds whose lengths are always the same: a seed says how many bytes
//! go when, though never which.

use super::random::Random;
use super::scenario::Split;
use crate::shard::TlsClient;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::ServerSessionMemoryCache;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
};
use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, LazyLock};

/// Sessions that a server keeps.
const SESSIONS: usize = 64;

/// What both sides of the connections of one shard go by.
pub(super) struct Agreement {
    pub(super) client: TlsClient,
    pub(super) server: Arc<ServerConfig>,
}

struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let params = rcgen::CertificateParams::new(["server".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Identity { certificate, key: key.serialize_der() }
});

impl Agreement {
    pub(super) fn new(random: &mut Random) -> Self {
        let version = if random.chance(500) { &TLS12 } else { &TLS13 };
        let resumes = random.chance(700);
        let name = ServerName::try_from("server").unwrap();
        let client = TlsClient::new(client(version), name, resumes);
        Self { client, server: Arc::new(server(version)) }
    }
}

fn provider() -> Arc<CryptoProvider> {
    let kx_groups = vec![aws_lc_rs::kx_group::X25519];
    Arc::new(CryptoProvider { kx_groups, ..aws_lc_rs::default_provider() })
}

fn client(version: &'static SupportedProtocolVersion) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(IDENTITY.certificate.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&[version]).unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}

fn server(version: &'static SupportedProtocolVersion) -> ServerConfig {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(IDENTITY.key.clone()));
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&[version]).unwrap().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![IDENTITY.certificate.clone()], key).unwrap();
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    config
}

/// Bytes that come to the client, and which responses end in them.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) ends: usize,
    pub(super) is_last: bool,
}

/// An end of responses within the bytes that are yet to come.
struct Mark {
    at: usize,
    ends: usize,
    is_last: bool,
}

/// The server's end of one encrypted connection.
pub(super) struct Secure {
    tls: ServerConnection,
    /// Records that have not come to the client.
    wire: Vec<u8>,
    marks: VecDeque<Mark>,
    has_said_good_bye: bool,
    /// What was said last is no record, and nothing comes behind it.
    is_broken: bool,
}

/// What ends a connection: no record, a record of another key, an alert in plain text.
const GARBAGE: [&[u8]; 3] = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x17\x03\x03\x00\x20................................",
    b"\x15\x03\x03\x00\x02\x02\x28",
];

impl Secure {
    pub(super) fn new(config: &Arc<ServerConfig>) -> Self {
        let tls = ServerConnection::new(Arc::clone(config)).unwrap();
        Self {
            tls,
            wire: Vec::new(),
            marks: VecDeque::new(),
            has_said_good_bye: false,
            is_broken: false,
        }
    }

    /// The client has sent these bytes. Returns what they say.
    pub(super) fn hear(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        while !bytes.is_empty() {
            self.tls.read_tls(&mut bytes).unwrap();
            self.tls.process_new_packets().expect("records as they should be");
            // That there is nothing to read yet is no fault.
            drop(self.tls.reader().read_to_end(&mut plain));
        }
        plain
    }

    /// Whether something is to come to the client.
    pub(super) fn has_more(&self) -> bool {
        !self.wire.is_empty() || (self.tls.wants_write() && !self.is_broken)
    }

    /// Says something else than TLS.
    pub(super) fn break_off(&mut self, random: &mut Random) {
        self.write_out();
        if !std::mem::replace(&mut self.is_broken, true) {
            self.wire.extend_from_slice(random.pick(&GARBAGE));
        }
    }

    /// Says `plain`, in which responses end.
    pub(super) fn say(&mut self, plain: &[u8], ends: usize, is_last: bool) {
        if self.is_broken {
            return;
        }
        self.tls.writer().write_all(plain).unwrap();
        self.write_out();
        if ends > 0 {
            self.marks.push_back(Mark { at: self.wire.len(), ends, is_last });
        }
    }

    /// Says that there will be no more, once.
    pub(super) fn say_good_bye(&mut self) {
        if !std::mem::replace(&mut self.has_said_good_bye, true) {
            self.tls.send_close_notify();
        }
    }

    fn write_out(&mut self) {
        while self.tls.wants_write() && !self.is_broken {
            self.tls.write_tls(&mut self.wire).unwrap();
        }
    }

    /// What the client gets next: all there is, or a piece of it.
    pub(super) fn next(&mut self, random: &mut Random, split: Split) -> Option<Piece> {
        self.write_out();
        let length = match (self.wire.len(), split) {
            (0, _) => return None,
            (all, Split::Whole) => all,
            (all, Split::Bytes) if all < 200 => 1,
            (all, Split::Bytes | Split::Pieces) => random.index(all) + 1,
        };
        let bytes = self.wire.drain(..length).collect();
        let mut piece = Piece { bytes, ends: 0, is_last: false };
        while let Some(mark) = self.marks.pop_front_if(|mark| mark.at <= length) {
            piece.ends += mark.ends;
            piece.is_last |= mark.is_last;
        }
        self.marks.iter_mut().for_each(|mark| mark.at -= length);
        Some(piece)
    }

    /// All that is left, at once.
    pub(super) fn rest(&mut self, random: &mut Random) -> Option<Piece> {
        self.next(random, Split::Whole)
    }
}
