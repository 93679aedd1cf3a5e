//! The built-in target with TLS: everything it does without, and what only TLS brings.

use super::{Client, PATIENCE, start};
use acp_engine::launch::{Control, Options, run};
use acp_engine::target::{
    Counts, ResponseOptions, Target, TargetError, TargetOptions, TargetTls, TargetTlsError,
    parse_error_rate, read_arrivals,
};
use acp_wire::Report;
use acp_wire::plan::{Plan, TlsVersion};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use tempfile::TempDir;

/// A target with a certificate of its own, and the file that it is in.
fn encrypted(options: TargetOptions) -> (Target, String, TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let ca = folder.path().join("ca.pem");
    let tls = Some(TargetTls::Made { ca: Some(ca.clone()) });
    let target = start(TargetOptions { tls, ..options });
    (target, ca.to_str().expect("path").to_owned(), folder)
}

/// What a row changes about the target, and about the plan.
type Changes = (fn(&mut TargetOptions), fn(&mut Plan));

fn plan(target: &Target, ca: &str) -> Plan {
    let mut plan = Plan { schema: acp_wire::PLAN_SCHEMA.into(), ..Plan::default() };
    plan.target.url = target.url();
    plan.tls.cacert = Some(ca.into());
    plan.load.connections = 8;
    plan.load.requests = Some(300);
    plan
}

fn load(plan: &Plan) -> Report {
    let options = Options { threads: Some(2), ..Options::default() };
    let finished = run(plan, &options, &Control::default(), &mut |_| ());
    finished.map_err(|error| error.to_string()).expect("run").report
}

#[test]
fn everything_is_as_without_tls() {
    let rows: [(&str, Changes); 11] = [
        ("small answers", (|_| (), |_| ())),
        ("TLS 1.2", (|_| (), |plan| plan.tls.max_version = Some(TlsVersion::V1_2))),
        ("TLS 1.3", (|_| (), |plan| plan.tls.min_version = Some(TlsVersion::V1_3))),
        ("large answers", (|target| target.response.body_bytes = 300_000, |_| ())),
        (
            "large answers in chunks",
            (
                |target| {
                    target.response = ResponseOptions {
                        body_bytes: 70_000,
                        chunked: true,
                        ..target.response.clone()
                    };
                },
                |_| (),
            ),
        ),
        (
            "large requests",
            (
                |_| (),
                |plan| {
                    plan.request.method = "POST".into();
                    plan.request.body = Some("y".repeat(300_000));
                },
            ),
        ),
        ("pipelines", (|_| (), |plan| plan.connection.pipeline = 8)),
        ("delays", (|target| target.delay_ns = 3_000_000, |_| ())),
        ("several threads", (|target| target.threads = 2, |_| ())),
        ("connections that it closes", (|target| target.close_every = 7, |_| ())),
        ("connections that clients close", (|_| (), |plan| plan.connection.keep_alive = false)),
    ];
    for (what, (target, change)) in rows {
        let mut options = TargetOptions::default();
        target(&mut options);
        let (target, ca, _folder) = encrypted(options);
        let mut plan = plan(&target, &ca);
        change(&mut plan);
        let report = load(&plan);
        assert!(report.books.errors.is_empty(), "{what}: {:?} {:?}", report.books, report.events);
        assert_eq!(report.status.get(&200), Some(&300), "{what}");
        let counts = target.stop().expect(what);
        assert_eq!((counts.requests, counts.responses), (300, 300), "{what}");
        assert_eq!(counts.bytes_received, report.bytes.sent, "{what}: without what TLS adds");
        assert_eq!(counts.bytes_sent, report.bytes.received, "{what}: without what TLS adds");
        assert_eq!(counts.connections, report.connections.opened, "{what}");
        assert_eq!(counts.bad_requests, 0, "{what}");
    }
}

