//! What the routes of direct mode are answered, on paused time.

use crate::world::{assignment, info, until};
use acp_coord::{ControlSide, DirectControl, DirectOptions, Gone};
use acp_wire::agent::Registration;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, advance, sleep};

const SESSION: Duration = Duration::from_secs(30);

fn control(settle: Duration) -> Arc<DirectControl> {
    DirectControl::start(DirectOptions { epoch: 7, session_timeout: SESSION, settle })
}

fn register(control: &DirectControl, agent: &str, session: Option<String>) -> String {
    let registration = Registration { info: info(agent, "h"), session };
    control.register(registration).unwrap().session
}

#[tokio::test(start_paused = true)]
async fn any_message_renews_a_session() {
    let control = control(Duration::ZERO);
    let session = register(&control, "a", None);
    for _ in 0..10 {
        advance(SESSION - Duration::from_secs(1)).await;
        assert_eq!(control.heard("a", &session), Ok(()));
    }
    assert_eq!(register(&control, "a", Some(session.clone())), session, "it comes back");
    advance(SESSION).await;
    assert_eq!(control.heard("a", &session), Err(Gone), "silent for too long");
    let new = register(&control, "a", Some(session.clone()));
    assert_ne!(new, session);
    for (agent, session, why) in [
        ("a", session.as_str(), "a former session"),
        ("b", &new, "another agent"),
        ("a", "", "none"),
    ] {
        assert_eq!(control.heard(agent, session), Err(Gone), "{why}");
        let poll = control.assignment_after(agent, session, 0, SESSION);
        assert_eq!(poll.await, Err(Gone), "{why}");
        control.deregister(agent, session);
    }
    assert_eq!(control.heard("a", &new), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_poll_ends_when_there_is_something_or_the_session_is_over() {
    let control = control(Duration::ZERO);
    let session = register(&control, "a", None);
    let wait = Duration::from_secs(10);
    let start = Instant::now();
    assert_eq!(control.assignment_after("a", &session, 0, wait).await, Ok(None));
    assert_eq!(start.elapsed(), wait);
    let later = async {
        sleep(Duration::from_secs(3)).await;
        control.assign(7, &[("a".to_string(), assignment(7, 5))]).await.unwrap();
    };
    let (found, ()) = tokio::join!(control.assignment_after("a", &session, 4, wait), later);
    assert_eq!(found.unwrap().unwrap().revision, 5);
    assert_eq!(start.elapsed(), wait + Duration::from_secs(3));
    assert_eq!(control.assignment_after("a", &session, 5, wait).await, Ok(None), "seen already");
    let leaves = async { control.deregister("a", &session) };
    let (found, ()) = tokio::join!(control.assignment_after("a", &session, 5, wait), leaves);
    assert_eq!(found, Err(Gone));
    let session = register(&control, "a", None);
    let found = control.assignment_after("a", &session, 0, wait).await;
    assert_eq!(found.unwrap().unwrap().revision, 5, "a new session is told again");
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_nobody_is_missed_until_agents_had_time() {
    let settle = Duration::from_secs(20);
    let control = control(settle);
    let start = Instant::now();
    register(&control, "a", None);
    assert!(!control.membership().borrow().is_current);
    let members = until("all to be there", &control.membership(), |state| state.is_current).await;
    assert!(start.elapsed() >= settle, "{:?}", start.elapsed());
    assert_eq!(members.agents.keys().collect::<Vec<_>>(), ["a"]);
}
