//! The load engine of acp, as a library.
//!
//! `wire::Plan` → compile → `Plan` → split → a shard on each pinned thread → records → report.
//!
//! # A run
//!
//! A plan says what to send, when and for how long: the same document as that of the command line,
//! here as a value. [`run`] runs it on this machine, with threads of its own, and gives its report.
//!
//! ```
//! use acp_engine::target::{Target, TargetOptions};
//! use acp_engine::{Control, Options, run, wire};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Something to aim at.
//! let target = Target::start(TargetOptions::default())?;
//!
//! let mut plan = wire::Plan { schema: wire::PLAN_SCHEMA.into(), ..wire::Plan::default() };
//! plan.target.url = format!("http://{}/", target.address());
//! plan.load.connections = 4;
//! plan.load.requests = Some(100);
//!
//! let finished = run(&plan, &Options::default(), &Control::default(), &mut |_| ())?;
//! let books = &finished.report.books;
//! assert_eq!((books.planned, books.completed, books.balanced), (100, 100, true));
//! println!("p99: {} µs", finished.report.latency.response_ns.p99 / 1000);
//! # target.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`run`] blocks the thread that calls it until the run is over. It starts a thread for each shard,
//! which it pins to a CPU where it can, and now and then one that reads a source or asks for the
//! addresses of a name. None of them is left when it returns. Several runs may go on in one process;
//! they share its CPUs, and so disturb each other's times. There is no runtime to set up: the threads
//! bring their own. Within one, call [`run`] from a thread where blocking is allowed.
//!
//! # What it shows
//!
//! The closure is called on the thread that has called [`run`]: once with [`Seen::Ready`], when
//! connections are open, then with [`Seen::Frame`] for each second, about 20 ms after it is over: what
//! happened in it ([`wire::Frame`]), and all so far ([`Progress`]). It may take its time: shards
//! go on, and seconds that it has missed come as one longer frame. In the end there is [`Finished`]:
//! the report, whose `books` say what became of every planned request and whose `verdict` says
//! whether the numbers may be trusted, and the histograms that it was made from. A run that was
//! stopped has a report too, with the verdict `aborted`. A [`LaunchError`] says why there could be no
//! run at all.
//!
//! # Stopping
//!
//! [`Control`] is the handle of one run: a clone steers the same run, from any thread, from the closure
//! too, before the run as well as during it.
//!
//! | Call | What is sent | What was sent before | How long it takes |
//! |---|---|---|---|
//! | [`Control::stop`] | nothing any more, after 20 ms at most | is waited for | until the last response, at most `timeout` + `connect_timeout` of the plan |
//! | [`Control::stop_now`] | the same | is booked as `in_flight_at_stop`; connections are closed | some 40 ms |
//! | [`Control::stop_because`] | as `stop`, and the report says why | is waited for | as `stop` |
//! | [`Control::obey`] with a lease | nothing any more once it ends, unless it is renewed | is waited for | as `stop` |
//!
//! Slots of the schedule that a stop has cut off are `not_sent(stopped)` in the books. A handle is
//! good for one run: a run with one that was stopped before ends at once. [`Control::obey`] also
//! changes the rate, pauses and resumes.
//!
//! ```
//! # use acp_engine::target::{Target, TargetOptions};
//! # use acp_engine::{Control, Options, Seen, run, wire};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let target = Target::start(TargetOptions::default())?;
//! # let mut plan = wire::Plan { schema: wire::PLAN_SCHEMA.into(), ..wire::Plan::default() };
//! # plan.target.url = format!("http://{}/", target.address());
//! # plan.load.connections = 4;
//! plan.load.duration = Some("1h".into());
//! let control = Control::default();
//! let handle = control.clone();
//! let mut seconds = 0;
//! let finished = run(&plan, &Options::default(), &control, &mut |seen| {
//!     if let Seen::Frame(frame, progress) = seen {
//!         seconds += 1;
//!         println!("{} sent, {} so far", frame.sent, progress.sum.counts().sent);
//!         handle.stop();
//!     }
//! })?;
//! assert!(seconds >= 1);
//! assert_eq!(finished.report.verdict.state, wire::State::Aborted);
//! # target.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Requests and checks of your own
//!
//! [`run_with`] takes [`Extensions`]: a [`Feed`] gives a shard its requests as bytes, a [`Check`] looks
//! at the responses of a connection. Makers of both are called on the thread that calls [`run_with`],
//! before the first byte is sent; each is told its [`Seat`]. What they make moves to the thread of a
//! shard, and is called there for each request or response: it must not block, and what it allocates
//! costs load. It may not call [`run`], and may call [`Control`]. One that panics ends the run in good
//! order: the verdict is `aborted`, and says whose fault it was.
//!
//! ```
//! use acp_engine::{Answer, Check, Extensions, Feed, Given, Response, Wanted};
//! # use acp_engine::target::{Target, TargetOptions};
//! # use acp_engine::{Control, Options, run_with, wire};
//! use std::io::Write as _;
//!
//! /// Asks for `/0`, `/1`, …: each number once, whatever the number of shards.
//! struct Numbers {
//!     tag: u16,
//! }
//!
//! impl Feed for Numbers {
//!     fn give(&mut self, wanted: Wanted, bytes: &mut Vec<u8>) -> Answer {
//!         let written = write!(bytes, "GET /{} HTTP/1.1\r\nHost: test\r\n\r\n", wanted.slot);
//!         assert!(written.is_ok(), "a vector takes all bytes");
//!         Given { is_head: false, tag: self.tag }.into()
//!     }
//! }
//!
//! /// Bodies of an even length.
//! struct Even;
//!
//! impl Check for Even {
//!     fn body(&mut self, _: &[u8]) {}
//!
//!     fn end(&mut self, response: &Response) -> bool {
//!         response.body_bytes % 2 == 0
//!     }
//!
//!     fn reset(&mut self) {}
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let target = Target::start(TargetOptions::default())?;
//! # let mut plan = wire::Plan { schema: wire::PLAN_SCHEMA.into(), ..wire::Plan::default() };
//! # plan.target.url = format!("http://{}/", target.address());
//! # plan.load.connections = 4;
//! # plan.load.requests = Some(100);
//! let extensions = Extensions::default()
//!     .with_feed(|seat| Numbers { tag: seat.tag("number") })
//!     .with_check(|_| Even);
//! let (options, control) = (Options::default(), Control::default());
//! let finished = run_with(&plan, &options, &control, &extensions, &mut |_| ())?;
//! assert_eq!(finished.report.tags["number"].completed, 100);
//! # target.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! The programs in `examples/` are longer ones: `stop`, `own_requests` and `own_check`.

pub mod calibration;
pub mod cli;
pub mod conn;
pub mod cpus;
pub mod doctor;
pub mod drivers;
pub mod launch;
pub mod record;
pub mod shard;
pub mod source;
pub mod target;

pub use acp_plan as plan;
pub use acp_plan::pace;
pub use acp_report as report;
pub use acp_wire as wire;

pub use launch::{
    Command, Control, ControlError, Extensions, Finished, LaunchError, Options, Progress, Seat,
    Seen, Spin, run, run_with,
};
pub use shard::{Answer, Check, Feed, Given, Response, Wanted};
