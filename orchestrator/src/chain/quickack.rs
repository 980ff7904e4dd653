//! A TCP stream without the 40 ms that two kernels can waste on each other.
//!
//! Nodes accept WebSocket connections with Nagle's algorithm on: a second small frame waits until the first is
//! acknowledged, and Linux delays that acknowledgement. Asking for quick acknowledgements again after every read (the
//! kernel forgets the wish) takes a submit-to-finalized round from 300 ms to 10 ms, against any node.
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// See the module.
#[derive(Debug)]
pub(super) struct QuickAckStream(TcpStream);

impl QuickAckStream {
    /// Connects to the first address of `host` that answers.
    pub(super) async fn connect(host: &str, port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        acknowledge_quickly(&stream);
        Ok(Self(stream))
    }
}

#[cfg(target_os = "linux")]
fn acknowledge_quickly(stream: &TcpStream) {
    // Only latency is lost where the kernel refuses.
    let _ = socket2::SockRef::from(stream).set_tcp_quickack(true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_quickly(_: &TcpStream) {}

impl AsyncRead for QuickAckStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buffer);
        if read.is_ready() {
            acknowledge_quickly(&self.0);
        }
        read
    }
}

impl AsyncWrite for QuickAckStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
