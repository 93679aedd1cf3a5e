//! Error numbers of the kernel, as outcome classes and in words.

use acp_wire::ErrorClass;
use std::io;

/// The class of a connection that failed with `code`.
#[must_use]
pub fn connect_class(code: i32) -> ErrorClass {
    match code {
        libc::ECONNREFUSED => ErrorClass::ConnectRefused,
        libc::ETIMEDOUT => ErrorClass::ConnectTimeout,
        libc::EADDRNOTAVAIL | libc::EADDRINUSE => ErrorClass::PortsExhausted,
        libc::EMFILE | libc::ENFILE => ErrorClass::TooManyFiles,
        _ => ErrorClass::ConnectOther,
    }
}

/// `code` of a failed operation in words, with a hint where a person can act.
#[must_use]
pub fn describe(operation: &str, code: i32) -> String {
    let hint = match code {
        libc::EADDRNOTAVAIL => {
            "\nhint: all local ports are in use; give more addresses, or widen net.ipv4.ip_local_port_range"
        }
        libc::EMFILE | libc::ENFILE => "\nhint: raise `ulimit -n`",
        _ => "",
    };
    format!("failed to {operation}: {}{hint}", io::Error::from_raw_os_error(code))
}
