//! Rules: goals that are judged at the end, and limits that end a run.
//!
//! | Rule | Meaning |
//! |---|---|
//! | `p99<50ms` `p(99.9)>1s` | percentile of the response time of expected responses |
//! | `errors>5%` `errors>100` | requests that did not end as expected, of those that ended |
//! | `status(5xx)>1%` `status(503)>0` | responses with this status, of the requests that ended |
//! | `rate<9500` `rate>=300/m` | complete responses a second |
//!
//! Operators are `<`, `<=`, `>` and `>=`. A goal (`stop.slo`) is judged over the whole run and says
//! what is wanted. A limit (`stop.abort_on`) ends in `over 10s`, is judged over the last so many
//! seconds once there are so many, and says what is not.

mod expression;
mod found;
mod limit;
mod window;

pub use expression::{Metric, Operator, Rule, RuleError, parse_abort, parse_slo};
pub use found::{found_for, judge_slo};
pub use limit::{Limit, limits};
pub use window::{Fired, Window};
