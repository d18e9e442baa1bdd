//! The least that a machine must do: raw TCP, the same bytes, no protocol.
//!
//! A floor is the fastest variant known: one thread, no delay, 64 KiB reads, one write for each read;
//! for a broadcast, finished bytes tried on each socket in turn.

use std::cell::RefCell;
use std::rc::Rc;

use smol::Async;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Echoes bytes.
pub(crate) async fn echo(listener: TcpListener) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        tokio::task::spawn_local(async move {
            let mut buffer = vec![0; 64 * 1024];
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

/// The same on async-io, which smol and async-std run on.
pub(crate) async fn echo_on_async_io(listener: Async<std::net::TcpListener>) {
    let executor = smol::LocalExecutor::new();
    let accept = async {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { continue };
            stream.get_ref().set_nodelay(true).ok();
            executor
                .spawn(async move {
                    let mut buffer = vec![0; 64 * 1024];
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

/// Every byte that comes in, `n`, sends the message to everybody `n` times, in one write each.
pub(crate) async fn broadcast(listener: TcpListener, message: Vec<u8>) {
    let everybody: Rc<RefCell<Vec<Rc<TcpStream>>>> = Rc::default();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let stream = Rc::new(stream);
        everybody.borrow_mut().push(Rc::clone(&stream));
        let (everybody, message) = (Rc::clone(&everybody), message.clone());
        tokio::task::spawn_local(async move {
            let mut buffer = [0; 64];
            loop {
                if stream.readable().await.is_err() {
                    return;
                }
                match stream.try_read(&mut buffer) {
                    Ok(0) => return,
                    Ok(count) => {
                        for &times in &buffer[..count] {
                            let bytes = message.repeat(usize::from(times));
                            for peer in everybody.borrow().iter() {
                                // A socket that does not take it all would make the floor a lie.
                                assert_eq!(peer.try_write(&bytes).ok(), Some(bytes.len()));
                            }
                        }
                    }
                    Err(_) => {}
                }
            }
        });
    }
}

/// Finds the end of a record and copies it: what any decoder must at least do.
pub(crate) fn find_and_copy(input: &[u8], out: &mut Vec<u8>) -> usize {
    let end = memchr::memchr(0x1E, input).unwrap_or(input.len());
    out.clear();
    out.extend_from_slice(&input[..end]);
    end
}
