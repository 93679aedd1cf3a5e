//! Durations in settings files as people write them, for serde.

/// Microseconds in settings files as people write durations: `15s`.
///
/// For `#[serde(with = "acp_wire::units::duration_us")]`.
pub mod duration_us {
    use crate::units::parse_duration_ns;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// Reads a duration.
    ///
    /// # Errors
    ///
    /// When the text is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
        let text = String::deserialize(input)?;
        parse_duration_ns(&text).map(|found| found / 1000).map_err(D::Error::custom)
    }

    /// Writes a duration.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    pub fn serialize<S: Serializer>(micros: &u64, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(&match micros {
            whole if whole % 1_000_000 == 0 => format!("{}s", whole / 1_000_000),
            whole if whole % 1_000 == 0 => format!("{}ms", whole / 1_000),
            rest => format!("{rest}us"),
        })
    }
}

/// The same for milliseconds.
pub mod duration_ms {
    use serde::{Deserializer, Serializer};

    /// Reads a duration.
    ///
    /// # Errors
    ///
    /// When the text is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
        super::duration_us::deserialize(input).map(|micros| micros / 1000)
    }

    /// Writes a duration.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    pub fn serialize<S: Serializer>(millis: &u64, output: S) -> Result<S::Ok, S::Error> {
        super::duration_us::serialize(&(millis * 1000), output)
    }
}
