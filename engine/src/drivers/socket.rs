//! Sockets of connections to the target, before they connect.

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// A TCP socket for a connection to `target`, from `origin` where one is given. Small requests leave
/// at once (`TCP_NODELAY`).
///
/// # Errors
///
/// When the process has too many files, or `origin` is not an address of this machine.
pub(super) fn new(target: &SocketAddr, origin: Option<IpAddr>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(*target), Type::STREAM, None)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(origin) = origin {
        // Else the port would be chosen here, where the kernel does not know the target yet: all
        // targets together would have only as many ports as there are.
        setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
        socket.bind(&SockAddr::from(SocketAddr::new(origin, 0)))?;
    }
    Ok(socket)
}

/// The same, which does not block, and has begun to connect. It can be written to when it is connected,
/// or cannot be.
///
/// # Errors
///
/// As [`new`], and when it is known already that the target cannot be reached.
pub(super) fn connecting(target: &SocketAddr, origin: Option<IpAddr>) -> io::Result<Socket> {
    let socket = new(target, origin)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&(*target).into()) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        result => result?,
    }
    Ok(socket)
}
