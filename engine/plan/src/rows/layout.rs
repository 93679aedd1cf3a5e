//! How a row is written: the pieces of its columns, put where they stand.

use super::column::{Columns, Spot};
use super::context::{Context, texts};
use super::error::{Fault, RowsError};
use super::{Form, Piece, push};
use acp_wire::rows::{Generate, Layout};
use http::HeaderName;

/// A row, laid out.
pub(super) struct LaidOut {
    pub(super) form: Form,
    pub(super) header: Option<String>,
    pub(super) pieces: Vec<Piece>,
    /// The field that says how.
    pub(super) place: &'static str,
}

impl LaidOut {
    fn new(form: Form, place: &'static str) -> Self {
        Self { form, header: None, pieces: Vec::new(), place }
    }

    fn literal(&mut self, text: &str) {
        push(&mut self.pieces, Piece::text(text));
    }

    fn extend(&mut self, pieces: impl IntoIterator<Item = Piece>) {
        pieces.into_iter().for_each(|piece| push(&mut self.pieces, piece));
    }

    /// Appends pieces as a part of a string of JSON.
    fn extend_json(&mut self, pieces: &[Piece]) -> Result<(), Fault> {
        pieces.iter().try_for_each(|piece| {
            push(&mut self.pieces, Context::Json.encode(piece)?);
            Ok(())
        })
    }
}

/// Lays the columns out.
pub(super) fn compile(
    generate: &Generate,
    columns: &mut Columns<'_>,
) -> Result<LaidOut, RowsError> {
    match (&generate.template, &generate.format) {
        (Some(_), Some(_)) => Err(Fault::TemplateAndFormat.at("template")),
        (Some(text), None) => template(text, columns).map_err(|fault| fault.at("template")),
        (None, Some(Layout::Path { path })) => {
            let mut row = LaidOut::new(Form::Path, "format.path");
            row.extend(path_of(path, columns).map_err(|fault| fault.at("format.path"))?);
            Ok(row)
        }
        (None, Some(Layout::Line { method, path, body })) => {
            line(method, path, body.as_deref(), columns)
        }
        (None, Some(layout @ Layout::Jsonl { path: Some(path), .. })) => {
            request(layout, path, columns)
        }
        (None, Some(Layout::Jsonl { method, path: None, headers, body, tag, columns: names })) => {
            let is_request =
                method.is_some() || !headers.is_empty() || body.is_some() || tag.is_some();
            if is_request {
                return Err(Fault::RecordAndRequest.at("format"));
            }
            record(names, columns).map_err(|fault| fault.at("format.columns"))
        }
        (None, Some(Layout::Csv { columns: names, header })) => {
            csv(names, *header, columns).map_err(|fault| fault.at("format.columns"))
        }
        (None, None) if columns.names().is_empty() => Err(Fault::Nothing.at("template")),
        (None, None) => record(&[], columns).map_err(|fault| fault.at("columns")),
    }
}

/// A whole row as a text. How it begins says what it is.
fn template(text: &str, columns: &mut Columns<'_>) -> Result<LaidOut, Fault> {
    let spots = columns.template(text)?;
    if text.trim().is_empty() {
        return Err(Fault::Nothing);
    }
    let first = match spots.first() {
        Some(Spot::Text(text)) => text.as_slice(),
        _ => b"",
    };
    let method = first.iter().position(|byte| *byte == b' ').filter(|&end| {
        let is_method = end > 0 && first[..end].iter().all(u8::is_ascii_uppercase);
        is_method && (first[end + 1..].starts_with(b"/") || first.len() == end + 1)
    });
    if first.starts_with(b"/") {
        let mut row = LaidOut::new(Form::Path, "template");
        row.extend(path(spots)?);
        return Ok(row);
    }
    if let Some(end) = method {
        return request_line(end, spots);
    }
    let is_json = first.starts_with(b"{");
    let mut row = LaidOut::new(if is_json { Form::Jsonl } else { Form::Text }, "template");
    let context = if is_json { Context::Json } else { Context::Plain };
    for spot in spots {
        match spot {
            Spot::Text(text) => push(&mut row.pieces, Context::Plain.encode(&Piece::Text(text))?),
            Spot::Value(value) => {
                for piece in &value {
                    push(&mut row.pieces, context.encode(piece)?);
                }
            }
        }
    }
    Ok(row)
}

