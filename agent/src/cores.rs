//! Cores: what an agent offers, and who has which. Never more than there are.

use crate::AgentError;
use crate::settings::{CoresSetting, Settings};
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use std::collections::BTreeMap;

/// Where an engine runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Its threads.
    pub(crate) threads: u32,
    /// CPUs to pin them to; empty: they are not pinned.
    pub(crate) cpus: Vec<u32>,
    /// Whether threads may look out for a due time without sleeping: only with a CPU of their own.
    pub(crate) may_spin: bool,
}

/// The cores of an agent, each with the CPU it is. Virtual cores take turns on the CPUs there are.
#[derive(Debug)]
pub(crate) struct Cores {
    cpus: Vec<u32>,
    are_virtual: bool,
    /// Numbers of the cores that parts have.
    taken: BTreeMap<String, Vec<usize>>,
}

impl Cores {
    /// What the settings offer of the CPUs that this process may use.
    pub(crate) fn offer(settings: &Settings) -> Result<Self, AgentError> {
        Self::of(settings, &allowed())
    }

    fn of(settings: &Settings, allowed: &[u32]) -> Result<Self, AgentError> {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let cpus = match (&settings.cores, settings.virtual_cores) {
            (_, Some(cores)) => allowed.iter().copied().cycle().take(count(cores)).collect(),
            (None, None) => allowed.to_vec(),
            (Some(CoresSetting::Count(cores)), None) => first_cpus(count(*cores), allowed)?,
            (Some(CoresSetting::List(list)), None) => listed_cpus(list, allowed)?,
        };
        if cpus.is_empty() {
            return Err(AgentError::Settings("this process may use no CPU".to_owned()));
        }
        let are_virtual = settings.virtual_cores.is_some();
        Ok(Self { cpus, are_virtual, taken: BTreeMap::new() })
    }

    /// How many there are.
    pub(crate) fn total(&self) -> u32 {
        u32::try_from(self.cpus.len()).unwrap_or(u32::MAX)
    }

    /// How many nobody has.
    pub(crate) fn free(&self) -> u32 {
        u32::try_from(self.free_cores().count()).unwrap_or(u32::MAX)
    }

    fn free_cores(&self) -> impl Iterator<Item = usize> {
        let is_free = |core: &usize| !self.taken.values().any(|taken| taken.contains(core));
        (0..self.cpus.len()).filter(is_free)
    }

    /// Gives a part its cores; none while there are not enough.
    pub(crate) fn take(&mut self, part: &str, cores: u32, connections: u32) -> Option<Placement> {
        let count = usize::try_from(cores).ok()?;
        let taken: Vec<usize> = self.free_cores().take(count).collect();
        if taken.len() < count {
            return None;
        }
        self.taken.insert(part.to_owned(), taken.clone());
        Some(self.placement(&taken, connections, !self.are_virtual))
    }

    /// Places a part on the cores of another one, or anywhere where the other is gone.
    pub(crate) fn share(&self, with: Option<&str>, connections: u32) -> Placement {
        let shared = with.and_then(|part| self.taken.get(part)).cloned().unwrap_or_default();
        self.placement(&shared, connections, false)
    }

    /// A thread needs a connection, so there are never more threads than those. Where threads share
    /// CPUs the list has each once; an engine with more threads than CPUs does not pin them.
    fn placement(&self, cores: &[usize], connections: u32, may_spin: bool) -> Placement {
        let most = usize::try_from(connections.max(1)).unwrap_or(usize::MAX);
        let cores = &cores[..cores.len().min(most)];
        let threads = u32::try_from(cores.len()).unwrap_or(u32::MAX).max(1);
        let mut cpus: Vec<u32> = Vec::new();
        for cpu in cores.iter().map(|core| self.cpus[*core]) {
            if !cpus.contains(&cpu) {
                cpus.push(cpu);
            }
        }
        Placement { threads, cpus, may_spin }
    }

    /// Takes back what a part had, if it had any.
    pub(crate) fn give_back(&mut self, part: &str) {
        self.taken.remove(part);
    }
}

/// The CPUs that this process may use, in order.
fn allowed() -> Vec<u32> {
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    let is_set = |cpu: &usize| set.is_set(*cpu).unwrap_or(false);
    (0..CpuSet::count()).filter(is_set).filter_map(|cpu| u32::try_from(cpu).ok()).collect()
}

fn first_cpus(count: usize, allowed: &[u32]) -> Result<Vec<u32>, AgentError> {
    if (1..=allowed.len()).contains(&count) {
        return Ok(allowed[..count].to_vec());
    }
    Err(AgentError::Settings(format!(
        "`cores` is {count}, this process may use {} CPUs\nhint: `virtual_cores` offers more than there are",
        allowed.len()
    )))
}

