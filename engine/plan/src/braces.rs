//! Text with double braces in it, cut into what stands outside and inside of them.

/// A piece of such a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// What stands outside.
    Text(&'a [u8]),
    /// What stands between `{{` and `}}`.
    Inside(&'a [u8]),
}

/// A `{{` has no `}}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclosed;

/// The pieces of a text, in order; none of them is an empty text.
pub(crate) fn parts(text: &[u8]) -> Result<Vec<Part<'_>>, Unclosed> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = find(rest, b"{{") {
        parts.push(Part::Text(&rest[..open]));
        let inside = &rest[open + 2..];
        let close = find(inside, b"}}").ok_or(Unclosed)?;
        parts.push(Part::Inside(&inside[..close]));
        rest = &inside[close + 2..];
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| *part != Part::Text(b""));
    Ok(parts)
}

/// Where `part` begins in `text`.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&[Part<'_>], Unclosed>) {
        assert_eq!(
            parts(text.as_bytes()).as_deref(),
            expect.as_ref().map(|parts| *parts),
            "{text}"
        );
    }

    #[test]
    fn texts_are_cut_at_their_braces() {
        let (text, inside) = (|text| Part::Text(text), |text| Part::Inside(text));
        check("", Ok(&[]));
        check("a } } {", Ok(&[text(b"a } } {")]));
        check("{{a}}", Ok(&[inside(b"a")]));
        check("a{{ b c }}{{d}}e", Ok(&[text(b"a"), inside(b" b c "), inside(b"d"), text(b"e")]));
        check("{{}}", Ok(&[inside(b"")]));
        check("{\"a\":{{b}}}", Ok(&[text(b"{\"a\":"), inside(b"b"), text(b"}")]));
        check("{{", Err(Unclosed));
        check("a {{b} c", Err(Unclosed));
        check("{{a}} {{", Err(Unclosed));
    }
}
