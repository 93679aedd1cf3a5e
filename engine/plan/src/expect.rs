//! Which responses are as expected.

use crate::PlanError;

/// A set of status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    codes: [u64; 16],
}

impl Expect {
    /// The set of `patterns`: codes (`200`) and classes (`2xx`); none: `2xx` and `3xx`.
    ///
    /// # Errors
    ///
    /// When a pattern is neither a code nor a class.
    pub(super) fn new(patterns: &[String]) -> Result<Self, PlanError> {
        let mut expect = Self { codes: [0; 16] };
        if patterns.is_empty() {
            (200..400).for_each(|code| expect.insert(code));
        }
        for pattern in patterns {
            let class = pattern.strip_suffix("xx").or_else(|| pattern.strip_suffix("XX"));
            match (class.and_then(|class| class.parse::<u16>().ok()), pattern.parse::<u16>()) {
                (Some(class @ 1..=9), _) => {
                    (class * 100..class * 100 + 100).for_each(|code| expect.insert(code));
                }
                (None, Ok(code @ 100..=999)) => expect.insert(code),
                _ => return Err(PlanError::Status(pattern.clone())),
            }
        }
        Ok(expect)
    }

    fn insert(&mut self, code: u16) {
        self.codes[usize::from(code / 64)] |= 1 << (code % 64);
    }

    /// Whether a response with this status is as expected.
    #[inline]
    #[must_use]
    pub fn status(&self, code: u16) -> bool {
        let word = self.codes.get(usize::from(code / 64)).copied().unwrap_or(0);
        word & (1 << (code % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_codes_or_classes() {
        for (patterns, yes, no) in [
            (vec![], vec![200, 204, 301, 399], vec![100, 199, 400, 404, 500, 999]),
            (vec!["200"], vec![200], vec![201, 302, 500]),
            (vec!["2xx", "404"], vec![200, 299, 404], vec![302, 403, 500]),
            (vec!["5XX"], vec![500, 599], vec![200, 600]),
        ] {
            let owned: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            let expect = Expect::new(&owned).unwrap();
            assert!(yes.iter().all(|&code| expect.status(code)), "{patterns:?}");
            assert!(!no.iter().any(|&code| expect.status(code)), "{patterns:?}");
        }
        for bad in ["", "xx", "0xx", "99", "1000", "2x", "ok", "-1xx", "200,201"] {
            assert!(Expect::new(&[bad.to_string()]).is_err(), "`{bad}` is not a status");
        }
    }
}
