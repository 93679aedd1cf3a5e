//! Requests, templates and lines of a source, as bytes.

use crate::{Field, PlanError, RequestLine, RequestTemplate, Scratch, Values};
use acp_wire::plan::{Headers, Request};
use std::borrow::Cow;

fn request(method: &str, headers: &[(&str, &str)], body: Option<&str>) -> Request {
    Request {
        method: method.into(),
        path: None,
        headers: Headers::List(
            headers.iter().map(|(n, v)| ((*n).to_string(), (*v).to_string())).collect(),
        ),
        body: body.map(Into::into),
        body_base64: None,
        templates: true,
    }
}

fn compile(request: &Request, path: &str, keep_alive: bool) -> Result<RequestTemplate, PlanError> {
    RequestTemplate::compile(request, path, "h", keep_alive, 1000)
}

/// The whole plan with one request.
fn planned(request: Request, pipeline: u32) -> Result<crate::Plan, PlanError> {
    let mut plan = acp_wire::Plan { schema: acp_wire::PLAN_SCHEMA.into(), ..Default::default() };
    plan.target.url = "http://h/".into();
    plan.connection.pipeline = pipeline;
    plan.request = request;
    crate::compile(&plan)
}

#[test]
fn templates_have_a_size_that_they_cannot_grow_above() {
    let text = |bytes: usize| "x".repeat(bytes);
    let most = 16 << 20;
    for (what, body, pipeline, refusal) in [
        ("no values", text(most + 1), 1, None),
        ("a value", format!("{}{{{{uuid}}}}", text(1 << 20)), 1, None),
        ("text and a value", format!("{}{{{{slot}}}}", text(most)), 1, Some("limit is 16777216")),
        ("many values", "{{hex 1024}}".repeat(17_000), 1, Some("limit is 16777216")),
        (
            "a pipeline of them",
            format!("{}{{{{slot}}}}", text(1 << 20)),
            64,
            Some("pipeline depth"),
        ),
        ("fewer of them", format!("{}{{{{slot}}}}", text(1 << 20)), 32, None),
    ] {
        let found = planned(request("POST", &[], Some(&body)), pipeline).err();
        let found = found.map(|error| error.to_string());
        match (&found, refusal) {
            (None, None) => {}
            (Some(text), Some(part)) if text.contains(part) => {}
            _ => panic!("{what}: {found:?}"),
        }
    }
    let headers = [("A", "{{hex 1024}}"), ("B", "{{int -9 9}}{{zipf 5 1}}{{now_ms}}{{uuid}}")];
    let template = compile(&request("GET", &headers, None), "/{{slot}}", true).unwrap();
    let mut bytes = Vec::new();
    let line = RequestLine::default();
    let mut values = Values::new(1, false, u64::MAX, u64::MAX, b"");
    template.render(&line, &mut values, &mut Scratch::default(), &mut bytes);
    assert!(bytes.len() <= template.most_bytes(), "{} bytes", bytes.len());
}

#[test]
fn a_line_counts_as_often_as_it_is_named() {
    let template =
        compile(&request("POST", &[], Some("{{line}}{{line}}{{line}}")), "/", true).unwrap();
    for (bytes, is_good) in [(1, true), (290, true), (334, false), (usize::MAX >> 40, false)] {
        let line = "x".repeat(bytes);
        assert_eq!(template.check_value(line.as_bytes()).is_ok(), is_good, "{bytes} bytes");
    }
}

