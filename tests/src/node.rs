//! Tests that are scripts for Node: finding what they need, and running them for a bounded time.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cargo_metadata::Message;
use libtest_mimic::{Failed, Trial};

/// How long one script may take.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The folder of the scripts.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop")
}

/// Makes the scripts ready to run: Node is there, and so are their packages. The error says what
/// is missing.
pub fn prepare() -> Result<(), String> {
    let version = output(Command::new("node").arg("--version")).ok_or("node not found")?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok());
    if major.is_none_or(|major: u32| major < 20) {
        return Err(format!("node 20 needed, {} found", version.trim()));
    }

    // Several test programs may start at the same moment.
    let lock = File::create(std::env::temp_dir().join("interop-npm.lock")).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    let _lock = lock.map_err(|error| format!("no lock: {error}"))?;
    if installed().unwrap_or(false) {
        return Ok(());
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let ci =
        Command::new(npm).args(["ci", "--no-audit", "--no-fund"]).current_dir(folder()).output();
    match ci {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(format!("npm ci failed: {}", String::from_utf8_lossy(&done.stderr).trim())),
        Err(_) => Err("npm not found".to_owned()),
    }
}

/// Whether the packages are at least as new as the lock file.
fn installed() -> io::Result<bool> {
    let locked = fs::metadata(folder().join("package-lock.json"))?.modified()?;
    let installed = fs::metadata(folder().join("node_modules/.package-lock.json"))?.modified()?;
    Ok(installed >= locked)
}

/// A Chromium on the path.
pub fn chromium() -> Result<PathBuf, String> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| "chromium not found".to_owned())
}

/// The names that a script prints as a JSON array when it is asked to `--list`.
pub fn list(script: &str) -> Result<Vec<String>, String> {
    let text = output(Command::new("node").args([script, "--list"]).current_dir(folder()))
        .ok_or_else(|| format!("{script} does not list its cases"))?;
    serde_json::from_str(&text).map_err(|error| format!("{script} --list: {error}"))
}

/// Stands for the tests that cannot run here: ignored with the reason shown, or, where `CI` is
/// set, failed.
pub fn missing(name: &str, reason: String) -> Trial {
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    let kind = reason.lines().next().unwrap_or_default().to_owned();
    Trial::test(name, move || Err(Failed::from(reason))).with_kind(kind).with_ignored_flag(!ci)
}

/// Runs a script in its folder; it fails with what it printed, or when it takes too long.
pub fn run<A: AsRef<OsStr>>(script: &str, arguments: &[A]) -> Result<(), Failed> {
    finish(Command::new("node").arg(script).args(arguments).current_dir(folder()))
}

/// Runs a program to its end; it fails with what it printed, or when it takes too long.
pub fn finish(command: &mut Command) -> Result<(), Failed> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if started.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let printed = [stdout, stderr].map(|thread| thread.join().unwrap_or_default()).concat();
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{status}\n{printed}").into()),
        None => Err(format!("not done within {LIMIT:?}\n{printed}").into()),
    }
}

/// Builds an example like these tests were built, and returns where it is.
pub fn example(package: &str, name: &str) -> Result<PathBuf, String> {
    example_with(package, "", name)
}

/// The same with features of its package.
pub fn example_with(package: &str, features: &str, name: &str) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", package, "--example", name]);
    command.args(["--features", features]);
    command.arg("--message-format=json-render-diagnostics").current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let built = command.output().map_err(|error| format!("cargo: {error}"))?;
    let example = Message::parse_stream(built.stdout.as_slice()).flatten().find_map(|message| {
        let Message::CompilerArtifact(artifact) = message else { return None };
        (artifact.target.name == name).then_some(artifact.executable)?
    });
    let missing = || format!("no example: {}", String::from_utf8_lossy(&built.stderr));
    example.map(Into::into).ok_or_else(missing)
}

fn drain(source: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut source) = source {
            source.read_to_end(&mut bytes).ok();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn output(command: &mut Command) -> Option<String> {
    let done = command.stdin(Stdio::null()).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).into_owned())
}

/// A server in its own process. It ends when its standard input does, hence with the test program.
#[derive(Debug)]
pub struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    urls: Vec<String>,
}

impl Server {
    /// Starts a server that prints `Listening on URL`.
    pub fn start(command: &mut Command) -> Result<Self, Failed> {
        Self::start_with(command, &["Listening on "])
    }

    /// Starts a server that prints lines with these words before its URLs.
    pub fn start_with(command: &mut Command, words: &[&str]) -> Result<Self, Failed> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let mut server = Self { child, stdin, urls: Vec::new() };
        let mut stdout = server.child.stdout.take().map(BufReader::new);
        for words in words {
            let mut line = String::new();
            if let Some(stdout) = &mut stdout {
                stdout.read_line(&mut line)?;
            }
            let url = line.trim().strip_prefix(words);
            let url = url.ok_or_else(|| format!("the server printed {line:?}"))?;
            server.urls.push(url.to_owned());
        }
        Ok(server)
    }

    /// Ends a server that does not end by itself.
    pub fn kill(&mut self) {
        self.child.kill().ok();
    }

    /// Where it listens, as in `http://127.0.0.1:5000`.
    pub fn url(&self) -> &str {
        self.urls.first().map_or("", |url| url)
    }

    /// The same, of each place where it listens, as it printed them.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let started = Instant::now();
        while matches!(self.child.try_wait(), Ok(None))
            && started.elapsed() < Duration::from_secs(6)
        {
            thread::sleep(Duration::from_millis(10));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
