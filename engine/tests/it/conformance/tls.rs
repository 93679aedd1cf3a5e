//! Encrypted connections, against nginx and against servers that fail in the handshake.

use super::certificates::{Authority, Signed};
use super::nginx::{LARGE_BYTES, Nginx, Site};
use super::{HELLO, clean, count, each_driver, failing, options};
use crate::server::{Peer, Server};
use acp_engine::launch::{Control, LaunchError, run};
use acp_wire::ErrorClass;
use acp_wire::plan::{Model, Plan, TlsVersion};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

const VALID: (i32, i32) = (2000, 2100);
const LOOPBACK: [&str; 2] = ["localhost", "127.0.0.1"];

/// A plan for an encrypted target of `authority`.
fn encrypted(port: u16, authority: &Authority, requests: u64) -> Plan {
    let mut plan = count(([127, 0, 0, 1], port).into(), requests);
    plan.target.url = format!("https://127.0.0.1:{port}/");
    plan.tls.cacert = Some(authority.pem.clone());
    plan.load.connections = 8;
    plan
}

/// What a row changes about a plan.
type Change = fn(&mut Plan);

#[test]
fn every_request_is_answered_and_logged() {
    let authority = Authority::new("authority");
    let signed = authority.sign(&LOOPBACK, VALID);
    let site = |name, settings| Site { name, signed: &signed, settings };
    let sites = [
        site("good", ""),
        site("old", "ssl_protocols TLSv1.2;"),
        site("new", "ssl_protocols TLSv1.3;"),
        site("tired", "keepalive_requests 50;"),
        site("chacha", "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-CHACHA20-POLY1305;"),
    ];
    let Some(nginx) = Nginx::start(&authority, &sites) else { return };
    let rows: [(&str, &str, u64, Change); 12] = [
        ("closed loop", "good", 2000, |_| ()),
        ("a name", "good", 100, |plan| {
            plan.target.url = plan.target.url.replace("127.0.0.1", "localhost");
        }),
        ("TLS 1.2", "old", 1000, |_| ()),
        ("TLS 1.3", "new", 1000, |_| ()),
        ("another cipher", "chacha", 500, |_| ()),
        ("open loop", "good", 300, |plan| {
            plan.load.model = Model::Open;
            plan.load.rate = Some("1k".into());
        }),
        ("no keep-alive", "good", 100, |plan| plan.connection.keep_alive = false),
        ("connections that nginx closes", "tired", 2000, |_| ()),
        ("pipeline", "good", 2000, |plan| plan.connection.pipeline = 8),
        ("HEAD", "good", 500, |plan| plan.request.method = "HEAD".into()),
        ("large responses", "good", 40, |plan| plan.request.path = Some("/large".into())),
        ("large requests", "good", 20, |plan| {
            plan.request.method = "POST".into();
            plan.request.body = Some("y".repeat(3_000_000));
        }),
    ];
    each_driver(|driver| {
        let mut logged = nginx.logged();
        for (what, site, requests, change) in rows {
            let mut plan = encrypted(nginx.port(site), &authority, requests);
            change(&mut plan);
            let report = clean(driver, &plan);
            logged = nginx.assert_logged(logged, requests, what);
            assert_eq!(report.status.get(&200), Some(&requests), "{what}");
            let connections = &report.connections;
            let handshakes = connections.full_handshakes + connections.resumed_handshakes;
            assert_eq!(handshakes, connections.opened, "{what}");
            assert_eq!(report.latency.handshake_ns.count, connections.opened, "{what}");
            let (part, whole) = (&report.latency.handshake_ns, &report.latency.connect_ns);
            assert!(0.0 < part.mean && part.mean < whole.mean, "{what}: {part:?} of {whole:?}");
            if what == "large responses" {
                assert!(report.bytes.received > requests * LARGE_BYTES as u64, "{what}");
            }
        }
    });
}

#[test]
fn sessions_are_resumed_unless_they_must_not_be() {
    let authority = Authority::new("authority");
    let signed = authority.sign(&LOOPBACK, VALID);
    let sites = [Site { name: "good", signed: &signed, settings: "" }];
    let Some(nginx) = Nginx::start(&authority, &sites) else { return };
    each_driver(|driver| {
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let mut plan = encrypted(nginx.port("good"), &authority, 200);
            plan.connection.keep_alive = false;
            plan.tls.min_version = Some(version);
            plan.tls.max_version = Some(version);
            let connections = clean(driver, &plan).connections;
            // The first on each connection at least has nothing to resume.
            assert!(connections.full_handshakes <= 40, "{version:?}: {connections:?}");
            assert_eq!(connections.full_handshakes + connections.resumed_handshakes, 200);
            plan.tls.resumption = false;
            let connections = clean(driver, &plan).connections;
            assert_eq!((connections.full_handshakes, connections.resumed_handshakes), (200, 0));
        }
    });
}

