//! Values of records as columns: documents as JSON text, closed enums by their name, times.

use super::{StoreError, Stored};
use serde::Serialize;

/// JSON of a value.
pub(super) fn document<T: Serialize>(value: &T) -> Stored<String> {
    serde_json::to_string(value).map_err(|error| StoreError::BadRecord(error.to_string()))
}

/// The name of a variant.
pub(super) fn name<T: Serialize>(value: &T) -> Stored<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        Ok(other) => Err(StoreError::BadRecord(format!("`{other}` is not a name"))),
        Err(error) => Err(StoreError::BadRecord(error.to_string())),
    }
}

/// A time, second or offset. Ends of ranges may be beyond what is ever stored.
pub(super) fn time(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
