//! What passes on the wire, as `tcpdump` sees it.

use anyhow::Result;
use pastoral_support::poll;
use pastoral_support::process::{Folder, Process};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Before every packet in the file: when it passed and how long it is.
const PACKET_HEAD: usize = 16;
/// Before all packets.
const FILE_HEAD: usize = 24;

/// A capture that runs.
pub struct Capture {
    process: Process,
    file: PathBuf,
    port: u16,
}

impl Capture {
    /// Captures all that goes to and from a port of this machine.
    pub fn start(port: u16, folder: &Folder) -> Result<Self> {
        let file = folder.path().join("capture.pcap");
        let mut command = Command::new("tcpdump");
        // Each packet is in the file as soon as it has passed.
        command.args(["-i", "lo", "-U", "-Z", "root", "--immediate-mode", "-w"]);
        command.arg(&file).args(["tcp", "port", &port.to_string()]);
        command.stdin(Stdio::null());
        let process = Process::start("tcpdump", &mut command, &folder.path().join("tcpdump.log"))?;
        poll::until_so("tcpdump to listen", || process.log().contains("listening on"))?;
        Ok(Self { process, file, port })
    }

    /// Bytes of data that passed so far, without the heads that TCP, IP and the capture put before them.
    pub fn bytes(&self) -> Result<u64> {
        self.count(|_| true)
    }

    /// As [`Capture::bytes`], only those to the port: what went to the collector.
    pub fn bytes_to_port(&self) -> Result<u64> {
        self.count(|packet| port_of(packet) == Some(self.port))
    }

    fn count(&self, counts: impl Fn(&[u8]) -> bool) -> Result<u64> {
        let file = fs::read(&self.file)?;
        let mut rest = file.get(FILE_HEAD..).unwrap_or_default();
        let mut data = 0;
        while let Some(head) = rest.get(..PACKET_HEAD) {
            let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
            let Some(packet) = rest.get(PACKET_HEAD..PACKET_HEAD + length) else {
                break;
            };
            if counts(packet) {
                data += data_in(packet);
            }
            rest = &rest[PACKET_HEAD + length..];
        }
        Ok(data)
    }

    /// Ends it and gives the file.
    pub fn stop(mut self) -> Result<PathBuf> {
        self.process.stop()?;
        Ok(self.file)
    }
}

/// The port that an Ethernet packet with IPv4 and TCP goes to.
fn port_of(packet: &[u8]) -> Option<u16> {
    let ip = packet.get(14..)?;
    let tcp = ip.get(usize::from(ip.first()? & 0x0f) * 4..)?;
    Some(u16::from_be_bytes([*tcp.get(2)?, *tcp.get(3)?]))
}

/// Bytes of data in an Ethernet packet with IPv4 and TCP.
fn data_in(packet: &[u8]) -> u64 {
    let ip = packet.get(14..).unwrap_or_default();
    let (Some(first), Some(total)) = (ip.first(), ip.get(2..4)) else {
        return 0;
    };
    let ip_head = usize::from(first & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([total[0], total[1]]));
    let tcp_head = ip
        .get(ip_head + 12)
        .map_or(0, |offset| usize::from(offset >> 4) * 4);
    total.saturating_sub(ip_head + tcp_head) as u64
}
