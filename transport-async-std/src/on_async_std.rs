//! Hubs on async-std.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use async_io::Async;
use bytes::Bytes;
use hub_async::server::Transport;
use hub_async::{Runtime, Socket, Task};
use hyper::rt::Timer;
use hyper::upgrade::Upgraded;

use crate::listen::AsyncListener;
use crate::runtime;

/// Runs hubs on async-std's global executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStdRuntime;

impl Runtime for AsyncStdRuntime {
    fn spawn(&self, task: Task) {
        // A task of async-std's runs on when its handle is dropped.
        drop(async_std::task::spawn(task));
    }

    fn timer(&self) -> Arc<dyn Timer + Send + Sync> {
        runtime::timer()
    }

    fn open(&self, upgraded: Upgraded) -> Result<(Arc<dyn Socket>, Bytes), Upgraded> {
        runtime::open(upgraded)
    }
}

impl Transport for AsyncStdRuntime {
    type Listener = AsyncListener;

    async fn bind(&self, address: SocketAddr) -> io::Result<AsyncListener> {
        Async::<TcpListener>::bind(address).map(AsyncListener::from)
    }
}
