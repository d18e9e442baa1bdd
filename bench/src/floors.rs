//! The least that a machine must do: raw TCP, the same bytes, no protocol.
//!
//! One thread, no delay, 64 KiB reads, one write for each read; for a broadcast, finished bytes written
//! to each socket in turn. Of several variants the fastest counts as the floor.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;

use smol::Async;
use smol::io::{AsyncReadExt, AsyncWriteExt};

/// The most that is read at once.
const READ: usize = 64 * 1024;

/// Echo on tokio: tokio's own read and write, a buffer for each connection.
pub(crate) async fn echo(listener: tokio::net::TcpListener) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        tokio::task::spawn_local(async move {
            let mut buffer = vec![0; READ];
            while let Ok(count @ 1..) =
                tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await
            {
                if tokio::io::AsyncWriteExt::write_all(&mut stream, &buffer[..count]).await.is_err()
                {
                    return;
                }
            }
        });
    }
}

/// Echo on tokio: readiness first, one buffer for all connections.
pub(crate) async fn echo_when_ready(listener: tokio::net::TcpListener) {
    let buffer = Rc::new(RefCell::new(vec![0; READ]));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let buffer = Rc::clone(&buffer);
        tokio::task::spawn_local(async move {
            while stream.readable().await.is_ok() {
                let mut buffer = buffer.borrow_mut();
                match stream.try_read(&mut buffer) {
                    Ok(0) => return,
                    // An echo that does not fit would make the floor a lie.
                    Ok(count) => {
                        assert_eq!(stream.try_write(&buffer[..count]).ok(), Some(count));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        });
    }
}

/// Echo on async-io, which smol and async-std run on: its own read and write.
pub(crate) async fn echo_on_async_io(listener: Async<TcpListener>) {
    let executor = smol::LocalExecutor::new();
    let accept = async {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { continue };
            stream.get_ref().set_nodelay(true).ok();
            executor
                .spawn(async move {
                    let mut buffer = vec![0; READ];
                    while let Ok(count @ 1..) = AsyncReadExt::read(&mut stream, &mut buffer).await {
                        if AsyncWriteExt::write_all(&mut stream, &buffer[..count]).await.is_err() {
                            return;
                        }
                    }
                })
                .detach();
        }
    };
    executor.run(accept).await
}

/// Echo on async-io: readiness first, one buffer for all connections.
pub(crate) async fn echo_on_async_io_when_ready(listener: Async<TcpListener>) {
    let executor = smol::LocalExecutor::new();
    let buffer = Rc::new(RefCell::new(vec![0; READ]));
    let accept = async {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            stream.get_ref().set_nodelay(true).ok();
            let buffer = Rc::clone(&buffer);
            executor
                .spawn(async move {
                    while stream.readable().await.is_ok() {
                        let mut buffer = buffer.borrow_mut();
                        match stream.get_ref().read(&mut buffer) {
                            Ok(0) => return,
                            Ok(count) => {
                                let written = stream.get_ref().write(&buffer[..count]);
                                assert_eq!(written.ok(), Some(count));
                            }
                            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                            Err(_) => return,
                        }
                    }
                })
                .detach();
        }
    };
    executor.run(accept).await
}

/// Every byte that the first connection sends, `n`, sends the message to everybody `n` times, in one
/// write each; without any runtime.
pub(crate) fn broadcast(listener: &TcpListener, connections: usize, message: &[u8]) {
    let accept = |_| {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_nodelay(true).ok();
        stream
    };
    let mut everybody: Vec<TcpStream> = (0..connections).map(accept).collect();
    let mut times = [0];
    while let Ok(1) = everybody[0].read(&mut times) {
        let bytes = message.repeat(usize::from(times[0]));
        for peer in &mut everybody {
            peer.write_all(&bytes).expect("written");
        }
    }
}

/// Finds the end of a record and copies it: what any decoder must at least do.
pub(crate) fn find_and_copy(input: &[u8], out: &mut Vec<u8>) -> usize {
    let end = memchr::memchr(0x1E, input).unwrap_or(input.len());
    out.clear();
    out.extend_from_slice(&input[..end]);
    end
}
