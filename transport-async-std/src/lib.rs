//! Will serve SignalR hubs on smol, and on async-std as a feature.
//!
//! Nothing is here yet: the sockets, timers and tasks of these runtimes will come as one more
//! implementation of `hub-async`'s `Runtime` and `Socket`, as `transport-tokio` is one. Until then
//! `transport-tokio` is the only adapter.