fn listed_cpus(list: &str, allowed: &[u32]) -> Result<Vec<u32>, AgentError> {
    let not_a_list = || {
        AgentError::Settings(format!(
            "`{list}` is not a list of CPUs, expected numbers and ranges like `0,2-5`"
        ))
    };
    let number = |text: &str| text.parse::<u32>().map_err(|_| not_a_list());
    let mut cpus = Vec::new();
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        for cpu in number(first)?..=number(last)? {
            if !allowed.contains(&cpu) {
                return Err(AgentError::Settings(format!(
                    "CPU {cpu} of `cores` is offline or outside of the CPU mask of this process"
                )));
            }
            if cpus.contains(&cpu) {
                return Err(not_a_list());
            }
            cpus.push(cpu);
        }
    }
    if cpus.is_empty() { Err(not_a_list()) } else { Ok(cpus) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(settings: &str) -> Result<Vec<u32>, String> {
        let settings = Settings::from_toml(settings).unwrap();
        let cores = Cores::of(&settings, &[1, 2, 3, 6]);
        cores.map(|cores| cores.cpus).map_err(|error| error.to_string())
    }

    #[test]
    fn the_offer_is_what_the_settings_say() {
        assert_eq!(cores(""), Ok(vec![1, 2, 3, 6]));
        assert_eq!(cores("cores = 2"), Ok(vec![1, 2]));
        assert_eq!(cores("cores = \"6,1-2\""), Ok(vec![6, 1, 2]));
        assert_eq!(cores("virtual_cores = 6"), Ok(vec![1, 2, 3, 6, 1, 2]));
        for (settings, expect) in [
            ("cores = 0", "may use 4 CPUs"),
            ("cores = 5", "virtual_cores"),
            ("cores = \"0\"", "CPU 0"),
            ("cores = \"1-4294967295\"", "CPU 4"),
            ("cores = \"\"", "not a list"),
            ("cores = \"3-2\"", "not a list"),
            ("cores = \"1,1\"", "not a list"),
            ("cores = \"one\"", "not a list"),
        ] {
            let error = cores(settings).unwrap_err();
            assert!(error.contains(expect), "{settings}: {error}");
        }
    }

    #[test]
    fn no_core_is_given_twice_and_none_is_invented() {
        let mut cores = Cores::of(&Settings::default(), &[4, 5, 6]).unwrap();
        let pinned = |cpus: &[u32]| {
            let threads = u32::try_from(cpus.len()).unwrap();
            Some(Placement { threads, cpus: cpus.to_vec(), may_spin: true })
        };
        assert_eq!(cores.take("a", 2, 64), pinned(&[4, 5]));
        assert_eq!((cores.total(), cores.free()), (3, 1));
        assert_eq!(cores.take("b", 2, 64), None, "one is free");
        assert_eq!(cores.free(), 1, "a refused part takes none");
        assert_eq!(cores.take("b", 1, 64), pinned(&[6]));
        cores.give_back("a");
        cores.give_back("a");
        assert_eq!(cores.free(), 2);
        assert_eq!(cores.take("c", 2, 1), pinned(&[4]), "a thread for the one connection");
        assert_eq!(cores.free(), 0, "the part was promised two");
    }

    #[test]
    fn a_part_without_cores_shares_and_does_not_spin() {
        let mut cores = Cores::of(&Settings::default(), &[4, 5]).unwrap();
        cores.take("a", 2, 64).unwrap();
        let shared = Placement { threads: 2, cpus: vec![4, 5], may_spin: false };
        let anywhere = Placement { threads: 1, cpus: vec![], may_spin: false };
        assert_eq!(cores.share(Some("a"), 64), shared);
        assert_eq!(cores.share(Some("gone"), 64), anywhere);
        assert_eq!(cores.share(None, 64), anywhere);
        assert_eq!(cores.free(), 0);
    }

    #[test]
    fn virtual_cores_take_turns_on_the_cpus_and_do_not_spin() {
        let settings = Settings { virtual_cores: Some(5), ..Settings::default() };
        let mut cores = Cores::of(&settings, &[7, 9]).unwrap();
        let placed = |threads, cpus: &[u32]| {
            Some(Placement { threads, cpus: cpus.to_vec(), may_spin: false })
        };
        assert_eq!(cores.take("a", 1, 64), placed(1, &[7]));
        assert_eq!(cores.take("b", 1, 64), placed(1, &[9]));
        assert_eq!(cores.take("c", 3, 64), placed(3, &[7, 9]));
        assert_eq!(cores.free(), 0);
        assert!(Cores::of(&settings, &[]).is_err(), "no CPU at all");
    }
}
