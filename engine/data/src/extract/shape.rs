//! Which texts are values by their looks: numbers, dates, ids, digests, tokens.

/// Longer texts are values.
const MAX_WORD_BYTES: usize = 64;
/// Longer texts with digits in them are values.
const LONG_TOKEN_BYTES: usize = 20;
/// Hex digits of the shortest digest.
const SHORT_DIGEST_BYTES: usize = 8;
/// Digits at the end of a text that make it a value: `order-10432`.
const NUMBERED_DIGITS: usize = 5;
/// Letters and digits of the longest ending of a file.
const MAX_ENDING_BYTES: usize = 5;

/// Whether a segment of a path, or the name of a parameter, is a value.
pub(super) fn is_value(text: &[u8]) -> bool {
    if text.len() > MAX_WORD_BYTES {
        return true;
    }
    let mut looks = Looks::of(text);
    if looks.others {
        // Escaped text, addresses of mail, lists.
        return true;
    }
    // `3f2a91c7.png` is what `3f2a91c7` is.
    let text = match text.iter().rposition(|byte| *byte == b'.') {
        Some(dot) if dot > 0 && is_ending(&text[dot + 1..]) => {
            looks = Looks::of(&text[..dot]);
            &text[..dot]
        }
        _ => text,
    };
    let is_hex = looks.letters == looks.hex_letters;
    if looks.digits == 0 {
        // One digest of some hundred has letters only; hardly any word of that length has these only.
        return is_hex && looks.letters == text.len() && text.len() >= SHORT_DIGEST_BYTES;
    }
    let is_number = looks.letters == 0;
    let is_digest = is_hex && looks.letters + looks.digits >= SHORT_DIGEST_BYTES;
    let is_token = text.len() >= LONG_TOKEN_BYTES && looks.digits >= 2;
    let is_moment = looks.letters <= 2 && looks.digits >= 8;
    let last = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    is_number || is_digest || is_token || is_moment || last >= NUMBERED_DIGITS
}

fn is_ending(text: &[u8]) -> bool {
    (1..=MAX_ENDING_BYTES).contains(&text.len())
        && text[0].is_ascii_alphabetic()
        && text.iter().all(u8::is_ascii_alphanumeric)
}

/// Which bytes a text has.
#[derive(Default)]
struct Looks {
    digits: usize,
    letters: usize,
    hex_letters: usize,
    /// Neither letters, digits nor what is between words.
    others: bool,
}

impl Looks {
    fn of(text: &[u8]) -> Self {
        let mut looks = Self::default();
        for &byte in text {
            match byte {
                b'0'..=b'9' => looks.digits += 1,
                b'a'..=b'f' | b'A'..=b'F' => {
                    looks.letters += 1;
                    looks.hex_letters += 1;
                }
                b'a'..=b'z' | b'A'..=b'Z' => looks.letters += 1,
                b'-' | b'_' | b'.' | b'~' | b'+' | b':' | b'$' | b'!' | b'*' | b'[' | b']' => {}
                _ => looks.others = true,
            }
        }
        looks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_from_words() {
        for (text, expected) in [
            ("", false),
            ("items", false),
            ("item-list", false),
            ("index.html", false),
            ("v1", false),
            ("oauth2", false),
            ("app.v2.js", false),
            ("mp3", false),
            ("decade", false),
            ("cafe-bad", false),
            ("face-2", false),
            ("deadbee.js", false),
            ("~user", false),
            ("ipv6-addresses", false),
            ("7", true),
            ("2024", true),
            ("12345.html", true),
            ("1.2.3", true),
            ("-5", true),
            ("2024-01-31", true),
            ("2024-01-31T10:00:00Z", true),
            ("20240131T100000Z", true),
            ("550e8400-e29b-41d4-a716-446655440000", true),
            ("550E8400E29B41D4A716446655440000", true),
            ("3f2a91c7", true),
            ("3f2a91c7.png", true),
            ("deadbeef", true),
            ("deadbeef.js", true),
            ("dead2eef", true),
            ("eyJhbGciOiJIUzI1NiIsInR5cCI6", true),
            ("order-10432", true),
            ("a@example.org", true),
            ("%E4%BD%A0", true),
            ("a,b,c", true),
            (&"x".repeat(65), true),
        ] {
            assert_eq!(is_value(text.as_bytes()), expected, "{text}");
        }
    }
}
