//! Desk: everything one serving thread decides, without a socket or a clock.
//!
//! Received bytes go in; runs of answers to send come out, connection by connection, in the order
//! of their requests. Answers that are delayed or stalled wait here until they are due.
//!
//! ```text
//! received ─► Framing ─► answer ──(immediate)──────────────► output ─► next_run ─► the server sends
//!                          └──(delay, stall)─► waiting ──(due)──┘
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use super::arrivals::Recorder;
use super::counts::{Board, Counts};
use super::faults::{ErrorDice, Timing};
use super::request::{Event, Framing, KnownHead};
use super::response::{ResponseId, Responses};

/// What a desk is set up with.
pub(crate) struct DeskOptions {
    /// Number of the thread, for the board.
    pub(crate) thread: usize,
    pub(crate) responses: Arc<Responses>,
    pub(crate) board: Arc<Board>,
    pub(crate) timing: Timing,
    pub(crate) dice: ErrorDice,
    /// The connection is closed after this many answers; never if 0.
    pub(crate) close_every: u64,
    pub(crate) recorder: Option<Recorder>,
}

/// The decisions of one serving thread.
pub(crate) struct Desk {
    options: DeskOptions,
    counts: Counts,
    known: KnownHead,
    connections: Vec<Connection>,
    /// Answers that are not due yet, in order of their due time.
    waiting: VecDeque<Waiting>,
    /// Connections that have something to send or to end.
    ready: Vec<u32>,
}

/// Answers of one kind, in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) response: ResponseId,
    pub(crate) count: u32,
}

struct Waiting {
    due_ns: u64,
    connection: u32,
    /// The life of the connection for which the answer is: it may have ended meanwhile.
    life: u32,
    response: ResponseId,
}

struct Connection {
    framing: Framing,
    output: VecDeque<Run>,
    answered: u64,
    /// Answers in `waiting`.
    waiting: u32,
    life: u32,
    ready: bool,
    /// The last answer is decided; what comes later is not read.
    last_decided: bool,
}

/// A connection whose peer asks for more runs of answers than this, and reads none, is cut.
const OUTPUT_LIMIT: usize = 64 * 1024;

