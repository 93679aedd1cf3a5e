//! Pages of lists: how many at a time, and from where.

use super::error::{Answer, ApiError};
use crate::store::Page;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

/// The page that a query asks for.
pub(super) fn page(limit: Option<u32>, offset: Option<u32>) -> Answer<Page> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::bad_request(format!(
            "limit is {limit}, it goes from 1 to {LIMIT_MAX}"
        )));
    }
    Ok(Page { offset: offset.unwrap_or(0).into(), limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_bounded() {
        for (limit, offset, expected) in [
            (None, None, Some((50, 0))),
            (Some(1), Some(7), Some((1, 7))),
            (Some(200), Some(u32::MAX), Some((200, u64::from(u32::MAX)))),
            (Some(0), None, None),
            (Some(201), None, None),
            (Some(u32::MAX), None, None),
        ] {
            let found = page(limit, offset).ok().map(|page| (page.limit, page.offset));
            assert_eq!(found, expected, "{limit:?} {offset:?}");
        }
    }
}