#[test]
fn certificates_that_cannot_be_trusted_have_their_class() {
    let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
    let signed = [
        ("unknown", stranger.sign(&LOOPBACK, VALID)),
        ("expired", authority.sign(&LOOPBACK, (2000, 2001))),
        ("early", authority.sign(&LOOPBACK, (2099, 2100))),
        ("named", authority.sign(&["shop.example"], VALID)),
        ("numbered", authority.sign(&["127.0.0.2"], VALID)),
    ];
    let sites: Vec<_> =
        signed.iter().map(|(name, signed)| Site { name, signed, settings: "" }).collect();
    let Some(nginx) = Nginx::start(&authority, &sites) else { return };
    let rows = [
        ("unknown", ErrorClass::TlsUnknownCa, "no trusted authority"),
        ("expired", ErrorClass::TlsExpired, "has expired"),
        ("early", ErrorClass::TlsExpired, "not valid yet"),
        ("named", ErrorClass::TlsHostName, "another name"),
        ("numbered", ErrorClass::TlsHostName, "another name"),
    ];
    each_driver(|driver| {
        for (name, class, part) in rows {
            let mut plan = encrypted(nginx.port(name), &authority, 6);
            let result = run(&plan, &options(driver), &Control::default(), &mut |_| ());
            let Err(error) = result else { panic!("{name}: this is not a run") };
            assert!(matches!(error, LaunchError::Handshake { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(part) && text.contains("hint:"), "{text}");
            // Without keep-alive there is nothing to be prepared before the run.
            plan.connection.keep_alive = false;
            let report = failing(driver, &plan, class);
            let events: Vec<_> = report.events.iter().map(|event| event.text.as_str()).collect();
            assert!(events.iter().any(|text| text.contains(part)), "{name}: {events:?}");
            assert_eq!(report.connections.opened, 0, "{name}");
            let mut trusting = plan.clone();
            trusting.tls.verify = false;
            clean(driver, &trusting);
        }
        let mut named = encrypted(nginx.port("named"), &authority, 6);
        named.tls.sni = Some("shop.example".into());
        clean(driver, &named);
    });
}

#[test]
fn a_client_certificate_is_shown_where_it_is_wanted() {
    let authority = Authority::new("authority");
    let (signed, own) = (authority.sign(&LOOPBACK, VALID), authority.sign(&["client"], VALID));
    let folder = tempfile::tempdir().expect("folder");
    let path = |name| folder.path().join(name).display().to_string();
    std::fs::write(path("own.pem"), &own.cert).expect("file");
    std::fs::write(path("own.key"), &own.key).expect("file");
    let settings = "ssl_verify_client on; ssl_client_certificate authority.pem;";
    let sites = [Site { name: "strict", signed: &signed, settings }];
    let Some(nginx) = Nginx::start(&authority, &sites) else { return };
    each_driver(|driver| {
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let mut plan = encrypted(nginx.port("strict"), &authority, 100);
            plan.tls.max_version = Some(version);
            plan.tls.min_version = Some(version);
            // nginx asks, and says so by HTTP when it gets none.
            let without = failing(driver, &plan, ErrorClass::Unexpected);
            assert_eq!(without.status.get(&400), Some(&100), "{version:?}");
            plan.tls.cert = Some(path("own.pem"));
            plan.tls.key = Some(path("own.key"));
            clean(driver, &plan);
        }
    });
}

#[test]
fn versions_without_one_in_common_are_an_error_of_tls() {
    let authority = Authority::new("authority");
    let signed = authority.sign(&LOOPBACK, VALID);
    let site = |name, settings| Site { name, signed: &signed, settings };
    let sites = [site("old", "ssl_protocols TLSv1.2;"), site("new", "ssl_protocols TLSv1.3;")];
    let Some(nginx) = Nginx::start(&authority, &sites) else { return };
    each_driver(|driver| {
        for (site, least, most) in
            [("old", Some(TlsVersion::V1_3), None), ("new", None, Some(TlsVersion::V1_2))]
        {
            let mut plan = encrypted(nginx.port(site), &authority, 6);
            (plan.tls.min_version, plan.tls.max_version) = (least, most);
            plan.connection.keep_alive = false;
            failing(driver, &plan, ErrorClass::Tls);
        }
    });
}

/// What a server does instead of a handshake.
type Script = fn(&mut Peer);

#[test]
fn servers_that_fail_in_the_handshake_are_an_error_of_tls() {
    let rows: [(&str, ErrorClass, Script); 5] = [
        ("closes", ErrorClass::Tls, |_| ()),
        ("resets", ErrorClass::Tls, |peer| {
            peer.await_bytes();
            peer.reset_at_end();
        }),
        ("speaks HTTP", ErrorClass::Tls, |peer| {
            peer.await_bytes();
            peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            peer.await_close();
        }),
        ("refuses", ErrorClass::Tls, |peer| {
            peer.await_bytes();
            peer.send(&[21, 3, 3, 0, 2, 2, 40]);
            peer.await_close();
        }),
        ("is silent", ErrorClass::ConnectTimeout, Peer::await_close),
    ];
    let authority = Authority::new("authority");
    each_driver(|driver| {
        for (what, class, script) in rows {
            let server = Server::start(script);
            let mut plan = encrypted(server.address().port(), &authority, 6);
            plan.connection.keep_alive = false;
            plan.connection.connect_timeout = "300ms".into();
            let report = failing(driver, &plan, class);
            assert_eq!(report.latency.handshake_ns.count, 0, "{what}");
            assert_eq!(server.stop().requests, 0, "{what}");
        }
    });
}

/// The server's side of TLS over the connection of a script; none where the client, at the end of a
/// run, closes before it is open.
fn accept(peer: &Peer, config: &Arc<ServerConfig>) -> Option<(ServerConnection, TcpStream)> {
    let mut stream = peer.stream();
    let mut tls = ServerConnection::new(Arc::clone(config)).expect("server");
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).ok()?;
    }
    Some((tls, stream))
}