#[test]
fn injected_errors_are_counted() {
    let error_rate = parse_error_rate("50%").expect("rate");
    let (target, ca, _folder) = encrypted(TargetOptions { error_rate, ..TargetOptions::default() });
    let report = load(&plan(&target, &ca));
    let counts = target.stop().expect("stop");
    let failed = report.status.get(&500).copied().unwrap_or_default();
    assert!(failed > 50 && counts.injected_errors == failed, "{failed} {counts:?}");
}

#[test]
fn sessions_are_resumed() {
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        // Whatever thread a connection comes to, it knows the tickets of the others.
        let (target, ca, _folder) =
            encrypted(TargetOptions { threads: 2, ..TargetOptions::default() });
        let mut plan = plan(&target, &ca);
        plan.connection.keep_alive = false;
        (plan.tls.min_version, plan.tls.max_version) = (Some(version), Some(version));
        let connections = load(&plan).connections;
        assert!(connections.full_handshakes <= 40, "{version:?}: {connections:?}");
        assert_eq!(connections.full_handshakes + connections.resumed_handshakes, 300);
        plan.tls.resumption = false;
        assert_eq!(load(&plan).connections.resumed_handshakes, 0, "{version:?}");
    }
}

#[test]
fn every_request_is_in_the_record() {
    let folder = tempfile::tempdir().expect("folder");
    let record = folder.path().join("record");
    let options = TargetOptions { record: Some(record.clone()), ..TargetOptions::default() };
    let (target, ca, _folder) = encrypted(options);
    let mut plan = plan(&target, &ca);
    plan.connection.pipeline = 4;
    load(&plan);
    target.stop().expect("stop");
    let arrivals = read_arrivals(&record).expect("record");
    assert_eq!(arrivals.len(), 300);
    assert!(arrivals.is_sorted() && arrivals[0] > 0);
}

#[test]
fn the_end_of_a_connection_is_announced() {
    let (target, ca, _folder) = encrypted(TargetOptions::default());
    let mut client = trusting(&target, &ca);
    client.write_all(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("write");
    let mut answer = String::new();
    // An end that is not announced is an error to rustls.
    client.read_to_string(&mut answer).expect("an end that is announced");
    assert!(answer.ends_with("Hello, world!\n"), "{answer}");
    let mut client = trusting(&target, &ca);
    client.write_all(b"GET /__acp/count HTTP/1.1\r\nConnection: close\r\n\r\n").expect("write");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("read");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let counts: Counts = serde_json::from_str(body).expect("counts");
    assert_eq!((counts.requests, counts.connections), (1, 2));
}

fn trusting(target: &Target, ca: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("pem")).expect("root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("connection");
    let stream = TcpStream::connect(target.address()).expect("connect");
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    StreamOwned::new(connection, stream)
}

#[test]
fn what_is_not_tls_is_a_bad_request() {
    let (target, ca, _folder) = encrypted(TargetOptions::default());
    for sent in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 0, 4, 9, 9, 9, 9], &[0xff; 3000]] {
        let mut client = Client::connect(&target);
        client.send(sent);
        client.assert_closed();
    }
    // A handshake that is given up, in its first byte and before it, is not.
    drop(Client::connect(&target));
    let mut client = Client::connect(&target);
    client.send([0x16]);
    client.stream().shutdown(std::net::Shutdown::Write).expect("shutdown");
    client.assert_closed();
    assert_eq!(load(&plan(&target, &ca)).status.get(&200), Some(&300), "others are served");
    let counts = target.stop().expect("stop");
    assert_eq!((counts.bad_requests, counts.requests), (3, 300));
}

#[test]
fn a_target_without_its_certificate_does_not_start() {
    let missing = |name: &str| format!("/nonexistent/{name}").into();
    let tls = TargetTls::Files { cert: missing("cert"), key: missing("key") };
    let error = Target::start(TargetOptions { tls: Some(tls), ..TargetOptions::default() });
    let error = error.err().expect("no files");
    assert!(
        matches!(&error, TargetError::Tls { source: TargetTlsError::Read { .. } }),
        "{error:?}"
    );
}
