//! Pages of lists: how many at a time, and from where.

use super::error::{Answer, ApiError};
use crate::store::Page;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;
/// What the description says of a 32 bit number.
const OFFSET_MAX: u32 = i32::MAX.unsigned_abs();

/// The page that a query asks for.
pub(super) fn page(limit: Option<u32>, offset: Option<u32>) -> Answer<Page> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::bad_request(format!(
            "limit is {limit}, it goes from 1 to {LIMIT_MAX}"
        )));
    }
    let offset = offset.unwrap_or(0);
    if offset > OFFSET_MAX {
        return Err(ApiError::bad_request(format!("offset is {offset}, it goes to {OFFSET_MAX}")));
    }
    Ok(Page { offset: offset.into(), limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_bounded() {
        for (limit, offset, expected) in [
            (None, None, Some((50, 0))),
            (Some(1), Some(7), Some((1, 7))),
            (Some(200), Some(OFFSET_MAX), Some((200, u64::from(OFFSET_MAX)))),
            (Some(200), Some(OFFSET_MAX + 1), None),
            (Some(0), None, None),
            (Some(201), None, None),
            (Some(u32::MAX), None, None),
        ] {
            let found = page(limit, offset).ok().map(|page| (page.limit, page.offset));
            assert_eq!(found, expected, "{limit:?} {offset:?}");
        }
    }
}