/// `METHOD PATH BODY` as one text, whose method ends at `end`.
fn request_line(end: usize, mut spots: Vec<Spot>) -> Result<LaidOut, Fault> {
    let mut row = LaidOut::new(Form::Line, "template");
    let Some(Spot::Text(first)) = spots.first_mut() else { return Err(Fault::PathStart) };
    let rest = first.split_off(end + 1);
    push(&mut row.pieces, Piece::Text(std::mem::replace(first, rest)));
    if first.is_empty() {
        spots.remove(0);
    }
    // The path ends with the first blank that no value has brought.
    let blank = spots.iter().enumerate().find_map(|(number, spot)| match spot {
        Spot::Text(text) => Some((number, text.iter().position(|byte| *byte == b' ')?)),
        Spot::Value(_) => None,
    });
    let body = match blank {
        None => Vec::new(),
        Some((number, at)) => {
            let mut body = spots.split_off(number);
            if let Spot::Text(text) = &mut body[0] {
                let behind = text.split_off(at);
                spots.push(Spot::Text(std::mem::replace(text, behind)));
            }
            body
        }
    };
    spots.retain(|spot| !matches!(spot, Spot::Text(text) if text.is_empty()));
    row.extend(path(spots)?);
    row.extend(plain(body)?);
    Ok(row)
}

fn line(
    method: &str,
    path: &str,
    body: Option<&str>,
    columns: &mut Columns<'_>,
) -> Result<LaidOut, RowsError> {
    let mut row = LaidOut::new(Form::Line, "format");
    check_method(method).map_err(|fault| fault.at("format.method"))?;
    row.literal(&format!("{method} "));
    row.extend(path_of(path, columns).map_err(|fault| fault.at("format.path"))?);
    if let Some(body) = body {
        row.literal(" ");
        let body = columns.template(body).and_then(plain);
        row.extend(body.map_err(|fault| fault.at("format.body"))?);
    }
    Ok(row)
}

fn check_method(method: &str) -> Result<(), Fault> {
    match !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        true => Ok(()),
        false => Err(Fault::Method(method.into())),
    }
}

fn path_of(text: &str, columns: &mut Columns<'_>) -> Result<Vec<Piece>, Fault> {
    path(columns.template(text)?)
}

