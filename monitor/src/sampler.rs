//! The sampler: reads every number of a host at once.

use crate::cpu::CpuSampler;
use crate::elapsed::Elapsed;
use crate::network::NetworkSampler;
use crate::tcp::TcpSampler;
use crate::{disk, memory};
use acp_wire::agent::HostSample;
use std::path::{Path, PathBuf};

/// Takes samples of one host. Ratios and rates are over the time since the sample before, so the
/// first sample has none.
#[derive(Debug)]
pub struct Sampler {
    proc: PathBuf,
    state_folder: PathBuf,
    elapsed: Elapsed,
    cpu: CpuSampler,
    network: NetworkSampler,
    tcp: TcpSampler,
}

impl Sampler {
    /// A sampler of this host, with the free space of the file system that `state_folder` is on.
    #[must_use]
    pub fn new(state_folder: &Path) -> Self {
        Self::with_proc(Path::new("/proc"), state_folder)
    }

    /// A sampler that reads another folder than `/proc`: that of a container's host, or a captured
    /// one.
    #[must_use]
    pub fn with_proc(proc: &Path, state_folder: &Path) -> Self {
        Self {
            proc: proc.to_path_buf(),
            state_folder: state_folder.to_path_buf(),
            elapsed: Elapsed::default(),
            cpu: CpuSampler::default(),
            network: NetworkSampler::default(),
            tcp: TcpSampler::default(),
        }
    }

    /// Reads everything now. `now_unix_us` becomes the sample's time; rates do not depend on it.
    pub fn sample(&mut self, now_unix_us: u64) -> HostSample {
        let mut sample = HostSample { at_unix_us: now_unix_us, ..HostSample::default() };
        let seconds = self.elapsed.seconds(&self.proc);
        self.cpu.sample(&self.proc, &mut sample);
        memory::sample(&self.proc, &mut sample);
        self.network.sample(&self.proc, seconds, &mut sample);
        self.tcp.sample(&self.proc, seconds, &mut sample);
        disk::sample(&self.state_folder, &mut sample);
        sample
    }
}
