//! One thread, virtual time, and everything that runs in it.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hub_async::server::Transport;
use hub_async::{Runtime, Socket, Task};
use hyper::rt::Timer;
use hyper::upgrade::Upgraded;

use crate::clock::{VirtualClock, VirtualSleep};
use crate::net::{MemoryListener, Net};
use crate::pipe::Pipe;
use crate::task::{Slot, Spawned};

/// A runtime of one thread in virtual time, with addresses of its own to listen at and to connect to. A
/// clone is the same one.
///
/// Tasks run in the order in which they were woken. When none can run, time goes straight to the next
/// timer.
#[derive(Clone)]
pub struct World {
    clock: VirtualClock,
    ready: Arc<Ready>,
    settling: Arc<Settling>,
    running: Arc<AtomicBool>,
    net: Net,
}

/// Those who wait until nobody else can run.
type Settling = Mutex<VecDeque<Arc<Slot<()>>>>;

/// Tasks that can run, in the order in which they were woken.
#[derive(Default)]
struct Ready(Mutex<VecDeque<Arc<Runnable>>>);

struct Runnable {
    /// Empty while it runs and once it is done.
    task: Mutex<Option<Task>>,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for Runnable {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            let ready = Arc::clone(&self.ready);
            ready.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(self);
        }
    }
}

/// Whether the future given to [`World::run`] was woken.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// How often a world that has settled may be asked to settle before that is taken for a loop.
const IN_VAIN: u32 = 1_000_000;

/// That a world runs, until this is dropped.
struct Running<'a>(&'a AtomicBool);

