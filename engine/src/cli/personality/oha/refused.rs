//! Flags of oha that are not done here, each with what to do instead.

use super::super::refusal::{Refusal, refuse};
use clap::Args;

const PROXY: &str = "requests go straight to the target, without a proxy; leave it out";
const HTTP2: &str = "HTTP/1.1 is spoken; leave it out";
const AWS: &str = "sign a request yourself and give its headers with -H";
const REGEX: &str = "write the URLs into a file for `acp bench --requests-file`";
const LINES: &str = "`acp bench --requests-file` sends a request for each line of a file";
const BURST: &str = "-q sends the same number evenly; `acp bench --profile` has steps";
const SOCKET: &str = "TCP is spoken; let the server listen on a port, too";

/// Flags that are refused.
#[derive(Args, Debug)]
#[command(next_help_heading = "Refused")]
pub(super) struct RefusedArgs {
    /// HTTP/2 is not spoken
    #[arg(long)]
    http2: bool,
    /// There are no bursts
    #[arg(long, value_name = "TIME")]
    burst_delay: Option<String>,
    /// There are no bursts
    #[arg(long, value_name = "N")]
    burst_rate: Option<String>,
    /// URLs are not made of patterns
    #[arg(long)]
    rand_regex_url: bool,
    /// URLs are not made of patterns
    #[arg(long, value_name = "N")]
    max_repeat: Option<String>,
    /// URLs are not made of patterns
    #[arg(long, value_name = "N")]
    dump_urls: Option<String>,
    /// One URL is expected
    #[arg(long)]
    urls_from_file: bool,
    /// Bodies are all the same
    #[arg(short = 'Z', value_name = "FILE")]
    body_lines: Option<String>,
    /// Forms are not put together
    #[arg(short = 'F', long, value_name = "FIELD")]
    form: Vec<String>,
    /// Requests are not signed
    #[arg(long, value_name = "TOKEN")]
    aws_session: Option<String>,
    /// Requests are not signed
    #[arg(long, value_name = "SCOPE")]
    aws_sigv4: Option<String>,
    /// Proxies are not used
    #[arg(short = 'x', value_name = "URL")]
    proxy: Option<String>,
    /// Proxies are not used
    #[arg(long, value_name = "HEADER")]
    proxy_header: Vec<String>,
    /// Proxies are not used
    #[arg(long, value_name = "VERSION")]
    proxy_http_version: Option<String>,
    /// Proxies are not used
    #[arg(long)]
    proxy_http2: bool,
    /// Only TCP is spoken
    #[arg(long, value_name = "PATH")]
    unix_socket: Option<String>,
    /// Only TCP is spoken
    #[arg(long, value_name = "CID:PORT")]
    vsock_addr: Option<String>,
    /// Times are not kept apart by status
    #[arg(long)]
    stats_success_breakdown: bool,
    /// Single requests are not kept
    #[arg(long, value_name = "URL")]
    db_url: Option<String>,
    /// Requests are not shown
    #[arg(long)]
    debug: bool,
}

impl RefusedArgs {
    /// Refuses the first that was given.
    pub(super) fn refuse(&self) -> Result<(), Refusal> {
        refuse(&[
            (self.http2, "--http2", HTTP2),
            (self.burst_delay.is_some(), "--burst-delay", BURST),
            (self.burst_rate.is_some(), "--burst-rate", BURST),
            (self.rand_regex_url, "--rand-regex-url", REGEX),
            (self.max_repeat.is_some(), "--max-repeat", REGEX),
            (self.dump_urls.is_some(), "--dump-urls", REGEX),
            (self.urls_from_file, "--urls-from-file", LINES),
            (self.body_lines.is_some(), "-Z", LINES),
            (
                !self.form.is_empty(),
                "-F, --form",
                "give the whole body with -D and its type with -T",
            ),
            (self.aws_session.is_some(), "--aws-session", AWS),
            (self.aws_sigv4.is_some(), "--aws-sigv4", AWS),
            (self.proxy.is_some(), "-x", PROXY),
            (!self.proxy_header.is_empty(), "--proxy-header", PROXY),
            (self.proxy_http_version.is_some(), "--proxy-http-version", PROXY),
            (self.proxy_http2, "--proxy-http2", PROXY),
            (self.unix_socket.is_some(), "--unix-socket", SOCKET),
            (self.vsock_addr.is_some(), "--vsock-addr", SOCKET),
            (
                self.stats_success_breakdown,
                "--stats-success-breakdown",
                "leave it out; `acp bench` keeps the times of expected responses and of others apart",
            ),
            (
                self.db_url.is_some(),
                "--db-url",
                "single requests are not kept; `acp bench --format csv` has a row a second",
            ),
            (self.debug, "--debug", "`curl -v` shows one request and its response"),
        ])
    }
}
