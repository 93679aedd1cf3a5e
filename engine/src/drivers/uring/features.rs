//! Features: what this kernel's io_uring gave us, kept for the report.

use std::fmt;

/// What a ring was created with. A flag that is missing was refused by the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// The kernel knows that one thread submits (6.0).
    pub single_issuer: bool,
    /// Completions are made when we ask for them and never interrupt us (6.1).
    pub defer_taskrun: bool,
    /// The older, weaker form of `defer_taskrun` (5.19).
    pub coop_taskrun: bool,
    /// No indirection between queue and entries (6.6).
    pub no_sqarray: bool,
    /// `io_uring_enter` skips the lookup of the file descriptor (5.18).
    pub registered_ring: bool,
    /// Operations may keep silent about success (5.17).
    pub skip_success: bool,
}

impl Features {
    fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.defer_taskrun, "defer_taskrun"),
            (self.coop_taskrun, "coop_taskrun"),
            (self.single_issuer, "single_issuer"),
            (self.no_sqarray, "no_sqarray"),
            (self.registered_ring, "registered_ring"),
            (self.skip_success, "skip_success"),
        ]
        .into_iter()
        .filter_map(|(present, name)| present.then_some(name))
    }
}

impl fmt::Display for Features {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "io_uring")?;
        for (index, name) in self.names().enumerate() {
            write!(formatter, "{}{name}", if index == 0 { " with " } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_read_as_a_sentence() {
        assert_eq!(Features::default().to_string(), "io_uring");
        let some = Features { defer_taskrun: true, no_sqarray: true, ..Features::default() };
        assert_eq!(some.to_string(), "io_uring with defer_taskrun, no_sqarray");
    }
}
