//! One connection: a task that connects, then reads and writes until either side closes.

use super::core::Core;
use super::links::Batch;
use super::runtime::{Reader, Runtime, Writer};
use crate::shard::Closed;
use std::cell::RefCell;
use std::future::{Future as _, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

/// Reads in a row until others have their turn: what comes faster than it is taken in would never end.
const READS: u32 = 64;

/// A connection in one of its lives.
struct Connection {
    core: Rc<RefCell<Core>>,
    conn: usize,
    life: u64,
}

/// Starts the task of one life of connection `conn`.
pub(super) fn start<R: Runtime>(core: Rc<RefCell<Core>>, conn: usize, life: u64) {
    R::spawn(run::<R>(core, conn, life));
}

/// Carries one life of connection `conn`, until it is closed.
async fn run<R: Runtime>(core: Rc<RefCell<Core>>, conn: usize, life: u64) {
    let connection = Connection { core: Rc::clone(&core), conn, life };
    let mut body = pin!(connection.live::<R>());
    poll_fn(|context| {
        if !core.borrow_mut().links.enter(conn, life, context.waker()) {
            return Poll::Ready(());
        }
        let polled = body.as_mut().poll(context);
        if core.borrow_mut().links.leave(conn, life) { polled } else { Poll::Ready(()) }
    })
    .await;
}

impl Connection {
    async fn live<R: Runtime>(&self) {
        let (address, origin) = self.core.borrow().links.route(self.conn);
        let stream = match R::connect(address, origin).await {
            Ok(stream) => stream,
            Err(error) => return self.core.borrow_mut().open_failed(self.conn, self.life, &error),
        };
        self.core.borrow_mut().links.connected(self.conn, self.life, &stream);
        self.core.borrow_mut().opened(self.conn, self.life);
        let (reader, writer) = R::split(stream);
        let (mut reading, mut writing) = (pin!(self.read::<R>(reader)), pin!(self.write(writer)));
        poll_fn(|context| {
            let polled = reading.as_mut().poll(context);
            if polled.is_pending() && writing.as_mut().poll(context).is_ready() {
                unreachable!("writing has no end of its own");
            }
            polled
        })
        .await;
    }

    async fn read<R: Runtime>(&self, mut reader: R::Reader) {
        let mut reads = 0;
        loop {
            reads += 1;
            if reads % READS == 0 {
                R::look().await;
            }
            let result = reader.read().await;
            let mut core = self.core.borrow_mut();
            match result {
                Ok([]) => return core.closed(self.conn, self.life, Closed::Gracefully, None),
                Ok(bytes) => core.received(self.conn, self.life, bytes),
                Err(error) => {
                    return core.closed(self.conn, self.life, Closed::Broken, Some(&error));
                }
            }
            if !core.links.is_live(self.conn, self.life) {
                return;
            }
        }
    }

    /// Writes what the core has asked for, in order.
    async fn write(&self, mut writer: impl Writer) {
        loop {
            // Looked at whenever the task runs, and the task is woken when there is something.
            let batch = poll_fn(|_| {
                let batch = self.core.borrow_mut().take_batch(self.conn, self.life);
                batch.map_or(Poll::Pending, Poll::Ready)
            })
            .await;
            let (result, batch) = writer.write(batch).await;
            if let Batch::Bytes(bytes) = batch {
                self.core.borrow_mut().links.give_back(self.conn, self.life, bytes);
            }
            match result {
                Ok(()) => self.core.borrow_mut().written(self.conn, self.life),
                // Says nothing that the end of the reading does not say too.
                Err(_) => pending().await,
            }
        }
    }
}
