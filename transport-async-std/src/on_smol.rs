//! Hubs on smol.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Weak};

use async_io::Async;
use bytes::Bytes;
use hub_async::server::Transport;
use hub_async::{Runtime, Socket, Task};
use hyper::rt::Timer;
use hyper::upgrade::Upgraded;

use crate::listen::AsyncListener;
use crate::runtime;

/// Runs hubs on smol's global executor, or on one of your own.
///
/// The global one runs on threads of its own, as many as `SMOL_THREADS` says, one by default.
#[derive(Clone, Debug, Default)]
pub struct SmolRuntime {
    /// The executor holds its tasks, and they this: it must not hold the executor.
    executor: Option<Weak<smol::Executor<'static>>>,
}

impl SmolRuntime {
    /// Runs hubs on that executor, wherever it is run. Once it is dropped, all connections are.
    ///
    /// ```no_run
    /// use std::sync::{Arc, Weak};
    /// use hub_async::Hub;
    /// use hub_async::server::Server;
    /// use transport_async_std::SmolRuntime;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let executor = Arc::new(smol::Executor::new());
    /// let server = Server::on(SmolRuntime::on(&executor));
    /// let server = server.hub("/hub", Hub::builder().build()?);
    /// // Everything on this one thread.
    /// smol::block_on(executor.run(server.serve("127.0.0.1:5000")))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on(executor: &Arc<smol::Executor<'static>>) -> Self {
        Self { executor: Some(Arc::downgrade(executor)) }
    }
}

impl Runtime for SmolRuntime {
    fn spawn(&self, task: Task) {
        match self.executor.as_ref().map(Weak::upgrade) {
            None => smol::spawn(task).detach(),
            Some(Some(executor)) => executor.spawn(task).detach(),
            Some(None) => drop(task),
        }
    }

    fn timer(&self) -> Arc<dyn Timer + Send + Sync> {
        runtime::timer()
    }

    fn open(&self, upgraded: Upgraded) -> Result<(Arc<dyn Socket>, Bytes), Upgraded> {
        runtime::open(upgraded)
    }
}

impl Transport for SmolRuntime {
    type Listener = AsyncListener;

    async fn bind(&self, address: SocketAddr) -> io::Result<AsyncListener> {
        Async::<TcpListener>::bind(address).map(AsyncListener::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executor_that_is_dropped_takes_its_tasks_along() {
        let executor = Arc::new(smol::Executor::new());
        let runtime = SmolRuntime::on(&executor);
        let (held, task_of) = (Arc::new(()), runtime.clone());
        let task = {
            let held = Arc::clone(&held);
            async move {
                let _both = (held, task_of);
                std::future::pending::<()>().await;
            }
        };
        runtime.spawn(Box::pin(task));
        executor.try_tick();
        assert_eq!(Arc::strong_count(&held), 2);
        drop(executor);
        assert_eq!(Arc::strong_count(&held), 1);
        // Too late, but no harm.
        let late = Arc::clone(&held);
        runtime.spawn(Box::pin(async move { drop(late) }));
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