impl<'a> Running<'a> {
    #[track_caller]
    fn new(running: &'a AtomicBool) -> Self {
        assert!(!running.swap(true, Ordering::AcqRel), "the world runs already: await it instead");
        Self(running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl World {
    /// A world in which nothing has happened.
    pub fn new() -> Self {
        Self {
            clock: VirtualClock::new(),
            ready: Arc::default(),
            settling: Arc::default(),
            running: Arc::default(),
            net: Net::default(),
        }
    }

    /// Runs a future to its end, and everything that is spawned meanwhile. What is not done by then
    /// stays, for the next run.
    ///
    /// # Panics
    ///
    /// When nothing can run and nobody waits for time: then the future would wait for ever. When the world runs
    /// already: what is awaited inside needs no other run. When the future [settles](Self::settle) a million times
    /// though nothing happens: then it does not let the time pass that it waits for.
    #[track_caller]
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let _running = Running::new(&self.running);
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut settled = 0;
        loop {
            if woken.0.swap(false, Ordering::AcqRel)
                && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return output;
            }
            if self.step() {
                settled = 0;
            } else if !woken.0.load(Ordering::Acquire) {
                if self.wake_settled() {
                    settled += 1;
                    assert!(settled < IN_VAIN, "everything has settled, and no time can pass");
                } else {
                    settled = 0;
                    let passed = self.clock.advance();
                    assert!(
                        passed,
                        "everybody waits, and not for time: what is awaited never comes"
                    );
                }
            }
        }
    }

    /// Runs one task that can run; false when there is none.
    fn step(&self) -> bool {
        let next = self.ready.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(runnable) = next else { return false };
        runnable.queued.store(false, Ordering::Release);
        let task = runnable.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut task) = task {
            let waker = Waker::from(Arc::clone(&runnable));
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                *runnable.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
            }
        }
        true
    }

    /// Tells one of those who wait for it that nobody can run; false when nobody waits for that. One, because
    /// what it does next has to settle for the others.
    fn wake_settled(&self) -> bool {
        let settled = self.settling.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        settled.map(|slot| slot.fill(())).is_some()
    }

    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Waits for virtual time.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + use<> {
        self.clock.sleep(time)
    }

    pub(crate) fn sleep_until(&self, until: Instant) -> VirtualSleep {
        self.clock.sleep_until(until)
    }

    /// Lets time pass while the caller computes, and nobody else runs.
    pub fn spend(&self, time: Duration) {
        self.clock.pass(time);
    }

    /// Waits for a future, but no longer than `time`; then it is dropped, and there is no output.
    pub async fn within<F: Future>(&self, time: Duration, future: F) -> Option<F::Output> {
        let (mut future, mut sleep) = (pin!(future), pin!(self.sleep(time)));
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    /// Runs a future as a task of its own, which can be waited for.
    pub fn spawn<F>(&self, future: F) -> Spawned<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (spawned, slot) = Spawned::new();
        Runtime::spawn(self, Box::pin(async move { slot.fill(future.await) }));
        spawned
    }

    /// Lets everybody else do all that they can do without time passing: until nobody can run.
    pub async fn settle(&self) {
        let (settled, slot) = Spawned::new();
        self.settling.lock().unwrap_or_else(PoisonError::into_inner).push_back(slot);
        settled.await;
    }

    /// Lets so much time pass, through every timer on the way in its order, and everything
    /// [settle](Self::settle).
    pub async fn advance(&self, time: Duration) {
        self.sleep(time).await;
        self.settle().await;
    }

    /// Lets everybody who can run now have one turn; [`settle`](Self::settle) waits for what follows, too.
    pub async fn yield_now(&self) {
        let mut yielded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Connects to whoever listens at an address of this world; refused where nobody does.
    pub fn connect(&self, address: SocketAddr) -> io::Result<Pipe> {
        self.net.connect(address)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime for World {
    fn spawn(&self, task: Task) {
        let task = Mutex::new(Some(task));
        let ready = Arc::clone(&self.ready);
        Arc::new(Runnable { task, queued: AtomicBool::new(false), ready }).wake();
    }

    fn timer(&self) -> Arc<dyn Timer + Send + Sync> {
        Arc::new(self.clock.clone())
    }

    fn open(&self, upgraded: Upgraded) -> Result<(Arc<dyn Socket>, Bytes), Upgraded> {
        let parts = upgraded.downcast::<Pipe>()?;
        Ok((Arc::new(parts.io), parts.read_buf))
    }
}

impl Transport for World {
    type Listener = MemoryListener;

    async fn bind(&self, address: SocketAddr) -> io::Result<MemoryListener> {
        self.net.listen(address)
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, IoSlice};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;

    use hub_async::server::Listener;

    use super::*;
    use crate::pipe;

    #[test]
    fn time_goes_straight_to_whoever_waits_least() {
        let world = World::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        for seconds in [3, 1, 2] {
            let (sleep, seen) = (world.sleep(Duration::from_secs(seconds)), Arc::clone(&seen));
            drop(world.spawn(async move {
                sleep.await;
                seen.lock().unwrap().push(seconds);
            }));
        }
        world.run(world.sleep(Duration::from_millis(2500)));
        assert_eq!(*seen.lock().unwrap(), [1, 2]);
    }

    #[test]
    #[should_panic(expected = "everybody waits, and not for time")]
    fn waiting_for_ever_is_an_error() {
        World::new().run(std::future::pending::<()>());
    }

    #[test]
    #[should_panic(expected = "everything has settled, and no time can pass")]
    fn settling_for_ever_is_an_error() {
        let world = World::new();
        world.run(async {
            loop {
                world.settle().await;
            }
        });
    }

    #[test]
    #[should_panic(expected = "the world runs already")]
    fn a_run_inside_a_run_is_an_error() {
        let world = World::new();
        world.run(async { world.run(async {}) });
    }

    #[test]
    fn a_world_runs_again_when_a_test_of_it_has_failed() {
        let world = World::new();
        let failed =
            catch_unwind(AssertUnwindSafe(|| world.run(async { panic!("the test fails") })));
        assert!(failed.is_err());
        assert_eq!(world.run(async { 1 }), 1);
    }

    #[test]
    fn tasks_are_waited_for_but_not_for_ever() {
        let world = World::new();
        let task = world.spawn({
            let sleep = world.sleep(Duration::from_secs(3));
            async move {
                sleep.await;
                "done"
            }
        });
        let second = Duration::from_secs(1);
        world.run(async {
            assert_eq!(world.within(second, std::future::pending::<()>()).await, None);
            assert!(!task.is_finished());
            assert_eq!(world.within(3 * second, task).await, Some("done"));
            assert_eq!(world.within(second, world.yield_now()).await, Some(()));
        });
    }

    #[test]
    fn settling_waits_for_everything_but_time() {
        let world = World::new();
        let turns = Arc::new(Mutex::new(0));
        let task = world.spawn({
            let (world, turns) = (world.clone(), Arc::clone(&turns));
            async move {
                for _ in 0..100 {
                    world.yield_now().await;
                    *turns.lock().unwrap() += 1;
                }
                world.sleep(Duration::from_nanos(1)).await;
            }
        });
        world.run(async {
            let start = world.now();
            world.settle().await;
            assert_eq!(*turns.lock().unwrap(), 100);
            assert_eq!(world.now(), start);
            assert!(!task.is_finished());
            task.await;
            world.settle().await;
            assert_eq!(world.now() - start, Duration::from_nanos(1));
        });
    }

    #[test]
    fn two_who_settle_wait_for_each_other() {
        let world = World::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let settler = |name: &'static str| {
            let (world, seen) = (world.clone(), Arc::clone(&seen));
            async move {
                world.settle().await;
                let seen_later = Arc::clone(&seen);
                drop(world.spawn(async move { seen_later.lock().unwrap().push("follows") }));
                seen.lock().unwrap().push(name);
            }
        };
        let tasks = [world.spawn(settler("first")), world.spawn(settler("second"))];
        world.run(async {
            for task in tasks {
                task.await;
            }
            world.settle().await;
        });
        assert_eq!(*seen.lock().unwrap(), ["first", "follows", "second", "follows"]);
    }

    #[test]
    fn advancing_goes_through_every_timer_and_lets_all_that_is_due_be_done() {
        let world = World::new();
        let ticks = Arc::new(Mutex::new(Vec::new()));
        let start = world.now();
        drop(world.spawn({
            let (world, ticks) = (world.clone(), Arc::clone(&ticks));
            async move {
                loop {
                    world.sleep(Duration::from_secs(1)).await;
                    world.yield_now().await;
                    ticks.lock().unwrap().push((world.now() - start).as_secs());
                }
            }
        }));
        world.run(async {
            world.advance(Duration::from_secs(3)).await;
            assert_eq!(*ticks.lock().unwrap(), [1, 2, 3]);
            assert_eq!(world.now() - start, Duration::from_secs(3));
            world.advance(Duration::ZERO).await;
            assert_eq!(*ticks.lock().unwrap(), [1, 2, 3]);
        });
    }

    #[test]
    fn an_address_is_taken_once_and_free_again_when_its_listener_is_gone() {
        let world = World::new();
        world.run(async {
            let any = "127.0.0.1:0".parse().unwrap();
            let listener = world.bind(any).await.unwrap();
            let address = listener.local_addr().unwrap();
            let taken = world.bind(address).await.map(drop).unwrap_err();
            assert_eq!(taken.kind(), ErrorKind::AddrInUse);
            let near = world.connect(address).unwrap();
            let (far, _) = listener.accept().await.unwrap();
            assert_eq!(near.try_write(&[IoSlice::new(b"hi")]).unwrap(), 2);
            let mut buffer = [0; 8];
            assert_eq!(far.try_read(&mut buffer).unwrap(), 2);
            drop(listener);
            assert_eq!(world.connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
            assert!(world.bind(address).await.is_ok());
        });
    }

    #[test]
    fn a_pipe_holds_so_much_and_ends_in_order() {
        let (near, far) = pipe(4);
        assert_eq!(near.try_write(&[IoSlice::new(b"ab"), IoSlice::new(b"cde")]).unwrap(), 4);
        assert_eq!(
            near.try_write(&[IoSlice::new(b"e")]).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        let mut buffer = [0; 8];
        assert_eq!(far.try_read(&mut buffer).unwrap(), 4);
        assert_eq!(far.try_read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        near.shutdown();
        assert_eq!(far.try_read(&mut buffer).unwrap(), 0);
        drop(near);
        assert_eq!(far.try_write(&[IoSlice::new(b"x")]).unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