fn is_graphic(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

/// The pieces of a path. What it begins with is taken as it is, be it a value; other values are encoded.
fn path(spots: Vec<Spot>) -> Result<Vec<Piece>, Fault> {
    let mut pieces = Vec::new();
    let is_path = |text: &[u8]| text.starts_with(b"/") && is_graphic(text);
    for (number, spot) in spots.into_iter().enumerate() {
        match spot {
            Spot::Text(text) if !is_graphic(&text) => return Err(Fault::PathText),
            Spot::Text(text) if number == 0 && !text.starts_with(b"/") => {
                return Err(Fault::PathStart);
            }
            Spot::Text(text) => push(&mut pieces, Piece::Text(text)),
            Spot::Value(value) => {
                for (inside, piece) in value.into_iter().enumerate() {
                    if number > 0 || inside > 0 {
                        push(&mut pieces, Context::Path.encode(&piece)?);
                        continue;
                    }
                    let texts = texts(&piece);
                    if texts.is_empty() {
                        return Err(Fault::PathStart);
                    }
                    if let Some(bad) = texts.iter().find(|text| !is_path(text)) {
                        return Err(Fault::PathValue(String::from_utf8_lossy(bad).into_owned()));
                    }
                    push(&mut pieces, piece);
                }
            }
        }
    }
    if pieces.is_empty() { Err(Fault::PathStart) } else { Ok(pieces) }
}

/// The pieces of a text that goes to the end of the line.
fn plain(spots: Vec<Spot>) -> Result<Vec<Piece>, Fault> {
    let mut pieces = Vec::new();
    for spot in spots {
        match spot {
            Spot::Text(text) => push(&mut pieces, Context::Plain.encode(&Piece::Text(text))?),
            Spot::Value(value) => {
                for piece in &value {
                    push(&mut pieces, Context::Plain.encode(piece)?);
                }
            }
        }
    }
    Ok(pieces)
}

/// The pieces of a text, whatever is in it.
fn any(spots: Vec<Spot>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for spot in spots {
        match spot {
            Spot::Text(text) => push(&mut pieces, Piece::Text(text)),
            Spot::Value(value) => value.into_iter().for_each(|piece| push(&mut pieces, piece)),
        }
    }
    pieces
}

/// A request as a JSON object.
fn request(layout: &Layout, path: &str, columns: &mut Columns<'_>) -> Result<LaidOut, RowsError> {
    let Layout::Jsonl { method, headers, body, tag, columns: names, .. } = layout else {
        return Err(Fault::Nothing.at("format"));
    };
    if !names.is_empty() {
        return Err(Fault::RequestColumns.at("format.columns"));
    }
    let mut row = LaidOut::new(Form::Jsonl, "format");
    row.literal("{");
    if let Some(method) = method {
        check_method(method).map_err(|fault| fault.at("format.method"))?;
        row.literal(&format!("\"method\":\"{method}\","));
    }
    row.literal("\"path\":\"");
    let path = path_of(path, columns).and_then(|pieces| row.extend_json(&pieces));
    path.map_err(|fault| fault.at("format.path"))?;
    row.literal("\"");
    for (number, (name, value)) in headers.iter().enumerate() {
        let bad = |fault: Fault| fault.at(format!("format.headers.{name}"));
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(Fault::Header(name.clone())))?;
        row.literal(if number == 0 { ",\"headers\":{\"" } else { ",\"" });
        row.literal(&format!("{name}\":\""));
        let value = columns.template(value).and_then(plain);
        value.and_then(|pieces| row.extend_json(&pieces)).map_err(bad)?;
        row.literal("\"");
    }
    row.literal(if headers.is_empty() { "" } else { "}" });
    for (name, text) in [("body", body), ("tag", tag)] {
        let Some(text) = text else { continue };
        row.literal(&format!(",\"{name}\":\""));
        let pieces = columns.template(text).map(any);
        let pieces = pieces.and_then(|pieces| row.extend_json(&pieces));
        pieces.map_err(|fault| fault.at(format!("format.{name}")))?;
        row.literal("\"");
    }
    row.literal("}");
    Ok(row)
}

/// The columns that are named, or all.
fn chosen<'a>(names: &'a [String], columns: &Columns<'a>) -> Vec<&'a str> {
    match names.is_empty() {
        true => columns.names(),
        false => names.iter().map(String::as_str).collect(),
    }
}

/// Columns as a JSON object.
fn record<'a>(names: &'a [String], columns: &Columns<'a>) -> Result<LaidOut, Fault> {
    let mut row = LaidOut::new(Form::Record, "columns");
    for (number, name) in chosen(names, columns).into_iter().enumerate() {
        let (pieces, is_number) = columns.get(name)?;
        let quote = if is_number { "" } else { "\"" };
        let before = if number == 0 { "{" } else { "," };
        row.literal(&format!("{before}\"{name}\":{quote}"));
        row.extend_json(pieces)?;
        row.literal(quote);
    }
    row.literal("}");
    if chosen(names, columns).is_empty() {
        return Err(Fault::Nothing);
    }
    Ok(row)
}

/// Columns with commas between them. A column is quoted if any of its values needs it.
fn csv<'a>(names: &'a [String], has_header: bool, columns: &Columns<'a>) -> Result<LaidOut, Fault> {
    let names = chosen(names, columns);
    let mut row = LaidOut::new(Form::Csv, "columns");
    let is_special = |text: &[u8]| {
        let is_blank = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
        text.iter().any(|byte| matches!(byte, b',' | b'"'))
            || is_blank(text.first())
            || is_blank(text.last())
    };
    for (number, name) in names.iter().enumerate() {
        let (pieces, _) = columns.get(name)?;
        let is_quoted = pieces.iter().any(|piece| texts(piece).into_iter().any(is_special));
        let (context, quote) =
            if is_quoted { (Context::Quoted, "\"") } else { (Context::Plain, "") };
        row.literal(if number == 0 { "" } else { "," });
        row.literal(quote);
        for piece in pieces {
            push(&mut row.pieces, context.encode(piece)?);
        }
        row.literal(quote);
    }
    if names.is_empty() {
        return Err(Fault::Nothing);
    }
    row.header = has_header.then(|| names.join(","));
    Ok(row)
}