fn server_config(signed: &Signed) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let cert = CertificateDer::from_pem_slice(signed.cert.as_bytes()).expect("certificate");
    let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).expect("key");
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth();
    Arc::new(builder.with_single_cert(vec![cert], key).expect("certificate and key"))
}

#[test]
fn only_a_server_that_says_so_has_ended_a_response() {
    const ENDLESS: &str = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
    const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel";
    let authority = Authority::new("authority");
    let config = server_config(&authority.sign(&LOOPBACK, VALID));
    let rows = [
        ("said, without a length", ENDLESS, true, None),
        ("not said, without a length", ENDLESS, false, Some(ErrorClass::ClosedEarly)),
        ("said, within a response", HALF, true, Some(ErrorClass::ClosedEarly)),
        ("not said, within a response", HALF, false, Some(ErrorClass::ClosedEarly)),
        ("not said, behind a response", HELLO, false, None),
    ];
    each_driver(|driver| {
        for (what, response, says_so, class) in rows {
            let config = Arc::clone(&config);
            let server = Server::start(move |peer| {
                let Some((mut tls, mut stream)) = accept(peer, &config) else { return };
                let mut stream = rustls::Stream::new(&mut tls, &mut stream);
                // A connection that is opened and not used any more ends without a request.
                if stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {
                    stream.write_all(response.as_bytes()).expect("the client listens");
                    if says_so {
                        tls.send_close_notify();
                        tls.complete_io(&mut peer.stream()).expect("the client listens");
                    }
                }
            });
            let plan = encrypted(server.address().port(), &authority, 12);
            match class {
                None => clean(driver, &plan),
                Some(class) => failing(driver, &plan, class),
            };
            server.stop();
            eprintln!("{what}");
        }
    });
}

#[test]
fn files_that_are_not_there_are_found_before_the_run() {
    let authority = Authority::new("authority");
    let folder = tempfile::tempdir().expect("folder");
    let path = |name| folder.path().join(name).display().to_string();
    let (one, other) = (authority.sign(&["a"], VALID), authority.sign(&["b"], VALID));
    for (name, text) in [
        ("one.pem", one.cert.as_str()),
        ("one.key", &one.key),
        ("other.key", &other.key),
        ("not.pem", "text"),
        ("torn.pem", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
    ] {
        std::fs::write(path(name), text).expect("file");
    }
    let rows = [
        (Some("no.pem"), None, "cannot read tls.cacert"),
        (Some("not.pem"), None, "no certificate in tls.cacert"),
        (Some("torn.pem"), None, "cannot read tls.cacert"),
        (Some("one.key"), None, "no certificate in tls.cacert"),
        (None, Some(("no.pem", "one.key")), "cannot read tls.cert"),
        (None, Some(("one.key", "one.key")), "no certificate in tls.cert"),
        (None, Some(("one.pem", "no.key")), "cannot read tls.key"),
        (None, Some(("one.pem", "one.pem")), "cannot read tls.key"),
        (None, Some(("one.pem", "other.key")), "cannot be used"),
    ];
    for (cacert, identity, part) in rows {
        let mut plan = encrypted(1, &authority, 1);
        if let Some(name) = cacert {
            plan.tls.cacert = Some(path(name));
        }
        plan.tls.cert = identity.map(|(cert, _)| path(cert));
        plan.tls.key = identity.map(|(_, key)| path(key));
        let result = run(&plan, &Default::default(), &Control::default(), &mut |_| ());
        let Err(error) = result else { panic!("{part}: this is not a run") };
        assert!(matches!(error, LaunchError::Tls(_)), "{error}");
        assert!(error.to_string().contains(part), "`{part}`: {error}");
    }
}