#[test]
fn requests_are_encoded_as_given() {
    for (what, request, keep_alive, expected) in [
        ("plain", request("GET", &[], None), true, "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n"),
        (
            "own host once",
            request("GET", &[("hOst", "x")], None),
            true,
            "GET /a?b HTTP/1.1\r\nhOst: x\r\n\r\n",
        ),
        (
            "body with its length",
            request("POST", &[("A", "b"), ("A", "c")], Some("hé")),
            true,
            "POST /a?b HTTP/1.1\r\nHost: h\r\nA: b\r\nA: c\r\nContent-Length: 3\r\n\r\nhé",
        ),
        (
            "an empty POST says so",
            request("POST", &[], None),
            true,
            "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "no keep-alive",
            request("GET", &[], None),
            false,
            "GET /a?b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        ),
    ] {
        let encoded = compile(&request, "/a?b", keep_alive).unwrap().encode().unwrap();
        assert_eq!(String::from_utf8(encoded.bytes).unwrap(), expected, "{what}");
    }
    let head = compile(&request("HEAD", &[], None), "/", true).unwrap();
    assert!(head.encode().unwrap().is_head && head.is_head());
}

#[test]
fn bad_requests_are_refused() {
    for (what, request, path) in [
        ("method with a blank", request("GE T", &[], None), "/"),
        ("header with a line break", request("GET", &[("a", "b\r\nc: d")], None), "/"),
        ("header name with a blank", request("GET", &[("a b", "c")], None), "/"),
        ("path with a blank", request("GET", &[], None), "/a b"),
        ("path without slash", request("GET", &[], None), "a"),
        ("wrong length", request("POST", &[("content-length", "5")], Some("1234")), "/"),
        ("own framing", request("POST", &[("transfer-encoding", "chunked")], None), "/"),
    ] {
        assert!(compile(&request, path, true).is_err(), "{what}");
    }
}

fn rendered(template: &RequestTemplate, line: &RequestLine, slot: u64) -> String {
    let (mut bytes, mut scratch) = (b"before".to_vec(), Scratch::default());
    let mut values = Values::new(1, false, slot, 1_700_000_000_123, b"value");
    let is_head = template.render(line, &mut values, &mut scratch, &mut bytes);
    let method = line.method.as_deref().unwrap_or("GET");
    assert_eq!(is_head, method == "HEAD");
    for &place in scratch.now_places() {
        assert_eq!(&bytes[place..place + 13], b"1700000000123");
    }
    String::from_utf8(bytes.split_off(6)).unwrap()
}

#[test]
fn values_stand_in_path_headers_and_body() {
    let headers = [("X-Id", "a{{slot}}b"), ("Host", "{{line}}.example")];
    let request = request("POST", &headers, Some("{{now_ms}}:{{slot}}"));
    let template = compile(&request, "/{{slot}}/{{line}}", true).unwrap();
    assert!(template.encode().is_none() && template.wants_line());
    for (slot, length) in [(7, 15), (1234, 18)] {
        let expected = format!(
            "POST /{slot}/value HTTP/1.1\r\nX-Id: a{slot}b\r\nHost: value.example\r\n\
             Content-Length: {length}\r\n\r\n1700000000123:{slot}"
        );
        assert_eq!(rendered(&template, &RequestLine::default(), slot), expected);
    }
    let plain = Request { templates: false, body: Some("{{no}}".into()), ..request };
    let plain = compile(&plain, "/{{slot}}", true).unwrap().encode().unwrap();
    let text = String::from_utf8(plain.bytes).unwrap();
    assert!(text.starts_with("POST /{{slot}} ") && text.ends_with("\r\n\r\n{{no}}"), "{text}");
}

#[test]
fn lines_replace_what_they_name() {
    let request = request("GET", &[("A", "plan"), ("B", "{{slot}}")], Some("plan"));
    let template = compile(&request, "/plan", true).unwrap();
    let line = RequestLine::default;
    let own = vec![("a".into(), "own".into()), ("C".into(), "c".into())];
    for (what, line, expect) in [
        (
            "nothing",
            line(),
            "GET /plan HTTP/1.1\r\nHost: h\r\nA: plan\r\nB: 5\r\nContent-Length: 4\r\n\r\nplan",
        ),
        (
            "a path",
            RequestLine { path: Some(b"/own?x"[..].into()), ..line() },
            "GET /own?x HTTP/1.1\r\nHost: h\r\nA: plan\r\nB: 5\r\nContent-Length: 4\r\n\r\nplan",
        ),
        (
            "method and body",
            RequestLine { method: Some("PUT".into()), body: Some(Cow::Borrowed(b"")), ..line() },
            "PUT /plan HTTP/1.1\r\nHost: h\r\nA: plan\r\nB: 5\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "headers",
            RequestLine { headers: own, body: Some(Cow::Borrowed(b"own")), ..line() },
            "GET /plan HTTP/1.1\r\nHost: h\r\nB: 5\r\na: own\r\nC: c\r\nContent-Length: 3\r\n\r\nown",
        ),
        (
            "HEAD",
            RequestLine { method: Some("HEAD".into()), ..line() },
            "HEAD /plan HTTP/1.1\r\nHost: h\r\nA: plan\r\nB: 5\r\nContent-Length: 4\r\n\r\nplan",
        ),
    ] {
        assert_eq!(template.check(&line), Ok(()), "{what}");
        assert_eq!(rendered(&template, &line, 5), expect, "{what}");
    }
}

#[test]
fn bad_lines_are_refused() {
    let template = compile(&request("GET", &[], None), "/", true).unwrap();
    let header = |name: &'static str, value: &'static str| RequestLine {
        headers: vec![(name.into(), value.into())],
        ..RequestLine::default()
    };
    let path = |path: &'static str| RequestLine {
        path: Some(path.as_bytes().into()),
        ..RequestLine::default()
    };
    let method = RequestLine { method: Some("A B".into()), ..RequestLine::default() };
    let large = vec![b'x'; 1001];
    let large = RequestLine { body: Some(large.into()), ..RequestLine::default() };
    for (line, part) in [
        (path(""), "bad path ``"),
        (path("a"), "bad path `a`"),
        (path("/a b"), "%20"),
        (path("/é"), "bad path"),
        (method, "bad method `A B`"),
        (header("a b", "c"), "bad header `a b: c`"),
        (header("a", "b\r\nc: d"), "bad header"),
        (header("Transfer-Encoding", "chunked"), "contradict"),
        (header("content-length", "0"), "leave it out"),
        (large, "1001 bytes, the limit is 1000"),
    ] {
        let error = template.check(&line).unwrap_err().to_string();
        assert!(error.contains(part), "{line:?}: {error}");
    }
}

