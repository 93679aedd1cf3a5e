//! CPUs: which ones this process may use, lists of them as people write them, and pinning a thread
//! to one.

use thiserror::Error;

/// Why CPUs could not be named or used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CpuError {
    /// Not a list of CPU numbers.
    #[error("`{input}` is not a list of CPUs, expected numbers and ranges like `0,2-5`")]
    NotAList {
        /// The whole input.
        input: String,
    },
    /// The thread could not be bound to the CPU.
    #[error("failed to pin a thread to CPU {cpu}, hint: it is offline or outside of our CPU mask")]
    Pin {
        /// Number of the CPU.
        cpu: usize,
    },
}

/// Highest CPU number that a kernel's mask holds.
const HIGHEST_CPU: usize = 1023;

/// The CPUs that the calling thread may run on, in order. Ask before pinning: afterwards it is one.
#[must_use]
pub fn allowed() -> Vec<usize> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    cores.into_iter().map(|core| core.id).collect()
}

/// Binds the calling thread to one CPU.
///
/// # Errors
///
/// [`CpuError::Pin`].
pub fn pin_current_thread(cpu: usize) -> Result<(), CpuError> {
    let pinned = core_affinity::set_for_current(core_affinity::CoreId { id: cpu });
    if pinned { Ok(()) } else { Err(CpuError::Pin { cpu }) }
}

/// Keeps the calling thread off some CPUs. Returns whether it does: where no others are left to it,
/// the thread goes on where it is.
pub fn keep_off(cpus: &[usize]) -> bool {
    let mut others = nix::sched::CpuSet::new();
    let free = allowed().into_iter().filter(|cpu| !cpus.contains(cpu));
    let count = free.filter(|&cpu| others.set(cpu).is_ok()).count();
    let this_thread = nix::unistd::Pid::from_raw(0);
    count > 0 && nix::sched::sched_setaffinity(this_thread, &others).is_ok()
}

/// Parses `0,2-5`.
///
/// # Errors
///
/// [`CpuError::NotAList`]; a CPU that is named twice is a mistake too.
pub fn parse_cpus(input: &str) -> Result<Vec<usize>, CpuError> {
    let not_a_list = || CpuError::NotAList { input: input.to_owned() };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        number.filter(|&cpu: &usize| cpu <= HIGHEST_CPU).ok_or_else(not_a_list)
    };
    let mut cpus = Vec::new();
    for part in input.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last || cpus.iter().any(|cpu| (first..=last).contains(cpu)) {
            return Err(not_a_list());
        }
        cpus.extend(first..=last);
    }
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        assert_eq!(parse_cpus("0"), Ok(vec![0]));
        assert_eq!(parse_cpus("0,2-5"), Ok(vec![0, 2, 3, 4, 5]));
        assert_eq!(parse_cpus("3-3,1"), Ok(vec![3, 1]));
        for bad in ["", ",", "0,", "a", "-1", "1-", "5-2", "0,0", "1-3,2", "+1", " 1", "1024"] {
            assert!(parse_cpus(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_thread_keeps_off_cpus_if_there_are_others() {
        std::thread::spawn(|| {
            let all = allowed();
            assert!(keep_off(&[]));
            assert_eq!(allowed(), all);
            assert!(!keep_off(&all), "it has to be somewhere");
            assert_eq!(allowed(), all);
            assert!(keep_off(&all[1..]));
            assert_eq!(allowed(), all[..1]);
        })
        .join()
        .expect("thread");
    }

    #[test]
    fn a_thread_can_be_pinned_to_an_allowed_cpu_and_to_no_other() {
        let cpu = allowed()[0];
        std::thread::spawn(move || {
            pin_current_thread(cpu).expect("pin");
            assert_eq!(allowed(), [cpu]);
            assert_eq!(pin_current_thread(1023), Err(CpuError::Pin { cpu: 1023 }));
        })
        .join()
        .expect("thread");
    }
}
