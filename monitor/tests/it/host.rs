//! A captured host: the files of `/proc` that samplers read, in a folder of their own.

use acp_monitor::Sampler;
use std::path::Path;
use tempfile::TempDir;

/// Files of a host at one moment; empty text: the host has no such file.
pub(crate) struct Files(pub(crate) &'static [(&'static str, &'static str)]);

const SNMP: &str = "\
Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates
Ip: 1 64 10 0 0 0 0 0 10 10 0 0 0 0 0 0 0 0 0
Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps
Icmp: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 10 10 0 0 5 100 100 RETRANSMITS 0 0 0
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 0 0 0 0 0 0 0 0 0
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
UdpLite: 0 0 0 0 0 0 0 0 0
";

const DEV_HEAD: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
";

/// A host whose files change between samples.
pub(crate) struct Host {
    folder: TempDir,
    pub(crate) sampler: Sampler,
}

impl Host {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("net")).unwrap();
        let sampler = Sampler::with_proc(folder.path(), folder.path());
        Self { folder, sampler }
    }

    /// Writes files. `net/snmp` is given by its retransmits alone, `net/dev` by its lines as
    /// `name received sent`, `stat` by the numbers of its first line.
    pub(crate) fn set(&self, files: &Files) {
        for (name, text) in files.0 {
            let path = self.folder.path().join(name);
            match (*name, *text) {
                (_, "") => std::fs::remove_file(&path).unwrap_or_default(),
                ("net/snmp", count) => write(&path, &SNMP.replace("RETRANSMITS", count)),
                ("net/dev", lines) => write(&path, &interfaces(lines)),
                ("stat", ticks) => {
                    write(&path, &format!("cpu  {ticks}\nctxt 1\nbtime 1700000000\nprocesses 1\n"));
                }
                (_, text) => write(&path, text),
            }
        }
    }
}

fn interfaces(lines: &str) -> String {
    let mut text = DEV_HEAD.to_owned();
    for line in lines.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let [name, received, sent] = words[..] else { panic!("bad line `{line}`") };
        text += &format!("{name:>6}: {received} 1 0 0 0 0 0 0 {sent} 1 0 0 0 0 0 0\n");
    }
    text
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
