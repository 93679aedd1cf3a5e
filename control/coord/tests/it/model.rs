//! What only the model can show: lost answers, and thousands of breaks from a seed.

use crate::world::{
    assignment, info, until, until_leader, until_members, until_revision, until_state,
};
use acp_coord::{Leadership, Model, ModelOptions, SessionState};
use std::time::Duration;
use tokio::time::sleep;

fn model() -> Model {
    Model::new(&ModelOptions::default())
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_found_by_reading() {
    let model = model();
    let control = model.control("http://c:1");
    let epoch = until_leader(&*control).await;
    let agent = model.agent("a");
    let session = agent.register(&info("a", "h")).await.unwrap();
    for revision in 1..=5 {
        // Made or set, and then set again: the same in the end.
        model.lose_answers("http://c:1", 1);
        let batch = [("a".to_string(), assignment(epoch, revision))];
        control.assign(epoch, &batch).await.unwrap();
        until_revision(&session, revision).await;
    }
    model.lose_answers("http://c:1", 1);
    control.forget(epoch, &["a".to_string()]).await.unwrap();
    assert!(control.assigned().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_expired_control_stands_again_and_epochs_grow() {
    let model = model();
    let control = model.control("http://c:1");
    let mut epochs = vec![until_leader(&*control).await];
    for _ in 0..10 {
        model.expire("http://c:1");
        let before = epochs[epochs.len() - 1];
        let is_newer = |state: &Leadership| state.epoch().is_some_and(|epoch| epoch > before);
        let state = until("a newer epoch", &control.leadership(), is_newer).await;
        epochs.push(state.epoch().unwrap());
    }
    assert_eq!(epochs, (1..=11).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn no_epoch_is_below_the_floor() {
    for (what, before, floor, expected) in
        [("a tree made anew", 0, 1_700, 1_700), ("the next one", 1, 2, 2), ("long ago", 3, 2, 4)]
    {
        let model = model();
        for _ in 0..before {
            let control = model.control("http://c:1");
            until_leader(&*control).await;
            control.leave().await;
        }
        let control = model.control_from("http://c:2", floor);
        assert_eq!(until_leader(&*control).await, expected, "{what}");
        model.expire("http://c:2");
        let is_newer = |state: &Leadership| state.epoch().is_some_and(|epoch| epoch > expected);
        let state = until("a newer epoch", &control.leadership(), is_newer).await;
        assert_eq!(state.epoch(), Some(expected + 1), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_trusts_the_time_that_it_was_granted() {
    // Half of what it asked for is longer than its session lives.
    let granted = Duration::from_secs(6);
    let model = Model::granting(&ModelOptions::default(), granted);
    let first = model.control("http://c:1");
    until_leader(&*first).await;
    let second = model.control("http://c:2");
    model.partition("http://c:1");
    for _ in 0..600 {
        sleep(Duration::from_millis(100)).await;
        let sides = [&first, &second];
        let leaders = sides.iter().filter_map(|side| side.leadership().borrow().epoch());
        let leaders: Vec<_> = leaders.collect();
        assert!(leaders.len() < 2, "{leaders:?} lead at once");
    }
    until_leader(&*second).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_ends_no_session() {
    let model = model();
    let control = model.control("http://c:1");
    let epoch = until_leader(&*control).await;
    let agent = model.agent("a");
    let session = agent.register(&info("a", "h")).await.unwrap();
    until_members(&*control, &["a"]).await;
    model.stop_server();
    until_state(&session, SessionState::Suspended).await;
    // Longer than a leader trusts itself, and longer than sessions live: a client waits 7/5 of that.
    sleep(ModelOptions::default().session_timeout * 6 / 5).await;
    assert_eq!(*control.leadership().borrow(), Leadership::Unknown);
    model.start_server();
    until_state(&session, SessionState::Connected).await;
    until_members(&*control, &["a"]).await;
    assert_eq!(until_leader(&*control).await, epoch);
}

/// Numbers from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// Breaks things at random for ten minutes of the model's time. At no moment do two lead, and when all
/// is well again, everybody agrees.
async fn check(seed: u64) {
    let model = model();
    let names = ["http://c:1", "http://c:2", "http://c:3"];
    let controls = names.map(|name| model.control(name));
    let agents = ["a", "b"].map(|name| (name, model.agent(name)));
    for (name, agent) in &agents {
        agent.register(&info(name, "h")).await.unwrap();
    }
    let mut dice = Dice(seed);
    let mut is_whole = true;
    for _ in 0..60 {
        let client = ["http://c:1", "http://c:2", "http://c:3", "a", "b"]
            [usize::try_from(dice.roll(5)).unwrap()];
        match dice.roll(7) {
            0 | 1 => {
                model.partition(client);
                is_whole = false;
            }
            2 => {
                model.start_server();
                model.heal();
                is_whole = true;
            }
            // A server that ends a session before its time, unheard, breaks its own promise.
            3 if is_whole => model.expire(client),
            4 => {
                model.stop_server();
                is_whole = false;
            }
            3 | 5 => model.start_server(),
            _ => model.lose_answers(client, 2),
        }
        for _ in 0..dice.roll(20) {
            sleep(Duration::from_secs(1)).await;
            let states = controls.iter().map(|control| control.leadership().borrow().clone());
            let epochs: Vec<u64> = states.filter_map(|state| state.epoch()).collect();
            assert!(epochs.len() < 2, "seed {seed}: epochs {epochs:?} at once");
        }
    }
    model.start_server();
    model.heal();
    for (name, agent) in &agents {
        agent.register(&info(name, "h")).await.unwrap();
    }
    for control in &controls {
        until_members(&**control, &["a", "b"]).await;
    }
    // The last leader may be one whose session is dying still.
    for second in 0.. {
        let states = controls.each_ref().map(|control| control.leadership().borrow().clone());
        let leaders = states.iter().filter(|state| state.epoch().is_some()).count();
        if leaders == 1 && !states.contains(&Leadership::Unknown) {
            break;
        }
        assert!(second < 200, "seed {seed}: {states:?}");
        sleep(Duration::from_secs(1)).await;
    }
}

#[test]
fn at_most_one_leads_whatever_breaks() {
    for seed in 0..150 {
        eprintln!("seed {seed}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(check(seed));
    }
}