#[test]
fn lines_that_are_values_must_fit_their_place() {
    let of = |path: &str, header: &str, body: &str| {
        let request = request("GET", &[("a", header)], Some(body));
        compile(&request, path, true).unwrap()
    };
    for (path, header, body, line, is_good) in [
        ("/{{line}}", "", "", "a?b=%20", true),
        ("/{{line}}", "", "", "a b", false),
        ("/{{line}}", "", "", "a\r", false),
        ("{{line}}", "", "", "/a", true),
        ("{{line}}", "", "", "a", false),
        ("/", "{{line}}", "", "a b", true),
        ("/", "{{line}}", "", "a\rb", false),
        ("/", "", "{{line}}", "a \r b", true),
    ] {
        let found = of(path, header, body).check_value(line.as_bytes());
        assert_eq!(found.is_ok(), is_good, "{path} {header} {body} {line}");
    }
}

#[test]
fn bad_templates_are_refused_with_their_field() {
    let bodies = |body| request("POST", &[], Some(body));
    for (request, path, field) in [
        (request("GET", &[], None), "/{{x}}", Field::Url),
        (request("GET", &[("a", "b"), ("c", "{{x}}")], None), "/", Field::Header(1)),
        (bodies("{{x}}"), "/", Field::Body),
        (Request { path: Some("/{{x}}".into()), ..bodies("") }, "/", Field::Path),
    ] {
        match compile(&request, path, true).unwrap_err() {
            PlanError::Template { field: found, .. } => assert_eq!(found, field),
            other => panic!("{field:?}: {other}"),
        }
    }
    let length = request("POST", &[("Content-Length", "4")], Some("{{slot}}"));
    assert_eq!(compile(&length, "/", true).unwrap_err(), PlanError::VaryingLength);
    let start = compile(&request("GET", &[], None), "{{slot}}", true);
    assert_eq!(start.unwrap_err(), PlanError::Path("{{slot}}".into()));
}

#[test]
fn a_path_in_its_envelope_is_the_whole_request() {
    for (what, request, keep_alive, has_envelope) in [
        ("GET", request("GET", &[("a", "b")], None), true, true),
        ("HEAD without keep-alive", request("HEAD", &[], None), false, true),
        ("a body", request("POST", &[], Some("xyz")), true, true),
        ("no body where one is expected", request("PUT", &[], None), true, true),
        (
            "own host and length",
            request("POST", &[("host", "x"), ("content-length", "1")], Some("y")),
            true,
            true,
        ),
        ("a value in a header", request("GET", &[("a", "{{slot}}")], None), true, false),
        ("a value in the body", request("POST", &[], Some("{{uuid}}")), true, false),
    ] {
        let template = compile(&request, "/{{slot}}", keep_alive).unwrap();
        let envelope = template.envelope();
        assert_eq!(envelope.is_some(), has_envelope, "{what}");
        let Some(envelope) = envelope else { continue };
        let path = Some(Cow::Borrowed(&b"/a?b=c"[..]));
        let line = RequestLine { path, ..RequestLine::default() };
        let mut values = Values::new(1, false, 7, 0, b"");
        let mut bytes = Vec::new();
        template.render(&line, &mut values, &mut Scratch::default(), &mut bytes);
        let put = [&envelope.before[..], b"/a?b=c", &envelope.after].concat();
        assert_eq!(String::from_utf8(put), String::from_utf8(bytes), "{what}");
    }
}
