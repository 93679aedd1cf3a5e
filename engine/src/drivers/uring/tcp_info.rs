//! What the kernel knows of a TCP connection.

use acp_wire::frame::TcpInfo;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Asks the kernel about a socket. None: the number is that of no TCP socket.
#[must_use]
pub fn tcp_info(socket: RawFd) -> Option<TcpInfo> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let bytes = size_of::<libc::tcp_info>();
    let mut length = libc::socklen_t::try_from(bytes).ok()?;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of `info`, and the number
    // of those written into `length`; both live longer than the call.
    let result = unsafe {
        libc::getsockopt(
            socket,
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    // SAFETY: all fields are numbers, for which the zeros that were there are as good as what the
    // kernel has written over them.
    let info = unsafe { info.assume_init() };
    (result == 0).then_some(TcpInfo { rtt_us: info.tcpi_rtt, retransmits: info.tcpi_total_retrans })
}

/// The same of a descriptor that an operation of a ring has made for this, which is closed.
#[must_use]
pub(super) fn tcp_info_of_installed(descriptor: u32) -> Option<TcpInfo> {
    let descriptor = RawFd::try_from(descriptor).ok()?;
    // SAFETY: the kernel has made it for the operation whose completion the caller handles, once, and
    // nobody else knows of it.
    let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
    tcp_info(owned.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_that_was_used_has_a_round_trip_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"x").unwrap();
        server.read_exact(&mut [0]).unwrap();
        let info = tcp_info(client.as_raw_fd()).unwrap();
        assert!(info.rtt_us > 0, "{info:?}");
        assert_eq!(info.retransmits, 0);
    }

    #[test]
    fn what_is_no_tcp_socket_has_none() {
        let file = tempfile::tempfile().unwrap();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for descriptor in [-1, file.as_raw_fd(), socket.as_raw_fd()] {
            assert_eq!(tcp_info(descriptor), None);
        }
    }
}
