//! Routes that are given by hand: `/item/{id}`, `/files/*`.

use thiserror::Error;

/// Why a pattern cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// No path.
    #[error("bad route `{0}`: it starts with `/` and has no query\nhint: /item/{{id}}, /files/*")]
    Path(String),
    /// A `*` that is not the end, or a brace that is no placeholder.
    #[error("bad route `{0}`: `{{…}}` is a whole segment, and `*` the last one")]
    Segment(String),
}

/// A segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Text(String),
    Any,
    /// This one and all that follow.
    Rest,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let is_graphic = text.bytes().all(|byte| byte.is_ascii_graphic());
        let inside = text.strip_prefix('/').filter(|_| is_graphic && !text.contains('?'));
        let inside = inside.ok_or_else(|| PatternError::Path(text.into()))?;
        let bad = || PatternError::Segment(text.into());
        let mut segments = Vec::new();
        for segment in inside.split('/') {
            if segments.last() == Some(&Segment::Rest) {
                return Err(bad());
            }
            segments.push(match segment {
                "*" => Segment::Rest,
                _ if segment.starts_with('{') && segment.find('}') == Some(segment.len() - 1) => {
                    Segment::Any
                }
                _ if segment.contains(['{', '}', '*']) => return Err(bad()),
                _ => Segment::Text(segment.into()),
            });
        }
        Ok(Self { text: text.into(), segments })
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a path without its query is of this route.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        let mut found = path.get(1..).unwrap_or_default().split(|byte| *byte == b'/');
        for segment in &self.segments {
            match (segment, found.next()) {
                (Segment::Rest, Some(_)) => return true,
                (Segment::Any, Some(text)) if !text.is_empty() => {}
                (Segment::Text(expected), Some(text)) if expected.as_bytes() == text => {}
                _ => return false,
            }
        }
        found.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_what_the_table_says() {
        for (pattern, path, expected) in [
            ("/", "/", true),
            ("/item/{id}", "/item/5", true),
            ("/item/{id}", "/item/a-b", true),
            ("/{a}/x/{b}", "/1/x/2", true),
            ("/files/*", "/files/a/b/c", true),
            ("/files/*", "/files/", true),
            ("/", "/a", false),
            ("/item/{id}", "/item", false),
            ("/item/{id}", "/item/", false),
            ("/item/{id}", "/item/5/", false),
            ("/item/{id}", "/item/5/6", false),
            ("/item/{id}", "/items/5", false),
            ("/item/{id}", "/Item/5", false),
            ("/files/*", "/files", false),
            ("/files/*", "/file/a", false),
        ] {
            let matches = Pattern::parse(pattern).unwrap().matches(path.as_bytes());
            assert_eq!(matches, expected, "{pattern} {path}");
        }
    }

    #[test]
    fn bad_patterns_are_refused() {
        for text in ["", "item", "/a?b", "/a b", "/é"] {
            assert_eq!(Pattern::parse(text), Err(PatternError::Path(text.into())), "{text}");
        }
        for text in ["/a/*/b", "/a*", "/x{id}", "/{id}x", "/{id", "/id}", "/{a}{b}", "/**"] {
            assert_eq!(Pattern::parse(text), Err(PatternError::Segment(text.into())), "{text}");
        }
    }
}
