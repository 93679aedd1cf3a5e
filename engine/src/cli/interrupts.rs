//! Ctrl-C and a polite kill: the first stops the run, which drains and reports; the second leaves at
//! once.

use super::EXIT_INTERRUPTED;
use crate::launch::Control;
use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;

/// The signals that are meant.
pub(super) const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// What is registered for them. It stays so when this is dropped.
#[cfg_attr(not(feature = "tui"), expect(dead_code, reason = "nobody else takes them over"))]
pub(super) struct Interrupts {
    control: Control,
    leave: Vec<SigId>,
    stop: Vec<SigId>,
}

impl Interrupts {
    /// From now on the first signal stops the run and the second leaves.
    pub(super) fn register(control: &Control) -> io::Result<Self> {
        let mut interrupts = Self { control: control.clone(), leave: Vec::new(), stop: Vec::new() };
        let (flag, code) = (control.interrupt_flag(), i32::from(EXIT_INTERRUPTED));
        for signal in SIGNALS {
            // Handlers run in this order: the first signal finds the flag not yet set.
            let leave =
                signal_hook::flag::register_conditional_shutdown(signal, code, flag.clone())?;
            interrupts.leave.push(leave);
            interrupts.stop.push(signal_hook::flag::register(signal, flag.clone())?);
        }
        Ok(interrupts)
    }
}

#[cfg(feature = "tui")]
impl Interrupts {
    /// The run that is stopped.
    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    /// The second signal does not leave any more: somebody has to tidy up before.
    pub(super) fn hold(&mut self) {
        for id in self.leave.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }

    /// The second signal leaves again.
    pub(super) fn release(&mut self) -> io::Result<()> {
        let held = std::mem::replace(self, Self::register(&self.control)?);
        for id in held.stop {
            signal_hook::low_level::unregister(id);
        }
        Ok(())
    }
}
