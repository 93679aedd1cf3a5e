//! The HTTP API: what people, scripts and agents ask of control.
//!
//! Handlers parse, call the store or the coordinator, and map errors; what a run does is decided by
//! the scheduler, which a handler wakes.
//!
//! | Path | For whom |
//! |---|---|
//! | `/api/v1/…`, `/api/openapi.json` | programs and the page |
//! | `/create`, `/stop`, … | scripts written for ACP 1.0 |
//! | `/agent/v1/…` | agents |
//! | `/healthz`, `/readyz`, `/metrics` | whoever looks after control |
//! | anything else | the page |

mod agents;
mod app;
mod assets;
mod audit;
mod caller;
mod checks;
mod cluster;
mod compare;
mod cursor;
mod datasets;
mod desk;
mod error;
mod events;
mod guard;
mod health;
mod legacy;
mod limits;
pub(crate) mod live;
mod openapi;
mod outlook;
mod pace_now;
mod paging;
mod peaks;
mod plan_text;
mod plans;
mod preview;
mod problems;
mod registry;
mod reports;
mod router;
mod runs;
mod saved;
mod series;
mod session;
mod states;
mod statuses;
mod steer;
mod task_view;
mod tasks;
mod tokens;
mod turns;
mod users;

pub use app::{AgentDesk, ApiStartError, App, AppParts, Caller};
pub use error::{Answer, ApiError};
pub use plans::plan_hash;
pub use router::{openapi_json, router, serve};
pub use users::put_admin;
