//! The server's process: started by the load generator, on a core of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server; it is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts this program again as a server of that kind.
    pub(crate) fn start(kind: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args(["serve", kind])
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the server prints its address");
        let address = line.trim().parse().expect("an address");
        Self { child, address }
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> u64 {
        resident(self.child.id())
    }

    /// How long its threads have run, in the kernel too.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let nanos = tasks.expect("threads are told in /proc").flatten().map(|task| {
            let stat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            stat.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or_default()
        });
        Duration::from_nanos(nanos.sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Resident memory of a process in bytes.
pub(crate) fn resident(process: u32) -> u64 {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(path).expect("memory is told in /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.expect("VmRSS in kB") * 1024
}

/// How long all that this process has started and waited for has run, with what that has started; in steps of
/// 10 ms.
pub(crate) fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("times are told in /proc");
    // Behind the name, which may hold anything: `cutime` and `cstime`, in hundredths of a second.
    let numbers = stat.rsplit_once(')').map_or("", |(_, numbers)| numbers).split_whitespace();
    let ticks = numbers.skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// Starts this program again and takes the figure that it prints.
pub(crate) fn figure(kind: &str) -> f64 {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program).args(["serve", kind]).output().expect("it can be started");
    let text = String::from_utf8(output.stdout).expect("a figure is text");
    text.trim().parse().expect("a figure")
}

/// Keeps this process on one core: the server on the first, the load generator on the last.
pub(crate) fn pin(server: bool) {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let core = if server { cores.first() } else { cores.last() };
    if let Some(core) = core {
        core_affinity::set_for_current(*core);
    }
}
