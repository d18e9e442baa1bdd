//! Tests that are scripts for Python: a virtual environment with the packages that they need.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::node;

/// Makes scripts ready to run, with a file of requirements installed into an environment of that
/// name below `folder` unless it is there already. Returns its interpreter; the error says what is
/// missing.
pub fn prepare(folder: &Path, name: &str, requirements: &str) -> Result<PathBuf, String> {
    let environment = folder.join(name);
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let requirements = node::folder().join(requirements);
    let wanted = fs::read(&requirements).map_err(|error| error.to_string())?;
    // The program may start several times at the same moment.
    let lock = File::create(folder.join(format!("{name}.lock"))).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    let _lock = lock.map_err(|error| format!("no lock: {error}"))?;
    // Written last, so that an environment that is not complete is made again.
    let installed = environment.join("installed.txt");
    if fs::read(&installed).is_ok_and(|there| there == wanted) {
        return Ok(python);
    }
    let system = if cfg!(windows) { "python" } else { "python3" };
    run(Command::new(system).args(["-m", "venv", "--clear"]).arg(&environment))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run(pip.arg(&requirements))?;
    fs::write(&installed, wanted).map_err(|error| error.to_string())?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.stdin(Stdio::null()).output();
    let done = done.map_err(|_| format!("{program} not found"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = [done.stdout, done.stderr].concat();
    Err(format!("{program} failed: {}", String::from_utf8_lossy(&said).trim()))
}