impl Desk {
    pub(crate) fn new(options: DeskOptions) -> Desk {
        Desk {
            options,
            counts: Counts::default(),
            known: KnownHead::default(),
            connections: Vec::new(),
            waiting: VecDeque::new(),
            ready: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn responses(&self) -> &Responses {
        &self.options.responses
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.options.recorder.is_some()
    }

    /// Whether [`Desk::receive`] and the waiting depend on the time.
    pub(crate) fn needs_clock(&self) -> bool {
        !self.options.timing.is_immediate()
    }

    /// A connection begins.
    pub(crate) fn open(&mut self, connection: u32) {
        let index = connection as usize;
        while self.connections.len() <= index {
            self.connections.push(Connection::new());
        }
        self.counts.connections += 1;
    }

    /// A connection ends. Its answers that are still waiting are forgotten.
    pub(crate) fn close(&mut self, connection: u32) {
        let connection = &mut self.connections[connection as usize];
        let (life, ready) = (connection.life.wrapping_add(1), connection.ready);
        // Its place in `ready` is still there.
        *connection = Connection { life, ready, ..Connection::new() };
    }

    /// Nothing more can be sent on this connection.
    pub(crate) fn give_up(&mut self, connection: u32) {
        let connection = &mut self.connections[connection as usize];
        connection.framing.stop();
        connection.output.clear();
        connection.life = connection.life.wrapping_add(1);
        connection.waiting = 0;
        connection.last_decided = true;
    }

    /// Bytes came in at `now_ns`.
    pub(crate) fn receive(&mut self, connection: u32, mut bytes: &[u8], now_ns: u64) {
        self.counts.bytes_received += bytes.len() as u64;
        let framing = |desk: &mut Desk, bytes: &mut &[u8]| {
            let connection = &mut desk.connections[connection as usize];
            connection.framing.next(bytes, &mut desk.known)
        };
        while let Some(event) = framing(self, &mut bytes) {
            let response = match event {
                Event::Request(request) => self.decide(connection, request, now_ns),
                Event::Continue => ResponseId::CONTINUE,
                Event::Bad => {
                    self.add_bad_request();
                    self.connections[connection as usize].last_decided = true;
                    ResponseId::BAD_REQUEST
                }
            };
            self.put(connection, response, now_ns);
        }
    }

    /// Counts a request and chooses its answer.
    #[inline]
    fn decide(
        &mut self,
        connection: u32,
        mut request: super::request::Request,
        now_ns: u64,
    ) -> ResponseId {
        let connection = &mut self.connections[connection as usize];
        connection.answered += 1;
        if self.options.close_every != 0 && connection.answered >= self.options.close_every {
            request.connection = request.connection.closing();
        }
        if request.connection.closes() {
            connection.framing.stop();
            connection.last_decided = true;
        }
        let response = ResponseId::to(request, false);
        if response.is_count() {
            return response;
        }
        self.counts.requests += 1;
        if let Some(recorder) = &mut self.options.recorder {
            recorder.add(now_ns);
        }
        if self.options.dice.draw() {
            self.counts.injected_errors += 1;
            return ResponseId::to(request, true);
        }
        response
    }

    #[inline]
    fn put(&mut self, connection: u32, response: ResponseId, now_ns: u64) {
        if self.options.timing.is_immediate() {
            self.release(connection, response);
            return;
        }
        let place = &mut self.connections[connection as usize];
        place.waiting += 1;
        let due_ns = self.options.timing.due_ns(now_ns);
        self.waiting.push_back(Waiting { due_ns, connection, life: place.life, response });
    }

    #[inline]
    fn release(&mut self, connection: u32, response: ResponseId) {
        let place = &mut self.connections[connection as usize];
        match place.output.back_mut() {
            Some(run) if run.response == response && !response.is_count() => run.count += 1,
            _ => place.output.push_back(Run { response, count: 1 }),
        }
        self.mark_ready(connection);
    }

    /// The connection will be looked at before the next turn.
    #[inline]
    pub(crate) fn mark_ready(&mut self, connection: u32) {
        let place = &mut self.connections[connection as usize];
        if !place.ready {
            place.ready = true;
            self.ready.push(connection);
        }
    }

    /// Moves the answers that are due at `now_ns` to their connections.
    pub(crate) fn release_due(&mut self, now_ns: u64) {
        while let Some(waiting) = self.waiting.pop_front_if(|waiting| waiting.due_ns <= now_ns) {
            let place = &mut self.connections[waiting.connection as usize];
            if place.life == waiting.life {
                place.waiting -= 1;
                self.release(waiting.connection, waiting.response);
            }
        }
    }

    /// When the next answer is due.
    pub(crate) fn next_due_ns(&self) -> Option<u64> {
        self.waiting.front().map(|waiting| waiting.due_ns)
    }

    /// Exchanges the list of connections to look at for an empty one.
    pub(crate) fn take_ready(&mut self, into: &mut Vec<u32>) {
        into.clear();
        std::mem::swap(into, &mut self.ready);
        for &connection in &*into {
            self.connections[connection as usize].ready = false;
        }
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the next answers of a connection: as many as go into one send.
    #[inline]
    pub(crate) fn next_run(&mut self, connection: u32) -> Option<Run> {
        let output = &mut self.connections[connection as usize].output;
        let front = output.front_mut()?;
        let response = front.response;
        if response.is_count() {
            output.pop_front();
            return Some(Run { response, count: 1 });
        }
        let responses = &self.options.responses;
        let most = responses.bytes(response, front.count).len() / responses.unit(response);
        let count = u32::try_from(most).unwrap_or(front.count);
        front.count -= count;
        if front.count == 0 {
            output.pop_front();
        }
        if response.is_final() {
            self.counts.responses += u64::from(count);
        }
        Some(Run { response, count })
    }

    pub(crate) fn add_bad_request(&mut self) {
        self.counts.bad_requests += 1;
    }

    /// Corrects the counts: of a run that was taken, answers could not be sent.
    pub(crate) fn unsent(&mut self, responses: u64) {
        self.counts.responses -= responses;
    }

    pub(crate) fn add_bytes_sent(&mut self, bytes: u64) {
        self.counts.bytes_sent += bytes;
    }

    pub(crate) fn take_back_bytes_sent(&mut self, bytes: u64) {
        self.counts.bytes_sent -= bytes;
    }

    /// Whether a connection has answers left to send, now.
    #[inline]
    pub(crate) fn has_output(&self, connection: u32) -> bool {
        !self.connections[connection as usize].output.is_empty()
    }

    /// Whether nothing will be sent after what was taken, as long as nothing is received.
    pub(crate) fn is_drained(&self, connection: u32) -> bool {
        let place = &self.connections[connection as usize];
        place.output.is_empty() && place.waiting == 0
    }

    /// Whether the last answer of a connection is decided.
    #[inline]
    pub(crate) fn is_last_decided(&self, connection: u32) -> bool {
        self.connections[connection as usize].last_decided
    }

    pub(crate) fn is_over_limit(&self, connection: u32) -> bool {
        self.connections[connection as usize].output.len() > OUTPUT_LIMIT
    }

    /// Shows this thread's counts to the others.
    #[inline]
    pub(crate) fn show_counts(&self) {
        self.options.board.show(self.options.thread, self.counts);
    }

    /// The counts of all threads as JSON.
    pub(crate) fn counts_json(&self) -> String {
        self.show_counts();
        self.options.board.sum().to_json()
    }
}

impl Connection {
    fn new() -> Connection {
        Connection {
            framing: Framing::new(),
            output: VecDeque::new(),
            answered: 0,
            waiting: 0,
            life: 0,
            ready: false,
            last_decided: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::{ErrorRate, Stall, parse_error_rate};
    use super::super::request::{Persistence, Purpose, Request};
    use super::super::response::ResponseOptions;
    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

    fn desk(timing: Timing, close_every: u64, error_rate: ErrorRate) -> Desk {
        let mut desk = Desk::new(DeskOptions {
            thread: 0,
            responses: Arc::new(Responses::new(&ResponseOptions::default())),
            board: Arc::new(Board::new(1)),
            timing,
            dice: ErrorDice::new(error_rate, 1),
            close_every,
            recorder: None,
        });
        desk.open(0);
        desk
    }

    fn immediate() -> Timing {
        Timing::new(0, &[], 0)
    }

    fn ok(connection: Persistence) -> ResponseId {
        ResponseId::to(Request { purpose: Purpose::Response, connection }, false)
    }

    fn runs(desk: &mut Desk, connection: u32) -> Vec<(ResponseId, u32)> {
        std::iter::from_fn(|| desk.next_run(connection))
            .map(|run| (run.response, run.count))
            .collect()
    }

    #[test]
    fn pipelined_requests_are_answered_in_one_run() {
        let mut desk = desk(immediate(), 0, ErrorRate::NONE);
        desk.receive(0, &REQUEST.repeat(10), 0);
        let mut ready = Vec::new();
        desk.take_ready(&mut ready);
        assert_eq!(ready, [0]);
        assert_eq!(runs(&mut desk, 0), [(ok(Persistence::Keep), 10)]);
        assert!(desk.is_drained(0));
        assert_eq!((desk.counts.requests, desk.counts.responses), (10, 10));
    }

    #[test]
    fn a_run_that_is_too_long_for_one_send_is_cut() {
        let mut desk = desk(immediate(), 0, ErrorRate::NONE);
        desk.receive(0, &REQUEST.repeat(300), 0);
        let runs = runs(&mut desk, 0);
        assert_eq!(runs.iter().map(|run| run.1).sum::<u32>(), 300);
        assert!(runs.len() > 1);
    }

    #[test]
    fn a_connection_is_closed_after_its_number_of_answers() {
        let mut desk = desk(immediate(), 3, ErrorRate::NONE);
        desk.receive(0, &REQUEST.repeat(5), 0);
        assert_eq!(runs(&mut desk, 0), [(ok(Persistence::Keep), 2), (ok(Persistence::Close), 1)]);
        assert!(desk.is_last_decided(0));
        assert_eq!(desk.counts.requests, 3, "what comes after the last is not read");
        desk.close(0);
        desk.open(0);
        desk.receive(0, REQUEST, 0);
        assert_eq!(runs(&mut desk, 0), [(ok(Persistence::Keep), 1)]);
    }

    #[test]
    fn a_bad_request_is_told_so_and_is_the_last() {
        let mut desk = desk(immediate(), 0, ErrorRate::NONE);
        desk.receive(0, b"GET / HTTP/1.1\r\n\r\nhello\r\n\r\nGET / HTTP/1.1\r\n\r\n", 0);
        assert_eq!(runs(&mut desk, 0), [(ok(Persistence::Keep), 1), (ResponseId::BAD_REQUEST, 1)]);
        assert!(desk.is_last_decided(0));
        assert_eq!((desk.counts.requests, desk.counts.bad_requests), (1, 1));
    }

    #[test]
    fn delayed_answers_wait_and_stay_in_order() {
        let stall = Stall { begin_ns: 130, end_ns: 200 };
        let mut desk = desk(Timing::new(10, &[stall], 0), 0, ErrorRate::NONE);
        desk.receive(0, REQUEST, 100);
        desk.receive(0, b"HEAD / HTTP/1.1\r\n\r\n", 125);
        assert_eq!(desk.next_due_ns(), Some(110));
        desk.release_due(109);
        assert!(!desk.has_ready() && !desk.is_drained(0));
        desk.release_due(110);
        assert_eq!(runs(&mut desk, 0), [(ok(Persistence::Keep), 1)]);
        assert_eq!(desk.next_due_ns(), Some(200));
        desk.release_due(200);
        assert_eq!(runs(&mut desk, 0).len(), 1);
        assert!(desk.is_drained(0));
    }

    #[test]
    fn answers_to_a_connection_that_has_ended_are_forgotten() {
        let mut desk = desk(Timing::new(10, &[], 0), 0, ErrorRate::NONE);
        desk.receive(0, REQUEST, 100);
        desk.close(0);
        desk.open(0);
        desk.release_due(1000);
        assert_eq!(runs(&mut desk, 0), []);
        assert!(desk.is_drained(0));
    }

    #[test]
    fn errors_are_injected_at_their_rate() {
        let rate = parse_error_rate("25%").expect("rate");
        let mut desk = desk(immediate(), 0, rate);
        for _ in 0..1000 {
            desk.receive(0, REQUEST, 0);
        }
        let errors = desk.counts.injected_errors;
        assert!((200..300).contains(&errors), "{errors}");
        let not_ok: u32 = runs(&mut desk, 0)
            .iter()
            .filter(|run| run.0 != ok(Persistence::Keep))
            .map(|run| run.1)
            .sum();
        assert_eq!(u64::from(not_ok), errors);
        assert_eq!(desk.counts.responses, 1000);
    }

    #[test]
    fn counts_are_not_counted() {
        let mut desk = desk(immediate(), 0, ErrorRate::NONE);
        desk.receive(0, REQUEST, 0);
        desk.receive(0, b"GET /__acp/count HTTP/1.1\r\n\r\n", 0);
        assert_eq!(runs(&mut desk, 0), [(ok(Persistence::Keep), 1), (ResponseId::COUNT, 1)]);
        assert!(desk.counts_json().starts_with("{\"requests\":1,\"responses\":1,"));
    }
}
