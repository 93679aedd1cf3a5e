//! Errors of a coordinator as answers to HTTP requests, and back.

use crate::CoordError;
use acp_wire::agent::{ErrorBody, ErrorText};

/// Code of [`CoordError::NameTaken`].
const NAME_TAKEN: &str = "name_taken";

/// What stands before the other's host in the message of [`NAME_TAKEN`].
const FROM: &str = " from ";

/// Status and body of the answer to a request that failed so.
#[must_use]
pub fn problem(error: &CoordError) -> (u16, ErrorBody) {
    let (status, code) = match error {
        CoordError::Unreachable { .. } => (503, "unreachable"),
        CoordError::StaleLeader { .. } => (409, "stale_leader"),
        CoordError::NameTaken { .. } => (409, NAME_TAKEN),
        CoordError::Refused { .. } => (403, "refused"),
        CoordError::BadDocument { .. } => (500, "bad_document"),
        CoordError::Settings(_) => (400, "bad_request"),
    };
    let text = error.to_string();
    let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
    let (code, message, hint) = (code.to_string(), message.to_string(), hint.to_string());
    (status, ErrorBody { error: ErrorText { code, message, hint } })
}

/// What an answer of `coordinator` that is not a success means for an agent. `body` is an
/// [`ErrorBody`], or whatever something on the way has sent.
pub(super) fn refusal(coordinator: &str, agent: &str, status: u16, body: &[u8]) -> CoordError {
    let ErrorText { code, message, hint } =
        serde_json::from_slice::<ErrorBody>(body).unwrap_or_default().error;
    let coordinator = coordinator.to_string();
    let why = if message.is_empty() { format!("status {status}") } else { message };
    match status {
        401 | 403 => CoordError::Refused { coordinator, why },
        409 if code == NAME_TAKEN => {
            let by = why.rsplit_once(FROM).map_or("", |(_, by)| by).to_string();
            CoordError::NameTaken { agent: agent.to_string(), by }
        }
        400 | 409 | 413 | 422 if hint.is_empty() => CoordError::Settings(why),
        400 | 409 | 413 | 422 => CoordError::Settings(format!("{why}\nhint: {hint}")),
        _ => CoordError::Unreachable { coordinator, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_back_as_they_were() {
        let coordinator = || "http://control".to_string();
        for (error, status) in [
            (CoordError::NameTaken { agent: "a".into(), by: "host-1".into() }, 409),
            (CoordError::Settings("`a b` cannot be\nhint: another".into()), 400),
            (CoordError::Settings("no hint".into()), 400),
        ] {
            let (answered, body) = problem(&error);
            assert_eq!(answered, status);
            let body = serde_json::to_vec(&body).unwrap();
            let back = refusal("http://control", "a", status, &body);
            assert_eq!(back.to_string(), error.to_string());
        }
        let refused = CoordError::Refused { coordinator: coordinator(), why: "a bad token".into() };
        let (status, body) = problem(&refused);
        let back = refusal("http://control", "a", status, &serde_json::to_vec(&body).unwrap());
        assert!(matches!(back, CoordError::Refused { .. }), "{back}");
    }

    #[test]
    fn answers_of_others_are_understood() {
        for (status, body, expect) in [
            (401, "", "coordinator `c` refused: status 401"),
            (403, "<html>", "coordinator `c` refused: status 403"),
            (404, "not found", "coordinator `c` is not reachable: status 404"),
            (409, r#"{"error":{"code":"stale_leader","message":"m"}}"#, "m"),
            (409, r#"{"error":{"code":"name_taken","message":"m"}}"#, "agent `a` is registered"),
            (500, "{}", "coordinator `c` is not reachable: status 500"),
            (503, "\u{0}", "coordinator `c` is not reachable: status 503"),
            (400, r#"{"error":{"code":"bad_request","message":"bad name"}}"#, "bad name"),
        ] {
            let error = refusal("c", "a", status, body.as_bytes()).to_string();
            assert!(error.starts_with(expect), "{status} {body}: {error}");
        }
    }
}
